// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// stampSlots is how many stamps a table has. Two tags in one slot are purged together,
// which costs a request more and harms nobody; with a thousand purges the chance of a
// tag to share a slot with one of them is three in a hundred.
const stampSlots = 32 << 10

// stamps say since when answers may be used. A purge writes the present time where a
// host or a tag has its slot, and every answer that was asked for before is over: those
// that are kept, in memory or on disk, and those on their way to the store just now.
// That costs the same for one answer and for a million. I4.
//
// The answers to one target are not ended by a stamp: any visitor's POST does that, and
// in time would end everything that shares its slots. They are dropped where they are
// kept, and keyPurges knows those on their way.
type stamps struct {
	all         atomic.Int64
	hosts, tags stampTable
	keys        keyPurges
}

// stampTable has nanoseconds since 1970.
type stampTable [stampSlots]atomic.Int64

// end makes answers of a slot unusable that were asked for until now.
func (t *stampTable) end(slot uint32, now time.Time) { raise(&t[slot], now.UnixNano()) }

func (t *stampTable) ended(slot uint32, asked int64) bool { return t[slot].Load() >= asked }

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
	return s.all.Load() >= asked || s.hosts.ended(o.host, asked) ||
		slices.ContainsFunc(o.tags, func(slot uint32) bool { return s.tags.ended(slot, asked) })
}

// endedOnItsWay reports whether o was purged before it came to the store.
func (s *stamps) endedOnItsWay(key id, o *object) bool {
	return s.keys.ended(key, o.asked.UnixNano()) || s.ended(o)
}

// lasting are the tables that outlive the process, as what they end may.
func (s *stamps) lasting() []*stampTable { return []*stampTable{&s.hosts, &s.tags} }

// keyPurgeSlots is how many targets are known whose answers were dropped. Only two others
// in the slot of a target, dropped while an answer to it is on its way, cost that one its
// place in the store.
const keyPurgeSlots = 16 << 10

// keyPurges knows when the answers to a target were dropped last, for as long as an
// answer may be on its way.
type keyPurges struct {
	mu sync.Mutex
	at [keyPurgeSlots]struct {
		key    uint64
		time   int64 // of key's last
		others int64 // the last of those that had the slot before
	}
}

func (p *keyPurges) note(key id, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := key.short()
	s := &p.at[own%keyPurgeSlots]
	if s.key != own {
		s.others = max(s.others, s.time)
		s.key, s.time = own, 0
	}
	s.time = max(s.time, now.UnixNano())
}

func (p *keyPurges) ended(key id, asked int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := key.short()
	s := &p.at[own%keyPurgeSlots]
	return s.others >= asked || s.key == own && s.time >= asked
}
