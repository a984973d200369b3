// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package pki makes certificates on the spot, good ones and bad ones.
//
// What it is: authorities (roots and intermediates), leaves with whatever is wrong with them, chains sent whole, short
// or wrong, lists and answers of revocation, and all of it as PEM files and as configurations of crypto/tls.
//
// What it never does: keep anything in the repository or on disk unasked, or judge a certificate. Keys of leaves are
// shared, so that a certificate costs a signature and not a key: they protect nothing.
//
// Invariants:
//   - I1: what is wrong with a certificate is what its Leaf says, and nothing else.
//   - I2: no two certificates of a process have the same serial number.
//
// A failure to make something is a mistake in the caller's test and panics.
//
// Where to start reading: pki.go, then leaf.go.
package pki
