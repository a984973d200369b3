// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// learner learns how many exchanges the servers can have in hand before more only wait
// inside of them.
//
// It is a gradient, as in Netflix' concurrency-limits (Gradient2) and Envoy's
// adaptive_concurrency filter: the limit is multiplied by how long an answer may take
// over how long it does take. Once all workers are busy latency grows in proportion to
// what is in hand (Little's law), so that the limit comes to rest where answers take
// limitTolerance times their queue-free time: with the workers busy and about as many
// requests waiting for them. Three things differ from those two, each for a way in
// which they go wrong:
//
//   - Queue-free time is never measured by holding requests back (Envoy refuses healthy
//     traffic for it), and is neither a minimum nor an average over a long time (which
//     overload becomes part of in Gradient2). It follows latency up only while at most
//     half of the limit is used.
//   - A shrink has to help. Where latency stays although less is in hand, it is not
//     that which makes it: other pages are asked for, or the database is slow. Then the
//     limit comes back, and queue-free time is corrected.
//   - The mean is that of the logarithms, and a window lasts longer than the slowest
//     answers: a page that takes a hundred times as long as the others counts as one
//     request among them.
//
// The limit changes only while it is reached: what was not used says nothing about it.
// What is counted has no lock: of two answers at once one may be lost in a maximum.
type learner struct {
	// The present window: it counts what comes after opens. What was in hand when the
	// limit changed is waited for before.
	opens         atomic.Int64
	count, failed atomic.Int64
	sum, squares  atomic.Int64 // of the logarithms of latencies, times logScale
	hands         atomic.Int64 // sum of what was in hand at each answer
	peak          atomic.Int64 // of what was in hand
	slowest       atomic.Int64 // latency
	least         atomic.Int64 // how long the window lasts at least
	heard         atomic.Int64 // when the last answer came, counted or not

	// most is the limit, as it is obeyed.
	most atomic.Int64
	// What is shown.
	freeShown, recentShown atomic.Int64

	mu sync.Mutex // guards what follows
	// limit is the exact one, free the logarithm of the queue-free time.
	limit, free float64
	known       bool // free is
	// settled says that the limit was too high once: it begins by doubling.
	settled bool
	// before is how things stood when the limit began to shrink, zero if it does not;
	// inVain counts how often that was found not to help.
	before span
	inVain int
	at     int64 // when the last window was closed
	// fullSince is since when as much is in hand as the limit allows, overSince more
	// than that and not less and less, 0 if it is not so; overHands is how much then.
	fullSince, overSince int64
	overHands            int64
	// raisedAt is when the limit was raised for want of answers, raisedFrom what it was.
	raisedAt   int64
	raisedFrom float64
}

// span is what one window has seen.
type span struct {
	// limit is what it was then, hands how many were in hand on average.
	limit, hands float64
	// latency is the logarithm of the geometric mean, noise its standard error.
	latency, noise float64
	count, failed  float64
	peak           float64
	took           time.Duration
}

const (
	// windowLeast and windowMost are how long a window lasts, windowEnough how many
	// answers close it in between, windowFew after windowMost.
	windowLeast, windowMost = 100 * time.Millisecond, 2 * time.Second
	windowEnough, windowFew = 64, 8

	// logScale is the fixed point: sums of squares have room for 10 billion answers.
	logScale = 1 << 20
)

// newLearner begins where so many are in hand.
func newLearner(inHand int64) *learner {
	l := &learner{limit: max(limitStart, float64(inHand))}
	l.most.Store(int64(l.limit))
	return l
}

// begins notes that n are in hand now.
func (l *learner) begins(n int64) {
	if n > l.peak.Load() {
		l.peak.Store(n)
	}
}

// answers counts an answer, and decides if the window is complete.
func (l *learner) answers(now int64, latency time.Duration, inHand int64) {
	if l.heard.Load() != now { // a coarse clock: mostly it is
		l.heard.Store(now)
	}
	if now < l.opens.Load() {
		return
	}
	x := math.Log(float64(max(latency, time.Microsecond)))
	l.sum.Add(int64(x * logScale))
	l.squares.Add(int64(x * x * logScale))
	l.hands.Add(inHand)
	if int64(latency) > l.slowest.Load() {
		l.slowest.Store(int64(latency))
	}
	l.count.Add(1)
	l.decide(now, inHand)
}

// fails counts a failure, and decides if the window is complete.
func (l *learner) fails(now, inHand int64) {
	if now < l.opens.Load() {
		return
	}
	l.failed.Add(1)
	l.decide(now, inHand)
}

func (l *learner) complete(now int64) bool {
	age := now - l.opens.Load()
	if age < max(int64(windowLeast), l.least.Load()) {
		return false
	}
	n := l.count.Load() + l.failed.Load()
	return n >= windowEnough || n >= windowFew && age >= int64(windowMost)
}

// close returns what the window has seen that ends now, and opens the next one; l.mu
// is held.
func (l *learner) close(now, inHand int64) span {
	w := span{limit: l.limit, count: float64(l.count.Swap(0)), failed: float64(l.failed.Swap(0)),
		peak: float64(l.peak.Swap(inHand)), took: time.Duration(now - l.at)}
	sum, squares := float64(l.sum.Swap(0))/logScale, float64(l.squares.Swap(0))/logScale
	hands := float64(l.hands.Swap(0))
	if w.count > 0 {
		w.hands, w.latency = hands/w.count, sum/w.count
		w.noise = math.Sqrt(max(squares/w.count-w.latency*w.latency, 0) / w.count)
	}
	l.least.Store(min(2*l.slowest.Swap(0), int64(windowMost)))
	l.at = now
	l.opens.Store(now)
	return w
}

// mean is the arithmetic mean of the latencies, if they are distributed like a
// normal's exponential.
func (w *span) mean() time.Duration {
	return time.Duration(math.Exp(w.latency + w.noise*w.noise*w.count/2))
}
