// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package cause is the catalogue of root causes, and how evidence is weighed between
// them.
//
// What it is: the entries, read once from the files of catalogue/; the facts that their
// signatures speak of; and Rank, which gives each cause that may be behind some failures
// a score whose every line can be shown.
//
// What it never does: it observes nothing, asks nobody and knows no clock. A cause is
// never certain: it has a rank, a confidence and evidence for and against, and Unknown
// is an answer.
//
// Invariants:
//
//	I1. Ids are never renamed, and an entry that would not help an owner is no entry:
//	    the checks of load.go hold for every one, at start.
//	I2. A fact that was not observed weighs nothing, on either side.
//	I3. No single line of a score decides: each is bounded by WeightMax.
//	I4. The same facts give the same ranking, to the last line.
//
// Start reading with Entry, then Rank; fact.go lists what can be known.
//
// Decisions: docs/adr/0022.
package cause
