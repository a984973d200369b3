// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"sync/atomic"
	"time"
)

// LimitOptions say how many exchanges a group may have in hand at a time.
type LimitOptions struct {
	// Most is a fixed number, 0 for none.
	Most int
	// Adaptive learns the number from how soon the servers answer; Most is without
	// effect then.
	Adaptive bool
}

// Limit counts the exchanges that a group has in hand, and says whether there may be
// one more. It takes no lock and allocates nothing. The zero value has no limit.
//
// A place is taken by Take and given back by Give, once each, whether there is a limit
// or not: so one can come and go at a reload. Those who find none wait in the group's
// Queue, whose Wake gives each one it calls a place: nobody who comes later can take it
// away.
type Limit struct {
	fixed  atomic.Int64 // 0 for none
	inHand atomic.Int64
	learn  atomic.Pointer[learner] // nil unless it is adaptive
}

// setRules puts other rules to use. What was learnt stays if it is to be learnt still.
func (l *Limit) setRules(o LimitOptions) {
	l.fixed.Store(int64(o.Most))
	switch {
	case !o.Adaptive:
		l.learn.Store(nil)
	case l.learn.Load() == nil:
		l.learn.Store(newLearner(l.inHand.Load()))
	}
}

// most returns the present limit, 0 for none.
func (l *Limit) most() int64 {
	if learn := l.learn.Load(); learn != nil {
		return learn.most.Load()
	}
	return l.fixed.Load()
}

// On reports whether there is a limit at all.
func (l *Limit) On() bool { return l.most() != 0 }

// Take takes a place, and reports false if there is none.
func (l *Limit) Take() bool {
	for {
		most, n := l.most(), l.inHand.Load()
		if most != 0 && n >= most {
			return false
		}
		if l.inHand.CompareAndSwap(n, n+1) {
			if learn := l.learn.Load(); learn != nil {
				learn.begins(n + 1)
			}
			return true
		}
	}
}

// Force takes a place that there may not be.
func (l *Limit) Force() { l.inHand.Add(1) }

// Give gives a place back.
func (l *Limit) Give() { l.inHand.Add(-1) }

// HasRoom reports whether there is a place.
func (l *Limit) HasRoom() bool {
	most := l.most()
	return most == 0 || l.inHand.Load() < most
}

// UntilHead reports that a place is given back when the head of the answer has come.
// That is what is learnt from; a fixed number is the owner's, who counts workers: a
// place lasts until the answer is whole.
func (l *Limit) UntilHead() bool { return l.learn.Load() != nil }

// Answers says that a server answered after latency, with a status below 500: by a
// higher one it does not show how long its work takes.
func (l *Limit) Answers(now int64, latency time.Duration) {
	if learn := l.learn.Load(); learn != nil {
		learn.answers(now, latency, l.inHand.Load())
	}
}

// Fails says that a server gave up under a request, or on it: by no answer in time, a
// connection that broke, or a status that says so.
func (l *Limit) Fails(now int64) {
	if learn := l.learn.Load(); learn != nil {
		learn.fails(now, l.inHand.Load())
	}
}

// Tick does what becomes due by time alone.
func (l *Limit) Tick(now int64) {
	if learn := l.learn.Load(); learn != nil {
		learn.tick(now, l.inHand.Load())
	}
}

// LimitState describes a Limit.
type LimitState struct {
	// Adaptive says that the limit is learnt.
	Adaptive bool
	// Most is the limit, 0 for none; InHand how many exchanges count against it.
	Most, InHand int64
	// Free is the time to an answer while nobody waits inside of the servers, Recent
	// that of late, both as geometric means. 0 if nothing is known yet.
	Free, Recent time.Duration
}

// State returns what is known.
func (l *Limit) State() LimitState {
	s := LimitState{Most: l.most(), InHand: l.inHand.Load()}
	if learn := l.learn.Load(); learn != nil {
		s.Adaptive = true
		s.Free, s.Recent = time.Duration(learn.freeShown.Load()), time.Duration(learn.recentShown.Load())
	}
	return s
}
