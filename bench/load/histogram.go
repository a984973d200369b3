// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"math"
	"math/bits"
	"time"
)

const (
	// subBits: each power of two is cut into 2^subBits buckets, so a bucket is at
	// most 1/128 of its value wide.
	subBits = 7
	subs    = 1 << subBits
	// topBits: longer than 2^topBits ns, some 18 minutes, counts as that.
	topBits = 40
)

// Histogram counts durations in buckets whose width grows with the value, as
// HdrHistogram does: a quantile is at most 0.8 % above the exact one, in fixed
// memory. The zero value is empty. It is for one goroutine.
type Histogram struct {
	counts [(topBits - subBits + 1) * subs]uint64
	total  uint64
	max    time.Duration
}

// Record counts d. A negative d counts as 0.
func (h *Histogram) Record(d time.Duration) {
	d = min(max(d, 0), 1<<topBits-1)
	h.counts[bucketOf(uint64(d))]++
	h.total++
	h.max = max(h.max, d)
}

// Count is how many durations were recorded.
func (h *Histogram) Count() uint64 { return h.total }

// Max is the greatest one, exact.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile is the least duration that a share q of all, 0 to 1, does not exceed;
// 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(1, uint64(math.Ceil(q*float64(h.total))))
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return min(topOf(i), h.max)
		}
	}
	return h.max
}

// bucketOf returns the index of v's bucket. The first 2*subs values have one
// each; from there on v is shifted until it fits, and the shift counts.
func bucketOf(v uint64) int {
	shift := max(0, bits.Len64(v)-subBits-1)
	return shift<<subBits + int(v>>shift)
}

// topOf is the greatest value of bucket i.
func topOf(i int) time.Duration {
	shift := max(0, i>>subBits-1)
	low := uint64(i-shift<<subBits) << shift
	return time.Duration(low + 1<<shift - 1)
}
