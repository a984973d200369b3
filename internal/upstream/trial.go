// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// trial is how a server that is left out proves that it is well again: single
// requests that can be repeated elsewhere are sent to it. What it takes grows with
// how often it was left out lately, so that one that is well every other second does
// not come and go.
type trial struct {
	nextTrial atomic.Int64
	// unheard counts those that began while something waited, since the last result.
	unheard atomic.Int32
	// passed counts those that went well in a row; failed those that did not.
	passed, failed int // the group's mu guards them
}

const (
	// trialEvery is how often, at most, a server is tried; each failure doubles it, up
	// to trialRarely.
	trialEvery, trialRarely = 200 * time.Millisecond, time.Second
	// trialShare is the share of the requests that may be trials where there are few.
	trialShare = 0.2
	// trialsLeast is how many have to go well in a row the first time, trialsMost how
	// many at most: so many that three seconds are enough for them.
	trialsLeast, trialsMost = 3, 8
	// trialsUnheard is how often trials without a result double the time until the next:
	// where silence is not raced, each of them keeps a visitor waiting.
	trialsUnheard = 3
)

// takesTrial reports whether the next request is one that tries s. While something waits
// for its answer, the trial before or a request that nobody may repeat, it is tried
// rarely: what is stuck from before may stay so though the server is well again.
func (s *Server) takesTrial(now int64) bool {
	next := s.nextTrial.Load()
	due := next
	stuck := s.waiting.Load() > 0
	if stuck {
		due += int64(trialRarely) << min(s.unheard.Load(), trialsUnheard)
	}
	if now < due || rand.Float64() >= trialShare || !s.nextTrial.CompareAndSwap(next, now+int64(trialEvery)) {
		return false
	}
	if stuck {
		s.unheard.Add(1)
	}
	return true
}

// noteTrial counts the result of a request to s while it is left out, and takes s
// back if that is enough; the group's mu is held.
func (s *Server) noteTrial(good bool, now int64) {
	s.unheard.Store(0)
	if now-s.ejectedAt < int64(trialEvery) {
		return // it was on its way before
	}
	if s.forLatency && s.Latency(now) >= slowLeast {
		good = false // it answers, as it did before
	}
	if !good {
		s.passed = 0
		s.failed++
		s.nextTrial.Store(now + int64(min(trialEvery<<min(s.failed, 8), trialRarely)))
		return
	}
	s.passed++
	if s.passed >= min(trialsLeast<<min(max(s.ejections-1, 0), 8), trialsMost) {
		s.release(fmt.Sprintf("answered %d requests well in a row that were sent to try it, after %s", s.passed, roughly(now-s.ejectedAt)))
	}
}
