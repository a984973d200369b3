// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package trace shows exchanges to a tracing backend: it makes spans from finished
// records and sends them to a collector by OTLP over HTTP, in JSON.
//
// What it is: Sink, a record.Sink that chooses records (failed, slow or sampled),
// keeps copies of them in a bounded queue, and has one goroutine that turns them into
// spans and sends them in batches.
//
// What it never does: it is not called on the data path, makes nobody wait for a
// collector, invents no time that the record does not tell, and exports no query
// string, no body and no field of a head but the client's User-Agent.
//
// Invariants:
//
//	I1. Memory is bounded: what waits for a collector that is slow or gone is dropped
//	    beyond a fixed number of exchanges.
//	I2. Every span of a chosen record is counted once: as exported, or as dropped
//	    with the reason.
//	I3. The span of an attempt is the one its server was told as its parent.
//	I4. Close ends the goroutine, in the time it is given.
//
// Start reading with sink.go; layout.go says which spans there are, span.go what
// stands in them.
package trace
