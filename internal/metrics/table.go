// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import "encoding/binary"

// namesMax bounds the pairs of names in a table. Names come from the
// configuration, but they add up over reloads, and a scrape must stay small.
const namesMax = 1024

// other stands for the names beyond namesMax.
const other = "other"

// pair is what a table is indexed by: site and upstream, or upstream and server.
// Names are "" if undecided.
type pair struct{ a, b string }

// table is a bounded map. Before it stands a small cache, a place for each of a few
// dozen pairs: records of one batch mostly go the same few ways, and the map hashes
// both names each time.
type table[V any] struct {
	cells  map[pair]*V
	recent [recentMax]struct {
		pair
		cell *V
	}
}

const (
	recentBits = 6
	recentMax  = 1 << recentBits
	// sampleSpread moves differences of a sample to the upper bits, as in
	// multiplicative hashing: 2^64 divided by the golden ratio.
	sampleSpread = 0x9e3779b97f4a7c15
)

func newTable[V any]() table[V] { return table[V]{cells: map[pair]*V{}} }

// at returns the cell of p, or the one of all others if the table is full (I3).
func (t *table[V]) at(p pair) *V {
	place := &t.recent[(sample(p.a)+31*sample(p.b))*sampleSpread>>(64-recentBits)]
	if place.cell == nil || place.pair != p {
		place.pair, place.cell = p, t.find(p)
	}
	return place.cell
}

func (t *table[V]) find(p pair) *V {
	v := t.cells[p]
	if v == nil {
		if len(t.cells) >= namesMax {
			p = pair{other, other}
		}
		if v = t.cells[p]; v == nil {
			v = new(V)
			t.cells[p] = v
		}
	}
	return v
}

// sample is a number made of the first and the last eight bytes of a name. That is
// enough to spread names; those that meet in one place are looked up in the map.
func sample(name string) uint64 {
	b := []byte(name)
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b) ^ binary.LittleEndian.Uint64(b[len(b)-8:])<<1
	}
	x := uint64(0)
	for _, c := range b {
		x = x<<8 | uint64(c)
	}
	return x
}

// clone copies the cells, so that a scrape can take its time.
func (t *table[V]) clone() table[V] {
	out := table[V]{cells: make(map[pair]*V, len(t.cells))}
	values := make([]V, 0, len(t.cells))
	for k, v := range t.cells {
		values = append(values, *v)
		out.cells[k] = &values[len(values)-1]
	}
	return out
}
