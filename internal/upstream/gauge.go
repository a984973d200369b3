// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"math"
	"sync/atomic"
	"time"
)

// The average's rules. Rising at once and falling slowly makes a server that begins
// to be slow lose its requests within a few of them (Finagle's "peak EWMA"). The
// bound on the rise keeps one slow page among quick ones from emptying a server.
const (
	latencyTau  = 2 * time.Second
	latencyRise = 4 // at most so many times what it was, per answer
	// latencyLeast is added to each average, so that servers that answer in no time
	// are told apart by their load and not by noise.
	latencyLeast = time.Millisecond
)

// gauge measures how soon a server answers, without a lock: two writers at once
// lose one of two samples.
type gauge struct {
	average atomic.Int64 // in ns, as of stamp
	stamp   atomic.Int64
	// waiting counts requests that are sent whole and have no answer yet. quietSince
	// is when the first of them began to wait, or when the server last answered one.
	waiting    atomic.Int64
	quietSince atomic.Int64
}

// Waits says that a request is sent whole and waits for its answer.
func (g *gauge) Waits(now int64) {
	if g.waiting.Add(1) == 1 {
		g.quietSince.Store(now)
	}
}

// Answers says that the answer to such a request has begun after latency.
func (g *gauge) Answers(now int64, latency time.Duration) {
	g.waiting.Add(-1)
	g.quietSince.Store(now)
	old, at := g.average.Load(), g.stamp.Load()
	switch l := int64(latency); {
	case old == 0:
		g.average.Store(max(l, 1))
	case l > old:
		g.average.Store(min(l, max(old, int64(latencyLeast))*latencyRise))
	case now > at:
		g.average.Store(max(l+int64(float64(old-l)*decay(now-at)), 1))
	default:
		return
	}
	g.stamp.Store(now)
}

// GivesUp says that nobody waits for the answer to such a request any more.
func (g *gauge) GivesUp() { g.waiting.Add(-1) }

// Quiet returns how long the server has left every request without an answer, 0 if
// none waits.
func (g *gauge) Quiet(now int64) time.Duration {
	if g.waiting.Load() <= 0 {
		return 0
	}
	return max(time.Duration(now-g.quietSince.Load()), 0)
}

// Latency returns the average as it counts now: what was measured long ago counts
// less and less, so that a server that lost all its requests gets some again.
func (g *gauge) Latency(now int64) time.Duration {
	l := g.average.Load()
	if age := now - g.stamp.Load(); age > int64(time.Second) {
		l = int64(float64(l) * decay(age-int64(time.Second)))
	}
	return time.Duration(l)
}

// expected is what one more request would cost in time, waiting for those before
// it.
func (g *gauge) expected(now int64, load float64) float64 {
	return float64(max(g.Latency(now), g.Quiet(now))+latencyLeast) * (load + 1)
}

func decay(age int64) float64 { return math.Exp(-float64(age) / float64(latencyTau)) }
