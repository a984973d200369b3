// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package experiment tries out what separates causes that look alike: a small, harmless
// question to a failing server, to its neighbours or to the gateway's own network, whose
// outcome becomes evidence.
//
// What it is: Runner, which is told of the cases that fail, chooses the experiment that
// is expected to tell most, runs it on sockets of its own and hands back the facts
// try_* of package cause.
//
// What it never does: it asks nobody but the servers of the configuration and the name
// servers; it takes no connection from a pool and leaves none; it judges no server, and
// no request waits for it.
//
// Invariants:
//
//	I1. A request is a GET without a body, a query or a cookie: of a path that a visitor
//	    asked for by GET or HEAD and that failed, or of /. Nothing else is ever sent but
//	    the openings of protocols.
//	I2. A path that may be what kills servers is not asked for.
//	I3. At most one experiment runs at a server, at most perServer of them begin within a
//	    minute there, and at most inAll everywhere. A server in maintenance is left alone.
//	I4. An experiment ends within Longest, reads a head and little more, and closes its
//	    connection.
//	I5. A fact is there only if it was observed: what this machine could not try says
//	    nothing about a server.
//	I6. Consider does not wait. Close returns when everything has ended, and nothing
//	    begins after it.
//
// Start reading with Runner.Consider, then choose.go and table.go.
//
// Decisions: docs/adr/0021.
package experiment
