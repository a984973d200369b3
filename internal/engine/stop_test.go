// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/guard"
)

// A stop that cannot wait ends exchanges whatever they wait for, each with its
// record.
func TestKillEndsEveryWait(t *testing.T) {
	const big = 8 << 20
	for name, c := range map[string]struct {
		serve, client func(*peer)
	}{
		"head of the request": {hello, func(p *peer) { p.send("GET / HTTP/1.1\r\n") }},
		"body of the request": {
			func(p *peer) { p.head(); p.ended() },
			func(p *peer) { p.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1") }},
		"head of the answer": {
			func(p *peer) { p.head(); p.ended() },
			func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }},
		"small body of the answer": {
			func(p *peer) { p.head(); p.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"); p.ended() },
			func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); p.head() }},
		"large body of the answer, server silent": {
			func(p *peer) {
				p.head()
				p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n1", big))
				p.ended()
			},
			func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); p.head(); p.in.ReadByte() }},
		"large body of the answer, client stuck": {
			func(p *peer) {
				p.head()
				p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", big))
				p.send(strings.Repeat("x", big))
			},
			func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); p.head() }},
		"large body of the request, server stuck": {
			func(p *peer) { p.head(); <-p.t.Context().Done() },
			func(p *peer) {
				p.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", 8*big))
				go p.send(strings.Repeat("x", 8*big))
			}},
		"tunnel": {upgraded, func(p *peer) { p.send(upgrade); p.head() }},
		"tunnel, client stuck": {
			func(p *peer) { p.head(); p.send(switching); p.send(strings.Repeat("x", 8*big)) },
			func(p *peer) { p.send(upgrade); p.head() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, origin(t, c.serve), nil)
			p := r.dial()
			c.client(p)
			eventually(t, "an exchange", func() bool { return r.eng.Counts().Active == 1 })
			settled(t, r, 3)
			r.listener.Close()
			r.eng.Kill()
			if !r.eng.Wait(after(patience / 2)) {
				t.Fatalf("connections are left: %+v", r.eng.Counts())
			}
			if rec := r.one(); rec.Failure.Party != failure.Gateway || rec.Failure.Kind != failure.Shutdown {
				t.Errorf("the record says %v, outcome %v", rec.Failure, rec.Outcome)
			}
		})
	}
}

const (
	upgrade   = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
)

// upgraded switches protocols and is silent.
func upgraded(p *peer) {
	p.head()
	p.send(switching)
	p.ended()
}

// settled waits until no byte has moved on any socket for so many ticks.
func settled(t testing.TB, r *rig, ticks int) {
	t.Helper()
	last, since := int64(-1), time.Now()
	eventually(t, "quiet sockets", func() bool {
		var sum int64
		r.eng.sweep.each(func(s *sock) { sum += s.r.total.Load() + s.w.total.Load() })
		if sum != last {
			last, since = sum, time.Now()
		}
		return time.Since(since) > time.Duration(ticks)*tick
	})
}

// A draining engine answers what comes within the grace, from parked connections
// and from those that become idle meanwhile, and closes each behind its answer.
func TestDrainKeepsIdleConnectionsForTheGrace(t *testing.T) {
	r := newRig(t, origin(t, hello), nil)
	parked := r.dial()
	parked.get()
	r.parkedIs(1)
	idle := r.dial()
	idle.get()
	r.listener.Close()
	r.eng.Drain(patience)
	r.parkedIs(2) // the second one outlives the time after which it parks
	for _, p := range []*peer{parked, idle} {
		if head, body := p.get(); body != "hello" || !strings.Contains(head, "Connection: close") {
			t.Errorf("%q %q", head, body)
		}
		if err := p.ended(); err != nil {
			t.Error(err)
		}
	}
	if !r.eng.Wait(after(patience)) {
		t.Errorf("%+v", r.eng.Counts())
	}
}

// A connection that is neither with the sweeper nor in the lot while Kill looks
// ends as soon as it is.
func TestKillReachesConnectionsOnTheirWay(t *testing.T) {
	r := newRig(t, origin(t, hello), nil)
	r.eng.killed.Store(true)
	if err := r.dial().ended(); err != nil {
		t.Error(err)
	}
}

// slowGuard holds a connection at the first point of the guard.
type slowGuard struct {
	guard.Open
	entered, release chan struct{}
	passed           atomic.Bool
}

// Accept implements Acceptor.
func (g *slowGuard) Accept(netip.AddrPort) exchange.Verdict {
	close(g.entered)
	<-g.release
	g.passed.Store(true)
	return exchange.Verdict{}
}

// When a listener's Close has returned, every connection it took is counted: Wait
// can rely on seeing no new ones.
func TestListenerCloseWaitsForTheConnectionInItsHands(t *testing.T) {
	g := &slowGuard{entered: make(chan struct{}), release: make(chan struct{})}
	r := newRig(t, origin(t, hello), func(s *setup) { s.accept = g })
	r.dial()
	<-g.entered
	closed := make(chan bool)
	go func() {
		r.listener.Close()
		closed <- g.passed.Load()
	}()
	select {
	case <-closed:
		t.Error("Close returned while a connection was being accepted")
		close(g.release)
	case <-after(4 * tick):
		close(g.release)
		if !<-closed {
			t.Error("Close returned before the connection was accepted")
		}
	}
}

// Stopping always ends, and nothing is accepted behind its back, whatever clients
// are doing: connecting, asking, going idle, parking, leaving.
func TestStopAlwaysEnds(t *testing.T) {
	to := origin(t, hello)
	for round := range 30 {
		r := newRig(t, to, nil)
		quit := make(chan struct{})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for n := 0; ; n++ {
					c, err := net.Dial("tcp", r.addr)
					if err != nil {
						return
					}
					p := newPeer(t, c)
					for range 1 + n%3 {
						p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
						if _, err := p.head(); err != nil {
							break
						}
						p.in.Discard(5)
						// An idle connection is asked to park at once, over and over.
						r.eng.sweep.each(func(s *sock) {
							if s.client != nil && s.client.idle.Load() != 0 {
								s.park()
							}
						})
					}
					c.Close()
					select {
					case <-quit:
						return
					default:
					}
				}
			})
		}
		eventually(t, "exchanges", func() bool { return len(r.drained()) > 20 })
		r.listener.Close()
		if round%3 == 0 {
			r.eng.Kill()
		} else {
			r.eng.Drain(0)
		}
		if !r.eng.Wait(after(patience)) {
			t.Fatalf("round %d: %+v", round, r.eng.Counts())
		}
		close(quit)
		wg.Wait()
		if c := r.eng.Counts(); c != (Counts{}) {
			t.Fatalf("round %d, behind the end: %+v", round, c)
		}
	}
}
