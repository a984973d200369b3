// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// Sizes of the small dimensions.
const (
	outcomeCount = record.OutcomeCount
	classCount   = 6                              // hundreds of a status, 0 for none
	errorCount   = 6                              // 500 to 504, and beyond
	resultCount  = int(failure.FamilyBug) + 1 + 1 // by family, NoFamily being ok; unrecorded
	unrecorded   = resultCount - 1
)

// Who made an answer.
const (
	byUpstream = iota
	byGateway
	makerCount
)

// The versions of TLS that are spoken to clients.
const (
	tls12 = iota
	tls13
	versionCount

	tls13Wire = 0x0304 // RFC 8446, section 4.1.2
)

// traffic counts the exchanges of one site on one upstream.
type traffic struct {
	exchanges [outcomeCount][classCount]uint64
	errors    [errorCount][makerCount]uint64
	cache     [record.CacheCount]uint64
	duration  histogram
}

// attempts counts attempts on one server by result.
type attempts [resultCount]uint64

// cells are all counters that records feed. Failures are indexed by the ID of
// their registry entry.
type cells struct {
	traffic  table[traffic]  // by site and upstream
	attempts table[attempts] // by upstream and server
	care     table[care]     // by upstream
	failures []uint64
	hidden   []uint64 // likewise, of those that an answer of the cache stood in for
	// handshakes counts by version, and by whether a session was resumed.
	handshakes [versionCount][2]uint64
	phases     [phase.Count]histogram
	bodyIn     int64
	bodyOut    int64
}

func newCells() cells {
	return cells{traffic: newTable[traffic](), attempts: newTable[attempts](), care: newTable[care](), failures: make([]uint64, len(failure.All())), hidden: make([]uint64, len(failure.All()))}
}

func (c *cells) clone() cells {
	out := *c
	out.traffic, out.attempts, out.care = c.traffic.clone(), c.attempts.clone(), c.care.clone()
	out.failures = append([]uint64(nil), c.failures...)
	out.hidden = append([]uint64(nil), c.hidden...)
	return out
}

// add counts one record (I4).
func (c *cells) add(r *record.Record) {
	t := c.traffic.at(pair{r.Site, r.Upstream})
	t.exchanges[r.Outcome][min(max(r.Status, 0)/100, classCount-1)]++
	if r.Status >= 500 {
		maker := byUpstream
		if r.Outcome == record.Answered {
			maker = byGateway
		}
		t.errors[min(r.Status-500, errorCount-1)][maker]++
	}
	t.cache[r.Cache]++
	if r.Outcome != record.Tunnelled && r.Outcome != record.Refreshed {
		t.duration.observe(r.Total)
	}
	for i, d := range &r.Phases {
		if d >= 0 {
			c.phases[i].observe(d)
		}
	}
	if r.Error != nil {
		c.failures[failure.Lookup(r.Failure).ID]++
	}
	if !r.Hidden.IsNone() {
		c.hidden[failure.Lookup(r.Hidden).ID]++
	}
	c.addAttempts(r)
	c.addCare(r)
	c.addHandshake(r)
	c.bodyIn += r.BodyIn
	c.bodyOut += r.BodyOut
}

func (c *cells) addAttempts(r *record.Record) {
	kept := r.KeptAttempts()
	for i := range kept {
		a := &kept[i]
		result := failure.NoFamily
		if !a.Failure.IsNone() {
			result = failure.Lookup(a.Failure).Family
		}
		c.attempts.at(pair{r.Upstream, a.Server})[result]++
	}
	if lost := int(r.AttemptLen) - len(kept); lost > 0 {
		c.attempts.at(pair{r.Upstream, ""})[unrecorded] += uint64(lost)
	}
}

// addHandshake counts a connection's handshake with its first exchange.
func (c *cells) addHandshake(r *record.Record) {
	if r.TLS.Version == 0 || r.Exchanges != 1 {
		return
	}
	version, resumed := tls12, 0
	if r.TLS.Version >= tls13Wire {
		version = tls13
	}
	if r.TLS.Resumed {
		resumed = 1
	}
	c.handshakes[version][resumed]++
}
