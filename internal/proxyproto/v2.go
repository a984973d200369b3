// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// The fixed part of version 2 (section 2.2): signature, version and command, family
// and transport, and the length of what follows.
const (
	atCommand = len(v2Start)
	atFamily  = atCommand + 1
	atLength  = atFamily + 1
	v2Fixed   = atLength + 2
)

// The lengths of the addresses by family.
const (
	inetBytes  = 2*4 + 2*2
	inet6Bytes = 2*16 + 2*2
	unixBytes  = 2 * 108
)

// The transports, the lower half of the byte of the family.
const (
	transportUnspec = iota
	transportStream
	transportDatagram
)

// parseV2 judges the fixed part byte by byte as it comes, and the rest when it is
// whole ("The receiver must not start to parse an address before the whole address
// block is received"), so that the verdict does not depend on the cut (I1).
func parseV2(h *Header, b []byte) (int, Reject) {
	if len(b) <= atCommand {
		return 0, Reject{}
	}
	h.Version = 2
	switch {
	case b[atCommand]>>4 != 2:
		return 0, bad("v2-version")
	case b[atCommand]&0xf > byte(Proxy):
		return 0, bad("v2-command") // "Receivers must drop connections"
	}
	h.Command = Command(b[atCommand] & 0xf)
	if len(b) <= atFamily {
		return 0, Reject{}
	}
	family, transport := Family(b[atFamily]>>4), b[atFamily]&0xf
	if h.Command == Proxy { // of LOCAL the family is ignored
		switch {
		case family > Unix:
			return 0, bad("v2-family")
		case transport == transportDatagram:
			return 0, bad("v2-datagram") // this came by TCP: whoever says so is confused
		case transport > transportDatagram:
			return 0, bad("v2-transport")
		}
	}
	if len(b) < v2Fixed {
		return 0, Reject{}
	}
	n := v2Fixed + int(binary.BigEndian.Uint16(b[atLength:]))
	switch {
	case n > MaxBytes:
		return 0, bad("v2-too-long")
	case len(b) < n:
		return 0, Reject{}
	case h.Command == Local || family == Unspec || transport == transportUnspec:
		// The block is skipped: nobody knows where in it the addresses end.
		return n, Reject{}
	}
	h.Family = family
	if rej := v2Block(h, b[:n]); rej.Site != "" {
		return 0, rej
	}
	return n, Reject{}
}

// v2Block reads addresses and TLVs of a whole header.
func v2Block(h *Header, whole []byte) Reject {
	b := whole[v2Fixed:]
	size := [...]int{Inet: inetBytes, Inet6: inet6Bytes, Unix: unixBytes}[h.Family]
	if len(b) < size {
		return bad("v2-short-addresses")
	}
	port := func(at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
	switch h.Family {
	case Inet:
		h.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), port(8))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:])), port(10))
	case Inet6:
		h.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b)), port(32))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[16:])), port(34))
	}
	h.TLVs = TLVs(b[size:])
	if site := h.TLVs.check(); site != "" {
		return bad(site)
	}
	if sum, ok := h.TLVs.find(typeCRC32C); ok && binary.BigEndian.Uint32(sum) != checksum(whole, len(whole)-len(h.TLVs)) {
		return bad("v2-checksum")
	}
	return Reject{}
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	zeros      = make([]byte, crcBytes) // nobody writes there
)

// checksum is that of a header whose TLVs begin at tlvs, with zeros in place of the
// value of the checksum itself (section 2.2.3).
func checksum(whole []byte, tlvs int) uint32 {
	at := tlvs
	for rest := TLVs(whole[tlvs:]); len(rest) > 0; {
		kind, value, after, _ := rest.next()
		if kind == typeCRC32C {
			break
		}
		at += tlvHead + len(value)
		rest = after
	}
	at += tlvHead
	sum := crc32.Update(0, castagnoli, whole[:at])
	sum = crc32.Update(sum, castagnoli, zeros)
	return crc32.Update(sum, castagnoli, whole[at+crcBytes:])
}

// AppendLocal appends a header of version 2 of somebody who speaks for himself: "The
// connection was established on purpose by the proxy without being relayed", such as
// for health checks (section 2.2).
func AppendLocal(dst []byte) []byte {
	return append(append(dst, v2Start...), 2<<4|byte(Local), 0, 0, 0)
}

// AppendV2 appends a header of version 2 with the given TLVs, those of a header that
// was parsed. Padding is left out, a checksum is made anew if there was one, and what
// does not fit into MaxBytes is left out by whole TLVs. Ends that are not both known
// make the family UNSPEC, and then there are no TLVs: nobody would know where they
// begin.
func AppendV2(dst []byte, source, destination netip.AddrPort, tlvs TLVs) []byte {
	begin := len(dst)
	source, destination, f := sameFamily(source, destination)
	dst = append(append(dst, v2Start...), 2<<4|byte(Proxy), byte(f)<<4|transportStream, 0, 0)
	switch f {
	case Inet:
		s, d := source.Addr().As4(), destination.Addr().As4()
		dst = append(append(dst, s[:]...), d[:]...)
	case Inet6:
		s, d := source.Addr().As16(), destination.Addr().As16()
		dst = append(append(dst, s[:]...), d[:]...)
	default:
		dst[begin+atFamily] = 0
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, source.Port())
	dst = binary.BigEndian.AppendUint16(dst, destination.Port())
	first := len(dst) - begin
	room := MaxBytes - first
	_, sum := tlvs.find(typeCRC32C)
	if sum {
		room -= tlvHead + crcBytes
	}
	for rest := tlvs; len(rest) > 0; {
		kind, value, after, ok := rest.next()
		size := tlvHead + len(value)
		if ok && kind != typeNoop && kind != typeCRC32C && size <= room {
			dst = append(dst, rest[:size]...)
			room -= size
		}
		rest = after
	}
	if sum {
		dst = append(dst, typeCRC32C, 0, crcBytes, 0, 0, 0, 0)
	}
	binary.BigEndian.PutUint16(dst[begin+atLength:], uint16(len(dst)-begin-v2Fixed))
	if sum {
		binary.BigEndian.PutUint32(dst[len(dst)-crcBytes:], checksum(dst[begin:], first))
	}
	return dst
}
