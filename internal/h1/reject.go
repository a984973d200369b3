// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import "causey/internal/failure"

// fieldNameMax bounds the copy of a field name in a Reject.
const fieldNameMax = 64

// Reject says why bytes were refused. It is the codec's whole verdict: the
// caller knows the party and the phase and makes the failure.Error of it.
type Reject struct {
	Kind failure.Kind
	// Site is a stable short name for each line of code that refuses.
	Site string
	// Offset is the index, in the buffer given to the refusing call, of the first
	// offending byte.
	Offset int
	// Size and Limit are set when a limit was passed: at least Size came, Limit is
	// allowed. For a body that ended early Size is the number of missing bytes,
	// -1 if unknown.
	Size, Limit int
	// Field is the name of the field concerned, or for OtherProtocol the name of
	// the protocol; a copy of at most 64 bytes.
	Field string
}

func reject(k failure.Kind, site string, offset int) *Reject {
	return &Reject{Kind: k, Site: site, Offset: offset}
}

func rejectLimit(k failure.Kind, site string, offset, limit int) *Reject {
	return &Reject{Kind: k, Site: site, Offset: offset, Size: limit + 1, Limit: limit}
}

// about names the field concerned. Bytes that no field name may hold are shown
// as "?", since the name goes to logs and screens.
func (r *Reject) about(name []byte) *Reject {
	var b [fieldNameMax]byte
	n := copy(b[:], name)
	for i := range b[:n] {
		if class[b[i]]&isToken == 0 {
			b[i] = '?'
		}
	}
	r.Field = string(b[:n])
	return r
}
