// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// seriesMax bounds the series of each family with names in its labels. Names come
// from the configuration, but they add up over reloads, and a scrape must stay
// small; a thousand sites fit.
const seriesMax = 8192

// other stands for the names beyond seriesMax.
const other = "other"

// place is where an exchange went: names of the configuration, "" if undecided.
type place struct{ site, upstream string }

type exchangeKey struct {
	place
	outcome record.Outcome
	class   uint8 // hundreds of the status
}

type serverErrorKey struct {
	place
	status int // 0 for beyond 504
	by     uint8
}

type attemptKey struct{ upstream, server, result string }

// Who made an answer.
const (
	byUpstream uint8 = iota
	byGateway
)

// cells are all counters that records feed. Failures are indexed by the ID of
// their registry entry.
type cells struct {
	exchanges    map[exchangeKey]*uint64
	serverErrors map[serverErrorKey]*uint64
	attempts     map[attemptKey]*uint64
	durations    map[place]*histogram
	failures     []uint64
	phases       [phase.Count]histogram
	bodyIn       int64
	bodyOut      int64
}

func newCells() cells {
	return cells{
		exchanges:    map[exchangeKey]*uint64{},
		serverErrors: map[serverErrorKey]*uint64{},
		attempts:     map[attemptKey]*uint64{},
		durations:    map[place]*histogram{},
		failures:     make([]uint64, len(failure.All())),
	}
}

// clone copies the cells, so that a scrape can take its time.
func (c *cells) clone() cells {
	out := *c
	out.exchanges = cloneMap(c.exchanges)
	out.serverErrors = cloneMap(c.serverErrors)
	out.attempts = cloneMap(c.attempts)
	out.durations = cloneMap(c.durations)
	out.failures = append([]uint64(nil), c.failures...)
	return out
}

func cloneMap[K comparable, V any](m map[K]*V) map[K]*V {
	out := maps.Clone(m)
	values := make([]V, 0, len(m))
	for k, v := range m {
		values = append(values, *v)
		out[k] = &values[len(values)-1]
	}
	return out
}

// cell returns the cell of k, or that of instead if the map is full.
func cell[K comparable, V any](m map[K]*V, k, instead K) *V {
	v := m[k]
	if v != nil {
		return v
	}
	if len(m) >= seriesMax {
		k = instead
		if v = m[k]; v != nil {
			return v
		}
	}
	v = new(V)
	m[k] = v
	return v
}

// add counts one record (I4).
func (c *cells) add(r *record.Record) {
	at, beyond := place{r.Site, r.Upstream}, place{other, other}
	class := uint8(min(max(r.Status, 0)/100, 5))
	*cell(c.exchanges, exchangeKey{at, r.Outcome, class}, exchangeKey{beyond, r.Outcome, class})++
	if r.Status >= 500 {
		c.addServerError(r, at, beyond)
	}
	if r.Outcome != record.Tunnelled {
		cell(c.durations, at, beyond).observe(r.Total)
	}
	for i, d := range &r.Phases {
		if d >= 0 {
			c.phases[i].observe(d)
		}
	}
	if r.Error != nil {
		c.failures[failure.Lookup(r.Failure).ID]++
	}
	if r.AttemptLen > 0 {
		c.addAttempts(r)
	}
	c.bodyIn += r.BodyIn
	c.bodyOut += r.BodyOut
}

func (c *cells) addServerError(r *record.Record, at, beyond place) {
	status, by := r.Status, byUpstream
	if status > 504 {
		status = 0
	}
	if r.Outcome == record.Answered {
		by = byGateway
	}
	*cell(c.serverErrors, serverErrorKey{at, status, by}, serverErrorKey{beyond, status, by})++
}

func (c *cells) addAttempts(r *record.Record) {
	kept := min(int(r.AttemptLen), record.AttemptsMax)
	for i := range r.Attempts[:kept] {
		a := &r.Attempts[i]
		result := "ok"
		if e := failure.Lookup(a.Failure); e != nil {
			result = e.Family.String()
		}
		*cell(c.attempts, attemptKey{r.Upstream, a.Server, result}, attemptKey{other, other, result})++
	}
	if lost := int(r.AttemptLen) - kept; lost > 0 {
		*cell(c.attempts, attemptKey{r.Upstream, "", "unrecorded"}, attemptKey{other, other, "unrecorded"}) += uint64(lost)
	}
}
