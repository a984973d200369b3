// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
	"unsafe"
)

// parseV1 reads the line of version 1: nothing of it before its end is there, so
// that the verdict is about the line and not about how it came (I1).
func parseV1(h *Header, b []byte) (int, Reject) {
	line := b[:min(len(b), V1MaxBytes)]
	end := bytes.IndexByte(line, '\n')
	switch {
	case end < 0 && len(line) == V1MaxBytes:
		return 0, bad("v1-too-long")
	case end < 0:
		return 0, Reject{}
	case line[end-1] != '\r':
		return 0, bad("v1-bare-lf")
	}
	n := end + 1
	line = line[len(v1Start) : end-1]
	if bytes.IndexByte(line, '\r') >= 0 {
		return 0, bad("v1-bare-cr")
	}
	h.Version, h.Command = 1, Proxy
	protocol, rest, spaced := bytes.Cut(line, []byte{' '})
	switch string(protocol) {
	case "UNKNOWN":
		// Section 2.1: "the receiver must ignore anything presented before the CRLF is
		// found".
		return n, Reject{}
	case "TCP4":
		h.Family = Inet
	case "TCP6":
		h.Family = Inet6
	default:
		return 0, bad("v1-protocol")
	}
	if !spaced {
		return 0, bad("v1-fields")
	}
	return n, v1Ends(h, rest)
}

// v1Ends reads both addresses and both ports, each separated by "exactly one space".
func v1Ends(h *Header, b []byte) Reject {
	var fields [4][]byte
	for i := range fields {
		var more bool
		if fields[i], b, more = bytes.Cut(b, []byte{' '}); more != (i < 3) {
			return bad("v1-fields")
		}
	}
	source, ok := v1Addr(h.Family, fields[0])
	if !ok {
		return bad("v1-source")
	}
	destination, ok := v1Addr(h.Family, fields[1])
	if !ok {
		return bad("v1-destination")
	}
	sourcePort, ok := v1Port(fields[2])
	if !ok {
		return bad("v1-source-port")
	}
	destinationPort, ok := v1Port(fields[3])
	if !ok {
		return bad("v1-destination-port")
	}
	h.Source = netip.AddrPortFrom(source, sourcePort)
	h.Destination = netip.AddrPortFrom(destination, destinationPort)
	return Reject{}
}

// v1Addr reads an address that fits the family. A zone means something on one link
// only.
func v1Addr(f Family, b []byte) (netip.Addr, bool) {
	if len(b) == 0 || bytes.IndexByte(b, '%') >= 0 {
		return netip.Addr{}, false
	}
	// An address without a zone keeps nothing of the text, so no copy is needed.
	a, err := netip.ParseAddr(unsafe.String(&b[0], len(b)))
	return a, err == nil && a.Is4() == (f == Inet)
}

// v1Port reads a port: "decimal ... between 0 and 65535 included. Leading zeroes are
// not permitted".
func v1Port(b []byte) (uint16, bool) {
	if len(b) == 0 || len(b) > 5 || len(b) > 1 && b[0] == '0' {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return uint16(n), n <= 65535
}

// AppendV1 appends a line of version 1. Ends that are not both known, and those that
// have no address, make it UNKNOWN. An IPv4 address beside an IPv6 one is written as
// IPv6.
func AppendV1(dst []byte, source, destination netip.AddrPort) []byte {
	source, destination, f := sameFamily(source, destination)
	switch f {
	case Inet:
		dst = append(dst, "PROXY TCP4 "...)
	case Inet6:
		dst = append(dst, "PROXY TCP6 "...)
	default:
		return append(dst, "PROXY UNKNOWN\r\n"...)
	}
	dst = source.Addr().AppendTo(dst)
	dst = append(dst, ' ')
	dst = destination.Addr().AppendTo(dst)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, uint64(source.Port()), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, uint64(destination.Port()), 10)
	return append(dst, "\r\n"...)
}

// sameFamily gives both ends the same family: a header has only one.
func sameFamily(source, destination netip.AddrPort) (netip.AddrPort, netip.AddrPort, Family) {
	s, d := source.Addr().WithZone("").Unmap(), destination.Addr().WithZone("").Unmap()
	f := Inet6
	switch {
	case !s.IsValid() || !d.IsValid():
		return source, destination, Unspec
	case s.Is4() && d.Is4():
		f = Inet
	default:
		s, d = netip.AddrFrom16(s.As16()), netip.AddrFrom16(d.As16())
	}
	return netip.AddrPortFrom(s, source.Port()), netip.AddrPortFrom(d, destination.Port()), f
}
