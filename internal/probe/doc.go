// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package probe asks servers whether they are well: the active health checks.
//
// What it is: Options, what is asked and how often; Checker, one question to one
// server over a connection of its own, whose answer is told in words; Runner, which
// asks all servers of a group for as long as it is there.
//
// What it never does: it decides nothing about a server (package upstream weighs the
// results against the requests), it takes no connection from a pool and leaves none,
// it follows no redirect, and it asks nobody the time: clock and timers are given.
//
// Invariants:
//
//	I1. A check ends within its timeout, whatever the server does, and holds no more
//	    than a head and bodyMax bytes of a body.
//	I2. A server is asked as requests reach it: by all addresses of its name, behind
//	    the same PROXY header, with the same judgement of certificates and of HTTP.
//	    What requests would refuse fails its check.
//	I3. A result is words of ours: what a stranger sent is in them only clipped and
//	    printable, and no error of a library is.
//	I4. At most one check of a server runs at a time, and at most cap(Env.Slots) of
//	    all. One group holds half of the slots at most, so that its servers, if they
//	    hang, do not keep the others from being asked.
//	I5. Close returns when every goroutine of the Runner has ended.
//
// Start reading with Checker.Check, then runner.go.
//
// Decisions: docs/adr/0019.
package probe
