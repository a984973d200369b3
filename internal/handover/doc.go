// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package handover passes listening sockets from a running process to its
// successor, and has the two agree on the moment.
//
// What it is: Begin starts the successor, a Successor is it as the running process
// sees it; Inherit finds out that this process is one, and a Predecessor is the
// running process as the successor sees it. Between them is a pair of connected
// sockets with a line of JSON for each step:
//
//	running process          successor
//	offer     ------------>               the names of the sockets
//	          <------------  prepared     or failed, with its problems
//	go        ------------>               from here it is not killed any more
//	          <------------  serving      it accepts
//	released  ------------>               the running process accepts nothing more;
//	                                      or failed, if it was not serving in time
//
// What it never does: it knows nothing of gateways, configurations or HTTP, closes
// no socket of the running process, and decides nothing: who begins, for how long
// to wait and what to do with a failure is the caller's.
//
// Invariants:
//
//	I1. A successor accepts nothing before the running process gave its word not to
//	    kill it; until then the running process may end it and lose nothing.
//	I2. A successor gets its standard streams, its end of the pair and the sockets
//	    it is offered; no other descriptor crosses, and none of these goes further.
//	I3. What the other side says is bounded and checked; a descriptor that is no
//	    listening socket is refused by name.
//	I4. If the running process dies, a successor that is prepared goes on: nobody
//	    else serves the sockets.
//
// Start reading with message.go, then begin.go. Decision: docs/adr/0016.
package handover
