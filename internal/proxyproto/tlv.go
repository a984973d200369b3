// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package proxyproto

import "encoding/binary"

// The types of TLVs (section 2.2).
const (
	TypeALPN      = 0x01
	TypeAuthority = 0x02
	TypeCRC32C    = 0x03
	TypeNoop      = 0x04
	TypeUniqueID  = 0x05
	TypeSSL       = 0x20
	TypeNetNS     = 0x30
)

// The types within TypeSSL.
const (
	SSLVersion = 0x21
	SSLCN      = 0x22
	SSLCipher  = 0x23
	SSLSigAlg  = 0x24
	SSLKeyAlg  = 0x25
)

// The bits of SSL.Client.
const (
	ClientSSL      = 0x01 // it came by TLS
	ClientCertConn = 0x02 // it showed a certificate on this connection
	ClientCertSess = 0x04 // or at least once in this TLS session
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

// Next returns the first TLV and what follows it. ok is false at the end, and where
// the rest is no TLV.
func (t TLVs) Next() (kind byte, value []byte, rest TLVs, ok bool) {
	if len(t) < tlvHead {
		return 0, nil, nil, false
	}
	end := tlvHead + int(binary.BigEndian.Uint16(t[1:]))
	if end > len(t) {
		return 0, nil, nil, false
	}
	return t[0], t[tlvHead:end], t[end:], true
}

// Find returns the value of the first TLV of a type.
func (t TLVs) Find(kind byte) (value []byte, ok bool) {
	for {
		k, v, rest, more := t.Next()
		switch {
		case !more:
			return nil, false
		case k == kind:
			return v, true
		}
		t = rest
	}
}

// ALPN is the protocol that was agreed on by the proxy, nil if it says nothing.
func (t TLVs) ALPN() []byte { v, _ := t.Find(TypeALPN); return v }

// Authority is the host name that the client passed, as in SNI.
func (t TLVs) Authority() []byte { v, _ := t.Find(TypeAuthority); return v }

// UniqueID is the proxy's name for the connection.
func (t TLVs) UniqueID() []byte { v, _ := t.Find(TypeUniqueID); return v }

// NetNS is the network namespace that the proxy saw the client in.
func (t TLVs) NetNS() []byte { v, _ := t.Find(TypeNetNS); return v }

// SSL is what the proxy says of the client's TLS.
type SSL struct {
	// Client has bits: ClientSSL and the others.
	Client byte
	// Verified reports a certificate that was shown and found good.
	Verified bool
	// Sub holds the details: SSLVersion and the others.
	Sub TLVs
}

// SSL returns what the proxy says of the client's TLS, if it does.
func (t TLVs) SSL() (s SSL, ok bool) {
	v, ok := t.Find(TypeSSL)
	if !ok || len(v) < sslFixed {
		return SSL{}, false
	}
	// "The <verify> field will be zero if the client presented a certificate and it
	// was successfully verified, and non-zero otherwise."
	verified := binary.BigEndian.Uint32(v[1:]) == 0 && v[0]&(ClientCertConn|ClientCertSess) != 0
	return SSL{v[0], verified, TLVs(v[sslFixed:])}, true
}

// check returns the site that refuses t, or "".
func (t TLVs) check() string {
	sums := 0
	for len(t) > 0 {
		kind, value, rest, ok := t.Next()
		if !ok {
			return "v2-tlv"
		}
		switch kind {
		case TypeCRC32C:
			if sums++; len(value) != crcBytes || sums > 1 {
				return "v2-checksum-tlv"
			}
		case TypeUniqueID:
			if len(value) > uniqueIDMax {
				return "v2-unique-id"
			}
		case TypeSSL:
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
		_, _, rest, ok := t.Next()
		if !ok {
			return false
		}
		t = rest
	}
	return true
}
