// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cdn

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
)

// Table finds the set that an address belongs to.
type Table struct{ rows []row }

// row is a network as its first and last address. Networks of one table do not
// overlap: of two, the one that lies within the other is left out.
type row struct {
	first, last netip.Addr
	set         int
}

// NewTable makes a table of sets; what it finds are indices into them.
func NewTable(sets []Set) *Table {
	var rows []row
	for i := range sets {
		for _, p := range sets[i].Prefixes {
			rows = append(rows, row{p.Addr(), last(p), i})
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(a.first.Compare(b.first), b.last.Compare(a.last), cmp.Compare(a.set, b.set))
	})
	t := &Table{}
	for _, r := range rows {
		// Of two networks one holds the other, or they have nothing in common.
		if n := len(t.rows); n == 0 || t.rows[n-1].last.Less(r.first) {
			t.rows = append(t.rows, r)
		}
	}
	return t
}

// last is the highest address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Find returns the index of the set that a belongs to. ok is false if there is none.
func (t *Table) Find(a netip.Addr) (set int, ok bool) {
	a = a.Unmap()
	i := sort.Search(len(t.rows), func(i int) bool { return !t.rows[i].last.Less(a) })
	if i == len(t.rows) || a.Less(t.rows[i].first) {
		return 0, false
	}
	return t.rows[i].set, true
}
