// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package client is the lab's raw clients: what strangers do to a server, as functions against an address.
//
// What it is: one connection at a time (Conn), whose every byte, pause, FIN and RST is the caller's; the usual
// misdeeds as functions made of it; and a Crowd of many connections.
//
// What it never does: understand HTTP beyond counting whole responses, retry, or hide an error: how a conversation
// ended is part of its Result.
//
// Invariants:
//   - I1: everything ends with its context or with Target.Deadline, whichever comes first.
//   - I2: memory is bounded: at most Target.KeepBytes of what arrives are kept; the rest is counted.
//   - I3: Result.End says who ended it and how: FIN and RST of the peer are never mixed up.
//
// Where to start reading: conn.go, then misdeeds.go.
package client
