// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
)

// groupTwin is an exchange.Upstream. Servers are asked in their order.
type groupTwin struct {
	*air
	t       testing.TB
	twin    *twin
	servers []*serverTwin
	// arrived lists the leases whose request head has come, in order.
	arrived []*leaseTwin
	leases  []*leaseTwin
	asked   exchange.Want // what Acquire was called with last
	panics  string        // the method of group or lease that panics
	// patience is when ReadHead says Slow, alive that the slow server answers others;
	// repeats is how many repetitions are left.
	patience time.Duration
	alive    bool
	repeats  int
}

// serverTwin is one server. Dials come to what dials lists, then succeed.
type serverTwin struct {
	name  string
	dials []failure.Kind
	// hang lets dials wait for ever; delay is how long they take.
	hang  bool
	delay time.Duration
	// deaf makes connections refuse the first byte that is written to them, as
	// those do whose peer has gone unseen; how says by what.
	deaf cut
	// takes is how many bytes of a body a connection takes before it goes deaf by
	// a reset, 0 for no bound; nothing comes back from it either.
	takes int
	conns []*upConnection
	dialn int
	// down servers are known to be unreachable.
	down bool
}

func (s *serverTwin) isDown(g *groupTwin) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return s.down
}

// up makes s one that can be asked.
func (g *groupTwin) up(s *serverTwin) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.down = false
	g.cond.Broadcast()
}

// Hold implements exchange.Upstream.
func (g *groupTwin) Hold(w *exchange.Want, until time.Time) *failure.Error {
	g.may("lease.Hold")
	d := &dialing{air: g.air}
	w.Waiter.Watch(d)
	g.mu.Lock()
	defer g.mu.Unlock()
	up := func() bool { return slices.ContainsFunc(g.servers, func(s *serverTwin) bool { return !s.down }) }
	switch {
	case time.Until(until) <= 0:
		return exchange.NoServer
	case up() && !w.Again:
		return exchange.NoServer
	case up(): // a rest
		until = time.Now().Add(min(time.Until(until), 10*time.Millisecond))
		if g.wait(func() bool { return d.canceled }, func() time.Time { return until }) {
			return exchange.Canceled
		}
		return nil
	case !g.wait(func() bool { return d.canceled || up() }, func() time.Time { return until }):
		return exchange.NoServer
	case d.canceled:
		return exchange.Canceled
	}
	return nil
}

// Leave implements exchange.Upstream.
func (g *groupTwin) Leave(*exchange.Want) {}

// MayRepeat implements exchange.Upstream.
func (g *groupTwin) MayRepeat(w *exchange.Want, elsewhere bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if elsewhere && !slices.ContainsFunc(g.servers, func(s *serverTwin) bool {
		return !s.down && !slices.Contains(w.Tried[:w.TriedLen], uint32(slices.Index(g.servers, s)))
	}) {
		return false
	}
	g.repeats--
	return g.repeats >= 0
}

// Hangs implements exchange.Upstream.
func (g *groupTwin) Hangs(*exchange.Want) bool { return !g.alive }

// upConnection is a connection to a server.
type upConnection struct {
	up, down credit
	requests uint32
	active   int
	closed   bool
	deaf     cut
	since    time.Time
}

func (g *groupTwin) may(method string) {
	if g.panics == method {
		panic("port: " + method)
	}
}

// Name implements exchange.Upstream.
func (g *groupTwin) Name() string { return "app" }

// Acquire implements exchange.Upstream.
func (g *groupTwin) Acquire(w *exchange.Want) (exchange.Lease, *failure.Error) {
	g.may("lease.Acquire")
	g.asked = *w
	i := 0
	if w.Fresh {
		i = w.Last.(int)
	} else {
		for i < len(g.servers) && (slices.Contains(w.Tried[:w.TriedLen], uint32(i)) || g.servers[i].isDown(g) && !w.Anyway) {
			i++
		}
	}
	if i == len(g.servers) || !w.Fresh && w.TriedLen == len(w.Tried) {
		return nil, exchange.NoServer
	}
	w.Last, w.Chosen = i, uint64(i+1)
	if !w.Fresh {
		w.Tried[w.TriedLen] = uint32(i)
		w.TriedLen++
	}
	w.Patience = g.patience
	s := g.servers[i]
	w.Attempt.Server = s.name
	var conn *upConnection
	if !w.Fresh {
		g.mu.Lock()
		conn = s.idle(g.twin)
		g.mu.Unlock()
	}
	if conn == nil {
		var err *failure.Error
		if conn, err = g.dial(s, w); err != nil {
			return nil, err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	conn.requests++
	conn.active++
	l := &leaseTwin{air: g.air, group: g, server: s, conn: conn, times: w.Timeouts, patience: w.Patience, reused: conn.requests > 1, number: conn.requests}
	l.up = flow{air: g.air, conn: &conn.up, window: g.twin.window}
	l.down = flow{air: g.air, conn: &conn.down, window: g.twin.window}
	if l.reused {
		l.idleFor = time.Since(conn.since)
	}
	g.leases = append(g.leases, l)
	return l, nil
}

// idle returns a connection with room for one more exchange, or nil.
func (s *serverTwin) idle(t *twin) *upConnection {
	for _, c := range s.conns {
		if !c.closed && (c.active == 0 || t.mux) {
			return c
		}
	}
	return nil
}

// dialing is what an exchange waits for while a connection is opened.
type dialing struct {
	*air
	canceled bool
}

// Cancel implements exchange.Canceler.
func (d *dialing) Cancel() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.canceled = true
	d.cond.Broadcast()
}

func (g *groupTwin) dial(s *serverTwin, w *exchange.Want) (*upConnection, *failure.Error) {
	d := &dialing{air: g.air}
	w.Waiter.Watch(d)
	w.Waiter.Enter(phase.Connect)
	g.mu.Lock()
	defer g.mu.Unlock()
	s.dialn++
	until := time.Now().Add(s.delay)
	if s.hang {
		until = time.Now().Add(w.Timeouts.Connect)
	}
	switch {
	case g.wait(func() bool { return d.canceled }, func() time.Time { return until }):
		return nil, exchange.Canceled
	case s.hang:
		return nil, newFailure(failure.Upstream, phase.Connect, failure.Timeout)
	}
	w.Attempt.Connect = s.delay
	if len(s.dials) > 0 {
		k := s.dials[0]
		if s.dials = s.dials[1:]; k != failure.NoKind {
			party := failure.Upstream
			if k == failure.Limit {
				party = failure.Gateway
			}
			w.Attempt.Dialled = serverAddr
			p := phase.Connect
			if inTLS := (failure.Code{Party: party, Phase: phase.UpHandshake, Kind: k}); failure.Lookup(failure.Code{Party: party, Phase: p, Kind: k}) == nil && failure.Lookup(inTLS) != nil {
				p = phase.UpHandshake
			}
			return nil, newFailure(party, p, k)
		}
	}
	c := &upConnection{up: credit{g.twin.connWindow}, down: credit{g.twin.connWindow}, deaf: s.deaf}
	s.conns = append(s.conns, c)
	return c, nil
}

var serverAddr = netip.MustParseAddrPort("[2001:db8::1]:8080")
