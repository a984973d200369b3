// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package conformance shows that what passes through a whole gateway means what it meant
// before: keep-alive, pipelining, HTTP/1.0, bodies both ways, interim answers,
// upgrades, early answers, forwarded fields, clients that leave.
//
// What it is: tests that speak raw HTTP/1.1 to a gateway of test/harness in front of
// an origin of lab/origin, and look at both ends.
//
// What it never does: it leaves the loopback addresses, sleeps for a fixed time, or
// asserts how fast something is.
//
// Invariants:
//
//	I1. What the origin received and what the client received is compared byte by
//	    byte, not summarised.
//	I2. What a client sees does not depend on TLS on either side: every test runs
//	    plain, with TLS to the client, and with TLS to the server. Tunnels are served
//	    by a plain server in the last.
//
// Start reading with relay_test.go.
package conformance
