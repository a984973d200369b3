// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"time"

	"causey/bench/steady"
	"causey/lab/shop"
)

// audit is what the servers' journals say of a gateway.
type audit struct {
	// kept: there are journals.
	kept bool
	// posted is how many orders visitors sent. repeated of them stand in the journals
	// twice or more, and lost are those that were confirmed and stand in none (I2).
	posted, repeated, lost int
	// load is how many requests reached the servers for each that a visitor sent.
	load float64
	// ejected is how long an unwell server was still asked, back how long a server that
	// is well again waited for its first request; the longest of each.
	ejected, back span
}

// span is a time that was measured, or not.
type span struct {
	known bool
	// never: it had not happened when the time was up, which was d.
	never bool
	d     time.Duration
}

func (s span) longest(o span) span {
	if !s.known || o.known && (o.never && !s.never || o.never == s.never && o.d > s.d) {
		return o
	}
	return s
}

// audit reads the journals after the last visit.
func (st *stage) audit(o *steady.Outcome) (audit, error) {
	if st.scenario.origin != "shop" {
		return audit{}, nil
	}
	journals := make([][]shop.Entry, len(st.servers))
	for i := range st.servers {
		var err error
		if journals[i], err = shop.ReadJournal(journal(st.dir, i)); err != nil {
			return audit{}, err
		}
		journals[i] = visitors(journals[i], st.start)
	}
	a := compare(o, journals)
	rate := float64(o.Gets.Due+o.Posts.Due) / st.length.Seconds()
	a.ejected, a.back = spans(st.marks, journals, st.start.Add(st.length), quiet(rate/float64(len(st.servers))))
	return a, nil
}

// visitors are the entries of visitors, from start on: no health checks, nothing of
// what was asked before.
func visitors(list []shop.Entry, start time.Time) []shop.Entry {
	var kept []shop.Entry
	for _, e := range list {
		if e.What != "health" && !e.At.Before(start) {
			kept = append(kept, e)
		}
	}
	return kept
}

// compare holds what the visitors know against what the servers wrote down.
func compare(o *steady.Outcome, journals [][]shop.Entry) audit {
	a := audit{kept: true, posted: len(o.Orders)}
	taken := map[int]int{}
	requests := 0
	for _, journal := range journals {
		requests += len(journal)
		for _, e := range journal {
			if e.Order != 0 {
				taken[e.Order]++
			}
		}
	}
	for _, order := range o.Orders {
		switch n := taken[order.Number]; {
		case n > 1:
			a.repeated++
		case n == 0 && order.Confirmed:
			a.lost++
		}
	}
	if due := o.Gets.Due + o.Posts.Due; due > 0 {
		a.load = float64(requests) / float64(due)
	}
	return a
}

// quiet is how long a server must be left alone to count as not asked any more: long
// enough that it does not happen to one that has its share, perSecond.
func quiet(perSecond float64) time.Duration {
	return max(500*time.Millisecond, time.Duration(20/perSecond*float64(time.Second)))
}

// spans measures from the marks. Journals are in order of time.
func spans(marks []mark, journals [][]shop.Entry, end time.Time, gap time.Duration) (ejected, back span) {
	for k, m := range marks {
		until := end
		for _, next := range marks[k+1:] {
			if next.server == m.server {
				until = next.at
				break
			}
		}
		switch {
		case m.well:
			back = back.longest(firstAfter(m, journals[m.server], until))
		case m.writes != nothing:
			ejected = ejected.longest(lastBeforeGap(asked(m, journals[m.server], until), m.at, until, gap))
		}
	}
	return ejected, back
}

// chance is how long a server that is well again must have stayed so for it to count
// that nobody asked it.
const chance = 3 * time.Second

// firstAfter is how long after m the first request came. What had waited for a server
// that is well again is not counted.
func firstAfter(m mark, journal []shop.Entry, until time.Time) span {
	for _, e := range journal {
		waited := m.writes == late && e.Sent.Before(m.at)
		if !waited && !e.At.Before(m.at) && e.At.Before(until) {
			return span{known: true, d: e.At.Sub(m.at)}
		}
	}
	left := until.Sub(m.at)
	return span{known: left >= chance, never: true, d: left}
}

// asked are the moments between m and until at which the server was asked, in order.
// Of one that writes late they are those at which the visitors asked.
func asked(m mark, journal []shop.Entry, until time.Time) []time.Time {
	var list []time.Time
	for _, e := range journal {
		at := e.At
		if m.writes == late {
			at = e.Sent
		}
		if !at.Before(m.at) && at.Before(until) {
			list = append(list, at)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return list
}

// lastBeforeGap is how long after from the last request came before there was none
// for gap.
func lastBeforeGap(asked []time.Time, from, until time.Time, gap time.Duration) span {
	last := from
	for _, at := range asked {
		if at.Sub(last) >= gap {
			break
		}
		last = at
	}
	return span{known: true, never: until.Sub(last) < gap, d: last.Sub(from)}
}
