// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"sync/atomic"
	"time"

	"causey/internal/failure"
)

// health is what is known of one server. The group's mu guards it, but for what is
// atomic.
type health struct {
	state State
	// why is the reason for the next change of state, told with it.
	why string
	// since is when state began, 0 for when the server came to be; because is the
	// reason that was told then.
	since   int64
	because string

	hand Hand
	checked

	// notOpened counts connections in a row that could not be opened.
	notOpened      int
	unreachable    bool
	lostAt, backAt int64
	lostBy         failure.Code
	// flaps counts how often it was lost soon after it had come back; it is trusted
	// from trustedAt on.
	flaps     int
	trustedAt int64

	outlier
	// touchy says that a success has something to set right.
	touchy atomic.Bool
}

// Result is what one attempt said about its server.
type Result uint8

// The results.
const (
	// Good: it answered, and not with an error of its own.
	Good Result = iota
	// Bad: it answered with a status from 500 on.
	Bad
	// Broken: the connection ended before its time, or what came was no HTTP.
	Broken
	// NotOpened: no connection could be opened to it.
	NotOpened
	// Late: its answer did not come in time, or that of another server came before.
	Late
)

// Outcome is what one attempt said about its server.
type Outcome struct {
	Result Result
	// Code is the failure, Status what was answered, where there was one.
	Code   failure.Code
	Status int
}

// saysOverrun reports an outcome that servers with too much to do have. An error page
// is none: it is a defect's, mostly.
func (o *Outcome) saysOverrun() bool {
	switch o.Result {
	case Bad:
		return o.Status >= 502 && o.Status <= 504
	case NotOpened:
		return o.Code.Kind == failure.Timeout
	}
	return o.Result != Good
}

// String names the outcome as a reason does.
func (o Outcome) String() string {
	if o.Code.IsNone() {
		return fmt.Sprintf("status %d", o.Status)
	}
	return o.Code.String()
}

// Hand is what the owner decided about a server.
type Hand string

// What the owner can decide.
const (
	// Auto leaves it to what is seen.
	Auto Hand = "auto"
	// Drain lets no new client come.
	Drain Hand = "drain"
	// Maintain lets nobody come.
	Maintain Hand = "maintenance"
)

// The times of a server that cannot be reached or was not.
const (
	// flapWindow is how soon after its return the loss of a server counts as flapping.
	flapWindow = 30 * time.Second
	// trustLeast is how long a server that flapped once has to stay; each flap doubles
	// it, up to trustMost.
	trustLeast, trustMost = time.Second, 30 * time.Second
)

// Note takes what one attempt said of s.
func (g *Group) Note(s *Server, o Outcome, now int64) {
	s.recent.count(now, o.Result == Good)
	if s.counts.Load() {
		s.countRequest(o.Result == Good)
	}
	if o.saysOverrun() {
		g.Limit.Fails(now)
	}
	if o.Result == Good {
		if s.badRow.Load() != 0 {
			s.badRow.Store(0)
		}
		if s.touchy.Load() {
			g.worksAgain(s, now)
		}
		g.Queue.Wake(wakeMore)
		return
	}
	defer g.change(now)()
	if o.Result != NotOpened {
		g.noteBad(s, o, now)
		return
	}
	if s.notOpened++; s.notOpened >= 2 || certain(o.Code) {
		g.lose(s, o.Code, now)
	}
	s.touchy.Store(true)
}

// certain reports a failure to connect that says that nobody is there, so that one
// is enough. What only took too long may have been lost on the way.
func certain(code failure.Code) bool {
	switch code.Kind {
	case failure.Refused, failure.NoSocket, failure.NXDomain, failure.NoData:
		return true
	}
	return false
}

// lose takes s out because no connection can be opened; g.mu is held.
func (g *Group) lose(s *Server, code failure.Code, now int64) {
	if s.unreachable {
		return
	}
	if s.backAt != 0 {
		calm := time.Duration(now - s.backAt)
		if calm < flapWindow {
			s.flaps++
		} else {
			s.flaps = max(s.flaps-int(calm/flapWindow), 0)
		}
	}
	s.unreachable, s.lostAt, s.lostBy = true, now, code
	s.why = "no connection could be opened: " + code.String()
}

// Reached says that a connection to s could be opened, to find out whether one can.
func (g *Group) Reached(s *Server, now int64) {
	defer g.change(now)()
	if !s.unreachable {
		return
	}
	s.unreachable, s.notOpened, s.backAt = false, 0, now
	s.why = "a connection could be opened after " + roughly(now-s.lostAt)
	if s.flaps > 0 {
		wait := min(trustLeast<<min(s.flaps-1, 8), trustMost)
		s.trustedAt = now + int64(wait)
		s.why += fmt.Sprintf("; it was lost %d times soon after it came back, so that it has to stay for %s", s.flaps, wait)
	}
}

// worksAgain sets right what a success refutes.
func (g *Group) worksAgain(s *Server, now int64) {
	defer g.change(now)()
	s.notOpened = 0
	if s.unreachable {
		s.unreachable, s.backAt, s.why = false, now, "answered after "+roughly(now-s.lostAt)
	}
	switch s.ejectedAs {
	case Stalled:
		s.release("answers again after " + roughly(now-s.ejectedAt))
	case Ejected:
		s.noteTrial(true, now)
	}
	s.touchy.Store(s.ejectedAs != "")
}

// judge says what state s is in by all that is known; g.mu is held.
func (s *Server) judge(now int64) State {
	switch {
	case s.hand == Maintain:
		return Maintenance
	case s.hand == Drain:
		return Draining
	case s.unreachable:
		return Unreachable
	case s.checkOut:
		return Failing
	case s.ejectedAs != "":
		return s.ejectedAs
	case now < s.trustedAt:
		return Returning
	}
	return Up
}

// settle brings every server's state up to date and reports whether any changed, or
// anything else that the view shows; g.mu is held. I4.
func (g *Group) settle(now int64) (changed bool) {
	for _, s := range g.servers {
		to := s.judge(now)
		if to == s.state {
			s.why = ""
			continue
		}
		changed = true
		because := s.reason(to, now)
		g.tell(s, now, to, because)
		s.state, s.since, s.because, s.why = to, now, because, ""
		if to == Up {
			s.rampFrom.Store(now)
			s.calmSince = now
		}
	}
	return changed || g.dirty
}

// SetHand does with the server called name what the owner wants. It reports false
// if there is no such server.
func (g *Group) SetHand(name string, h Hand, why string, now int64) bool {
	defer g.change(now)()
	for _, s := range g.servers {
		if s.Name == name {
			s.decide(h, why)
			s.why += s.meanwhile(now)
			if h != Auto && s.judge(now) == s.state {
				s.because = s.why // the newest word counts, though nothing changes
			}
			return true
		}
	}
	return false
}

// roughly writes a duration in ns with as many digits as a reader needs.
func roughly(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
