// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package failures reproduces every failure that the registry knows.
//
// What it is: a table with at least one reproducer per code (cases_*_test.go). Each starts a whole gateway from the
// text of a configuration, an origin or a name server that misbehaves, and a client that does; then the one code has
// to stand in the access log, in the metric, in the admin API, in what causey explain says, and in Proxy-Status and
// the status of the answer wherever the gateway made one, with the evidence that the wire had to give.
//
// What it never does: make a failure by telling the gateway to fail. Where a machine cannot be made to show a
// failure from outside, the row says what stands in (a seccomp filter for a kernel without memory, a router that
// panics for a bug). No packet leaves the machine: addresses other than 127.0.0.0/8 exist only in network namespaces
// that the tests make for themselves.
//
// Invariants:
//
//	I1. Every code of the registry has a reproducer, or a reason why it has none.
//	I2. One failing exchange is one line, one count, one record, and all say the same.
//	I3. An answer that was cut never looks complete to the client.
//	I4. When a gateway has stopped none of its goroutines is left.
//
// Where to start reading: case_test.go (what a row says), then stage_test.go and proof_test.go.
package failures
