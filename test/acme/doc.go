// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package acme shows that certificates are obtained, renewed, replaced and kept,
// with a real CA program: pebble, Let's Encrypt's small CA for tests.
//
// What it is: tests that drive a certs.Keeper behind small listeners of their own, and
// a whole gateway (gateway_test.go).
// Between it and pebble stands a proxy that counts requests, and refuses them or
// goes away when a test wants it to. Names resolve to 127.0.0.1 by a DNS server in
// the test.
//
// What it never does: it talks to no CA on the network, and does not fail because
// pebble is not installed; it says so and skips.
//
// Invariants:
//
//	I1. The listeners are the test's; a test shows that the Keeper has none.
//	I2. What the CA was asked is counted between the two, not by the Keeper.
//
// Start reading with pebble_test.go, then issue_test.go.
package acme
