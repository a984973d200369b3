// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"cmp"
	"slices"
	"strings"

	"causey/internal/failure"
)

// The bounds of Suggest: what is asked may come from a stranger.
const (
	suggestMax     = 5
	suggestNameMax = 64
)

// Below returns the entries whose ids begin with the given parts: "tcp" or "tcp.refused".
func (c *Catalogue) Below(parts string) []*Entry {
	parts = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(parts)), ".") + "."
	var out []*Entry
	for _, e := range c.entries {
		if strings.HasPrefix(e.ID, parts) {
			out = append(out, e)
		}
	}
	return out
}

// Suggest returns the entries that name probably means, nearest first, at most five: it
// forgives slips of the pen and missing parts ("refused.down"), and finds words of titles.
func (c *Catalogue) Suggest(name string) []*Entry {
	name = strings.ToLower(strings.TrimSpace(name))
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '_' || r == ' ' || r == '-' })
	if len(words) == 0 || len(name) > suggestNameMax {
		return nil
	}
	type candidate struct {
		entry *Entry
		cost  int
	}
	var near []candidate
	for _, e := range c.entries {
		cost := failure.EditDistance(name, e.ID)
		said := e.ID + " " + strings.ToLower(e.Title)
		all := !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(said, w) })
		if cost <= len(e.ID)/4 || all && len(name) > 2 {
			near = append(near, candidate{e, cost})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	var out []*Entry
	for _, n := range near[:min(len(near), suggestMax)] {
		out = append(out, n.entry)
	}
	return out
}
