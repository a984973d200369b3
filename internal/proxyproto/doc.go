// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package proxyproto reads and writes the header of the PROXY protocol, versions 1
// and 2: what a load balancer puts before the first byte of a connection to say on
// whose behalf it was opened.
//
// What it is: Parse, which looks at the bytes so far and says that it needs more,
// that the header ends here, or that this is none; TLVs, what version 2 carries besides,
// checked and passed on as bytes; AppendV1 and AppendV2.
//
// What it never does: no sockets, no clock, and no decision about whom to believe.
// It keeps nothing: what a Header borrows ends with the bytes it was read from.
//
// Invariants:
//
//	I1. The verdict depends on the bytes, not on how they were cut: once Parse has
//	    refused or accepted, more bytes change nothing.
//	I2. Parse never looks beyond MaxBytes, and never asks for more than that.
//	I3. What is accepted and written again is read as the same, and written a third
//	    time as the same bytes.
//	I4. A header that is accepted, and one that is written into room enough, cost no
//	    allocation.
//
// Start reading with Parse, then v2.go.
//
// The specification, which comments quote by its sections, is
// https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt.
package proxyproto
