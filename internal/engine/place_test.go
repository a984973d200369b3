// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/upstream"
)

// limited lets o be the limit, and everybody wait.
func limited(o upstream.LimitOptions) func(*setup) {
	return func(s *setup) {
		s.group.Limit, s.group.Hold.Most, s.route.Retry.Hold = o, 1000, patience
	}
}

// placeless waits until every place was given back.
func (r *rig) placeless() {
	r.t.Helper()
	eventually(r.t, "all places", func() bool { return r.group.Limit.State().InHand == 0 && r.group.Queue.Len() == 0 })
}

// Two hundred clients at once: the origin never has more in hand than the limit, and
// everybody is served.
func TestConcurrencyIsLimited(t *testing.T) {
	const clients, each = 200, 5
	for name, o := range map[string]upstream.LimitOptions{"fixed": {Most: 7}, "one": {Most: 1}, "adaptive": {Adaptive: true}} {
		t.Run(name, func(t *testing.T) {
			var now, most atomic.Int64
			r := newRig(t, origin(t, func(p *peer) {
				for {
					if _, err := p.head(); err != nil {
						return
					}
					n := now.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					time.Sleep(time.Millisecond)
					now.Add(-1)
					p.send(smallAnswer)
				}
			}), limited(o))
			var all sync.WaitGroup
			for range clients {
				p := r.dial()
				all.Go(func() {
					for range each {
						if head, _ := p.get(); status(head) != 200 {
							t.Errorf("%q", head)
						}
					}
				})
			}
			all.Wait()
			if o.Most > 0 && most.Load() > int64(o.Most) {
				t.Errorf("the origin had %d in hand, want at most %d", most.Load(), o.Most)
			}
			r.placeless()
		})
	}
}

// However an exchange ends, its place comes back.
func TestPlacesComeBack(t *testing.T) {
	asked := make(chan struct{}, 1)
	says := func(text string) func(*peer) {
		return func(p *peer) {
			p.head()
			p.send(text)
		}
	}
	for name, c := range map[string]struct {
		server, client func(*peer)
	}{
		"answered":            {hello, func(p *peer) { p.get() }},
		"no answer":           {says(""), func(p *peer) { p.get() }},
		"no HTTP":             {says("hello"), func(p *peer) { p.get() }},
		"cut":                 {says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); p.ended() }},
		"too late":            {func(p *peer) { p.ended() }, func(p *peer) { p.get() }},
		"the client left":     {func(p *peer) { p.head(); asked <- struct{}{}; p.ended() }, func(p *peer) { p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); <-asked; p.reset() }},
		"a tunnel that ended": {says(switching), func(p *peer) { p.send(upgrade); p.head(); p.closeWrite(); p.ended() }},
	} {
		for kind, o := range map[string]upstream.LimitOptions{"fixed": {Most: 1}, "adaptive": {Adaptive: true}} {
			t.Run(name+", "+kind, func(t *testing.T) {
				r := newRig(t, origin(t, c.server), func(s *setup) {
					limited(o)(s)
					s.route.Timeouts.AwaitHead = 4 * tick
				})
				c.client(r.dial())
				eventually(t, "its end", func() bool { return r.eng.Counts().Active == 0 })
				r.placeless()
			})
		}
	}
}

// Where no connection can be opened the place comes back, and nobody who waits is left
// behind.
func TestPlacesOfServersThatAreGone(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	r := newRig(t, ln.Addr(), func(s *setup) {
		limited(upstream.LimitOptions{Most: 2})(s)
		s.route.Retry.Hold = 8 * tick
	})
	var all sync.WaitGroup
	for range 20 {
		p := r.dial()
		all.Go(func() {
			if head, _ := p.get(); status(head) != 502 {
				t.Errorf("%q", head)
			}
		})
	}
	all.Wait()
	r.placeless()
}

// A defect in the middle of an exchange keeps no place.
func TestPlaceOfABug(t *testing.T) {
	var armed, told atomic.Bool
	r := newRig(t, origin(t, func(p *peer) {
		p.head()
		armed.Store(true)
		p.send(smallAnswer)
		p.ended()
	}), func(s *setup) {
		limited(upstream.LimitOptions{Most: 1})(s)
		s.bug = func(any) { told.Store(true) }
		s.now = func() time.Time {
			if armed.CompareAndSwap(true, false) {
				panic("armed")
			}
			return time.Now()
		}
	})
	if head, _ := r.dial().get(); status(head) != 500 || !told.Load() {
		t.Errorf("%q, told %v", head, told.Load())
	}
	r.placeless()
}

// Tunnels and event streams have no place while they last.
func TestLongOnesHaveNoPlace(t *testing.T) {
	for name, c := range map[string]struct{ request, answer string }{
		"tunnel":       {upgrade, switching},
		"event stream": {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, origin(t, func(p *peer) {
				p.head()
				p.send(c.answer)
				p.ended()
			}), limited(upstream.LimitOptions{Most: 1}))
			p := r.dial()
			p.send(c.request)
			if head, err := p.head(); err != nil {
				t.Fatalf("%q: %v", head, err)
			}
			r.placeless()
		})
	}
}

// Whoever waits in vain is told that it was for want of a place.
func TestNoPlaceInTime(t *testing.T) {
	asked := make(chan struct{})
	r := newRig(t, origin(t, func(p *peer) {
		p.head()
		close(asked)
		p.ended()
	}), func(s *setup) {
		limited(upstream.LimitOptions{Most: 1})(s)
		s.route.Retry.Hold = 2 * tick
	})
	first := r.dial()
	first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-asked
	if head, _ := r.dial().get(); status(head) != 503 {
		t.Errorf("%q", head)
	}
	want := failure.Code{Party: failure.Gateway, Phase: phase.Queue, Kind: failure.Limit}
	rec := r.record(func(x *record.Record) bool { return x.Failure == want })
	if rec.AttemptLen != 0 {
		t.Errorf("%d attempts", rec.AttemptLen)
	}
	first.reset()
	r.placeless()
}

// A hedge takes a place of its own, gives it back, and does not wait for one.
func TestHedgeNeedsAPlace(t *testing.T) {
	for places, tries := range map[int]uint8{1: 1, 2: 2} {
		silent := origin(t, func(p *peer) {
			p.head()
			time.Sleep(20 * tick)
			p.send(smallAnswer)
		})
		quick := origin(t, hello)
		r := newRig(t, nil, func(s *setup) {
			limited(upstream.LimitOptions{Most: places})(s)
			a, b := serverAt(silent), serverAt(quick)
			b.Priority = 1
			s.servers = []upstream.Spec{a, b}
			s.group.Retry = upstream.BudgetOptions{Share: 1, Least: 10}
			s.group.Silence = never
			s.route.Retry.Hedge = true
		})
		if head, _ := r.dial().get(); status(head) != 200 {
			t.Errorf("%q", head)
		}
		if rec := r.one(); uint8(rec.AttemptLen) != tries {
			t.Errorf("%d attempts with %d places, want %d", rec.AttemptLen, places, tries)
		}
		r.placeless()
	}
}

// A client that leaves in the moment of its turn keeps no place.
func TestPlaceOfOneWhoLeft(t *testing.T) {
	r := newRig(t, origin(t, hello), limited(upstream.LimitOptions{Most: 1}))
	g := r.group
	g.Limit.Take()
	w := &exchange.Want{Waiter: &patient{}}
	held := make(chan *failure.Error)
	go func() { held <- g.Hold(w, time.Now().Add(patience)) }()
	eventually(t, "one who waits", func() bool { return g.Queue.Len() == 1 })
	g.givePlace()
	if err := <-held; err != nil || !w.Placed || g.Limit.State().InHand != 1 {
		t.Fatalf("%v, placed %v, %+v", err, w.Placed, g.Limit.State())
	}
	g.Leave(w)
	g.Leave(w) // again does no harm
	r.placeless()
}
