// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package steady

import (
	"testing"
	"testing/synctest"
	"time"
)

// The rate is kept on the clock that the schedule started by.
func TestScheduleKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Plan{PerSecond: 250, Length: 2 * time.Second}
		start, n := time.Now(), 0
		err := p.schedule(t.Context(), start, func(k int, due time.Time) {
			if now := time.Since(start); k != n || now != due.Sub(start) || now != time.Duration(k)*4*time.Millisecond {
				t.Errorf("request %d at %s, due at %s", k, now, due.Sub(start))
			}
			n++
		})
		if err != nil || n != 500 {
			t.Errorf("%d requests, %v", n, err)
		}
	})
}

// A stall of the client makes requests late and loses none, and each still counts
// from when it was due: I2.
func TestScheduleCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Plan{PerSecond: 100, Length: time.Second}
		start, late := time.Now(), 0
		err := p.schedule(t.Context(), start, func(k int, due time.Time) {
			if due.Sub(start) != time.Duration(k)*10*time.Millisecond {
				t.Errorf("request %d is due at %s", k, due.Sub(start))
			}
			if time.Now().After(due) {
				late++
			}
			if k == 20 {
				time.Sleep(105 * time.Millisecond)
			}
		})
		if took := time.Since(start); err != nil || took != 990*time.Millisecond || late != 10 {
			t.Errorf("%s, %d late, %v", took, late, err)
		}
	})
}

func TestBursts(t *testing.T) {
	p := Plan{PerSecond: 100, Burst: 50}
	for k, want := range map[int]time.Duration{0: 0, 49: 0, 50: 500 * time.Millisecond, 99: 500 * time.Millisecond, 100: time.Second} {
		if got := p.due(k); got != want {
			t.Errorf("request %d is due at %s, not %s", k, got, want)
		}
	}
}

// I2: a gateway that is silent for a while is charged for everybody who waited.
func TestHeldRequestsAreCharged(t *testing.T) {
	o := newOutcome(time.Now())
	p := plan("")
	due := time.Now()
	for _, took := range []time.Duration{10 * time.Millisecond, 150 * time.Millisecond} {
		o.add(&visit{plan: &p, due: due}, due.Add(took))
	}
	o.add(&visit{plan: &p, due: due, verdict: Failed, reason: reasonTimeout}, due.Add(10*time.Second))
	o.add(&visit{plan: &p, due: due, verdict: Failed, reason: reasonRefused}, due.Add(time.Millisecond))
	if o.Gets != (Tally{Due: 4, Whole: 2, Failed: 2, Held: 1}) {
		t.Errorf("%+v", o.Gets)
	}
	if o.Latency.Count() != 3 || o.Latency.Max() != 10*time.Second {
		t.Errorf("%d latencies, the greatest %s", o.Latency.Count(), o.Latency.Max())
	}
	if sum := o.Gets.Plus(Tally{1, 1, 1, 1, 1}); sum != (Tally{5, 3, 3, 1, 2}) {
		t.Errorf("%+v", sum)
	}
}
