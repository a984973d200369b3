// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"time"

	"causey/internal/failure"
)

// patienceLeast is the shortest silence that means something: collecting garbage or
// loading a page of code takes others as long. patienceTimes is how many times its
// usual latency a server may be silent.
const (
	patienceLeast = 300 * time.Millisecond
	patienceTimes = 4
)

// Patience returns how long to wait for s until it is worth asking whether it hangs.
func (g *Group) Patience(s *Server, now int64) time.Duration {
	return max(patienceLeast, min(patienceTimes*s.Latency(now), g.Rules().Silence))
}

// Hangs reports whether s has answered nobody for as long as its patience, though
// somebody waits.
func (g *Group) Hangs(s *Server, now int64) bool {
	p := g.Patience(s, now)
	// The clock of deadlines is coarse.
	return s.Quiet(now) >= p-p/8
}

// Lost describes the servers that cannot be reached.
type Lost struct {
	*Server
	// For is how long it has been so, By the failure that told.
	For time.Duration
	By  failure.Code
}

// Lost lists the servers that cannot be reached.
func (g *Group) Lost(now int64) (lost []Lost) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.servers {
		if s.state == Unreachable {
			lost = append(lost, Lost{s, time.Duration(now - s.lostAt), s.lostBy})
		}
	}
	return lost
}
