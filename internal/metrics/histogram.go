// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"math"
	"math/bits"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// boundCount is the number of buckets of a histogram, the last (+Inf) not
// counted.
const boundCount = 18

// bounds are the upper bounds of the buckets: fine below a second, where a page
// feels slow or not, then up to the usual timeouts.
var bounds = [boundCount]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, 60 * time.Second,
}

// histogram counts durations. Its buckets are not cumulative; scrapes add up.
type histogram struct {
	buckets [boundCount + 1]uint64
	sum     time.Duration
}

func (h *histogram) observe(d time.Duration) {
	h.buckets[bucket(d)]++
	h.sum += d
}

// doublings says, for durations of each length in bits, which bucket the shortest
// of them falls into, and the bound beyond which they fall into the next. The bounds
// are at least a factor of two apart, so that a length meets one of them at most.
var doublings = func() (t [64]struct {
	bucket int
	bound  time.Duration
}) {
	for n := range t {
		i := 0
		for i < boundCount && bits.Len64(uint64(bounds[i])) < n {
			i++
		}
		t[n].bucket, t[n].bound = i, math.MaxInt64
		if i < boundCount {
			t[n].bound = bounds[i]
		}
	}
	return t
}()

// bucket returns the index of the first bound that d does not exceed. It has no
// branch: durations are so mixed that the processor would mispredict most of them.
func bucket(d time.Duration) int {
	d = max(d, 0)
	t := &doublings[bits.Len64(uint64(d))]
	beyond := uint64(t.bound-d) >> 63 // the sign bit: 1 if d exceeds the bound
	return t.bucket + int(beyond)
}

func (h *histogram) metric(f family, labels ...string) prometheus.Metric {
	cumulative := make(map[float64]uint64, boundCount)
	var n uint64
	for i, b := range bounds {
		n += h.buckets[i]
		cumulative[b.Seconds()] = n
	}
	n += h.buckets[boundCount]
	return prometheus.MustNewConstHistogram(descs[f], n, h.sum.Seconds(), cumulative, labels...)
}
