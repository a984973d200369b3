// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync"
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
		wait, any := g.mend(m.quit)
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

// mend tries each lost server once, and returns when to do so again.
func (g *Group) mend(quit <-chan struct{}) (wait time.Duration, any bool) {
	var tries sync.WaitGroup
	wait = mendMost
	for _, lost := range g.Lost(g.eng.mono()) {
		any = true
		wait = min(wait, max(lost.For/mendShare, mendLeast))
		tries.Go(func() {
			if memberOf(lost.Server).try(g, quit) {
				g.Reached(lost.Server, g.eng.mono())
			}
		})
	}
	tries.Wait()
	return wait, any
}

// try opens a connection, TLS included, and reports whether that worked.
func (m *member) try(g *Group, quit <-chan struct{}) bool {
	p := &patient{ended: make(chan struct{})}
	defer close(p.ended)
	go p.cancelOn(quit)
	u, err := m.connect(g.resolver, &exchange.Want{Attempt: &record.Attempt{}, Waiter: p, Timeouts: &mendTimeouts})
	if err != nil {
		return false
	}
	m.server.Active.Add(-1)
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
