// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package upstream decides about groups of servers: which one is asked next, which
// ones are left out and for how long, how much may be repeated, who waits while
// none can be asked, how many may be asked at a time, and which idle connections
// are kept.
//
// What it is: Group and Server; Pick, the choice of a server (pick.go); Note and
// NoteCheck, what is learnt of servers (health.go, outlier.go); Budget, the bound on
// repeated requests; Limit, the bound on exchanges in hand (limit.go); Queue, those who
// wait for a server or a place; Pool, the book of a server's idle connections, of
// whatever type.
//
// What it never does: no sockets, no clock, no goroutines. now is an argument
// everywhere: nanoseconds of a clock that never goes back, of which only
// differences count.
//
// Invariants:
//
//	I1. A server that was tried in an exchange is not chosen again in it while
//	    another one can be asked.
//	I2. A pool never holds more than its maximum, and what was put once is given
//	    once.
//	I3. Statistics never take the last server out of service: only the owner does,
//	    or connections that cannot be opened.
//	I4. Every change of a server's state is one Event, with its reason.
//	I5. The choice of a server takes no lock and allocates nothing.
//
// Start reading with Group.Pick, then health.go.
//
// Decisions: docs/adr/0017, 0018, 0020.
package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

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
	// Balance is how a server is chosen among those in service.
	Balance Balance
	// Zone is the gateway's own zone: servers in it are asked first. "" for none.
	Zone string
	// SlowStart is the time in which a server that came back takes up its full share,
	// 0 for at once.
	SlowStart time.Duration
	// Outlier says when a server that answers badly is left out.
	Outlier Outlier
	// Retry bounds how much is repeated.
	Retry BudgetOptions
	// Check says how many results of health checks change a state.
	Check CheckOptions
	// Hold bounds who waits while no server can be asked.
	Hold HoldOptions
	// Limit bounds how many exchanges the group has in hand at a time.
	Limit LimitOptions
	// Silence is how long a server may leave every request that waits for it without
	// an answer, while others of the group answer, before it counts as stalled. 0 for
	// ever.
	Silence time.Duration
	// Attach makes what the caller keeps with each server, in Server.Conns; nil for
	// nothing.
	Attach func(*Server) any
	// Hand tells what the owner decided about the server called name before it became
	// a member, and why; nil for nothing. It must not call the group.
	Hand func(name string) (h Hand, why string)
	// OnEvent is told of each change of a state, in order. It must return soon, and
	// must not call the group. nil for nobody.
	OnEvent func(Event)
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
	Name   string
	Budget Budget
	Queue  Queue
	Limit  Limit

	rules atomic.Pointer[Options]
	view  atomic.Pointer[view]
	turn  atomic.Uint32

	// mu guards what changes rarely: the members and their health. It is never held
	// while a server is chosen.
	mu      sync.Mutex
	servers []*Server
	// dirty says that the view is to be made anew though no state changed; panics
	// that all are asked that can be reached.
	dirty, panics bool
	// tickedAt is when Tick last looked; whoever moves it does the looking.
	tickedAt atomic.Int64
}

// NewGroup returns a group of the servers that specs describe.
func NewGroup(name string, o Options, specs []Spec) *Group {
	g := &Group{Name: name}
	g.Queue.limit = &g.Limit
	g.setRules(o)
	for _, s := range specs {
		g.servers = append(g.servers, g.newServer(s))
	}
	g.view.Store(g.newView(0))
	return g
}

// Rules returns the rules in use.
func (g *Group) Rules() *Options { return g.rules.Load() }

func (g *Group) setRules(o Options) {
	g.rules.Store(&o)
	g.Budget.options.Store(&o.Retry)
	g.Queue.most.Store(int64(o.Hold.Most))
	g.Limit.setRules(o.Limit)
}

// SetRules puts other rules to use. What concerns connections that are open, and who
// is told and asked (Attach, OnEvent, Hand), stays as it was.
func (g *Group) SetRules(o Options, now int64) {
	was := g.Rules()
	o.MaxIdle, o.Proxy = was.MaxIdle, was.Proxy
	o.Attach, o.OnEvent, o.Hand = was.Attach, was.OnEvent, was.Hand
	defer g.change(now)()
	g.setRules(o)
	g.dirty = true
	if o.Check == (CheckOptions{}) {
		for _, s := range g.servers {
			if s.checkOut {
				s.why = "its health is not checked any more"
			}
			s.checked.forget()
		}
	}
}

// Servers returns the members as they are now. The slice is shared: do not write
// to it.
func (g *Group) Servers() []*Server { return g.view.Load().servers }

// Set makes specs the members; of equal places the first counts. A server that stays
// keeps all that is known of it, and takes its new role; gone are those that are no
// longer members, for the caller to close.
func (g *Group) Set(specs []Spec, now int64) (gone []*Server) {
	defer g.change(now)()
	old := make(map[Place]*Server, len(g.servers))
	for _, s := range g.servers {
		old[s.Place] = s
	}
	was := g.servers
	g.dirty = true
	g.servers = make([]*Server, 0, len(specs))
	taken := make(map[Place]bool, len(specs))
	for _, spec := range specs {
		if taken[spec.Place] {
			continue
		}
		taken[spec.Place] = true
		s := old[spec.Place]
		if s == nil {
			s = g.newServer(spec)
			s.rampFrom.Store(now)
			s.state = ""
			g.tell(s, now, Up, "is a member now")
			s.state = Up
		}
		s.role = spec.Role
		g.servers = append(g.servers, s)
	}
	for _, s := range was {
		if !taken[s.Place] {
			g.tell(s, now, Gone, "is no member any more")
			gone = append(gone, s)
		}
	}
	return gone
}
