// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
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
	i := 0
	for i < boundCount && d > bounds[i] {
		i++
	}
	h.buckets[i]++
	h.sum += d
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
