// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Outlier says when a server that answers worse than the others is left out. The
// zero value leaves nobody out.
type Outlier struct {
	// Consecutive failures leave a server out, 0 for never.
	Consecutive int
	// FailureRate does too, above 0 and up to 1, if it is also twice that of the
	// others. It takes MinRequests to tell.
	FailureRate float64
	MinRequests int
	// Latency leaves out a server whose average latency is so many times the median
	// of the others, for as long as slowTicks. 0 for never.
	Latency float64
	// MaxShare bounds the share of the servers that are left out so; one may always
	// be, but never the last one.
	MaxShare float64
	// For is how long the first time lasts. Each next one that follows soon is twice
	// as long, up to MaxFor.
	For, MaxFor time.Duration
}

// outlier is what the statistics say of one server.
type outlier struct {
	recent recent
	badRow atomic.Int32
	// ejectedAs is Ejected or Stalled, or "" if it is neither.
	ejectedAs               State
	ejectedAt, ejectedUntil int64
	// forLatency says that it was left out for being slow.
	forLatency bool
	// ejections counts those of late, calmSince is since when there was none.
	ejections int
	calmSince int64
	trial
	// slowTicks counts how long its latency has been that of an outlier.
	slowTicks int
}

const (
	// calmAfter is the time in service that makes one ejection forgotten.
	calmAfter = 30 * time.Second
	// slowTicks is how many times in a row, a second apart, a latency has to be an
	// outlier's.
	slowTicks = 5
	// slowLeast is a latency that is never too long.
	slowLeast = 500 * time.Millisecond
	// enoughAgain is how many requests tell that a server which was left out lately
	// is no better yet.
	enoughAgain = 5
)

// noteBad counts a failure of s, and leaves it out if it is enough; g.mu is held.
func (g *Group) noteBad(s *Server, last Outcome, now int64) {
	row := s.badRow.Add(1)
	o := &g.Rules().Outlier
	if s.ejectedAs != "" {
		s.noteTrial(false, now)
		return
	}
	good, bad := s.recent.sum(now)
	othersGood, othersBad := g.others(s, now)
	others := share(othersBad, othersGood)
	switch rate := share(bad, good); {
	case o.Consecutive > 0 && int(row) >= o.Consecutive && others < 0.5:
		g.eject(s, Ejected, now, fmt.Sprintf("failed %d times in a row, last by %s", row, last))
	case o.FailureRate > 0 && rate >= o.FailureRate && rate >= 2*others && int(good+bad) >= s.enough(o.MinRequests):
		g.eject(s, Ejected, now, fmt.Sprintf("failed %d of the last %d requests, the others %d of %d; last by %s",
			bad, good+bad, othersBad, othersGood+othersBad, last))
	}
}

// enough is how many requests it takes to judge s.
func (s *Server) enough(usual int) int {
	if s.ejections > 0 {
		return min(usual, enoughAgain)
	}
	return usual
}

// others sums the results of all servers in service but s.
func (g *Group) others(s *Server, now int64) (good, bad uint32) {
	for _, o := range g.servers {
		if o != s && o.state == Up {
			g, b := o.recent.sum(now)
			good, bad = good+g, bad+b
		}
	}
	return good, bad
}

func share(part, rest uint32) float64 {
	if part == 0 {
		return 0
	}
	return float64(part) / float64(part+rest)
}

// eject leaves s out for a while, if enough others are in service; g.mu is held. I3.
func (g *Group) eject(s *Server, as State, now int64, why string) {
	o := &g.Rules().Outlier
	up, out := 0, 0
	for _, other := range g.servers {
		switch {
		case other == s:
		case other.ejectedAs != "":
			out++
		case other.state == Up:
			up++
		}
	}
	if up == 0 || out > 0 && float64(out+1) > o.MaxShare*float64(len(g.servers)) {
		return
	}
	d := min(o.For<<min(s.ejections, 16), o.MaxFor)
	s.ejections++
	s.ejectedAs, s.ejectedAt, s.ejectedUntil = as, now, now+int64(d)
	s.why = why
	if s.checkedAt != 0 && s.checkOK {
		s.why += ", although its health check passes"
	}
	s.touchy.Store(true)
	s.slowTicks, s.passed, s.failed, s.forLatency = 0, 0, 0, false
	s.unheard.Store(0)
	s.nextTrial.Store(now + int64(trialRarely)) // what was wrong is hardly over yet
}

// release ends an ejection; the group's mu is held.
func (s *Server) release(why string) {
	s.ejectedAs, s.why = "", why
	s.badRow.Store(0)
	s.recent.clear()
}

// tickEvery is how often Tick looks at what time alone changes.
const tickEvery = 100 * time.Millisecond

// Tick does what becomes due by time alone: the end of ejections, stalls, slow
// servers. It is called often, and looks every tickEvery.
func (g *Group) Tick(now int64) {
	g.Limit.Tick(now)
	if g.Queue.Len() > 0 && g.HasRoom() {
		g.Queue.Wake(wakeMore)
	}
	last := g.tickedAt.Load()
	if now-last < int64(tickEvery) || !g.tickedAt.CompareAndSwap(last, now) {
		return
	}
	defer g.change(now)()
	second := now/int64(time.Second) != last/int64(time.Second)
	for _, s := range g.servers {
		switch {
		case s.ejectedAs == Stalled && s.Quiet(now) >= g.Rules().Silence:
		case s.ejectedAs != "" && now >= s.ejectedUntil:
			s.release("has been left out for " + roughly(now-s.ejectedAt) + " and gets another try")
		case s.state != Up:
		case g.stalls(s, now):
			g.eject(s, Stalled, now, fmt.Sprintf("has answered nothing for %s while %d requests wait for it and other servers answer",
				roughly(int64(s.Quiet(now))), s.waiting.Load()))
		case second:
			g.lookAtLatency(s, now)
			if s.ejectedAs == "" && s.ejections > 0 && now-s.calmSince >= int64(calmAfter) {
				s.ejections--
				s.calmSince = now
			}
		}
	}
}

// stalls reports that s is silent while others answer.
func (g *Group) stalls(s *Server, now int64) bool {
	if g.Rules().Silence == 0 || s.Quiet(now) < g.Rules().Silence {
		return false
	}
	return slices.ContainsFunc(g.servers, func(o *Server) bool {
		return o != s && o.state == Up && o.stamp.Load() > s.quietSince.Load()
	})
}

// lookAtLatency compares s with the others in service.
func (g *Group) lookAtLatency(s *Server, now int64) {
	factor := g.Rules().Outlier.Latency
	if factor == 0 {
		return
	}
	var others []time.Duration
	for _, o := range g.servers {
		if o != s && o.state == Up {
			others = append(others, o.Latency(now))
		}
	}
	if len(others) == 0 {
		return
	}
	slices.Sort(others)
	median := others[len(others)/2]
	mine := s.Latency(now)
	if mine < slowLeast || float64(mine) < factor*float64(median) {
		s.slowTicks = 0
		return
	}
	if s.slowTicks++; s.slowTicks >= slowTicks {
		g.eject(s, Ejected, now, fmt.Sprintf("takes %s to answer, the others %s", roughly(int64(mine)), roughly(int64(median))))
		s.forLatency = s.ejectedAs != ""
	}
}
