// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"sync"
	"sync/atomic"
)

// Sink reads finished records. Consume is called from one goroutine only, never
// from the data path; the batch is valid until it returns and must not be
// changed. A sink that may block must hand on what it needs and return.
type Sink interface {
	Consume(batch []Record)
}

// The sizes of a ring's two lanes, in records of about 1.6 KiB. A shard that is
// half full wakes the reader, so that the size bounds a burst, not a rate. Waking
// it sooner, while the records are still in the processor's cache, costs more than
// it saves: a wake-up costs as much as some dozens of records.
const (
	ordinaryPerShard = 1024
	failedMax        = 4096
)

// Ring takes records from the data path. Putting one costs a copy and an
// uncontended lock; a lane that is full drops the record and counts it.
type Ring struct {
	shards []lane
	failed lane
	wake   chan struct{}
	spare  []Record
	// Puts without a reader would fill up and drop: that is counted, not hidden.
	droppedOrdinary, droppedFailed atomic.Uint64
}

// lane is one bounded batch being filled. The reader swaps it for an empty one.
type lane struct {
	mu    sync.Mutex
	batch []Record
	max   int
	_     [64]byte // keeps neighbouring shards off one cache line
}

// NewRing returns a ring with the given number of shards, at least one.
func NewRing(shards int) *Ring {
	r := &Ring{shards: make([]lane, max(shards, 1)), wake: make(chan struct{}, 1)}
	for i := range r.shards {
		r.shards[i].max = ordinaryPerShard
	}
	r.failed.max = failedMax
	return r
}

// Put takes a copy of rec. The shard is any number, best the same for one
// connection, so that neighbours do not meet at a lock.
func (r *Ring) Put(shard uint32, rec *Record) {
	l, dropped := &r.shards[shard%uint32(len(r.shards))], &r.droppedOrdinary
	if rec.Troubled() {
		l, dropped = &r.failed, &r.droppedFailed
	}
	l.mu.Lock()
	n := len(l.batch)
	if n < l.max {
		l.batch = append(l.batch, *rec)
	}
	l.mu.Unlock()
	if n >= l.max {
		dropped.Add(1)
	}
	if l == &r.failed || n == l.max/2 {
		r.Wake()
	}
}

// Wake makes the reader look at once.
func (r *Ring) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Woken is readable when the reader should call Drain before its next turn.
func (r *Ring) Woken() <-chan struct{} { return r.wake }

// Drain hands everything that was put to sinks, failed exchanges first, and returns
// how many records that were. Only one goroutine may call it.
func (r *Ring) Drain(sinks []Sink) (records int) {
	records = r.drainLane(&r.failed, sinks)
	for i := range r.shards {
		records += r.drainLane(&r.shards[i], sinks)
	}
	return records
}

func (r *Ring) drainLane(l *lane, sinks []Sink) (records int) {
	l.mu.Lock()
	batch := l.batch
	if len(batch) > 0 {
		l.batch = r.spare[:0]
	}
	l.mu.Unlock()
	if len(batch) == 0 {
		return 0
	}
	for _, s := range sinks {
		s.Consume(batch)
	}
	for i := range batch {
		batch[i].Error = nil // lets go of the evidence
		tries := batch[i].KeptAttempts()
		for j := range tries {
			tries[j].Error, tries[j].Answer = nil, nil
		}
	}
	r.spare = batch
	return len(batch)
}

// Dropped returns how many records were dropped since start, by lane.
func (r *Ring) Dropped() (ordinary, failed uint64) {
	return r.droppedOrdinary.Load(), r.droppedFailed.Load()
}
