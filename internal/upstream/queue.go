// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// HoldOptions bound who waits while no server can be asked.
type HoldOptions struct {
	// Most is how many requests may wait at a time, 0 for none.
	Most int
}

// HoldWithin is how long after it was lost a server is waited for: a restart is over
// by then, and visitors of a site that is down are better told at once.
const HoldWithin = time.Minute

const (
	// queueParts are the parts by which clients are told apart.
	queueParts = 256
	// wakeFirst is how many are sent to a server that has just come back, wakeMore
	// how many more for each answer it gives and for each tick: it is busy enough
	// with starting.
	wakeFirst, wakeMore = 8, 2
)

// Queue is where requests wait for a server, first come, first served. When it is
// full, a client of whom fewer wait takes the place of one of whom many do, so that
// nobody can keep the others out.
type Queue struct {
	limit *Limit // of which each one that is called has a place; nil for none
	most  atomic.Int64
	len   atomic.Int32

	mu      sync.Mutex
	waiting list.List // of *Ticket
	parts   [queueParts]int32
}

// Ticket is a place in a queue.
type Ticket struct {
	// Turn is readable when it is this one's turn, or when it has lost its place.
	Turn <-chan struct{}
	turn chan struct{}
	at   *list.Element // nil once it was called
	part uint8
	lost bool
	// placed says that a place of the limit was given with the call.
	placed bool
}

// Lost reports that the place was given to somebody else. It may be asked when Turn
// was readable.
func (t *Ticket) Lost() bool { return t.lost }

// Place takes what was given with the call: it reports that a place of the limit is the
// caller's now, who gives it back. It may be asked when Turn was readable.
func (q *Queue) Place(t *Ticket) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := t.placed
	t.placed = false
	return was
}

// Join takes a place, for the client whose address hashes to client. It returns nil
// if there is none.
func (q *Queue) Join(client uint64) *Ticket {
	q.mu.Lock()
	defer q.mu.Unlock()
	part := uint8(client)
	if q.waiting.Len() >= int(q.most.Load()) && !q.displace(part) {
		return nil
	}
	t := &Ticket{turn: make(chan struct{}), part: part}
	t.Turn, t.at = t.turn, q.waiting.PushBack(t)
	q.parts[part]++
	q.len.Add(1)
	return t
}

// displace takes the place of the newest of the part with the most, if that has
// clearly more than part; q.mu is held.
func (q *Queue) displace(part uint8) bool {
	most := 0
	for i := range q.parts {
		if q.parts[i] > q.parts[most] {
			most = i
		}
	}
	if q.parts[most] <= q.parts[part]+1 {
		return false
	}
	for e := q.waiting.Back(); e != nil; e = e.Prev() {
		if t := e.Value.(*Ticket); int(t.part) == most {
			t.lost = true
			q.call(t)
			return true
		}
	}
	return false
}

// Leave gives the place up, called or not, and what was given with the call and not
// taken to the next one.
func (q *Queue) Leave(t *Ticket) {
	q.mu.Lock()
	if t.at != nil {
		q.remove(t)
	}
	was := t.placed
	t.placed = false
	q.mu.Unlock()
	if was {
		q.limit.Give()
		q.Wake(1)
	}
}

// remove takes t out; q.mu is held.
func (q *Queue) remove(t *Ticket) {
	q.waiting.Remove(t.at)
	t.at = nil
	q.parts[t.part]--
	q.len.Add(-1)
}

// call takes t out and tells it; q.mu is held.
func (q *Queue) call(t *Ticket) {
	q.remove(t)
	close(t.turn)
}

// Wake calls the n who have waited longest, or as many of them as the limit has places
// for. Whoever is called has the place: one who comes later cannot take it.
func (q *Queue) Wake(n int) {
	if q.len.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for ; n > 0 && q.waiting.Len() > 0; n-- {
		t := q.waiting.Front().Value.(*Ticket)
		if q.limit != nil {
			if !q.limit.Take() {
				return
			}
			t.placed = true
		}
		q.call(t)
	}
}

// Len returns how many wait.
func (q *Queue) Len() int { return int(q.len.Load()) }
