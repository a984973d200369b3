// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package testkit is what the tests of several packages share.
//
// What it is: golden files (Golden, with one flag -update for all tests) and a log that
// is read while it is written (Log).
//
// What it never does: take part in a program. It stands below everything in the import
// table, so that only tests can have it.
//
// Invariants:
//   - I1: with -update nothing is compared, without it nothing is written.
//
// Where to start reading: golden.go.
package testkit
