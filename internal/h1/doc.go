// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package h1 is the HTTP/1.1 codec, both roles: it turns bytes into heads and
// bodies and back.
//
// What it is: RequestParser and ResponseParser fill the heads of package wire,
// BodyDecoder cuts a body out of a stream, the Append functions write messages.
// It is strict by RFC 9112 and RFC 9110; each lenience and each deliberate
// severity stands in README.md beside this file with its reason.
//
// What it never does: no I/O, no clock, no goroutines, no copy of what it is
// given (trailers excepted), no allocation per message unless it refuses one.
//
// Invariants:
//
//	I1. The verdict on a stream of bytes does not depend on how it was cut into
//	    pieces: whole, byte by byte and at every split give the same heads, the
//	    same body and the same Reject.
//	I2. Work is linear in the bytes received, however slowly they come.
//	I3. What is forwarded is read by the next recipient as exactly one message,
//	    the one that was parsed. A message that two recipients could frame or
//	    route differently is refused.
//	I4. Every Kind that a Reject carries is registered for the party and phase
//	    in which it can occur.
//	I5. A message that is not refused costs no allocation (trailers excepted).
//
// Start reading with request.go: Parse is the whole of a request head in order.
package h1
