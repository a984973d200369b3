// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import "sync"

// Pool keeps the idle connections of one server, the newest on top: those that
// are used stay warm, the others grow old and are closed.
type Pool[C comparable] struct {
	mu     sync.Mutex
	idle   []C
	max    int
	closed bool
}

// NewPool returns a pool for at most max connections.
func NewPool[C comparable](max int) *Pool[C] { return &Pool[C]{max: max} }

// Take removes and returns the newest connection.
func (p *Pool[C]) Take() (c C, ok bool) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		var none C
		c, ok = p.idle[n-1], true
		p.idle[n-1] = none
		p.idle = p.idle[:n-1]
	}
	p.mu.Unlock()
	return c, ok
}

// Put keeps c. It reports false if there is no room, or the pool is closed: then
// the caller closes c.
func (p *Pool[C]) Put(c C) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.max {
		return false
	}
	p.idle = append(p.idle, c)
	return true
}

// Len returns how many connections lie idle.
func (p *Pool[C]) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}

// Sweep removes the connections that drop chooses and returns them.
func (p *Pool[C]) Sweep(drop func(C) bool) []C {
	var gone []C
	p.mu.Lock()
	keep := p.idle[:0]
	for _, c := range p.idle {
		if drop(c) {
			gone = append(gone, c)
		} else {
			keep = append(keep, c)
		}
	}
	clear(p.idle[len(keep):])
	p.idle = keep
	p.mu.Unlock()
	return gone
}

// Close empties the pool for good and returns what was in it.
func (p *Pool[C]) Close() []C {
	p.mu.Lock()
	defer p.mu.Unlock()
	gone := p.idle
	p.idle, p.closed = nil, true
	return gone
}
