// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync/atomic"
	"syscall"
	"time"

	"causey/internal/engine/resolve"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/upstream"
)

// Group hands out leases on the servers of one upstream. It implements
// exchange.Upstream.
type Group struct {
	eng      *Engine
	group    *upstream.Group
	resolver *resolve.Resolver
	members  []*member
	looked   atomic.Int64
	closed   atomic.Bool
}

// member is one server with its idle connections.
type member struct {
	eng    *Engine
	group  *upstream.Group
	server *upstream.Server
	idle   *upstream.Pool[*upConn]
	// tls is set where connections are to be made with TLS.
	tls *serverTLS
	// heard is when the server's Date was last looked at, 0 for never.
	heard atomic.Int64
}

// NewGroup makes g's servers reachable; names are resolved by r. t is for the servers
// with TLS.
func (e *Engine) NewGroup(g *upstream.Group, r *resolve.Resolver, t *ServerTLS) *Group {
	gr := &Group{eng: e, group: g, resolver: r}
	for _, s := range g.Servers {
		m := &member{eng: e, group: g, server: s, idle: upstream.NewPool[*upConn](g.Options.Keeps())}
		if s.TLS {
			m.tls = newServerTLS(e, t, s)
		}
		gr.members = append(gr.members, m)
	}
	e.sweep.every(gr.turn)
	return gr
}

// Name implements exchange.Upstream.
func (g *Group) Name() string { return g.group.Name }

// Servers returns the group's servers with the number of idle connections of
// each.
func (g *Group) Servers() (servers []*upstream.Server, idle []int) {
	for _, m := range g.members {
		servers, idle = append(servers, m.server), append(idle, m.idle.Len())
	}
	return servers, idle
}

// Close closes the idle connections, now and when leases come back.
func (g *Group) Close() {
	g.closed.Store(true)
	for _, m := range g.members {
		for _, u := range m.idle.Close() {
			m.drop(u)
		}
	}
}

// Acquire implements exchange.Upstream.
func (g *Group) Acquire(w *exchange.Want) (exchange.Lease, *failure.Error) {
	i, ok := -1, false
	if !w.Fresh {
		i, ok = g.group.Pick(w.Tried)
	} else {
		i, ok = w.Last, true
	}
	if !ok {
		return nil, exchange.NoneLeft
	}
	w.Last = i
	w.Tried |= 1 << (i % 64)
	m := g.members[i]
	w.Attempt.Server = m.server.Name
	m.server.Attempts.Add(1)
	now := g.eng.sweep.now()
	if !w.Fresh {
		for {
			u, ok := m.idle.Take()
			if !ok {
				break
			}
			if u.usable() {
				m.server.Active.Add(1)
				u.begin(now, w.Timeouts)
				return u, nil
			}
			m.drop(u)
		}
	}
	u, err := m.connect(g.resolver, w)
	if err != nil {
		m.server.Failures.Add(1)
		return nil, err
	}
	return u, nil
}

// connect opens a new connection.
func (m *member) connect(r *resolve.Resolver, w *exchange.Want) (*upConn, *failure.Error) {
	if n, most := m.server.Open.Add(1), m.server.MaxConnections; most > 0 && n > most {
		m.server.Open.Add(-1)
		err := newError(failure.Gateway, phase.Connect, failure.Limit)
		err.Evidence.Size, err.Evidence.Limit = n, most
		return nil, err
	}
	u := &upConn{member: m}
	began := m.eng.mono()
	d := &dial{eng: m.eng, resolver: r, server: m.server, want: w}
	err := d.open(u)
	if err == nil {
		err = m.begin(u, w, d.until)
	}
	if err != nil {
		m.server.Open.Add(-1)
		if err != exchange.Canceled {
			w.Attempt.Dialled = err.Evidence.Dialled
		}
		w.Attempt.Connect = time.Duration(m.eng.mono() - began)
		return nil, err
	}
	u.born = m.eng.mono()
	u.took = time.Duration(u.born - began)
	if m.tls != nil {
		u.times, u.requests = w.Timeouts, 1
		if err := u.handshake(w); err != nil {
			w.Attempt.Dialled, w.Attempt.Connect = u.addr, u.took
			m.drop(u)
			return nil, err
		}
		u.requests = 0
	}
	m.server.Active.Add(1)
	u.begin(u.born, w.Timeouts)
	return u, nil
}

// usable looks at an idle connection before it is used: a FIN, a reset or bytes
// that nobody asked for mean that it must not be. I3. What the kernel shows may be
// for TLS alone (tickets for the next sessions), and TLS may hold what the kernel
// does not show any more.
func (u *upConn) usable() bool {
	_, errno := u.peek()
	if u.tls == nil {
		return errno == syscall.EAGAIN
	}
	if errno == syscall.EAGAIN && u.tls.holdsNothing() {
		return true
	}
	u.readNow()
	u.in.releaseIfEmpty()
	return u.r.errno == syscall.EAGAIN
}

// giveBack takes a lease back. A clean connection is kept if there is room.
func (m *member) giveBack(u *upConn, clean bool) {
	m.server.Active.Add(-1)
	if most := m.group.Options.MaxRequests; most > 0 && u.requests >= most {
		clean = false
	}
	if !clean {
		m.drop(u)
		return
	}
	u.in.release()
	u.idleSince = u.eng.sweep.now()
	if !m.idle.Put(u) {
		m.drop(u)
	}
}

func (m *member) drop(u *upConn) {
	u.sock.close()
	m.server.Open.Add(-1)
}

// turn closes idle connections that are too old or that the server has closed;
// the sweeper calls it.
func (g *Group) turn(now int64) bool {
	if g.closed.Load() {
		return false
	}
	if now-g.looked.Load() < int64(time.Second) {
		return true
	}
	g.looked.Store(now)
	for _, m := range g.members {
		limit := int64(g.group.Options.IdleTimeout)
		for _, u := range m.idle.Sweep(func(u *upConn) bool {
			return limit > 0 && now-u.idleSince >= limit || !u.usable()
		}) {
			m.drop(u)
		}
	}
	return true
}
