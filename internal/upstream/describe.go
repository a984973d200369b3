// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import "time"

// Description is what a group knows and does at one moment, as plain values.
type Description struct {
	Servers []ServerDescription
	// Held is how many requests wait for a server, of HeldMost that may.
	Held, HeldMost int
	// Requests came within the last five to ten seconds. Repeated of them were asked
	// for once more, of Repeatable that might have been.
	Requests, Repeated, Repeatable int
	// Panics: so many are left out by checks and statistics that all are asked that can
	// be reached.
	Panics bool
}

// ServerDescription is what is known of one server.
type ServerDescription struct {
	Name  string
	State State
	// Since is when the state began, 0 for when the server came to be; Because says why
	// in words that follow the server's name, "" at first.
	Since   int64
	Because string
	// Hand is what the owner decided, Auto for nothing.
	Hand Hand
	Role
	// Latency is the average time to an answer's head, 0 before the first one.
	Latency time.Duration
	// Active is how many connections carry an exchange, Waiting how many requests are
	// sent whole and have no answer yet.
	Active, Waiting int64
	// Good and Bad count its last results, up to 64, none if the newest is older than ten
	// seconds.
	Good, Bad uint32
	// Ejections counts those of late: the next one lasts longer by them.
	Ejections int
	// Share is which part of its full share of the requests it takes, below 1 while it
	// begins slowly.
	Share float64
	// CheckedAt is when its health check last ended, 0 for never.
	CheckedAt int64
	Check     Check
	// Contradiction is what requests tell against a check that fails, "" for nothing. They
	// do where none of the servers is left, so that all are asked.
	Contradiction string
}

// Describe tells what the group knows and does now.
func (g *Group) Describe(now int64) Description {
	g.mu.Lock()
	defer g.mu.Unlock()
	first, more := g.Budget.spent.sum(now)
	d := Description{
		Servers: make([]ServerDescription, 0, len(g.servers)),
		Held:    g.Queue.Len(), HeldMost: g.Rules().Hold.Most,
		Requests: int(first), Repeated: int(more), Repeatable: int(g.Budget.may(first)),
		Panics: g.panics,
	}
	for _, s := range g.servers {
		good, bad := s.recent.sum(now)
		one := ServerDescription{
			Name: s.Name, State: s.state, Since: s.since, Because: s.because, Hand: s.hand, Role: s.role,
			Latency: s.Latency(now), Active: s.Active.Load(), Waiting: max(s.waiting.Load(), 0),
			Good: good, Bad: bad, Ejections: s.ejections, Share: g.ramp(s, now),
			CheckedAt: s.checkedAt, Check: Check{OK: s.checkOK, Says: s.checkSays},
		}
		one.Weight = max(one.Weight, 1)
		if s.checkOut && g.panics {
			one.Contradiction = s.doesWell(now)
		}
		d.Servers = append(d.Servers, one)
	}
	return d
}
