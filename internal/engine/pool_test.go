// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"sync"
	"testing"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// idleConns returns how many connections lie idle in the only pool.
func (r *rig) idleConns() int { return r.member().idle.Len() }

// noticed waits until the engine's end of the only idle connection has seen what
// its server did.
func (r *rig) noticed() {
	r.t.Helper()
	eventually(r.t, "the server's doing on the idle connection", func() bool {
		seen := false
		r.member().idle.Sweep(func(u *upConn) bool {
			seen = !u.usable()
			return false
		})
		return seen || r.idleConns() == 0
	})
}

// I3: whatever happened to an idle connection is found before it is used, and the
// request goes out on another one at its first attempt.
func TestIdleConnectionThatIsNotCleanIsNotUsed(t *testing.T) {
	for name, then := range map[string]func(*peer){
		"closed":         (*peer).closeWrite,
		"reset":          (*peer).reset,
		"bytes":          func(p *peer) { p.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n") },
		"bytes and gone": func(p *peer) { p.send("x"); p.closeWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			act := make(chan struct{})
			var once sync.Once
			r := newRig(t, origin(t, func(p *peer) {
				p.head()
				p.send(smallAnswer)
				first := false
				once.Do(func() { first = true })
				if first {
					<-act
					then(p)
				}
				p.ended()
			}), nil)
			p := r.dial()
			p.get()
			eventually(t, "the connection in the pool", func() bool { return r.idleConns() == 1 })
			close(act)
			r.noticed()
			if head, body := p.get(); status(head) != 200 || body != "hello" {
				t.Errorf("%q %q", head, body)
			}
			for _, rec := range r.drained() {
				if a := rec.Attempts[0]; rec.AttemptLen != 1 || a.Reused || a.RequestNumber != 1 {
					t.Errorf("%d attempts, reused %v", rec.AttemptLen, a.Reused)
				}
			}
		})
	}
}

// I3: bytes behind an answer end its connection, and the record tells of them.
func TestBytesBehindAnAnswerEndItsConnection(t *testing.T) {
	for name, answer := range map[string]string{
		"a second answer":        smallAnswer + smallAnswer,
		"a longer body":          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world",
		"a body where none is":   "HTTP/1.1 304 Not Modified\r\n\r\nhello",
		"behind the last chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nx",
		"the body of an interim": "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, func(p *peer) {
				p.head()
				p.send(answer)
				p.ended()
			}), nil)
			p := r.dial()
			for range 2 {
				p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				if head, err := p.head(); err != nil || status(head) >= 400 {
					t.Fatalf("%q, %v", head, err)
				}
				// The next head is no part of this answer.
				if !strings.Contains(answer, "chunked") {
					if strings.HasPrefix(answer, "HTTP/1.1 200") {
						p.in.Discard(5)
					}
				} else {
					p.in.Discard(len("5\r\nhello\r\n0\r\n\r\n"))
				}
			}
			eventually(t, "two records", func() bool { return len(r.drained()) == 2 })
			for _, rec := range r.drained() {
				want := failure.Code{Party: failure.Upstream, Phase: phase.RelayBody, Kind: failure.Excess}
				if rec.Failure != want || rec.Outcome != record.Relayed || rec.Attempts[0].Reused {
					t.Errorf("%v, %v, reused %v", rec.Outcome, rec.Failure, rec.Attempts[0].Reused)
				}
			}
			if n := r.idleConns(); n != 0 {
				t.Errorf("%d idle connections", n)
			}
		})
	}
}

// A connection that dies in the moment of its use costs a safe request nothing.
func TestConnectionThatDiesInUseIsTriedAgain(t *testing.T) {
	for name, die := range map[string]func(*peer){"closed": func(p *peer) { p.Close() }, "reset": (*peer).reset} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, func(p *peer) {
				for n := 0; ; n++ {
					if _, err := p.head(); err != nil {
						return
					}
					if n == 1 {
						die(p)
						return
					}
					p.send(smallAnswer)
				}
			}), nil)
			p := r.dial()
			for range 5 {
				if head, body := p.get(); status(head) != 200 || body != "hello" {
					t.Fatalf("%q %q", head, body)
				}
			}
			again := 0
			for _, rec := range r.drained() {
				if rec.AttemptLen == 2 {
					again++
					if a := rec.Attempts; !a[0].Reused || a[0].Failure.IsNone() || a[1].Reused {
						t.Errorf("attempts %+v", a[:2])
					}
				}
			}
			if again == 0 {
				t.Error("no connection died in use")
			}
		})
	}
}

func TestPoolKeepsToItsOptions(t *testing.T) {
	t.Run("max_requests", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, origin(t, hello), func(s *setup) { s.group.MaxRequests = 3 })
		p := r.dial()
		for range 7 {
			p.get()
		}
		for i, rec := range r.drained() {
			if got, want := rec.Attempts[0].RequestNumber, uint32(i%3+1); got != want {
				t.Errorf("exchange %d was number %d on its connection, want %d", i, got, want)
			}
		}
	})
	t.Run("max_idle", func(t *testing.T) {
		t.Parallel()
		all := make(chan struct{})
		r := newRig(t, origin(t, func(p *peer) {
			p.head()
			<-all
			p.send(smallAnswer)
			p.ended()
		}), func(s *setup) { s.group.MaxIdle = 2 })
		peers := []*peer{r.dial(), r.dial(), r.dial(), r.dial(), r.dial()}
		for _, p := range peers {
			p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		}
		server := r.server()
		eventually(t, "five exchanges", func() bool { return server.Active.Load() == 5 })
		close(all)
		for _, p := range peers {
			p.answer()
		}
		eventually(t, "the others to close", func() bool { return server.Open.Load() == 2 && server.Active.Load() == 0 })
		if n := r.idleConns(); n != 2 {
			t.Errorf("%d idle connections", n)
		}
	})
	t.Run("max_connections", func(t *testing.T) {
		t.Parallel()
		more := make(chan struct{})
		r := newRig(t, origin(t, func(p *peer) {
			for {
				if _, err := p.head(); err != nil {
					return
				}
				<-more
				p.send(smallAnswer)
			}
		}), func(s *setup) { s.servers[0].MaxConnections = 1 })
		first := r.dial()
		first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		eventually(t, "the exchange", func() bool { return r.server().Active.Load() == 1 })
		if head, _ := r.dial().get(); status(head) != 503 {
			t.Errorf("%q", head)
		}
		want := failure.Code{Party: failure.Gateway, Phase: phase.Connect, Kind: failure.Limit}
		if rec := r.one(); rec.Failure != want {
			t.Errorf("%v", rec.Failure)
		}
		close(more)
		first.answer()
		eventually(t, "the connection in the pool", func() bool { return r.server().Active.Load() == 0 })
		if head, _ := r.dial().get(); status(head) != 200 {
			t.Errorf("%q", head)
		}
	})
	t.Run("idle_timeout", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, origin(t, hello), func(s *setup) { s.group.IdleTimeout = tick })
		r.dial().get()
		eventually(t, "the idle connection to close", func() bool { return r.server().Open.Load() == 0 })
	})
	t.Run("closed by the server", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, origin(t, func(p *peer) { p.head(); p.send(smallAnswer) }), nil)
		r.dial().get()
		eventually(t, "it to be found without a request", func() bool { return r.server().Open.Load() == 0 })
	})
	t.Run("closed group", func(t *testing.T) {
		t.Parallel()
		more := make(chan struct{})
		r := newRig(t, origin(t, func(p *peer) { p.head(); <-more; p.send(smallAnswer); p.ended() }), nil)
		p := r.dial()
		p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		server := r.server()
		eventually(t, "the exchange", func() bool { return server.Active.Load() == 1 })
		r.group.Close()
		close(more)
		if head, _ := p.answer(); status(head) != 200 {
			t.Error(head)
		}
		eventually(t, "the lease to end", func() bool { return server.Open.Load() == 0 })
	})
}

// What ends a connection between two exchanges does not end the client's.
func TestUpstreamThatClosesKeepsTheClient(t *testing.T) {
	for name, answer := range map[string]string{
		"says so":             "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
		"ends its body by it": "HTTP/1.1 200 OK\r\n\r\nhello",
		"HTTP/1.0":            "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, func(p *peer) { p.head(); p.send(answer) }), nil)
			p := r.dial()
			for i := range 3 {
				p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				head, err := p.head()
				if err != nil || status(head) != 200 {
					t.Fatalf("request %d: %q, %v", i, head, err)
				}
				size := 5
				if strings.Contains(head, "chunked") {
					size = len("5\r\nhello\r\n0\r\n\r\n")
				}
				p.in.Discard(size)
			}
			for _, rec := range r.drained() {
				if rec.Attempts[0].Reused {
					t.Error("the connection was used again")
				}
			}
		})
	}
}

// The time that a connection lay idle is told of it.
func TestIdleTimeIsMeasured(t *testing.T) {
	r := newRig(t, origin(t, hello), nil)
	p := r.dial()
	p.get()
	settled(t, r, 4)
	p.get()
	rec := r.record(func(rec *record.Record) bool { return rec.Attempts[0].Reused })
	if a := rec.Attempts[0]; a.IdleFor < tick || a.RequestNumber != 2 || a.Connect != 0 {
		t.Errorf("idle for %v; request %d, connect %v", a.IdleFor, a.RequestNumber, a.Connect)
	}
}
