// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"errors"
	"strings"
	"testing"
)

const goodAnswer = "HTTP/1.1 200 OK\r\nServer: x\r\nContent-length: 5\r\nConnection: Close\r\n\r\nhello"

// Two answers in a row, cut at every place.
func TestAnswersAtEverySplit(t *testing.T) {
	for cut := range len(goodAnswer) {
		var a answer
		for range 2 {
			a.next()
			if cut > 0 {
				if done, err := a.feed([]byte(goodAnswer[:cut])); done || err != nil {
					t.Fatalf("after %q: %v, %v", goodAnswer[:cut], done, err)
				}
			}
			if done, err := a.feed([]byte(goodAnswer[cut:])); !done || err != nil || !a.closes {
				t.Fatalf("cut at %d: %v, %v, closes %v", cut, done, err, a.closes)
			}
		}
	}
}

func TestEmptyBodyEndsWithTheHead(t *testing.T) {
	var a answer
	if done, err := a.feed([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")); !done || err != nil || a.closes {
		t.Errorf("%v, %v, closes %v", done, err, a.closes)
	}
}

// I3
func TestOtherAnswersAreErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		is   error
	}{
		"status":     {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", nil},
		"version":    {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", nil},
		"no length":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errNoLength},
		"bad length": {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", nil},
		"trailing":   {goodAnswer + "x", errTrailing},
		"endless":    {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", headLimitBytes), errLongHead},
	} {
		var a answer
		done, err := a.feed([]byte(c.text))
		if err == nil || done || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, %v", name, done, err)
		}
	}
}
