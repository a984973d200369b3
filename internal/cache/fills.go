// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"sync"
	"time"
)

// passTime is how long a target is known as one whose answers are not kept, so that
// requests for it do not wait for one another.
const passTime = 10 * time.Second

// passMarks is how many such targets are known. Two that share a place forget each
// other, which costs one wait.
const passMarks = 4096

// fills knows which keys a server is being asked for just now, so that one request
// asks and the others wait for its answer. Everything in it is bounded. I3.
type fills struct {
	mu           sync.Mutex
	running      map[id]*fill
	waiters, max int // for one answer; answers
	marks        [passMarks]struct {
		key   id
		until time.Time
	}
}

// fill is one answer on its way. Who waits reads done.
type fill struct {
	done    chan struct{}
	waiters int // owned by fills.mu
}

func (f *fills) init(waiters, max int) { f.running, f.waiters, f.max = map[id]*fill{}, waiters, max }

// role is what a request is among those for the same key.
type role uint8

const (
	alone   role = iota // asks for itself
	leading             // asks, and others wait
	waiting
)

// join finds the role of a request. mayWait is false for one that has waited already.
func (f *fills) join(key id, now time.Time, mayWait bool) (*fill, role) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := &f.marks[place(key)]; m.key == key && now.Before(m.until) {
		return nil, alone
	}
	if r := f.running[key]; r != nil {
		if !mayWait || r.waiters >= f.waiters {
			return nil, alone
		}
		r.waiters++
		return r, waiting
	}
	if r := f.begin(key); r != nil {
		return r, leading
	}
	return nil, alone
}

// lead is join for who would not wait: nil if somebody asks already.
func (f *fills) lead(key id) *fill {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running[key] != nil {
		return nil
	}
	return f.begin(key)
}

// begin enters a fill for a key that has none, nil if there are too many. mu is held.
func (f *fills) begin(key id) *fill {
	if len(f.running) >= f.max {
		return nil
	}
	r := &fill{done: make(chan struct{})}
	f.running[key] = r
	return r
}

// leave is the end of a wait.
func (f *fills) leave(r *fill) {
	f.mu.Lock()
	r.waiters--
	f.mu.Unlock()
}

// end lets those go on who wait for r.
func (f *fills) end(key id, r *fill) {
	f.mu.Lock()
	if f.running[key] == r {
		delete(f.running, key)
	}
	f.mu.Unlock()
	close(r.done)
}

// pass notes that the answers of a key are not kept.
func (f *fills) pass(key id, now time.Time) {
	f.mu.Lock()
	m := &f.marks[place(key)]
	m.key, m.until = key, now.Add(passTime)
	f.mu.Unlock()
}

// keeps takes that back.
func (f *fills) keeps(key id) {
	f.mu.Lock()
	if m := &f.marks[place(key)]; m.key == key {
		m.until = time.Time{}
	}
	f.mu.Unlock()
}

func place(key id) uint64 { return key.short() % passMarks }
