// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package restart shows that reloads and stops lose no exchange: any request of which
// the gateway received a byte gets a whole answer.
//
// What it is: tests that reload and stop a gateway of test/harness under load, and
// count on the clients' side.
//
// What it never does: it counts a connection that was refused after the listener
// closed as lost.
//
// Invariants:
//
//	I1. What is counted is what clients saw, not what the gateway says.
//
// Start reading with load_test.go.
package restart
