// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package cachesuite runs the public test suite for HTTP caches
// (github.com/http-tests/cache-tests) against the gateway: the suite's own server is
// the origin, its command line the client.
//
// What it is: the suite as npm has it, pinned by package-lock.json with the hashes of
// everything in it; its judgement of each test; and the comparison with what
// docs/cache.md says of the optional ones. scripts/setup-test.sh fetches it.
//
// What it never does: it fails because the suite or node is not there; it says so and
// skips. It changes nothing of the suite.
//
// Invariants:
//
//	I1. A required behaviour that fails by the suite's own judgement fails the test.
//
// Start reading with suite_test.go.
package cachesuite
