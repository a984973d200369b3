// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"sync"
	"time"
)

// pacer lets events happen at a steady pace, some of them in a burst before.
type pacer struct {
	every time.Duration
	burst int

	mu   sync.Mutex
	next time.Time // the turn of the next event, in the past as long as the burst lasts
}

// wait takes the next turn and returns how long it is until then.
func (p *pacer) wait(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	turn := later(p.next, now.Add(-time.Duration(p.burst)*p.every))
	p.next = turn.Add(p.every)
	return max(0, turn.Sub(now))
}

// allow takes a turn if there is one now.
func (p *pacer) allow(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	turn := later(p.next, now.Add(-time.Duration(p.burst)*p.every))
	if turn.After(now) {
		return false
	}
	p.next = turn.Add(p.every)
	return true
}
