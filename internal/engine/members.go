// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math"
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
	*upstream.Group
	eng      *Engine
	resolver *resolve.Resolver
	tls      *ServerTLS
	// notOpened is told of servers that no connection could be opened to; may be nil.
	notOpened func(*upstream.Server, *failure.Error)
	// addressLost is told of addresses that were left for others; may be nil.
	addressLost func(*upstream.Server, *failure.Error)
	mender      mender
	looked      atomic.Int64
	closed      atomic.Bool
	// emptySince is since when there has been no server at all, 0 if there is one.
	emptySince atomic.Int64
}

// member is one server with its idle connections.
type member struct {
	eng    *Engine
	group  *Group
	server *upstream.Server
	idle   *upstream.Pool[*upConn]
	// tls is set where connections are to be made with TLS.
	tls     *serverTLS
	mending mending
	// gone says that it is no member any more.
	gone atomic.Bool
	// heard is when the server's Date was last looked at, 0 for never.
	heard atomic.Int64
}

// NewGroup makes a group of the servers that specs describe; names are resolved by r.
// t is for the servers with TLS.
func (e *Engine) NewGroup(name string, o upstream.Options, specs []upstream.Spec, c Contacts) *Group {
	g := &Group{eng: e, resolver: c.Resolver, tls: c.TLS, notOpened: c.NotOpened, addressLost: c.AddressLost}
	keeps := o.Keeps()
	tell := o.OnEvent
	o.OnEvent = func(ev upstream.Event) {
		if ev.To == upstream.Unreachable {
			g.mender.wake(g)
		}
		if tell != nil {
			tell(ev)
		}
	}
	o.Attach = func(s *upstream.Server) any { return g.attach(s, keeps) }
	g.Group = upstream.NewGroup(name, o, specs)
	g.noteEmpty(specs)
	e.sweep.every(g.tick)
	return g
}

// Contacts is how servers are found and spoken to.
type Contacts struct {
	Resolver *resolve.Resolver
	TLS      *ServerTLS
	// NotOpened is told when a connection could not be opened by the server's doing:
	// it may have another address by now. It is called while a request waits and must
	// return at once. nil for nobody.
	NotOpened func(*upstream.Server, *failure.Error)
	// AddressLost is told when a connection was opened to another address of a server
	// than its first, which failed or did not answer in time.
	AddressLost func(*upstream.Server, *failure.Error)
}

// attach makes what the engine keeps of a server, with at most so many idle
// connections.
func (g *Group) attach(s *upstream.Server, maxIdle int) *member {
	m := &member{eng: g.eng, group: g, server: s, idle: upstream.NewPool[*upConn](maxIdle)}
	if s.TLS {
		m.tls = newServerTLS(g.eng, g.tls, s)
	}
	return m
}

// Name implements exchange.Upstream.
func (g *Group) Name() string { return g.Group.Name }

// IdleConnections returns how many connections to s lie idle.
func (g *Group) IdleConnections(s *upstream.Server) int { return memberOf(s).idle.Len() }

func memberOf(s *upstream.Server) *member { return s.Conns.(*member) }

// SetRules puts other rules to use.
func (g *Group) SetRules(o upstream.Options) { g.Group.SetRules(o, g.eng.mono()) }

// Set makes specs the servers and closes what those have that are none any more.
// Requests that wait for a server are sent to those that came.
func (g *Group) Set(specs []upstream.Spec) {
	g.noteEmpty(specs)
	for _, s := range g.Group.Set(specs, g.eng.mono()) {
		memberOf(s).gone.Store(true)
		memberOf(s).close()
	}
	if g.closed.Load() {
		g.Close() // those that have just come too
	}
}

// NoteCheck takes the result of a health check; see upstream.Group.NoteCheck.
func (g *Group) NoteCheck(s *upstream.Server, c upstream.Check) (sure bool) {
	return g.Group.NoteCheck(s, c, g.eng.mono())
}

// noteEmpty notes since when there has been no server.
func (g *Group) noteEmpty(specs []upstream.Spec) {
	if len(specs) > 0 {
		g.emptySince.Store(0)
	} else {
		g.emptySince.CompareAndSwap(0, max(g.eng.mono(), 1))
	}
}

// Close closes the idle connections, now and when leases come back. Requests that wait
// for a server go on with what they know: nobody looks for it any more.
func (g *Group) Close() {
	g.closed.Store(true)
	g.Queue.Wake(math.MaxInt)
	g.mender.close()
	for _, s := range g.Servers() {
		memberOf(s).close()
	}
}

func (m *member) close() {
	for _, u := range m.idle.Close() {
		m.drop(u)
	}
}

// Acquire implements exchange.Upstream.
func (g *Group) Acquire(w *exchange.Want) (exchange.Lease, *failure.Error) {
	if !g.takePlace(w) {
		return nil, exchange.NoServer
	}
	passedOn := false
	defer func() {
		if !passedOn { // after a panic too
			g.givePlace()
		}
	}()
	u, err := g.lease(w)
	if err != nil {
		return nil, err
	}
	u.placed, passedOn = true, true
	return u, nil
}

// lease chooses a server and returns a connection to it.
func (g *Group) lease(w *exchange.Want) (*upConn, *failure.Error) {
	now := g.eng.sweep.now()
	m := g.choose(w, now)
	if m == nil {
		return nil, exchange.NoServer
	}
	w.Attempt.Server = m.server.Name
	m.server.Attempts.Add(1)
	if !w.Fresh {
		if u := m.reuse(now, w); u != nil {
			return u, nil
		}
	}
	u, err := m.connect(g.resolver, w)
	if err != nil {
		m.server.Active.Add(-1)
		m.server.Failures.Add(1)
		m.noteNotOpened(err)
		return nil, err
	}
	return u, nil
}

// choose finds the server to ask, writes it down in w, and counts the exchange among
// those that the server has in hand.
func (g *Group) choose(w *exchange.Want, now int64) *member {
	if w.Fresh && !w.Last.(*member).gone.Load() {
		m := w.Last.(*member)
		m.server.Active.Add(1)
		return m
	}
	if w.TriedLen == 0 && w.Round == 0 {
		g.Budget.Earn(now)
	}
	if g.Queue.Len() > 0 && !w.Called && !w.Anyway {
		return nil // behind those who wait already
	}
	if w.TriedLen == len(w.Tried) {
		return nil
	}
	c := upstream.Choice{Now: now, Tried: w.Tried[:w.TriedLen], Key: w.Key, Bound: w.Bound, Anyway: w.Anyway, Trial: w.Trial && w.TriedLen == 0}
	s := g.Pick(&c)
	for s != nil && !s.TakeRoom() {
		if w.Anyway {
			s.Active.Add(1)
			break
		}
		s = g.Pick(&c) // somebody else was quicker
	}
	if s == nil {
		return nil
	}
	w.Tried[w.TriedLen] = s.ID
	w.TriedLen++
	m := memberOf(s)
	w.Last, w.Patience, w.Chosen = m, 0, s.Tag()
	if w.TriedLen < len(g.Servers()) { // else nobody is left whom impatience would lead to
		w.Patience = g.Patience(s, now)
	}
	return m
}

// reuse returns an idle connection that is still good, or nil.
func (m *member) reuse(now int64, w *exchange.Want) *upConn {
	for {
		u, ok := m.idle.Take()
		if !ok {
			return nil
		}
		if u.usable() {
			u.begin(now, w)
			return u
		}
		m.drop(u)
	}
}

// connect opens a new connection and begins an exchange on it. Meanwhile the server
// has the request in hand as if it had to answer it: one that accepts nobody goes
// silent too.
func (m *member) connect(r *resolve.Resolver, w *exchange.Want) (*upConn, *failure.Error) {
	if n, most := m.server.Open.Add(1), m.server.MaxConnections; most > 0 && n > most {
		m.server.Open.Add(-1)
		err := newError(failure.Gateway, phase.Connect, failure.Limit)
		err.Evidence.Size, err.Evidence.Limit = n, most
		return nil, err
	}
	began := m.eng.mono()
	m.server.Waits(began)
	u, err := m.open(r, w, began)
	m.server.GivesUp()
	if err != nil {
		m.server.Open.Add(-1)
		return nil, err
	}
	u.begin(u.born, w)
	return u, nil
}

// open opens a connection, TLS included.
func (m *member) open(r *resolve.Resolver, w *exchange.Want, began int64) (*upConn, *failure.Error) {
	u := &upConn{member: m}
	d := &dial{eng: m.eng, resolver: r, server: m.server, want: w, lost: m.tellAddressLost}
	err := d.open(u)
	if err == nil {
		err = m.begin(u, w, d.until)
	}
	if err != nil {
		if err != exchange.Canceled {
			w.Attempt.Dialled = err.Evidence.Dialled
		}
		w.Attempt.Connect = time.Duration(m.eng.mono() - began)
		return nil, err
	}
	u.born = m.eng.mono()
	u.took = time.Duration(u.born - began)
	if m.tls == nil {
		return u, nil
	}
	u.times, u.requests = w.Timeouts, 1
	if err := u.handshake(w); err != nil {
		w.Attempt.Dialled, w.Attempt.Connect = u.addr, u.took
		u.sock.close()
		return nil, err
	}
	u.requests = 0
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

// giveBack takes a lease back. A clean connection is kept if there is room. The server
// has room for another exchange when the connection lies ready for it, and not before:
// else that exchange would open one more than the server may have.
func (m *member) giveBack(u *upConn, clean bool) {
	u.leavePlace()
	m.keep(u, clean)
	m.server.Active.Add(-1)
	if m.server.MaxConnections > 0 {
		m.group.Queue.Wake(1) // somebody may wait for just this
	}
}

// keep puts a connection into the pool, or closes it.
func (m *member) keep(u *upConn, clean bool) {
	if most := m.group.Rules().MaxRequests; most > 0 && u.requests >= most {
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

// tick does what is due by time alone: the group's own business, and closing idle
// connections that are too old or that the server has closed. The sweeper calls it.
func (g *Group) tick(now int64) bool {
	if g.closed.Load() {
		return false
	}
	g.Tick(now)
	if now-g.looked.Load() < int64(time.Second) {
		return true
	}
	g.looked.Store(now)
	for _, s := range g.Servers() {
		m, limit := memberOf(s), int64(g.Rules().IdleTimeout)
		for _, u := range m.idle.Sweep(func(u *upConn) bool {
			return limit > 0 && now-u.idleSince >= limit || !u.usable()
		}) {
			m.drop(u)
		}
	}
	return true
}
