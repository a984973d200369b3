// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"
)

// suggestLimitChars bounds the words that are compared; longer ones are no typo
// of anything short.
const suggestLimitChars = 64

// didYouMean is the hint for a word that is none of the known ones: the nearest
// if it is near enough, else "".
func didYouMean(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return "did you mean " + quote(best) + "?"
	}
	return ""
}

// didYouMeanOr is didYouMean, or the list of what is known.
func didYouMeanOr(word string, known []string) string {
	if hint := didYouMean(word, known); hint != "" {
		return hint
	}
	return oneOf(known)
}

// oneOf lists what could have been written, bounded.
func oneOf(known []string) string {
	const most = 24
	if len(known) == 0 {
		return ""
	}
	if len(known) > most {
		return "known here: " + strings.Join(known[:most], ", ") + ", …"
	}
	return "known here: " + strings.Join(known, ", ")
}

// nearest returns the known word that word is probably a slip of, or "". Case
// and separators do not count (readHead, read-head); beyond that one edit in
// three characters is a slip.
func nearest(word string, known []string) string {
	folded := fold(word)
	if folded == "" || len(folded) > suggestLimitChars {
		return ""
	}
	best, bestEdits := "", len(folded)/3+1
	if len(folded) < 3 {
		bestEdits = 2
	}
	for _, k := range slices.Sorted(slices.Values(known)) {
		other := fold(k)
		if len(other) > suggestLimitChars || abs(len(other)-len(folded)) >= bestEdits {
			continue
		}
		// A word of two characters is one edit from far too much: want one kept.
		if n := edits(folded, other); n < bestEdits && n < max(len(folded), len(other)) {
			best, bestEdits = k, n
		}
	}
	return best
}

// fold takes case and separators away.
func fold(s string) string {
	if len(s) > 2*suggestLimitChars {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == ' ' || r == '.' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// edits counts the insertions, deletions, replacements and swaps of neighbours
// between two words (optimal string alignment), by bytes.
func edits(a, b string) int {
	var rows [3][suggestLimitChars + 1]int
	before, last, now := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}

func abs(n int) int { return max(n, -n) }
