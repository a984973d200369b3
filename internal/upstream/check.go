// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// Check is the result of one health check.
type Check struct {
	OK bool
	// Says tells the result in words: "GET /health answered 503, wanted 2xx".
	Says string
}

// CheckOptions say how many results in a row change a server's state.
type CheckOptions struct {
	// Fall takes it out, Rise puts it back; 0 counts as 1.
	Fall, Rise int
}

// checked is what health checks say of one server. The group's mu guards it.
type checked struct {
	// checkOut says that they took it out; checkRow counts the results in a row that
	// speak against that state.
	checkOut bool
	checkRow int
	// counts says that checks fail, goodSince and badSince what requests said since the
	// first of these. They are written without the lock.
	counts              atomic.Bool
	goodSince, badSince atomic.Uint32

	checkedAt int64 // 0 before the first one
	checkOK   bool  // the last one passed
	checkSays string
	// passingSince is when the present row of passed checks began.
	passingSince int64
	// contradictionTold says that requests were said to tell the contrary, which they
	// have not ceased to do.
	contradictionTold bool
}

// When requests contradict a check: by so many of them, nearly all good though it
// fails, or half of them bad though it passes. A tenth of failures is no more than
// what a page that is broken costs a healthy server.
const (
	contradicts   = 10
	nearlyAllGood = 0.1
	halfBad       = 0.5
)

// NoteCheck takes the result of a check. It reports whether the server's state is
// beyond doubt: if not, or if it is not in service though its owner wants it to be,
// the next check should come soon.
//
// A result that agrees with the state makes it certain; only Fall or Rise results in
// a row turn it, so that a check which fails now and then moves nothing.
func (g *Group) NoteCheck(s *Server, c Check, now int64) (sure bool) {
	defer g.change(now)()
	if !slices.Contains(g.servers, s) {
		return true // it left while it was asked
	}
	if c.OK && (!s.checkOK || s.checkedAt == 0) {
		s.passingSince = now
	}
	s.checkedAt, s.checkOK, s.checkSays = now, c.OK, c.Says
	if !c.OK && !s.counts.Load() {
		s.goodSince.Store(0)
		s.badSince.Store(0)
		s.counts.Store(true)
	}
	if c.OK != s.checkOut {
		s.checkRow = 0
		g.callOut(s, now)
	} else if s.checkRow++; s.checkRow >= s.enoughChecks(&g.Rules().Check) {
		s.turn(now)
	}
	if c.OK && !s.checkOut {
		s.counts.Store(false)
	}
	return s.checkRow == 0 && s.asWanted(now)
}

// countRequest counts what a request said while the check fails.
func (s *checked) countRequest(good bool) {
	if good {
		s.goodSince.Add(1)
	} else {
		s.badSince.Add(1)
	}
}

// sinceItFails sums what requests said since the check fails; where those are many,
// the last of them.
func (s *Server) sinceItFails(now int64) (good, bad uint32) {
	good, bad = s.goodSince.Load(), s.badSince.Load()
	if good+bad >= recentMost {
		return s.recent.sum(now)
	}
	return good, bad
}

// enoughChecks is how many results in a row turn the state.
func (s *Server) enoughChecks(o *CheckOptions) int {
	if s.checkOut {
		return max(o.Rise, 1)
	}
	return max(o.Fall, 1)
}

// turn makes the state what the last checks say.
func (s *Server) turn(now int64) {
	s.checkRow, s.checkOut, s.contradictionTold = 0, !s.checkOut, false
	if s.checkOut {
		s.why = "its health check fails: " + s.checkSays
		if text := s.doesWell(now); text != "" {
			s.why += "; yet " + text + " since it began to fail"
			s.contradictionTold = true
		}
		return
	}
	s.why = "its health check passes: " + s.checkSays
	if s.ejectedAs != "" {
		s.why += "; it stays out for how it answers requests"
		s.contradictionTold = true
	}
}

// asWanted reports that s is where its owner wants it.
func (s *Server) asWanted(now int64) bool {
	switch s.judge(now) {
	case Up, Draining, Maintenance:
		return true
	}
	return false
}

// callOut tells, once until it ceases, that requests contradict the check. The state
// stays what the check says: an application that asks to be left alone says so by its
// check, and one whose requests all fail is left out by its statistics.
func (g *Group) callOut(s *Server, now int64) {
	text, ceased := "", false
	good, bad := s.recent.sum(now)
	if s.checkOut {
		text = s.doesWell(now)
		ceased = bad >= contradicts && share(bad, good) > halfBad
		if text != "" {
			text += " although its health check fails: " + s.checkSays
		}
	} else {
		text = s.doesBadly(good, bad)
		ceased = good >= contradicts && share(bad, good) <= nearlyAllGood
	}
	switch {
	case ceased && text == "":
		s.contradictionTold = false
	case text != "" && !s.contradictionTold:
		s.contradictionTold = true
		g.tell(s, now, s.state, text)
	}
}

// doesWell says how well requests went since the check began to fail, "" if that
// contradicts nothing. Those of before tell only that it worked then.
func (s *Server) doesWell(now int64) string {
	good, bad := s.sinceItFails(now)
	if good < contradicts || share(bad, good) > nearlyAllGood {
		return ""
	}
	return fmt.Sprintf("%d of %d requests went well", good, good+bad)
}

// doesBadly says what requests tell against a check that passes, "" for nothing. An
// ejection under a check that passed told so itself.
func (s *Server) doesBadly(good, bad uint32) string {
	switch {
	case s.ejectedAs != "" && s.passingSince > s.ejectedAt:
		return "passes its health check although it was left out for how it answers requests: " + s.checkSays
	case s.ejectedAs == "" && bad >= contradicts && share(bad, good) >= halfBad:
		return fmt.Sprintf("%d of its last %d requests failed although its health check passes: %s", bad, good+bad, s.checkSays)
	}
	return ""
}

// reason is why s changes to state to. Who turns out to fail its check when another
// trouble ends hears of the check, not of that end alone.
func (s *Server) reason(to State, now int64) string {
	why := s.why
	if why == "" {
		why = "has stayed long enough"
	}
	if to == Failing && s.checkedAt != now {
		why += "; its health check fails: " + s.checkSays
	}
	return why
}

// forget forgets what checks said that are not made any more; the group's mu is held.
func (c *checked) forget() {
	c.checkOut, c.checkRow, c.checkedAt, c.checkOK, c.checkSays = false, 0, 0, false, ""
	c.passingSince, c.contradictionTold = 0, false
	c.counts.Store(false)
	c.goodSince.Store(0)
	c.badSince.Store(0)
}
