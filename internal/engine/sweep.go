// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"causey/internal/engine/netpoll"
)

// The sweeper's times.
const (
	// tick is how often deadlines are looked at.
	tick = 25 * time.Millisecond
	// watchAfter is how long an exchange waits for its upstream before its
	// client's socket is watched.
	watchAfter = 20 * time.Millisecond
	// parkAfter is how long a connection stays idle with a goroutine.
	parkAfter = 250 * time.Millisecond
	// lingerMax is how many idle connections may keep their goroutine for
	// parkAfter; those above park after parkSoon. Each goroutine that ever lived
	// at the same time costs its bookkeeping for ever; parking a connection that
	// is about to ask again costs more than the exchange does.
	lingerMax = 64
	parkSoon  = 50 * time.Millisecond
)

// sweeper keeps the deadlines of all sockets: setting one is a store, and one
// goroutine looks at all of them every tick. Per-socket timers would cost more per
// exchange than the whole sweep costs per tick.
type sweeper struct {
	eng    *Engine
	coarse atomic.Int64 // the engine's clock as of the last tick
	wall   atomic.Int64 // the time of day as of the last tick, in Unix seconds

	mu     sync.Mutex
	socks  []*sock
	asleep bool
	wake   chan struct{}
	quit   chan struct{}
	done   chan struct{}
	others []func(now int64) bool
}

func (w *sweeper) start(e *Engine) {
	w.eng, w.asleep = e, true
	w.wake, w.quit, w.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go w.run()
}

func (w *sweeper) stop() {
	close(w.quit)
	<-w.done
}

func (w *sweeper) readClock() int64 {
	t := time.Now()
	now := int64(t.Sub(w.eng.base))
	w.coarse.Store(now)
	w.wall.Store(t.Unix())
	return now
}

// now is a clock that is at most a tick behind: enough for deadlines.
func (w *sweeper) now() int64 { return w.coarse.Load() }

// every has f called once per tick, while there is any connection, until it
// returns false.
func (w *sweeper) every(f func(now int64) bool) {
	w.mu.Lock()
	w.others = append(w.others, f)
	w.mu.Unlock()
}

func (w *sweeper) add(s *sock) {
	w.mu.Lock()
	s.slot = len(w.socks)
	w.socks = append(w.socks, s)
	w.rouse()
	w.mu.Unlock()
}

// rouse wakes the sweeper; w.mu is held.
func (w *sweeper) rouse() {
	if w.asleep {
		w.asleep = false
		w.readClock()
		w.wake <- struct{}{}
	}
}

func (w *sweeper) remove(s *sock) {
	w.mu.Lock()
	last := w.socks[len(w.socks)-1]
	w.socks[s.slot], last.slot = last, s.slot
	w.socks[len(w.socks)-1] = nil
	w.socks = w.socks[:len(w.socks)-1]
	w.mu.Unlock()
}

// each calls f for every socket. f must not block.
func (w *sweeper) each(f func(*sock)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.socks {
		f(s)
	}
}

func (w *sweeper) run() {
	defer close(w.done)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		w.mu.Lock()
		idle := len(w.socks) == 0 && w.eng.lot.count.Load() == 0
		w.asleep = idle
		w.mu.Unlock()
		if idle {
			t.Stop()
			select {
			case <-w.wake:
			case <-w.quit:
				return
			}
			t.Reset(tick)
		}
		select {
		case <-t.C:
			w.turn()
		case <-w.quit:
			return
		}
	}
}

// turn looks at every socket once.
func (w *sweeper) turn() {
	now := w.readClock()
	w.mu.Lock()
	lingering := 0
	for _, s := range w.socks {
		if d := s.r.deadline.Load(); d != 0 && now >= d {
			s.poll.Interrupt(netpoll.Read)
		}
		if d := s.w.deadline.Load(); d != 0 && now >= d {
			s.poll.Interrupt(netpoll.Write)
		}
		c := s.client
		if c == nil {
			continue
		}
		if since := c.idle.Load(); since != 0 {
			lingering++
			if idle := now - since; idle >= int64(parkAfter) || lingering > lingerMax && idle >= int64(parkSoon) {
				s.park()
			}
		}
		if since := c.watching.Load(); since != 0 && now-since >= int64(watchAfter) {
			c.look(now)
		}
	}
	others := w.others
	w.others = nil
	w.mu.Unlock()
	others = slices.DeleteFunc(others, func(f func(int64) bool) bool { return !f(now) })
	w.mu.Lock()
	w.others = append(others, w.others...)
	w.mu.Unlock()
}
