// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"causey/internal/record"
)

// An answer that was sent whole can be read whole, even where the client sent what
// nobody will read: the kernel resets a connection that is closed with bytes in
// its receive queue, and a reset destroys what is still on the way (RFC 9112
// section 9.6).
func TestAnswerSurvivesBytesThatNobodyReads(t *testing.T) {
	const size = 100 << 10
	for name, c := range map[string]struct{ first, then string }{
		"behind the last request":   {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /more HTTP/1.1\r\nHost: a\r\n\r\n"},
		"with the last request":     {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /more HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		"the rest of the body":      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n", strings.Repeat("x", 9000)},
		"a body and more behind it": {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nxx", "yy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, more := make(chan struct{}), make(chan struct{})
			r := newRig(t, origin(t, func(p *peer) {
				p.head()
				close(asked)
				<-more
				p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
				p.send(strings.Repeat("x", size))
				p.ended()
			}), nil)
			p := r.dial()
			p.send(c.first)
			<-asked
			p.send(c.then)
			close(more)
			if rec := r.one(); rec.Outcome != record.Relayed {
				t.Fatalf("%v, %v", rec.Outcome, rec.Failure)
			}
			p.head()
			b, err := io.ReadAll(p.in)
			if len(b) != size || err != nil {
				t.Errorf("%d bytes of %d, %v", len(b), size, err)
			}
		})
	}
}

// The lingering close ends by itself: neither silence nor a flood keeps it.
func TestLingeringCloseIsBounded(t *testing.T) {
	for name, flood := range map[string]bool{"silence": false, "flood": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, func(p *peer) {
				p.head()
				p.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				p.ended()
			}), nil)
			p := r.dial()
			p.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
			if head, err := p.head(); status(head) != 413 || err != nil {
				t.Errorf("%q, %v", head, err)
			}
			if err := p.ended(); err != nil {
				t.Errorf("no FIN behind the answer: %v", err)
			}
			if flood {
				go func() {
					for p.send(strings.Repeat("x", 64<<10)) == nil {
					}
				}()
			}
			eventually(t, "the end of the connection", func() bool { return r.eng.clients.Load() == 0 })
		})
	}
}
