// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"
)

// lane is one direction of a socket under a pace, in a time of its own.
type lane struct {
	p    pace
	s    sock
	h    half
	over bool
	// spent is how much time passed while somebody waited.
	spent time.Duration
}

func newLane(r Rate) *lane {
	l := &lane{}
	l.s.eng = &Engine{base: time.Now()}
	l.p.reset(r)
	return l
}

// pass lets time pass.
func (l *lane) pass(d time.Duration) { l.s.eng.base = l.s.eng.base.Add(-d) }

// wait waits for d as a socket does, the sweeper at its side, and ends with n bytes.
func (l *lane) wait(d time.Duration, n int64) {
	if l.over {
		return
	}
	l.p.waits(&l.h, &l.s)
	for d > 0 && !l.over {
		step := d
		if at := l.h.deadline.Load(); at != 0 {
			step = min(step, max(time.Duration(at-l.s.eng.mono()), 0))
		}
		l.pass(step)
		l.spent += step
		d -= step
		if at := l.h.deadline.Load(); at != 0 && l.s.eng.mono() >= at && d > 0 {
			l.over = !l.p.forgives(&l.h, &l.s, l.s.eng.mono())
		}
	}
	if !l.over && n > 0 {
		l.p.moved(n, &l.s)
	}
}

func TestPace(t *testing.T) {
	const s = time.Second
	slow := Rate{BytesPerSecond: 240, Grace: 5 * s}
	stall := Rate{Grace: 5 * s}
	repeat := func(times int, wait time.Duration, bytes int64) func(*lane) {
		return func(l *lane) {
			for range times {
				l.wait(wait, bytes)
			}
		}
	}
	then := func(fs ...func(*lane)) func(*lane) {
		return func(l *lane) {
			for _, f := range fs {
				f(l)
			}
		}
	}
	silence := repeat(1, time.Hour, 0)
	ours := func(d time.Duration) func(*lane) { return func(l *lane) { l.pass(d) } }
	for name, c := range map[string]struct {
		rate Rate
		does func(*lane)
		// cut bounds the waited time after which it is over; 0: never.
		least, most time.Duration
	}{
		"faster than asked":                   {slow, repeat(100, s, 330), 0, 0},
		"slower than asked":                   {slow, repeat(100, s, 230), 5 * s, 6 * s},
		"a byte now and then":                 {slow, repeat(100, 4900*time.Millisecond, 1), 5 * s, 5 * s},
		"a byte in each of many short waits":  {slow, repeat(10000, 10*time.Millisecond, 1), 5 * s, 6 * s},
		"silence":                             {slow, silence, 5 * s, 5 * s},
		"a burst buys one window":             {slow, then(repeat(1, 0, 1<<30), silence), 10 * s, 10 * s},
		"a burst behind much buys no more":    {slow, then(repeat(9, s, 330), repeat(1, s, 1<<30), silence), 20 * s, 20 * s},
		"pauses as long as the grace":         {slow, repeat(50, 4*s, 1300), 0, 0},
		"slow in front, fast behind":          {slow, then(repeat(8, s/2, 0), repeat(40, s/4, 750)), 0, 0},
		"we are slow":                         {slow, then(repeat(3, s, 330), ours(time.Hour), repeat(30, s, 330)), 0, 0},
		"we are slow, and so is the peer":     {slow, then(ours(time.Hour), repeat(30, s, 10)), 5 * s, 6 * s},
		"stall: a byte now and then":          {stall, repeat(100, 4900*time.Millisecond, 1), 0, 0},
		"stall: silence":                      {stall, silence, 5 * s, 5 * s},
		"stall: a byte, then silence":         {stall, then(repeat(1, s, 1), silence), 6 * s, 6 * s},
		"stall: a stream, then silence":       {stall, then(repeat(7, s, 1<<20), silence), 12 * s, 12 * s},
		"stall: we are slow":                  {stall, then(ours(time.Hour), repeat(2, s, 1)), 0, 0},
		"no limit":                            {Rate{}, silence, 0, 0},
		"a rate without a window is no limit": {Rate{BytesPerSecond: 1}, silence, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLane(c.rate)
			c.does(l)
			spent := l.spent.Round(100 * time.Millisecond) // the real clock goes on beside ours
			switch {
			case c.most == 0 && l.over:
				t.Errorf("cut after %v", spent)
			case c.most > 0 && (!l.over || spent < c.least || spent > c.most):
				t.Errorf("cut %v after %v, want it after %v to %v", l.over, spent, c.least, c.most)
			}
		})
	}
	var none *pace
	none.waits(nil, nil)
	none.moved(1, nil)
	if none.forgives(nil, nil, 0) {
		t.Error("no pace forgives a deadline that is not its own")
	}
}
