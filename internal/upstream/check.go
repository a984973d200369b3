// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import "fmt"

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

// contradicts is how many requests of late it takes to say that a check is wrong.
const contradicts = 10

// NoteCheck takes the result of a check. It reports whether the server's state is
// beyond doubt: if not, the next check should come soon.
func (g *Group) NoteCheck(s *Server, c Check, now int64) (sure bool) {
	defer g.change(now)()
	o := g.Options.Check
	s.checkedAt, s.checkOK, s.checkSays = now, c.OK, c.Says
	if c.OK != s.checkOut {
		s.checkRow = 0
		g.callOut(s, now)
		return true
	}
	s.checkRow++
	need := max(o.Fall, 1)
	if c.OK {
		need = max(o.Rise, 1)
	}
	if s.checkRow < need {
		return false
	}
	s.checkRow, s.checkOut, s.contradictionTold = 0, !c.OK, false
	s.why = "its health check fails: " + c.Says
	if c.OK {
		s.why = "its health check passes: " + c.Says
	}
	return true
}

// callOut tells once that a check which fails is contradicted by real requests.
// The server stays out: the check is the owner's word, and an application that asks
// to be left alone says so by its check.
func (g *Group) callOut(s *Server, now int64) {
	good, bad := s.recent.sum(now)
	if !s.checkOut || s.contradictionTold || good < contradicts || share(bad, good) > 0.1 {
		return
	}
	s.contradictionTold = true
	g.tell(s, now, s.state, fmt.Sprintf("%d of its last %d requests went well although its health check fails: %s", good, good+bad, s.checkSays))
}
