// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"causey/bench/load"
)

// request is the small GET of the loads that wrk does not make.
var request = []byte("GET / HTTP/1.1\r\nHost: bench\r\nUser-Agent: causey-bench\r\n\r\n")

// rateGrace is how long answers are awaited after the last request was due.
const rateGrace = 5 * time.Second

// constant drives a contender at a fixed rate. Each request has an intended time,
// and its latency counts from there: a gateway that stalls is charged for every
// request that had to wait, not only for the one that was under way.
func (b *bench) constant(w workload, c *contender, rate float64) (sample, error) {
	length := time.Duration(b.o.seconds) * time.Second
	o, err := b.runRate(w, c, load.Plan{PerSecond: rate, Length: length, Grace: rateGrace})
	if err != nil {
		return sample{}, err
	}
	p99 := o.Latency.Quantile(0.99)
	return sample{
		value:  float64(p99.Microseconds()) / 1000,
		perSec: float64(o.Answered) / length.Seconds(),
		p50:    o.Latency.Quantile(0.5), p99: p99, failed: o.Failed,
	}, nil
}

// unbounded is a rate that nobody reaches: each connection asks again as soon as
// it is answered.
const unbounded = 500_000

// halfLoad finds the rate, in requests per second, that keeps half of all processor
// time busy while c serves it. Half of c's capacity is more: under full load a
// wake-up serves many requests, so that a request costs less than at other times.
func (b *bench) halfLoad(w workload, c *contender) (float64, error) {
	length := time.Duration(max(b.o.seconds, 2)) * time.Second
	o, err := b.runRate(w, c, load.Plan{PerSecond: unbounded, Length: length})
	if err != nil {
		return 0, err
	}
	rate := float64(o.Answered) / length.Seconds() / 2
	for range 2 { // the second time from close by
		before, err := processorTime()
		if err != nil {
			return 0, err
		}
		if _, err := b.runRate(w, c, load.Plan{PerSecond: rate, Length: length, Grace: rateGrace}); err != nil {
			return 0, err
		}
		after, err := processorTime()
		if err != nil {
			return 0, err
		}
		busy, all := after.busy-before.busy, after.all-before.all
		if busy <= 0 || all <= 0 {
			return 0, fmt.Errorf("/proc/stat tells of %v busy ticks in %v", busy, all)
		}
		rate *= 0.5 * all / busy
	}
	return rate, nil
}

// ticks is processor time of the whole machine since it started.
type ticks struct{ busy, all float64 }

func processorTime() (ticks, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return ticks{}, err
	}
	return parseTicks(string(text))
}

// parseTicks reads the first line of /proc/stat (proc_stat(5)): "cpu user nice
// system idle iowait irq softirq steal ...". What follows is contained in these.
func parseTicks(text string) (t ticks, err error) {
	line, _, _ := strings.Cut(text, "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return t, fmt.Errorf("/proc/stat begins with %q", line)
	}
	for i, field := range f[1:9] {
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return t, fmt.Errorf("/proc/stat: %w", err)
		}
		t.all += v
		if i != 3 && i != 4 { // idle, iowait
			t.busy += v
		}
	}
	return t, nil
}

// runRate completes the plan for w and c and runs it.
func (b *bench) runRate(w workload, c *contender, p load.Plan) (*load.Outcome, error) {
	addr, err := netip.ParseAddrPort(c.addr)
	if err != nil {
		return nil, err
	}
	p.Addr, p.Request, p.Conns = addr, request, w.conns
	o, err := load.Run(b.ctx, p)
	if err == nil && o.Answered == 0 {
		err = fmt.Errorf("no request was answered: %w", o.Failure)
	}
	return o, err
}
