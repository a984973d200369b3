// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"sync"
)

// Bounds of what waits to be written.
const (
	queueMost      = 4096
	queueBytesMost = 16 << 20
	// batchMost is how many writes one transaction takes.
	batchMost = 256
	// writeBytes stands for what a write takes beside its body.
	writeBytes = 512
)

// Why a write is not taken.
var (
	ErrFull   = errors.New("the store's queue is full")
	ErrClosed = errors.New("the store is closed")
)

// statement is one of a write.
type statement struct {
	text string
	args []any
}

// write is what one call wants to have committed.
type write struct {
	// key is what it is about: a later write with the same one takes its place.
	// "" for what is added beside all others.
	key        string
	statements []statement
	bytes      int
	// done are called after the commit. Those who were told already that it may be
	// lost are no longer there.
	done []func(error)
	err  error // of this write alone
}

// queue is what waits, oldest first.
type queue struct {
	wake chan struct{}

	mu      sync.Mutex
	waiting []*write
	byKey   map[string]*write
	taken   int // of the last batch, until the next one is asked for
	bytes   int
	dropped uint64
	closed  bool
}

func newQueue() *queue {
	return &queue{wake: make(chan struct{}, 1), byKey: map[string]*write{}}
}

// put takes w.
func (q *queue) put(w *write) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := q.byKey[w.key]
	added := w.bytes
	if before != nil {
		added -= before.bytes
	}
	switch {
	case q.closed:
		return ErrClosed
	case q.bytes+added > queueBytesMost, before == nil && len(q.waiting) >= queueMost:
		q.dropped++
		return ErrFull
	case before != nil:
		before.statements, before.bytes = w.statements, w.bytes
		before.done = append(before.done, w.done...)
	default:
		q.add(w)
		q.waiting = append(q.waiting, w)
	}
	q.bytes += added
	signal(q.wake)
	return nil
}

func (q *queue) add(w *write) {
	if w.key != "" {
		q.byKey[w.key] = w
	}
}

// take removes and returns the oldest writes, a batch at most. The batch before is done.
func (q *queue) take() []*write {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), batchMost)
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	q.taken = n
	for _, w := range batch {
		delete(q.byKey, w.key)
		q.bytes -= w.bytes
	}
	return batch
}

// putBack gives back what take gave and could not be committed. What has a successor
// by now is not needed any more.
func (q *queue) putBack(batch []*write) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken = 0
	kept := make([]*write, 0, len(batch)+len(q.waiting))
	for _, w := range batch {
		if next := q.byKey[w.key]; next != nil {
			next.done = append(w.done, next.done...)
			continue
		}
		q.add(w)
		q.bytes += w.bytes
		kept = append(kept, w)
	}
	q.waiting = append(kept, q.waiting...)
}

// untold returns those who wait to be told of writes that stay in the queue.
func (q *queue) untold() []func(error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []func(error)
	for _, w := range q.waiting {
		all = append(all, w.done...)
		w.done = nil
	}
	return all
}

// close makes put refuse. What waits stays.
func (q *queue) close() (again bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	again, q.closed = q.closed, true
	return again
}

func (q *queue) stats() (waiting int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) + q.taken, q.dropped
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
