// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"encoding/binary"
)

// syn is the first packet of a TCP connection to port 80, from an address and a port that n chooses in the network for
// benchmarks (RFC 2544): an IPv4 header of 20 bytes, a TCP header of 20.
func syn(to [4]byte, n uint32) []byte {
	p := make([]byte, 40)
	p[0], p[8], p[9] = 4<<4|5, 64, 6 // version and length; time to live; TCP
	binary.BigEndian.PutUint16(p[2:], 40)
	copy(p[12:], []byte{198, 18, byte(n >> 8), byte(n)})
	copy(p[16:], to[:])
	t := p[20:]
	binary.BigEndian.PutUint16(t, uint16(1024+n%60000))
	binary.BigEndian.PutUint16(t[2:], 80)
	binary.BigEndian.PutUint32(t[4:], n*2654435761)
	t[12], t[13] = 5<<4, 0x02 // length; SYN
	binary.BigEndian.PutUint16(t[14:], 65535)
	pseudo := append([]byte{}, p[12:20]...)
	pseudo = append(pseudo, 0, 6, 0, 20)
	binary.BigEndian.PutUint16(t[16:], checksum(append(pseudo, t...)))
	return p // the kernel fills in the checksum of the IPv4 header
}

// checksum is that of RFC 1071, of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
