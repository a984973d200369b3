// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package admin is the side of the gateway that its owner looks at: probes,
// metrics, the API of exchanges, failures and servers, their live stream, and one
// page that shows them.
//
// What it is: Server, which listens on a loopback address and a unix socket of
// its own; and Store, a record.Sink that keeps the newest records, so that a
// reference id can be looked up.
//
// What it never does: it is not on the data path and shares no listener, no
// goroutine and no limit with it. It serves no address but loopback, and lets
// nobody change anything but through the socket or with the token. It never
// writes what a stranger sent into HTML.
//
// Invariants:
//
//	I1. The Store's memory is fixed: four rings that grow to their size and no
//	    further. A flood of ordinary exchanges, or of failures that clients caused,
//	    pushes out no failure of a site, and no exchange that was saved.
//	I2. Every request passes one guard (guard.go): Host, Origin and Sec-Fetch-Site
//	    are checked before anything else is looked at.
//	I3. Whatever changes state, or costs the process much, needs the socket or the
//	    token.
//	I4. A client that reads slowly or not at all costs bounded memory and a bounded
//	    time; it is told how many failures it missed.
//	I5. Shutdown ends every stream.
//
// Start reading with server.go, then store.go and guard.go; page/ is the page.
package admin
