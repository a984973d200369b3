// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
)

// The places of a group whose exchanges are limited in number. An attempt takes one
// before it chooses a server: further attempts and hedges too, since they are more work
// for the same servers. Tunnels and event streams leave theirs when they begin: they last
// for hours, and nobody waits for their end.

// takePlace takes a place for w, and says in it if there is none.
func (g *Group) takePlace(w *exchange.Want) bool {
	placed := w.Placed
	w.Placed, w.Crowded = false, false
	switch {
	case placed:
		return true
	case w.Anyway: // it will hardly find a server: it is to learn why
		g.Limit.Force()
		return true
	case g.Limit.On() && g.Queue.Len() > 0 && !w.Called: // behind those who wait already
	case g.Limit.Take():
		return true
	}
	w.Crowded = true
	return false
}

// Leave implements exchange.Upstream: the client left in the moment of its turn.
func (g *Group) Leave(w *exchange.Want) {
	if w.Placed {
		w.Placed = false
		g.givePlace()
	}
}

// givePlace gives a place back, to one who waits if a server can be asked: else it would
// go round among all of them, each to find that out.
func (g *Group) givePlace() {
	g.Limit.Give()
	if g.Limit.On() && g.Queue.Len() > 0 && g.HasRoom() {
		g.Queue.Wake(1)
	}
}

// leavePlace gives back the place of an attempt, if it has one still.
func (u *upConn) leavePlace() {
	if u.placed {
		u.placed = false
		u.member.group.givePlace()
	}
}

// unserved says why a request that could not wait any longer was not served.
func (g *Group) unserved() *failure.Error {
	if g.Limit.HasRoom() || !g.Reachable() {
		return exchange.NoServer
	}
	s := g.Limit.State()
	err := newError(failure.Gateway, phase.Queue, failure.Limit)
	err.Evidence.Size, err.Evidence.Limit = s.InHand+1, s.Most
	return err
}
