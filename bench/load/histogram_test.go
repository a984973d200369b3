// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The buckets cover every value, in order, without a gap or an overlap.
func TestBucketsAreContiguous(t *testing.T) {
	var h Histogram
	for i := range h.counts {
		top := uint64(topOf(i))
		if got := bucketOf(top); got != i {
			t.Fatalf("the top of bucket %d, %d, falls into bucket %d", i, top, got)
		}
		if got := bucketOf(top + 1); got != i+1 {
			t.Fatalf("%d, behind bucket %d, falls into bucket %d", top+1, i, got)
		}
	}
	if got := topOf(len(h.counts) - 1); got != 1<<topBits-1 {
		t.Errorf("the last bucket ends at %d", got)
	}
}

func TestQuantilesAreCloseToTheExactOnes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 20_000 {
		d := time.Duration(random.ExpFloat64() * float64(3*time.Millisecond))
		all = append(all, d)
		h.Record(d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := all[max(0, int(q*float64(len(all))+0.5)-1)]
		got := h.Quantile(q)
		if got < exact || float64(got) > float64(exact)*1.008+1 {
			t.Errorf("quantile %v is %v, exact %v", q, got, exact)
		}
	}
	if h.Count() != 20_000 || h.Max() != all[len(all)-1] {
		t.Errorf("%d, %v", h.Count(), h.Max())
	}
}

func TestHistogramAtItsEdges(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 {
		t.Error("an empty histogram has values")
	}
	h.Record(-time.Second)
	if h.Count() != 1 || h.Quantile(1) != 0 {
		t.Error("a negative duration is not 0")
	}
	h.Record(1 << 62)
	if got := h.Quantile(1); got != 1<<topBits-1 {
		t.Errorf("a duration beyond the top counts as %v", got)
	}
}
