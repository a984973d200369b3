// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"causey/internal/failure"
	"causey/internal/record"
)

// explanation says in words what a record shows.
type explanation struct {
	*registryEntry
	// Sentences tell the evidence, the most telling first.
	Sentences []string `json:"sentences"`
}

func explain(r *record.Record) explanation {
	x := explanation{Sentences: []string{}}
	if e := failure.Lookup(r.Failure); e != nil {
		entry := newRegistryEntry(e)
		x.registryEntry = &entry
	}
	return x
}
