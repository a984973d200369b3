// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package proxyproto

import "encoding/binary"

// The types of TLVs (section 2.2) that have a form to be held to. The others are passed
// on as they are.
const (
	typeCRC32C   = 0x03
	typeNoop     = 0x04
	typeUniqueID = 0x05
	typeSSL      = 0x20
)

const (
	tlvHead     = 3 // type and length
	crcBytes    = 4
	sslFixed    = 5 // client and verify
	uniqueIDMax = 128
)

// TLVs are values behind the addresses, each with a type and a length. Those of a
// Header are well formed.
type TLVs []byte

// next returns the first TLV and what follows it. ok is false at the end, and where
// the rest is no TLV.
func (t TLVs) next() (kind byte, value []byte, rest TLVs, ok bool) {
	if len(t) < tlvHead {
		return 0, nil, nil, false
	}
	end := tlvHead + int(binary.BigEndian.Uint16(t[1:]))
	if end > len(t) {
		return 0, nil, nil, false
	}
	return t[0], t[tlvHead:end], t[end:], true
}

// find returns the value of the first TLV of a type.
func (t TLVs) find(kind byte) (value []byte, ok bool) {
	for {
		k, v, rest, more := t.next()
		switch {
		case !more:
			return nil, false
		case k == kind:
			return v, true
		}
		t = rest
	}
}

// check returns the site that refuses t, or "".
func (t TLVs) check() string {
	sums := 0
	for len(t) > 0 {
		kind, value, rest, ok := t.next()
		if !ok {
			return "v2-tlv"
		}
		switch kind {
		case typeCRC32C:
			if sums++; len(value) != crcBytes || sums > 1 {
				return "v2-checksum-tlv"
			}
		case typeUniqueID:
			if len(value) > uniqueIDMax {
				return "v2-unique-id"
			}
		case typeSSL:
			if len(value) < sslFixed || !TLVs(value[sslFixed:]).whole() {
				return "v2-ssl"
			}
		}
		t = rest
	}
	return ""
}

// whole reports that t ends where its last TLV does.
func (t TLVs) whole() bool {
	for len(t) > 0 {
		_, _, rest, ok := t.next()
		if !ok {
			return false
		}
		t = rest
	}
	return true
}
