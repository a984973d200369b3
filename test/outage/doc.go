// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package outage takes the only server of a site away and looks at what its visitors
// see: with the cache on, the pages, as long as they may be kept.
//
// What it is: a whole gateway of test/harness and an origin that refuses connections,
// says nothing, or answers 503, for 3 s; CAUSEY_TEST_OUTAGE=60s makes it longer.
//
// What it never does: it looks into the gateway; visitors and the access log are all it
// sees.
//
// Invariants:
//
//	I1. No visitor of a page that is kept sees an error during the outage, and each such
//	    exchange says in the log what was hidden.
//	I2. What forbids stale answers is obeyed during the outage too.
//
// Start reading with outage_test.go.
package outage
