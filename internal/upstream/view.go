// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"slices"
)

// The levels of a view: who is asked first, who if those were tried or are full,
// and who while there is nobody better.
const (
	byRights   = iota // in service, of the best priority, near
	alsoUp            // in service elsewhere, or returning
	lastResort        // left out by statistics or checks, but reachable
	leaving           // draining: better than nobody
	levels
)

// view is what Pick reads: a picture of the group that never changes. Each change
// of the group makes a new one.
type view struct {
	servers []*Server
	levels  [levels]level
	// bound lists those whom clients that are bound to them may still ask, known those
	// who may be asked to learn what is wrong with them.
	bound, known []*Server
	// onTrial lists those whom single requests try while they are left out.
	onTrial []*Server
}

// level is a set of servers of equal standing.
type level struct {
	seats []seat
	// total is the sum of the weights; even says that they are all equal.
	total uint32
	even  bool
}

// seat is a server with its weight, and the sum of all weights up to its own.
type seat struct {
	*Server
	weight, upTo uint32
}

func (l *level) add(s *Server) {
	w := max(s.role.Weight, 1)
	l.even = len(l.seats) == 0 || l.even && l.seats[0].weight == w
	l.total += w
	l.seats = append(l.seats, seat{s, w, l.total})
}

// newView makes the picture; g.mu is held.
func (g *Group) newView(now int64) *view {
	g.dirty = false
	v := &view{servers: g.servers}
	up, out := 0, 0
	best := -1
	for _, s := range g.servers {
		switch s.state {
		case Up:
			up++
			if best < 0 || s.role.Priority < best {
				best = s.role.Priority
			}
		case Ejected, Stalled, Failing:
			out++
		}
	}
	near := g.nearIsEnough(best)
	g.decidePanic(now, up, out)
	for _, s := range g.servers {
		if s.state != Maintenance {
			v.known = append(v.known, s)
			if s.state != Unreachable {
				v.bound = append(v.bound, s)
			}
		}
		switch s.state {
		case Up:
			if s.role.Priority == best && (!near || s.role.Zone == g.Rules().Zone) {
				v.levels[byRights].add(s)
			} else {
				v.levels[alsoUp].add(s)
			}
		case Returning:
			v.levels[alsoUp].add(s)
		case Draining:
			v.levels[leaving].add(s)
		case Ejected, Stalled, Failing:
			switch {
			case g.panics:
				v.levels[byRights].add(s)
			default:
				v.levels[lastResort].add(s)
				if s.state != Failing && up > 0 {
					v.onTrial = append(v.onTrial, s)
				}
			}
		}
	}
	return v
}

// nearIsEnough reports that the servers of the gateway's own zone can do the work:
// at least half of those of that priority are in service.
func (g *Group) nearIsEnough(priority int) bool {
	if g.Rules().Zone == "" {
		return false
	}
	all, up := 0, 0
	for _, s := range g.servers {
		if s.role.Zone == g.Rules().Zone && s.role.Priority == priority {
			if all++; s.state == Up {
				up++
			}
		}
	}
	return up > 0 && 2*up >= all
}

// decidePanic decides whether so many servers are left out by checks and statistics that
// the rest would drown: when fewer than half are in service, what they were left
// out for is probably no fault of theirs, and all that can be reached are asked
// (Envoy's panic threshold).
func (g *Group) decidePanic(now int64, up, out int) {
	was := g.panics
	g.panics = out > 0 && 2*up < up+out
	switch {
	case g.panics && !was:
		g.tell(nil, now, "", fmt.Sprintf("%d of %d servers are left out by checks and statistics: all that can be reached are asked again", out, up+out))
	case was && !g.panics:
		g.tell(nil, now, "", "enough servers are in service again: those that are left out are not asked any more")
	}
}

// ramp returns which share of its part s takes now, above 0 and up to 1.
func (g *Group) ramp(s *Server, now int64) float64 {
	from := s.rampFrom.Load()
	if from == 0 || g.Rules().SlowStart == 0 {
		return 1
	}
	part := float64(now-from) / float64(g.Rules().SlowStart)
	if part >= 1 {
		s.rampFrom.CompareAndSwap(from, 0)
		return 1
	}
	return max(part, rampLeast)
}

// rampLeast is the share that a server begins with: enough to see that it works.
const rampLeast = 0.1

// Reachable reports whether there is a server that may be asked at all.
func (g *Group) Reachable() bool {
	v := g.view.Load()
	return slices.ContainsFunc(v.levels[:], func(l level) bool { return len(l.seats) > 0 })
}

// HasRoom reports whether there is a server that may be asked now, and a place for it.
func (g *Group) HasRoom() bool { return g.HasOther(nil) }

// HasOther reports whether there is a server that may be asked now beside those that
// were tried.
func (g *Group) HasOther(tried []uint32) bool {
	if !g.Limit.HasRoom() {
		return false
	}
	v, c := g.view.Load(), Choice{Tried: tried}
	for i := range v.levels {
		for _, s := range v.levels[i].seats {
			if c.free(s.Server) {
				return true
			}
		}
	}
	return false
}
