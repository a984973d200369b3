// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"causey/internal/exchange"
	"causey/internal/phase"
	"causey/internal/record"
)

// The times of finding out whether a lost server is back. A restart takes a second or
// two, and visitors wait for it; what is gone for long is asked for less often.
const (
	mendLeast, mendMost = 50 * time.Millisecond, time.Second
	mendShare           = 10 // of the time it has been lost
)

// mendTimeouts bound one try.
var mendTimeouts = exchange.Timeouts{Resolve: 2 * time.Second, Connect: time.Second, UpHandshake: 2 * time.Second}

// mender tries in the background whether servers that were lost can be reached
// again, so that no request has to. It runs while there is one.
type mender struct {
	mu sync.Mutex
	// more says that a server was lost since it was last looked for any.
	running, more, closed bool
	quit                  chan struct{}
	done                  sync.WaitGroup
}

// wake says that a server was lost. The group's lock is held, so that the mender
// never asks the group for anything while it holds its own.
func (m *mender) wake(g *Group) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.more = true; m.running || m.closed {
		return
	}
	m.running = true
	if m.quit == nil {
		m.quit = make(chan struct{})
	}
	m.done.Go(func() { m.run(g) })
}

// close ends the mender and waits for it.
func (m *mender) close() {
	m.mu.Lock()
	if !m.closed {
		m.closed = true
		if m.quit != nil {
			close(m.quit)
		}
	}
	m.mu.Unlock()
	m.done.Wait()
}

func (m *mender) run(g *Group) {
	timer := time.NewTimer(mendLeast)
	defer timer.Stop()
	for {
		select {
		case <-m.quit:
			return
		case <-timer.C:
		}
		m.mu.Lock()
		m.more = false
		m.mu.Unlock()
		wait, any := m.look(g)
		if !any && m.rest() {
			return
		}
		timer.Reset(wait)
	}
}

// rest ends the mender unless a server was lost in this moment.
func (m *mender) rest() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = m.more
	return !m.running
}

// mending is a member's part of being mended.
type mending struct {
	trying atomic.Bool
	next   atomic.Int64 // when to try again, in the engine's clock
}

// look begins to try each lost server for which it is time, and returns when to look
// again. One that does not even refuse keeps no other waiting.
func (m *mender) look(g *Group) (wait time.Duration, any bool) {
	now := g.eng.mono()
	wait = mendMost
	for _, lost := range g.Lost(now) {
		any = true
		mb := memberOf(lost.Server)
		due := mendLeast // when a try that runs may be over
		if left := mb.mending.next.Load() - now; left > 0 {
			due = time.Duration(left)
		} else if mb.mending.trying.CompareAndSwap(false, true) {
			m.done.Go(func() { mb.mend(m.quit, lost.For) })
		}
		wait = min(wait, due)
	}
	return wait, any
}

// mend tries m once, which has been lost for so long, and says when to do so again.
func (m *member) mend(quit <-chan struct{}, lostFor time.Duration) {
	defer m.mending.trying.Store(false)
	if m.try(m.group, quit) {
		m.group.Reached(m.server, m.eng.mono())
		return
	}
	pause := min(max(lostFor/mendShare, mendLeast), mendMost)
	m.mending.next.Store(m.eng.mono() + int64(pause))
}

// try opens a connection, TLS included, and reports whether that worked.
func (m *member) try(g *Group, quit <-chan struct{}) bool {
	p := &patient{ended: make(chan struct{})}
	defer close(p.ended)
	go p.cancelOn(quit)
	u, err := m.connect(g.resolver, &exchange.Want{Attempt: &record.Attempt{}, Waiter: p, Timeouts: &mendTimeouts})
	if err != nil {
		m.tellNotOpened(err)
		return false
	}
	m.drop(u)
	return true
}

// patient is the exchange.Waiter of a try that nobody waits for but us.
type patient struct {
	mu    sync.Mutex
	what  exchange.Canceler
	quit  bool
	ended chan struct{}
}

func (p *patient) cancelOn(quit <-chan struct{}) {
	select {
	case <-p.ended:
	case <-quit:
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.quit = true; p.what != nil {
			p.what.Cancel()
		}
	}
}

// Enter implements exchange.Waiter.
func (p *patient) Enter(phase.Phase) {}

// Watch implements exchange.Waiter.
func (p *patient) Watch(c exchange.Canceler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.what = c; p.quit {
		c.Cancel()
	}
}
