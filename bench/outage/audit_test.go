// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"causey/bench/steady"
	"causey/lab/shop"
)

// start is when the scenarios of these tests begin.
var start = time.Unix(1_000_000, 0)

func after(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// pages are requests for the page, one every tenth of a second.
func pages(from, to float64) (list []shop.Entry) {
	for at := from; at < to; at += 0.1 {
		list = append(list, shop.Entry{At: after(at), Sent: after(at - 0.001), What: "page"})
	}
	return list
}

// I2: orders are counted in the journals of all servers.
func TestOrdersAreAudited(t *testing.T) {
	o := &steady.Outcome{
		Gets: steady.Tally{Due: 1}, Posts: steady.Tally{Due: 5},
		Orders: []steady.Order{{Number: 1, Confirmed: true}, {Number: 2, Confirmed: true}, {Number: 3, Confirmed: true}, {Number: 4}, {Number: 5}},
	}
	order := func(n int) shop.Entry { return shop.Entry{At: after(1), What: "order", Order: n} }
	// 1 once, 2 by both, 3 by none, 4 twice without an answer, 5 neither taken nor confirmed.
	a := compare(o, [][]shop.Entry{{order(1), order(2), order(4), order(4)}, {order(2), {At: after(1), What: "page"}}})
	if a.posted != 5 || a.repeated != 2 || a.lost != 1 || a.load != 1 {
		t.Errorf("%+v", a)
	}
}

func TestOnlyVisitorsCount(t *testing.T) {
	list := append(pages(-0.5, 0.45), shop.Entry{At: after(1), What: "health"})
	if got := visitors(list, start); len(got) != 5 || got[0].At.Before(start) {
		t.Errorf("%+v", got)
	}
}

func TestTimesFromTheJournals(t *testing.T) {
	const gap = 500 * time.Millisecond
	held := func(from, to, at float64) []shop.Entry { // sent in time, written down late
		list := pages(from, to)
		for i := range list {
			list[i].At = after(at)
		}
		return list
	}
	join := func(lists ...[]shop.Entry) (all []shop.Entry) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	well := func(at float64, w writes) mark { return mark{at: after(at), well: true, writes: w} }
	ill := func(at float64, w writes) mark { return mark{at: after(at), writes: w} }
	for _, c := range []struct {
		name          string
		marks         []mark
		journal       []shop.Entry
		ejected, back string
	}{
		{"nothing happens", nil, pages(0, 10), "-", "-"},
		{"dead, then back", []mark{ill(2, nothing), well(5, nothing)}, join(pages(0, 2), pages(6.5, 10)), "-", "1.5 s"},
		{"dead, never back", []mark{ill(2, nothing), well(5, nothing)}, pages(0, 2), "-", "never"},
		{"dead, back for a moment", []mark{ill(2, nothing), well(5, nothing), ill(6, nothing)}, pages(0, 2), "-", "-"},
		{"dead, back at the end", []mark{ill(2, nothing), well(10.5, nothing)}, pages(0, 2), "-", "-"},
		{"failing, left alone", []mark{ill(2, inTime), well(5, inTime)}, join(pages(0, 2.85), pages(7, 10)), "0.8 s", "2.0 s"},
		{"failing, tried once more", []mark{ill(2, inTime), well(5, inTime)}, join(pages(0, 2.85), pages(4, 4.05), pages(5.45, 10)), "0.8 s", "0.5 s"},
		{"failing, asked on", []mark{ill(2, inTime), well(5, inTime)}, pages(0.02, 10), "never", "0.0 s"},
		{"frozen, left alone", []mark{ill(2, late), well(5, late)}, join(pages(0, 2), held(2.05, 3.0, 5.01), pages(6.05, 10)), "0.9 s", "1.1 s"},
		{"frozen, asked on", []mark{ill(2, late), well(5, late)}, join(pages(0, 2), held(2.05, 5, 5.01), pages(5.35, 10)), "never", "0.3 s"},
		{"frozen, then never asked", []mark{ill(2, late), well(5, late)}, join(pages(0, 2), held(2.05, 2.5, 5.01)), "0.4 s", "never"},
		{"the longest of two", []mark{ill(1, nothing), well(2, nothing), ill(4, nothing), well(5, nothing)},
			join(pages(0, 1), pages(2.65, 4), pages(5.25, 10)), "-", "0.7 s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ejected, back := spans(c.marks, [][]shop.Entry{c.journal}, after(10), gap)
			if ejected.String() != c.ejected || back.String() != c.back {
				t.Errorf("ejected %s, want %s; back %s, want %s", ejected, c.ejected, back, c.back)
			}
		})
	}
}

// Marks of one server say nothing of another.
func TestTimesAreThoseOfTheServer(t *testing.T) {
	marks := []mark{{at: after(2), writes: inTime}, {at: after(3), server: 1}, {at: after(4), server: 1, well: true}, {at: after(5), well: true, writes: inTime}}
	journals := [][]shop.Entry{append(pages(0, 3.75), pages(6.02, 10)...), append(pages(0, 3), pages(4.05, 10)...)}
	if ejected, back := spans(marks, journals, after(10), time.Second/2); ejected.String() != "1.7 s" || back.String() != "1.0 s" {
		t.Errorf("ejected %s, back %s", ejected, back)
	}
	if quiet(150) != 500*time.Millisecond || quiet(10) != 2*time.Second {
		t.Errorf("quiet is %s and %s", quiet(150), quiet(10))
	}
}
