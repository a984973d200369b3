// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package origin is a raw HTTP/1.1 origin server that misbehaves on request.
//
// What it is: one server on a TCP or unix socket, written on the socket itself so that each byte, FIN and RST is
// decided here. A path under /lab/ names a misbehaviour and its parameters (/lab/cut?at=100&then=rst); the request
// line is read raw, so it works through any gateway. What acts before there is a request is set by Options. Every
// other path is answered as a good origin would. What arrived is kept in a bounded log for tests to assert.
//
// What it never does: use net/http to serve, hide what it received, or judge a request. It reads requests as the most
// lenient servers do (a bare LF ends a line, the first Content-Length counts, Transfer-Encoding wins unless told
// otherwise), for that is whom a gateway has to protect.
//
// Invariants:
//   - I1: Close returns only when every goroutine and socket of the server is gone, whatever the peers do.
//   - I2: memory is bounded: connections, heads, kept bytes and log entries have limits, and bodies are streamed.
//   - I3: every mode and route is a row of a table with its parameters and defaults; an unknown name or parameter is
//     answered 400 with the list of what exists, never ignored.
//   - I4: "after n bytes" means that the peer's kernel has received n bytes: an RST waits until the bytes before it
//     have been acknowledged.
//
// Where to start reading: modes.go (the tables), then connection.go (one connection from accept to end).
package origin
