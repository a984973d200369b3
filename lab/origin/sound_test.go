// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"

	"causey/lab/client"
	"causey/lab/origin"
)

// What is marked Sound has to be so in the eyes of a parser that is not ours.
func TestSoundModesAreSound(t *testing.T) {
	s := start(t, origin.Options{})
	for _, m := range origin.Modes() {
		if !m.Sound {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			path := "/lab/" + m.Name
			if m.Name == "trickle" {
				path += "?every=1ms"
			}
			r := client.RawUntil(t.Context(), target(s), get(path), client.Responses("GET"))
			if r.End != client.Satisfied && r.End != client.PeerFIN {
				t.Fatalf("%s, %v after %.200q", r.End, r.Err, r.Received)
			}
			in := bufio.NewReader(bytes.NewReader(r.Received))
			for interim := true; interim; {
				resp, err := http.ReadResponse(in, &http.Request{Method: "GET"})
				if err != nil {
					t.Fatalf("%v in %.200q", err, r.Received)
				}
				interim = resp.StatusCode < 200
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Errorf("body: %v", err)
				}
			}
			if n := in.Buffered(); n > 0 {
				t.Errorf("%d bytes more than one answer", n)
			}
		})
	}
}
