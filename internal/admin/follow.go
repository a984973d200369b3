// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import "causey/internal/record"

// backlogMax is how many failures a reader may lie behind; what is older it
// misses, and is told how many. It is a reader's queue, but the queue is the
// store's own ring: a reader is only a place in it and costs no memory.
const backlogMax = 256

// readers are those who follow something as it comes, each by the channel that wakes it.
// Whose readers they are has the lock.
type readers map[chan struct{}]struct{}

// add enters a reader that is awake.
func (r readers) add() (woken chan struct{}) {
	woken = make(chan struct{}, 1)
	woken <- struct{}{}
	r[woken] = struct{}{}
	return woken
}

// wake wakes all.
func (r readers) wake() {
	for woken := range r {
		select {
		case woken <- struct{}{}:
		default: // it is awake already
		}
	}
}

// follower reads failures as they come. Its owner is one goroutine.
type follower struct {
	store *Store
	// clients says whether failures that clients caused are wanted as well.
	clients bool
	next    [laneCount]uint64 // number of the next entry in each lane
	// woken is readable when there may be something to read.
	woken chan struct{}
}

// follow returns a follower that starts after the exchange resume, or if that is
// no longer kept (or not given) with the newest replay failures. resumed says
// which.
func (s *Store) follow(clients bool, resume record.ID, replay int) (f *follower, resumed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f = &follower{store: s, clients: clients, woken: s.readers.add()}
	if at, ok := s.byID[resume]; ok {
		seq := s.lanes[at.lane].entries[at.index].seq
		for i := range s.lanes {
			f.next[i] = s.lanes[i].after(seq)
		}
		return f, true
	}
	for i := range s.lanes {
		f.next[i] = s.lanes[i].total
	}
	for range min(replay, backlogMax) {
		if !f.stepBack() {
			break
		}
	}
	return f, false
}

func (f *follower) close() {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	delete(f.store.readers, f.woken)
}

// wants reports whether the follower reads lane i.
func (f *follower) wants(i int) bool {
	return i == laneFailed || i == laneClient && f.clients
}

// stepBack moves one failure towards the past, if one is kept.
func (f *follower) stepBack() bool {
	at := f.next
	for i := range at {
		if !f.wants(i) {
			at[i] = f.store.lanes[i].first()
		}
	}
	before := at
	if f.store.newest(&at) == nil {
		return false
	}
	for i := range at {
		if at[i] != before[i] {
			f.next[i] = at[i]
		}
	}
	return true
}

// read copies the next failures into dst, oldest first, and returns how many it
// copied and how many it had to leave out since the last call (I4). more says
// that there is still something to read.
func (f *follower) read(dst []record.Record) (n int, skipped uint64, more bool) {
	f.store.mu.RLock()
	defer f.store.mu.RUnlock()
	for i := range f.store.lanes {
		if f.wants(i) {
			skipped += f.catchUp(i)
		}
	}
	for {
		best := -1
		var oldest *entry
		for i := range f.store.lanes {
			l := &f.store.lanes[i]
			if !f.wants(i) || f.next[i] >= l.total {
				continue
			}
			if e := l.at(f.next[i]); oldest == nil || e.seq < oldest.seq {
				best, oldest = i, e
			}
		}
		if oldest == nil || n == len(dst) {
			return n, skipped, oldest != nil
		}
		dst[n] = oldest.rec
		n++
		f.next[best]++
	}
}

// catchUp skips what lies too far behind in lane i and returns how much that is.
func (f *follower) catchUp(i int) uint64 {
	l := &f.store.lanes[i]
	from := max(l.first(), l.total-min(l.total, backlogMax))
	if f.next[i] >= from {
		return 0
	}
	skipped := from - f.next[i]
	f.next[i] = from
	return skipped
}
