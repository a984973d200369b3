// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package incident makes of failures what an owner has to know of: one incident for one
// root cause, with its beginning and end, its reach, the likeliest cause with the
// evidence, and what to do, in words.
//
// What it is: Book, which looks at the cases of a sensor once a second, opens incidents,
// joins what belongs together, ranks causes, and closes what is over.
//
// What it never does: it asks no server and stores nothing; who wants to know of changes
// is told. It never opens an incident for what is ordinary, and never says that a cause
// is certain.
//
// Invariants:
//
//	I1. A case belongs to one incident at a time. Failures of one cause are one incident,
//	    however many symptoms they have.
//	I2. Memory is bounded: the incidents that are open, and the newest that are closed.
//	I3. What was said stays small and stable: an account changes when its content does,
//	    and not with every failure.
//	I4. An incident that comes again soon is the same incident.
//
// Start reading with Book.Look, then rank.go and account.go.
//
// Decisions: docs/adr/0022.
package incident
