// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package upstream holds groups of servers: which one is asked next, and which
// idle connections are kept.
//
// What it is: Group and Server, the choice of a server, and Pool, the book of a
// server's idle connections, of whatever type.
//
// What it never does: no sockets, no clock, no waiting.
//
// Invariants:
//
//	I1. A server that failed in an exchange is not chosen again in it while
//	    another is left.
//	I2. A pool never holds more than its maximum, and what was put once is given
//	    once.
//
// Start reading with Group.Pick.
package upstream

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Server is one member of a group. Its counters are shared by all exchanges.
type Server struct {
	// Name is the address as configured.
	Name string
	// Path is the path of a unix socket, "" for TCP.
	Path string
	// Host is the name to resolve, "" if Addr says it all.
	Host string
	// Addr is the address to dial; with a Host, only its port counts.
	Addr netip.AddrPort
	// Authority is the address as a Host field names it.
	Authority string
	// TLS says that the server is spoken to over TLS.
	TLS bool
	// MaxConnections bounds the open connections, 0 for no bound.
	MaxConnections int64

	// Active counts connections that carry an exchange, Open all of them.
	Active, Open atomic.Int64
	// Attempts and Failures count since start.
	Attempts, Failures atomic.Uint64
}

// Options are the rules of one group.
type Options struct {
	// MaxIdle bounds the idle connections per server.
	MaxIdle int
	// IdleTimeout closes a connection that lay idle so long.
	IdleTimeout time.Duration
	// MaxRequests closes a connection after so many requests, 0 for no bound.
	MaxRequests uint32
	// Proxy is the version of the PROXY header that begins each connection. It names
	// one client, so that no connection is kept for another.
	Proxy ProxyVersion
}

// ProxyVersion is a version of the PROXY protocol, or none.
type ProxyVersion uint8

// The versions.
const (
	ProxyOff ProxyVersion = iota
	ProxyV1
	ProxyV2
)

// Keeps returns how many idle connections are kept per server.
func (o *Options) Keeps() int {
	if o.Proxy != ProxyOff {
		return 0
	}
	return o.MaxIdle
}

// Group is a named group of servers that answer the same routes.
type Group struct {
	Name    string
	Servers []*Server
	Options Options
	turn    atomic.Uint32
}

// Pick returns the index of the server to ask: in turn, passing over those marked
// in tried (bit i modulo 64) while one is left. ok is false when none is.
func (g *Group) Pick(tried uint64) (i int, ok bool) {
	n := len(g.Servers)
	if n == 1 {
		return 0, tried == 0
	}
	start := int(g.turn.Add(1) % uint32(n))
	for k := range n {
		i = (start + k) % n
		if tried&(1<<(i%64)) == 0 {
			return i, true
		}
	}
	return 0, false
}

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
