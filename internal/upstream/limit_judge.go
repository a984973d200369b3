// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"math"
	"time"
)

const (
	// limitStart is where a limit begins: so low that the first moments of a small
	// server are no overload. It doubles with each window.
	limitStart = 4
	// limitTop bounds it.
	limitTop = 1 << 16
	// limitTolerance is how many times their queue-free time answers may take. Envoy
	// allows 1.25 and the square root of the limit on top, Netflix 1.5. With less than 2
	// the noise of a mix of quick and slow pages costs a tenth of the throughput.
	limitTolerance = 2.
	// limitSlack is added to each limit as its share, and one: it makes small limits grow.
	limitSlack = 1. / 16
	// growth is how much a limit grows at most per window once it was too high, growthFirst
	// before.
	growth, growthFirst = 1.5, 2
	// freeTau is the time constant of the queue-free time's way up.
	freeTau = 10 * time.Second
	// helpsLeast is which part of what a shrink should bring it has to bring. inVainMost
	// is how often in a row it may not: chance does that once in a while.
	helpsLeast, inVainMost = 0.3, 2
	// noiseLeast is a change of latency that means nothing.
	noiseLeast = 0.1
	// damping is how much of the way to where the gradient points is gone at a time.
	damping = 0.7
	// failsShare is from which share of failures the limit is multiplied by failsShrink,
	// every failsEvery at most.
	failsShare, failsShrink, failsEvery = 0.1, 0.8, time.Second
	// waitMost bounds the wait for what was in hand when the limit changed.
	waitMost = 10 * time.Second
	// stuckAfter is how long nothing may move, stuckMost how many times what it was the
	// limit becomes meanwhile: an origin that has stalled gets no more than that.
	stuckAfter, stuckMost = 2 * time.Second, 8
)

// decide closes the window, if it is complete, and decides about the limit.
func (l *learner) decide(now, inHand int64) {
	if !l.complete(now) || !l.mu.TryLock() {
		return
	}
	defer l.mu.Unlock()
	if !l.complete(now) {
		return // somebody else did it
	}
	w := l.close(now, inHand)
	l.judge(&w, now)
	l.limit = min(max(l.limit, 1), limitTop)
	if l.known {
		l.freeShown.Store(int64(math.Exp(l.free)))
	}
	l.most.Store(int64(l.limit + 0.5))
}

func (l *learner) judge(w *span, now int64) {
	if w.count > 0 {
		l.recentShown.Store(int64(math.Exp(w.latency)))
	}
	if w.peak > w.limit+1 {
		l.opens.Store(now + int64(min(w.mean(), waitMost)))
		return // it was lowered, and what is too much has not ended yet
	}
	used := w.peak >= math.Floor(0.9*w.limit)
	if w.count >= windowFew/2 {
		l.learnFree(w)
		l.move(w, used)
	}
	if used && w.failed >= 2 && w.failed >= failsShare*(w.failed+w.count) {
		l.limit = min(l.limit, failsShrink*w.limit)
		l.before = span{}
		l.opens.Store(now + int64(failsEvery))
		return
	}
	if math.Abs(l.limit-w.limit) >= 0.05*w.limit {
		l.opens.Store(now + int64(min(w.mean(), waitMost)))
	}
}

// learnFree learns queue-free time: down from whatever is clearly below it, up only
// from windows in which nobody can have waited.
func (l *learner) learnFree(w *span) {
	if !l.known {
		l.free, l.known = w.latency, true
	}
	d := w.latency - l.free
	switch {
	case d < -2*w.noise:
		l.free = w.latency + 2*w.noise
	case w.peak <= w.limit/2:
		l.free += d * min(w.took.Seconds()/freeTau.Seconds(), 0.5)
	}
}

// move moves the limit by the gradient.
func (l *learner) move(w *span, used bool) {
	if !used {
		l.before = span{}
		return
	}
	room := l.free + math.Log(limitTolerance) - w.latency
	// It is what was in hand that made the latency, be the limit where it may.
	hands := min(w.limit, w.hands)
	target := hands*math.Exp(damping*room) + hands*limitSlack + 1
	if room > math.Log(limitTolerance)/2 { // bursts that reach the limit for moments
		target = max(target, w.limit*(1+limitSlack)+1)
	}
	switch {
	case room >= 0 && target <= w.limit:
		l.before = span{}
	case target < w.limit:
		l.settled = true
		l.shrink(w, max(target, w.limit/2))
	default:
		l.before = span{}
		most := float64(growthFirst)
		if l.settled {
			most = growth
		}
		l.limit = min(target, most*w.limit+1)
	}
}

// shrink lowers the limit to target, or takes back what did not help.
func (l *learner) shrink(w *span, target float64) {
	l.limit = target
	if l.before.limit == 0 {
		l.before, l.inVain = *w, 0
		return
	}
	should, did := math.Log(l.before.hands/w.hands), l.before.latency-w.latency
	noise := max(3*math.Hypot(l.before.noise, w.noise), noiseLeast)
	switch {
	case did < -noise:
		// It still rises: what it rises to has to be seen before less can be compared.
		l.limit, l.before, l.inVain = w.limit, *w, 0
	case did < helpsLeast*should && did+noise < should:
		if l.inVain++; l.inVain >= inVainMost || did+2*noise < should {
			l.takeBack(w.latency)
		}
	case did > should/2:
		l.before, l.inVain = *w, 0
	}
}

// takeBack ends a shrink that was in vain. Nobody knows how much of latency is waiting:
// the limit may go up from where it was, but not by much at a time.
func (l *learner) takeBack(latency float64) {
	l.limit = l.before.limit
	l.free = latency - math.Log(limitTolerance)/2
	l.before = span{}
}

// tick raises the limit if nothing moves: if for stuckAfter more has been in hand than
// the limit allows, or as much and no answer came. What does not end though nothing is
// added to it waits for no worker: so do requests that an application holds until there
// is news (long polling). Without this they would keep everybody else out.
func (l *learner) tick(now, inHand int64) {
	if !l.mu.TryLock() {
		return
	}
	defer l.mu.Unlock()
	over := inHand - int64(l.limit+0.5)
	if over < 0 {
		l.fullSince = 0
	} else if l.fullSince == 0 {
		l.fullSince = now
	}
	if over <= 0 {
		l.overSince = 0
	} else if l.overSince == 0 || float64(inHand) < 0.95*float64(l.overHands) {
		l.overSince, l.overHands = now, inHand // it goes down, slowly as it may be
	}
	heard := l.heard.Load()
	switch {
	case over > 0 && now-l.overSince >= int64(stuckAfter):
		l.limit = max(l.limit, l.before.limit, growth*float64(inHand))
	case over >= 0 && now-max(l.fullSince, heard) >= int64(stuckAfter):
		if heard > l.raisedAt {
			l.raisedFrom = l.limit
		}
		l.limit = min(growth*l.limit+1, stuckMost*max(l.raisedFrom, 1))
		l.raisedAt = now
	default:
		return
	}
	l.limit = min(l.limit, limitTop)
	l.before = span{}
	l.fullSince, l.overSince = now, 0
	l.most.Store(int64(l.limit + 0.5))
}
