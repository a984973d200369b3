// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"io"
	"strings"
	"testing"

	"causey/internal/record"
)

// The time for the answer's head is over when the head is here, also where the
// request ends after that: an event stream stays silent as long as it likes.
func TestUploadThatEndsBehindTheAnswersHeadSetsNoDeadline(t *testing.T) {
	quiet := make(chan struct{})
	r := newRig(t, origin(t, func(p *peer) {
		p.head()
		p.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
		io.ReadFull(p.in, make([]byte, 10))
		<-quiet
		p.send("data: late\n\n")
	}), func(s *setup) { s.route.Timeouts.AwaitHead = 2 * tick })
	p := r.dial()
	p.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst")
	if head, err := p.head(); status(head) != 200 {
		t.Fatalf("%q, %v", head, err)
	}
	p.send("later")
	settled(t, r, 6)
	close(quiet)
	b, err := io.ReadAll(p.in)
	if rec := r.one(); rec.Outcome != record.Relayed || !strings.Contains(string(b), "data: late") {
		t.Errorf("%v, %v; the client has %q, %v", rec.Outcome, rec.Failure, b, err)
	}
}
