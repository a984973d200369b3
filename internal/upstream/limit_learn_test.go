// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const ms = time.Millisecond

// works are the distributions that the limit is tried with.
var works = []struct {
	name string
	work func(*rand.Rand) time.Duration
}{
	{"always 20 ms", always(20 * ms)},
	{"always 300 ms", always(300 * ms)},
	{"exponential, 20 ms", exponential(20 * ms)},
	{"5 ms, one in ten 200 ms", bimodal(5*ms, 200*ms, 0.1)},
	{"5 ms, one in fifty 500 ms", bimodal(5*ms, 500*ms, 0.02)},
	{"2 ms or 50 ms", bimodal(2*ms, 50*ms, 0.5)},
}

// saturate plays ten seconds of half the load that the origin can do, and then load
// times what it can. It measures from ten seconds after that on.
func saturate(s *sim, load float64, lasts time.Duration) {
	can := float64(s.workers) / meanOf(s.work).Seconds()
	s.arrive(can/2, 10*time.Second)
	s.run(10 * time.Second)
	s.arrive(load*can, lasts)
	s.run(10 * time.Second)
	s.measure()
}

// says tells what was measured.
func (s *sim) says(what string) {
	s.t.Helper()
	st := s.limit.State()
	s.t.Logf("%s: limit %d to %d for %d workers, %.1f %% of their time used, an answer after %s (queue-free %s), %d refused",
		what, s.limitLow, s.limitTop, s.workers, 100*s.utilisation(), s.mean().Round(ms/10), st.Free.Round(ms/10), s.refused)
}

// Under two to four times the load that it can bear, the origin works all the time and
// has no long queue inside.
func TestLimitConverges(t *testing.T) {
	for _, w := range works {
		for _, workers := range []int{1, 2, 8, 32, 128} {
			load, seeds := 4.0, uint64(2)
			if workers > 8 {
				load, seeds = 2, 1
			}
			for seed := uint64(1); seed <= seeds; seed++ {
				t.Run(fmt.Sprintf("%s, %d workers, %d", w.name, workers, seed), func(t *testing.T) {
					t.Parallel()
					converges(newSim(t, seed, workers, w.work), load)
				})
			}
		}
	}
}

func converges(s *sim, load float64) {
	saturate(s, load, 25*time.Second)
	s.run(15 * time.Second)
	s.says("overload")
	workers := float64(s.workers)
	if s.utilisation() < 0.95 {
		s.t.Errorf("only %.1f %% of the workers' time was used", 100*s.utilisation())
	}
	// Few workers answer so seldom that there is little to learn from.
	if most := int64(2.5*workers) + 12; s.limitTop > most {
		s.t.Errorf("the limit went up to %d, want at most %d", s.limitTop, most)
	}
	if low := int64(workers * 3 / 4); s.limitLow < low {
		s.t.Errorf("the limit went down to %d, want at least %d", s.limitLow, low)
	}
	if most := 2.5 * (1 + 4/workers); float64(s.mean()) > most*float64(meanOf(s.work)) {
		s.t.Errorf("an answer took %s, more than %.1f times the work", s.mean(), most)
	}
}

// Where there is no overload nobody is kept waiting for long: not at the start, and
// not by the noise of a busy origin.
func TestLimitLeavesHealthyTrafficAlone(t *testing.T) {
	for _, w := range works {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := newSim(t, 1, 32, w.work)
			can := float64(s.workers) / meanOf(w.work).Seconds()
			s.hold = time.Second
			s.arrive(0.7*can, 60*time.Second)
			s.run(10 * time.Second)
			s.says("the start")
			s.measure()
			s.run(50 * time.Second)
			s.says("seven tenths of what it can")
			if s.refused > 0 {
				t.Errorf("%d requests found no place within a second", s.refused)
			}
			if s.utilisation() < 0.67 {
				t.Errorf("%.1f %% of the workers' time was used, want 70 %%", 100*s.utilisation())
			}
		})
	}
}

// A gateway that starts while its origin is overrun knows nothing of better times.
func TestLimitStartsInOverload(t *testing.T) {
	s := newSim(t, 1, 32, exponential(20*ms))
	s.arrive(2*32/0.02, 30*time.Second)
	s.run(10 * time.Second)
	s.measure()
	s.run(20 * time.Second)
	s.says("from the start on")
	if s.utilisation() < 0.95 || s.limitTop > 3*32 {
		t.Error("it did not converge")
	}
}

// change plays an origin that changes for good under six times the load it can bear, and returns
// the limit before and how long it took to use share of its time.
func change(t *testing.T, with func(*sim), share float64) (s *sim, took time.Duration) {
	s = newSim(t, 1, 32, exponential(20*ms))
	saturate(s, 6, 45*time.Second)
	s.run(5 * time.Second)
	s.says("before")
	with(s)
	at := s.now
	for s.now-at < 30*time.Second {
		s.measure()
		s.run(500 * ms)
		if s.utilisation() >= share {
			took = s.now - at
			break
		}
	}
	s.run(18 * time.Second)
	s.measure()
	s.run(8 * time.Second)
	s.says("after")
	t.Logf("%.0f %% used after %s", 100*share, took)
	return s, took
}

func TestLimitFollowsCapacity(t *testing.T) {
	t.Run("half of the workers", func(t *testing.T) {
		s, _ := change(t, func(s *sim) { s.workers = 16 }, 0.95)
		if s.utilisation() < 0.95 || s.limitTop > 3*16 {
			t.Error("it did not go down with the origin")
		}
	})
	t.Run("four times the workers", func(t *testing.T) {
		s, took := change(t, func(s *sim) { s.workers = 128 }, 0.9)
		if s.utilisation() < 0.95 || took == 0 || took > 5*time.Second {
			t.Error("it did not go up within seconds")
		}
	})
	t.Run("everything takes four times as long", func(t *testing.T) {
		s, _ := change(t, func(s *sim) { s.work = exponential(80 * ms) }, 0.9)
		// For some seconds it takes that for a queue.
		if s.utilisation() < 0.95 || s.limitTop > 4*32 {
			t.Error("it did not take back what did not help")
		}
	})
	t.Run("everything takes a quarter of the time", func(t *testing.T) {
		s, _ := change(t, func(s *sim) { s.work = exponential(5 * ms) }, 0.9)
		// What is queue-free now shows when it is quiet for a moment; until then the
		// latency is the one that there was.
		if s.utilisation() < 0.95 || s.mean() > 31*ms {
			t.Error("it did not stay")
		}
	})
	t.Run("only slow pages are asked for", func(t *testing.T) {
		s, _ := change(t, func(s *sim) { s.work = bimodal(400*ms, 600*ms, 0.5) }, 0.9)
		if s.utilisation() < 0.95 || s.limitTop > 4*32 {
			t.Error("it collapsed")
		}
	})
}

// A server that restarts is cold for a while, and slow with everything.
func TestLimitColdServer(t *testing.T) {
	s, _ := change(t, func(s *sim) {
		warm, from := s.work, s.now
		s.stall(time.Second)
		s.work = func(r *rand.Rand) time.Duration {
			cold := max(1, 8*(1-float64(s.now-from)/float64(8*time.Second)))
			return time.Duration(cold * float64(warm(r)))
		}
	}, 0.9)
	if s.utilisation() < 0.95 || s.limitTop > 4*32 {
		t.Error("it did not come back")
	}
}

// A stall makes all requests in hand time out.
func TestLimitStall(t *testing.T) {
	s, took := change(t, func(s *sim) {
		s.timeout = 2 * time.Second
		s.stall(8 * time.Second)
	}, 0.9)
	if s.utilisation() < 0.95 || took == 0 || took > 8*time.Second+5*time.Second {
		t.Error("it did not come back")
	}
}

// What was learnt stays over times without requests.
func TestLimitIdle(t *testing.T) {
	s := newSim(t, 1, 32, exponential(20*ms))
	saturate(s, 4, 20*time.Second)
	s.run(10 * time.Second)
	s.says("before")
	s.run(time.Hour)
	s.arrive(4*32/0.02, 30*time.Second)
	s.measure()
	s.run(2 * time.Second)
	s.says("the first seconds after an hour")
	if s.utilisation() < 0.9 || s.limitTop > 3*32 {
		t.Error("it had to learn anew")
	}
}

// Requests that the application holds until there is news do not wait for a worker, and
// keep nobody out for long when there are more and more of them.
func TestLimitLongPolls(t *testing.T) {
	s := newSim(t, 1, 10_000, nil)
	polls := 0.0
	s.work = func(r *rand.Rand) time.Duration {
		if r.Float64() < polls {
			return 20*time.Second + time.Duration(r.Int64N(int64(10*time.Second)))
		}
		return 5*ms + time.Duration(r.Int64N(int64(5*ms)))
	}
	s.arrive(200, 200*time.Second)
	s.run(20 * time.Second)
	polls = 0.2 // in hand: a thousand of them
	s.run(40 * time.Second)
	s.says("they come")
	s.measure()
	s.run(100 * time.Second)
	s.says("they are there")
	if s.refused > 0 {
		t.Errorf("%d requests were refused", s.refused)
	}
}

// The limit of a group that is not used near it does not move, whatever the latency.
func TestLimitUnusedStays(t *testing.T) {
	var l Limit
	l.setRules(LimitOptions{Adaptive: true})
	for i := range int64(10_000) {
		l.Take()
		l.Answers(i*int64(10*ms), time.Duration(1+i)*ms)
		l.Give()
	}
	if got := l.State(); got.Most != limitStart || got.InHand != 0 {
		t.Errorf("%+v", got)
	}
}

// I5, for the limit: neither lock nor allocation.
func TestLimitAllocatesNothing(t *testing.T) {
	var l Limit
	l.setRules(LimitOptions{Adaptive: true})
	now := int64(0)
	if n := testing.AllocsPerRun(10_000, func() {
		now += int64(ms)
		l.Take()
		l.Answers(now, 5*ms)
		l.Give()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Limits hold with many at a time, and every place comes back.
func TestLimitHolds(t *testing.T) {
	for _, o := range []LimitOptions{{Most: 3}, {Adaptive: true}} {
		var l Limit
		l.setRules(o)
		var inside atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for i := range int64(2_000) {
					if !l.Take() {
						runtime.Gosched()
						continue
					}
					if n := inside.Add(1); o.Most != 0 && n > int64(o.Most) {
						t.Errorf("%d have a place of %d", n, o.Most)
					}
					l.Answers(i*int64(ms), ms)
					l.Tick(i * int64(ms))
					inside.Add(-1)
					l.Give()
				}
			})
		}
		all.Wait()
		if s := l.State(); s.InHand != 0 || s.Most < 1 {
			t.Errorf("%+v", s)
		}
	}
}

func TestLimitOff(t *testing.T) {
	var l Limit
	for range 100 {
		if !l.Take() || !l.HasRoom() {
			t.Fatal("there is a limit")
		}
		l.Answers(1, ms)
	}
	if s := l.State(); s != (LimitState{InHand: 100}) {
		t.Errorf("%+v", s)
	}
}

// Rules change while exchanges are in hand: none is forgotten, none is thrown out.
func TestLimitRulesChange(t *testing.T) {
	var l Limit
	for range 10 {
		l.Take()
	}
	l.setRules(LimitOptions{Most: 3})
	if l.Take() || l.HasRoom() {
		t.Error("a place of three where ten are in hand")
	}
	l.setRules(LimitOptions{Adaptive: true})
	if s := l.State(); s.Most != 10 || s.InHand != 10 {
		t.Errorf("%+v", s)
	}
	learn := l.learn.Load()
	if l.setRules(LimitOptions{Adaptive: true, Most: 7}); l.learn.Load() != learn {
		t.Error("what was learnt is forgotten")
	}
	l.setRules(LimitOptions{})
	for range 10 {
		l.Give()
	}
	if s := l.State(); s != (LimitState{}) {
		t.Errorf("%+v", s)
	}
}

func BenchmarkLimit(b *testing.B) {
	for name, o := range map[string]LimitOptions{"off": {}, "fixed": {Most: 1000}, "adaptive": {Adaptive: true}} {
		b.Run(name, func(b *testing.B) {
			var l Limit
			l.setRules(o)
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				now := int64(0)
				for p.Next() {
					now += 10_000
					if l.Take() {
						l.Answers(now, 5*ms)
						l.Give()
					}
				}
			})
		})
	}
}
