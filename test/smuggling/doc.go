// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package smuggling sends the corpus of request smuggling through a whole gateway and
// looks at what arrives behind it.
//
// What it is: every case of internal/h1/testdata/smuggling, raw, followed by a
// second request that must be neither swallowed nor prefixed.
//
// What it never does: it trusts the codec's own verdict; the origin records bytes.
//
// Invariants:
//
//	I1. Each case ends in a refusal or in exactly one unambiguous request.
//
// Start reading with smuggling_test.go; the format of the cases is described in
// internal/h1/testdata/smuggling/README.md.
package smuggling
