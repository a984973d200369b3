// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"cmp"
	"slices"
	"strings"
)

// The bounds of Suggest: what is asked may come from a stranger.
const (
	suggestMax      = 5
	suggestNameMax  = 64
	suggestWordsMax = 8
)

// Suggest returns the registered codes that name probably means, nearest first, at
// most five; none if nothing is near. It forgives slips of the pen, other
// separators, a missing part ("connect.refused"), the order of the parts, errno
// names ("ECONNREFUSED") and the error types of RFC 9209.
func Suggest(name string) []string {
	if len(name) > suggestNameMax {
		return nil
	}
	name = strings.ToLower(strings.TrimSpace(name))
	words := codeWords(name)
	if len(words) == 0 || len(words) > suggestWordsMax {
		return nil
	}
	type candidate struct {
		entry       *Entry
		cost, whole int
	}
	var near []candidate
	for _, e := range all {
		cost, letters := 0, 0
		for _, w := range words {
			cost += wordCost(w, e)
			letters += len(w)
		}
		if cost <= letters/3 {
			whole := EditDistance(name, e.Name)
			if whole == 0 {
				cost = -1 // before those whose other words say as much
			}
			near = append(near, candidate{e, cost, whole})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int {
		// Among equals, what harms a site comes before what clients do to themselves.
		return cmp.Or(cmp.Compare(a.cost, b.cost),
			cmp.Compare(a.entry.Severity, b.entry.Severity), cmp.Compare(a.whole, b.whole))
	})
	var names []string
	for _, c := range near[:min(len(near), suggestMax)] {
		names = append(names, c.entry.Name)
	}
	return names
}

// codeWords splits a code, or what somebody took for one, into its words.
func codeWords(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// The costs of what is more than a slip of the pen and less than another word.
const (
	costPart       = 1 // "nx" for "nxdomain", "econnrefused" for "refused"
	costOtherParty = 2 // the right failure looked for at the wrong party
	partLetters    = 3
	prefixLetters  = 2
)

// wordCost is how far w is from the nearest word of e's name or RFC 9209 type.
func wordCost(w string, e *Entry) int {
	best := len(w)
	if slices.Contains(partyNames[1:], w) {
		best = costOtherParty
	}
	for _, own := range append(codeWords(e.Name), codeWords(e.ProxyError)...) {
		d := EditDistance(w, own)
		if len(own) >= partLetters && strings.Contains(w, own) || len(w) >= partLetters && strings.Contains(own, w) ||
			len(w) >= prefixLetters && strings.HasPrefix(own, w) {
			d = min(d, costPart)
		}
		best = min(best, d)
	}
	return best
}

// EditDistance is the number of letters to insert, delete, replace or swap with
// their neighbour that make b of a (optimal string alignment).
func EditDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
