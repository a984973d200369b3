// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package tracing shows that the spans of a whole gateway join those of its callers
// and of its servers.
//
// What it is: a collector that keeps what it is sent, an origin that tells which
// traceparent it got, and a gateway of test/harness between them.
//
// What it never does: it leaves the loopback addresses or needs a tracing backend.
//
// Invariants:
//
//	I1. The span that a server was told as its parent is one that is exported.
//
// Start reading with tracing_test.go.
package tracing
