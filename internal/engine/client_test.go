// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/guard"
	"causey/internal/record"
)

// brokenGuard has a bug.
type brokenGuard struct{ guard.Open }

// AfterRoute implements exchange.Guard.
func (brokenGuard) AfterRoute(*exchange.Exchange) exchange.Verdict { panic("a bug of the test's own") }

// A bug in one exchange is answered and recorded, ends its connection, and touches
// no other.
func TestBugEndsItsConnectionOnly(t *testing.T) {
	var bugs atomic.Int64
	r := newRig(t, origin(t, hello), func(s *setup) {
		s.guard = brokenGuard{}
		s.bug = func(any) { bugs.Add(1) }
	})
	for range 3 {
		p := r.dial()
		if head, _ := p.get(); status(head) != 500 || !strings.Contains(head, "Connection: close") {
			t.Errorf("%q", head)
		}
		if err := p.ended(); err != nil {
			t.Error(err)
		}
	}
	if rec := r.one(); rec.Failure.Kind != failure.Bug || rec.Failure.Party != failure.Gateway {
		t.Errorf("%v", rec.Failure)
	}
	if bugs.Load() != 3 {
		t.Errorf("%d bugs told", bugs.Load())
	}
}

// Nothing of one exchange is left for the next on the same connection: framing,
// early answers, interim answers, bodies with and without length, in any order.
func TestNothingIsLeftBetweenExchanges(t *testing.T) {
	r := newRig(t, origin(t, func(p *peer) {
		for {
			head, err := p.head()
			if err != nil {
				return
			}
			body := make([]byte, lengthOf(head))
			if strings.Contains(head, "chunked") {
				for line := ""; line != "0\r\n"; {
					if line, err = p.in.ReadString('\n'); err != nil {
						return
					}
				}
				p.in.ReadString('\n')
			} else {
				io.ReadFull(p.in, body)
			}
			switch path := strings.Fields(head)[1]; path {
			case "/none":
				p.send("HTTP/1.1 204 No Content\r\n\r\n")
			case "/head":
				p.send("HTTP/1.1 200 OK\r\nContent-Length: 7777\r\n\r\n")
			case "/unmodified":
				p.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7777\r\n\r\n")
			case "/chunks":
				p.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: t\r\n\r\n")
			case "/interim":
				p.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + smallAnswer)
			default:
				p.send(smallAnswer)
			}
		}
	}), nil)
	type turn struct{ ask, want string }
	turns := []turn{
		{"GET /length HTTP/1.1\r\nHost: a\r\n\r\n", "hello"},
		{"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"GET /unmodified HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n", "3\r\nabc\r\n0\r\n"},
		{"GET /interim HTTP/1.1\r\nHost: a\r\n\r\n", "hello"},
		{"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", "hello"},
		{"POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nabcd\r\n0\r\n\r\n", "hello"},
		{"\r\nGET /length HTTP/1.1\r\nHost: a\r\n\r\n", "hello"},
	}
	p := r.dial()
	read := func(tn turn) {
		t.Helper()
		head, err := p.head()
		for err == nil && status(head) < 200 {
			head, err = p.head()
		}
		if err != nil || status(head) >= 400 {
			t.Fatalf("%q: %q, %v", tn.ask, head, err)
		}
		b := make([]byte, len(tn.want))
		if _, err := io.ReadFull(p.in, b); err != nil || string(b) != tn.want {
			t.Fatalf("%q: body %q, %v", tn.ask, b, err)
		}
		if strings.Contains(tn.ask, "chunks") {
			p.head() // trailers
		}
	}
	for i := range turns { // each behind each, one by one
		for j := range turns {
			for _, tn := range []turn{turns[i], turns[j]} {
				p.send(tn.ask)
				read(tn)
			}
		}
	}
	var all strings.Builder // and all at once
	for _, tn := range turns {
		all.WriteString(tn.ask)
	}
	p.send(all.String())
	for _, tn := range turns {
		read(tn)
	}
	n := uint32(2*len(turns)*len(turns) + len(turns))
	rec := r.record(func(rec *record.Record) bool { return rec.Exchanges == n })
	if !rec.Failure.IsNone() {
		t.Errorf("%v", rec.Failure)
	}
}

// A client is slow while the rest of its request is waited for, head or body.
func TestSlowClients(t *testing.T) {
	r := newRig(t, origin(t, func(p *peer) {
		p.head()
		io.CopyN(io.Discard, p.in, 10)
		p.send("HTTP/1.1 204 No Content\r\n\r\n")
	}), nil)
	slow := func() int { return r.eng.SlowClients(time.Millisecond) }
	p := r.dial()
	p.send("POST / HTTP/1.1\r\nHost: site")
	eventually(t, "half a head is slow", func() bool { return slow() == 1 })
	if n := r.eng.SlowClients(time.Minute); n != 0 {
		t.Errorf("%d have been slow for a minute", n)
	}
	p.send(".example\r\nContent-Length: 10\r\n\r\nhalf.")
	eventually(t, "half a body is slow", func() bool { return slow() == 1 })
	p.send("whole")
	eventually(t, "a request that is whole is not", func() bool { return slow() == 0 && r.eng.Counts().Active == 0 })
}
