// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package sensor watches records and says what is to be seen in them over time: which
// failures belong together, and the facts that causes are weighed by.
//
// What it is: Sensor, a record.Sink; a Case, which is what fails in one mode at one
// upstream; and Case.Facts, which compares the failures with what went well meanwhile.
//
// What it never does: it asks nobody and guesses nothing. It keeps samples and counts,
// not records, and none of a visitor's words but the path and the host.
//
// Invariants:
//
//	I1. Memory is fixed: upstreams, servers, cases, samples and seconds are bounded, and
//	    what finds no place is counted.
//	I2. A fact is there only if it was observed; its words carry the counts.
//	I3. An ordinary record costs a few counters and, at most some dozens of times a
//	    second for each upstream, a sample.
//	I4. Samples are taken evenly, so that shares among them are shares of the traffic.
//
// Start reading with Sensor.Consume, then case.go; facts_*.go are the facts by topic.
package sensor
