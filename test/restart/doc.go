// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package restart shows that reloads, upgrades and stops lose no exchange: any request
// of which the gateway received a byte gets a whole answer, and reloads and upgrades
// refuse nobody.
//
// What it is: tests that reload and stop a gateway of test/harness under load, and
// count on the clients' side; and tests that upgrade the real program, with a service
// manager's stand-in, good successors and bad ones.
//
// What it never does: it counts a connection that was refused after the listener of a
// gateway that stops has closed as lost.
//
// Invariants:
//
//	I1. What is counted is what clients saw, not what the gateway says.
//
// Start reading with load_test.go, then process_test.go.
package restart
