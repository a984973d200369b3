// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"net/netip"

	"causey/internal/failure"
)

// The bounds of a header.
const (
	// V1MaxBytes is the longest line of version 1 with its CRLF (section 2.1: "5 + 1
	// + 7 + 1 + 39 + 1 + 39 + 1 + 5 + 1 + 5 + 2 = 107 chars").
	V1MaxBytes = 107
	// MaxBytes bounds a header of version 2, whose length field would allow 64 KiB.
	// Addresses take 232 bytes at most; the rest is for TLVs, of which the largest in
	// use, those of TLS with names of certificates, take some hundreds. nginx has the
	// same 4,096 bytes, and the memory is a stranger's to fill before it has said who
	// it is.
	MaxBytes = 4096
)

// Command says on whose behalf the connection was opened.
type Command uint8

// The commands.
const (
	// Local: the proxy speaks for itself, as in a health check. The connection's own
	// addresses stand.
	Local Command = iota
	// Proxy: it relays somebody else's connection.
	Proxy
)

// Family is the kind of the addresses in a header.
type Family uint8

// The families.
const (
	// Unspec: none that the sender could name. The connection's own addresses stand.
	Unspec Family = iota
	Inet
	Inet6
	// Unix: paths of sockets. They name no address that means something here.
	Unix
)

// Header is what was read. The zero Header is that of a proxy that speaks for
// itself.
type Header struct {
	Version uint8 // 1 or 2
	Command Command
	Family  Family
	// Source and Destination are the ends of the relayed connection; valid for Inet
	// and Inet6.
	Source, Destination netip.AddrPort
	// TLVs borrows from the bytes that were parsed; version 2 only.
	TLVs TLVs
}

// Reject says why bytes are no header. The zero Reject refuses nothing.
type Reject struct {
	// Kind is NoProxyHeader where the first bytes are not how a header begins, and
	// BadProxyHeader where they are and something behind them is wrong.
	Kind failure.Kind
	// Site is a stable short name for each line of code that refuses.
	Site string
}

func bad(site string) Reject { return Reject{failure.BadProxyHeader, site} }

const (
	v1Start = "PROXY "
	// v2Start is the signature of version 2 (section 2.2).
	v2Start = "\r\n\r\n\x00\r\nQUIT\n"
)

// Parse looks at the first bytes of a connection, all that have come so far. n > 0:
// the header ends after n of them, and h holds it. rej.Kind set: it is refused. Else
// more bytes are needed.
func Parse(h *Header, b []byte) (n int, rej Reject) {
	*h = Header{}
	b = b[:min(len(b), MaxBytes)]
	switch {
	case begins(b, v1Start):
		return parseV1(h, b)
	case begins(b, v2Start):
		return parseV2(h, b)
	}
	return 0, Reject{failure.NoProxyHeader, "no-header"}
}

// begins reports whether b is the beginning of start, or start the beginning of b.
func begins(b []byte, start string) bool {
	n := min(len(b), len(start))
	return string(b[:n]) == start[:n]
}

// IsHeader reports that b certainly begins a header, well formed or not.
func IsHeader(b []byte) bool {
	return len(b) >= len(v1Start)+3 && begins(b, v1Start) && (string(b[6:9]) == "TCP" || string(b[6:9]) == "UNK") ||
		len(b) >= len(v2Start) && begins(b, v2Start)
}
