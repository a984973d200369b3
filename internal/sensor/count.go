// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"slices"
	"time"

	"causey/internal/record"
)

// second is what came in one second.
type second struct {
	at       int64 // seconds since 1970
	good     uint32
	bad      uint32
	requests uint32
	left     uint32        // clients that left before their answer
	attempts uint32        // of these requests
	repeats  uint32        // of one that had failed shortly before
	cachable uint32        // requests that the cache looked at
	hits     uint32        // those of them that it answered
	waited   time.Duration // of good ones, until the answer's head, together
}

// count adds a request.
func (s *second) count(r *record.Record, repeats bool) {
	s.requests++
	s.attempts += uint32(r.AttemptLen)
	if isLeaving(r) {
		s.left++
	}
	if repeats {
		s.repeats++
	}
	switch r.Cache {
	case record.CacheHit, record.CacheCollapsed, record.CacheRevalidated, record.CacheStale:
		s.hits++
		s.cachable++
	case record.CacheMiss, record.CacheExpired, record.CacheBypass:
		s.cachable++
	}
}

// seconds are the last ones, as many as there are places.
type seconds []second

// at is the place that a second shares with others. Times before 1970 are no clock's, but
// must do no harm.
func (s seconds) at(sec int64) *second { return &s[uint64(sec)%uint64(len(s))] }

// of returns the place of a second; one that is too old for it gets none.
func (s seconds) of(at int64) *second {
	p := s.at(at)
	switch {
	case p.at < at:
		*p = second{at: at}
	case p.at > at:
		return &second{}
	}
	return p
}

// sum adds up the seconds from first to last, both included.
func (s seconds) sum(first, last int64) (out second) {
	first = max(first, last-int64(len(s))+1)
	for at := first; at <= last; at++ {
		if p := s.at(at); p.at == at {
			out.good += p.good
			out.bad += p.bad
			out.requests += p.requests
			out.left += p.left
			out.attempts += p.attempts
			out.repeats += p.repeats
			out.cachable += p.cachable
			out.hits += p.hits
			out.waited += p.waited
		}
	}
	return out
}

// usual is how many requests come in a second, by the median of the seconds up to last of
// which there is anything; 0 where there are less than three.
func (s seconds) usual(last int64) float64 {
	var counts []float64
	for i := range s {
		if s[i].at > 0 && s[i].at <= last && s[i].at > last-int64(len(s)) {
			counts = append(counts, float64(s[i].requests))
		}
	}
	if len(counts) < few {
		return 0
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}

// wait is the mean time until an answer's head, 0 where none came.
func (s second) wait() time.Duration {
	if s.good == 0 {
		return 0
	}
	return s.waited / time.Duration(s.good)
}
