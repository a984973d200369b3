// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

// State is what a server is good for. The words are stable: logs, API and metrics
// use them.
type State string

// The states of a server.
const (
	// Up: in service.
	Up State = "up"
	// Unreachable: connections to it cannot be opened. It is tried again in the
	// background and asked by nobody.
	Unreachable State = "unreachable"
	// Returning: connections can be opened again; it has failed so often lately that
	// it is asked only where no other can be.
	Returning State = "returning"
	// Ejected: it answered much worse than the others of its group. It comes back by
	// itself.
	Ejected State = "ejected"
	// Stalled: it has requests and answers none of them while others do.
	Stalled State = "stalled"
	// Failing: its health check fails.
	Failing State = "failing"
	// Draining: the owner lets it finish; only clients that are bound to it come, and
	// others while there is nobody else.
	Draining State = "draining"
	// Maintenance: the owner took it out.
	Maintenance State = "maintenance"
	// Gone: it is no member any more.
	Gone State = "gone"
)

// States lists the states that a member can be in.
var States = []State{Up, Unreachable, Returning, Ejected, Stalled, Failing, Draining, Maintenance}

// Event tells of one change.
type Event struct {
	// At is when, on the clock of the group's callers.
	At       int64
	Upstream string
	// Server is its name, "" where the event is about the whole group.
	Server string
	// From and To are the states, "" for a server that just came and for an event
	// that changes none.
	From, To State
	// Reason says why in words that follow the server's name: "refused 3 connections
	// in a row".
	Reason string
}

// tell passes an event on; g.mu is held.
func (g *Group) tell(s *Server, now int64, to State, reason string) {
	if g.Rules().OnEvent == nil {
		return
	}
	e := Event{At: now, Upstream: g.Name, To: to, Reason: reason}
	if s != nil {
		e.Server, e.From = s.Name, s.state
	}
	g.Rules().OnEvent(e)
}

// change locks g for a change. What it returns settles the states, makes the change
// visible and wakes those who wait.
func (g *Group) change(now int64) (done func()) {
	g.mu.Lock()
	return func() {
		changed := g.settle(now)
		if changed {
			g.view.Store(g.newView(now))
		}
		g.mu.Unlock()
		if changed && g.Reachable() {
			g.Queue.Wake(wakeFirst)
		}
	}
}
