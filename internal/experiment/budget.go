// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"slices"
	"time"
)

// How many experiments may begin within a minute: at one server, and at all. I3.
const (
	perServer = 6
	inAll     = 30
)

// budget bounds the experiments. It is guarded by the Runner's lock.
type budget struct {
	began  []time.Time            // everywhere, within the last minute
	places map[string][]time.Time // at each server
	busy   map[string]bool        // servers at which one runs
}

func newBudget() budget { return budget{places: map[string][]time.Time{}, busy: map[string]bool{}} }

// has reports that an experiment at place may begin.
func (b *budget) has(place string, now time.Time) bool {
	b.expire(now)
	return !b.busy[place] && len(b.began) < inAll && len(b.places[place]) < perServer
}

// take begins one, if it may.
func (b *budget) take(place string, now time.Time) bool {
	if !b.has(place, now) {
		return false
	}
	b.began = append(b.began, now)
	b.places[place] = append(b.places[place], now)
	b.busy[place] = true
	return true
}

// done ends it.
func (b *budget) done(place string) { delete(b.busy, place) }

// expire forgets what began more than a minute ago.
func (b *budget) expire(now time.Time) {
	old := func(at time.Time) bool { return now.Sub(at) >= time.Minute }
	b.began = slices.DeleteFunc(b.began, old)
	for place, list := range b.places {
		if list = slices.DeleteFunc(list, old); len(list) == 0 {
			delete(b.places, place)
		} else {
			b.places[place] = list
		}
	}
}
