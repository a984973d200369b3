// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"net/netip"
	"slices"
	"time"

	"causey/internal/failure"
	"causey/internal/record"
)

// sample is one attempt, or an exchange that came to none.
type sample struct {
	at time.Time // when the exchange ended
	id record.ID
	// try is the attempt, zero where there was none. Of one that went well Took is the
	// time until the answer's head.
	try record.Attempt
	// sign says that no request had to do with it.
	sign bool

	// made is what its answer shows of its maker, nil before anybody asked.
	made *judged

	site string
	// name is what a person asked for in vain, "" where it was found.
	name   string
	path   path
	file   bool
	target uint64 // a hash of the whole target
	client netip.Addr
	method string // one of the usual ones, "other"
	unsafe bool
	asks   record.Asks
	headIn int64
	bodyIn int64
	// bodyOut is how much of the answer's body the client got.
	bodyOut int64
	// upload is how long the body took to come.
	upload time.Duration
	// bodyWait is how much of relay, the time that the answer's body took, was spent
	// waiting for the server.
	bodyWait, relay time.Duration
	total           time.Duration
	// quiet is how long its tunnel had been silent that a server ended.
	quiet time.Duration
	// gap is how many requests the server had answered since its failure before, -1 where
	// that is not known.
	gap int
}

// began is when the attempt began, as good as it is known.
func (s *sample) began() time.Time {
	if s.try.Start < 0 {
		return s.at.Add(-s.total)
	}
	return s.at.Add(s.try.Start - s.total)
}

// ended is when it failed, or its answer began.
func (s *sample) ended() time.Time { return s.began().Add(s.try.Took) }

// requested leaves out what no request had to do with.
func requested(list []*sample) []*sample {
	return slices.DeleteFunc(slices.Clone(list), func(s *sample) bool { return s.sign })
}

// isSilence reports a failure by a timer of ours.
func isSilence(s *sample) bool {
	e := failure.Lookup(s.try.Failure)
	return e != nil && e.Family == failure.FamilyTimeout
}

// ring keeps the newest samples, and the oldest ones if it has a front.
type ring struct {
	front []sample // the first ones, which stay
	back  []sample
	next  int
}

func newRing(front, back int) ring {
	return ring{make([]sample, 0, front), make([]sample, 0, back), 0}
}

// place returns where the next sample goes.
func (r *ring) place() *sample {
	if len(r.front) < cap(r.front) {
		r.front = append(r.front, sample{})
		return &r.front[len(r.front)-1]
	}
	if len(r.back) < cap(r.back) {
		r.back = append(r.back, sample{})
		return &r.back[len(r.back)-1]
	}
	s := &r.back[r.next]
	r.next = (r.next + 1) % cap(r.back)
	*s = sample{}
	return s
}

// since returns the samples of at least that time, the oldest first.
func (r *ring) since(from time.Time) []*sample {
	out := make([]*sample, 0, len(r.front)+len(r.back))
	for _, list := range [][]sample{r.front, r.back[r.next:], r.back[:r.next]} {
		for i := range list {
			if !list[i].at.Before(from) {
				out = append(out, &list[i])
			}
		}
	}
	return out
}
