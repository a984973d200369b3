// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"sync/atomic"
	"time"
)

// stampSlots is how many stamps there are. Two tags in one slot are purged together,
// which costs a request more and harms nobody; with a thousand purges the chance of a
// tag to share a slot with one of them is six in a hundred.
const stampSlots = 16 << 10

// stamps say since when answers may be used. A purge writes the present time where
// keys, hosts and tags have their slot, and every answer that was asked for before is
// over: those that are kept, in memory or on disk, and those on their way to the store
// just now. That costs the same for one answer and for a million. I4.
type stamps struct {
	all atomic.Int64
	at  [stampSlots]atomic.Int64 // nanoseconds since 1970
}

// end makes answers of a slot unusable that were asked for until now.
func (s *stamps) end(slot uint32, now time.Time) { raise(&s.at[slot], now.UnixNano()) }

// endAll does that with every answer.
func (s *stamps) endAll(now time.Time) { raise(&s.all, now.UnixNano()) }

// raise never sets a stamp back: two purges may come in any order.
func raise(v *atomic.Int64, to int64) {
	for {
		old := v.Load()
		if old >= to || v.CompareAndSwap(old, to) {
			return
		}
	}
}

// ended reports whether o was purged.
func (s *stamps) ended(o *object) bool {
	asked := o.asked.UnixNano()
	if s.all.Load() >= asked {
		return true
	}
	for _, slot := range o.slots {
		if s.at[slot].Load() >= asked {
			return true
		}
	}
	return false
}
