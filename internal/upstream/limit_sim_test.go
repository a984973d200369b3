// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// sim plays an upstream under a limit, event by event and without a clock: requests
// come, wait at the gateway for a place and inside of the origin for a worker, and are
// worked on. The same seed gives the same run.
type sim struct {
	t     testing.TB
	r     *rand.Rand
	limit Limit
	now   time.Duration
	due   events

	// workers is how many requests the origin works on at a time, work draws how long
	// one takes.
	workers int
	work    func(*rand.Rand) time.Duration
	// stalledUntil is when the origin goes on.
	stalledUntil time.Duration
	// waits are the requests inside of the origin without a worker, holds those at the
	// gateway without a place, by when they came.
	waits []request
	holds []time.Duration
	busy  int
	// hold is how long a request waits at the gateway until it is answered 503.
	hold time.Duration
	// timeout is how long an answer is waited for, 0 for ever.
	timeout time.Duration

	seen
}

// request is one inside of the origin.
type request struct {
	sent time.Duration
	// gone says that nobody waits for it any more.
	gone *bool
}

// seen is what is measured.
type seen struct {
	since              time.Duration
	done, refused      int
	latency            time.Duration // sum of those done, at the origin
	busyTime           time.Duration
	limitLow, limitTop int64
	inHandTop          int64
}

type event struct {
	at   time.Duration
	turn int
	do   func()
}

type events struct {
	list  []event
	turns int
}

func (e *events) Len() int { return len(e.list) }
func (e *events) Less(i, j int) bool {
	a, b := e.list[i], e.list[j]
	return a.at < b.at || a.at == b.at && a.turn < b.turn
}
func (e *events) Swap(i, j int) { e.list[i], e.list[j] = e.list[j], e.list[i] }
func (e *events) Push(x any)    { e.list = append(e.list, x.(event)) }
func (e *events) Pop() any {
	last := e.list[len(e.list)-1]
	e.list = e.list[:len(e.list)-1]
	return last
}

func newSim(t testing.TB, seed uint64, workers int, work func(*rand.Rand) time.Duration) *sim {
	s := &sim{t: t, r: rand.New(rand.NewPCG(seed, 2)), workers: workers, work: work, hold: 5 * time.Second}
	s.limit.setRules(LimitOptions{Adaptive: true})
	s.now = time.Second
	s.measure()
	return s
}

// wire is the time to the origin or back.
const wire = 200 * time.Microsecond

func (s *sim) after(d time.Duration, do func()) {
	s.due.turns++
	heap.Push(&s.due, event{s.now + d, s.due.turns, do})
}

// run plays until the clock shows another d.
func (s *sim) run(d time.Duration) {
	end := s.now + d
	for len(s.due.list) > 0 && s.due.list[0].at <= end {
		e := heap.Pop(&s.due).(event)
		s.count(e.at)
		s.now = e.at
		s.limit.Tick(int64(s.now))
		e.do()
		s.pump()
	}
	s.count(end)
	s.now = end
}

func (s *sim) count(until time.Duration) {
	s.busyTime += time.Duration(s.busy) * (until - s.now)
	most := s.limit.State().Most
	s.limitLow, s.limitTop = min(s.limitLow, most), max(s.limitTop, most)
	s.inHandTop = max(s.inHandTop, s.limit.State().InHand)
}

// measure begins to measure anew.
func (s *sim) measure() {
	s.seen = seen{since: s.now, limitLow: math.MaxInt64}
}

// utilisation is the share of the workers' time that was used.
func (s *sim) utilisation() float64 {
	return float64(s.busyTime) / float64(s.now-s.since) / float64(s.workers)
}

// mean is how long an answer took at the origin.
func (s *sim) mean() time.Duration { return s.latency / time.Duration(max(s.done, 1)) }

// arrive lets requests come at rate per second, until it is told otherwise.
func (s *sim) arrive(rate float64, until time.Duration) {
	var next func()
	end := s.now + until
	next = func() {
		if s.now >= end {
			return
		}
		s.holds = append(s.holds, s.now)
		s.after(time.Duration(s.r.ExpFloat64()/rate*1e9), next)
	}
	next()
	s.pump()
}

// pump moves what can be moved.
func (s *sim) pump() {
	for len(s.holds) > 0 {
		if s.now-s.holds[0] >= s.hold {
			s.holds = s.holds[1:]
			s.refused++
			continue
		}
		if !s.limit.Take() {
			break
		}
		s.holds = s.holds[1:]
		q := request{sent: s.now, gone: new(bool)}
		if s.timeout > 0 {
			s.after(s.timeout, func() { s.expire(q) })
		}
		s.after(wire, func() { s.waits = append(s.waits, q) })
	}
	for s.busy < s.workers && len(s.waits) > 0 && s.now >= s.stalledUntil {
		q := s.waits[0]
		s.waits = s.waits[1:]
		if *q.gone {
			continue // its connection is closed
		}
		s.busy++
		s.after(s.work(s.r), func() { s.finish(q) })
	}
}

func (s *sim) finish(q request) {
	if s.now < s.stalledUntil {
		s.after(s.stalledUntil-s.now, func() { s.finish(q) })
		return
	}
	s.busy--
	s.after(wire, func() {
		if *q.gone {
			return
		}
		*q.gone = true
		s.done++
		s.latency += s.now - q.sent
		s.limit.Answers(int64(s.now), s.now-q.sent)
		s.limit.Give()
	})
}

func (s *sim) expire(q request) {
	if *q.gone {
		return
	}
	*q.gone = true
	s.refused++
	s.limit.Fails(int64(s.now))
	s.limit.Give()
}

// stall stops the origin for d.
func (s *sim) stall(d time.Duration) {
	s.stalledUntil = s.now + d
	s.after(d, func() {})
}

// The distributions of work.

func always(d time.Duration) func(*rand.Rand) time.Duration {
	return func(*rand.Rand) time.Duration { return d }
}

func exponential(mean time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(mean)) }
}

// bimodal is quick, but for share of the requests slow.
func bimodal(quick, slow time.Duration, share float64) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		d := quick
		if r.Float64() < share {
			d = slow
		}
		return d/2 + time.Duration(r.Int64N(int64(d)))
	}
}

// meanOf is the mean of a distribution.
func meanOf(work func(*rand.Rand) time.Duration) time.Duration {
	r := rand.New(rand.NewPCG(3, 4))
	var sum time.Duration
	const n = 200_000
	for range n {
		sum += work(r)
	}
	return sum / n
}
