// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// recent holds the last results of a server, a bit each: how many there are at a
// time does not depend on the traffic, so that a server which begins to fail is seen
// after as many requests whether it had been good for a second or for a year. It has
// no lock: of two results at the same time one may be lost.
type recent struct {
	bits atomic.Uint64 // the newest lowest, 1 for bad
	n    atomic.Uint32 // how many there are, up to recentMost
	at   atomic.Int64  // when the newest came
}

const (
	recentMost = 64
	// recentFor is how long results count when no new ones come.
	recentFor = 10 * time.Second
)

func (r *recent) count(now int64, good bool) {
	if now-r.at.Load() > int64(recentFor) {
		r.clear()
	}
	if now != r.at.Load() { // a coarse clock: mostly it is
		r.at.Store(now)
	}
	if n := r.n.Load(); n < recentMost {
		r.n.CompareAndSwap(n, n+1)
	}
	old := r.bits.Load()
	if good && old == 0 {
		return // as mostly: nothing to write
	}
	next := old << 1
	if !good {
		next |= 1
	}
	r.bits.CompareAndSwap(old, next)
}

// sum counts what is not too old.
func (r *recent) sum(now int64) (good, bad uint32) {
	if now-r.at.Load() > int64(recentFor) {
		return 0, 0
	}
	n := r.n.Load()
	bad = min(uint32(bits.OnesCount64(r.bits.Load())), n)
	return n - bad, bad
}

func (r *recent) clear() {
	r.bits.Store(0)
	r.n.Store(0)
}
