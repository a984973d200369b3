// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package record

import "sync/atomic"

// IDLen is the length of an ID's text form.
const IDLen = 20

// ID is the reference of one exchange: what a visitor quotes and the owner looks
// up. It is always ours; a client's X-Request-Id is passed on beside it.
type ID struct {
	// Epoch tells runs of the gateway apart; Seq counts within one run.
	Epoch uint64
	Seq   uint64
}

// alphabet is Crockford's base 32 in lower case: no i, l, o, u to misread.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// epochDigits and seqDigits share the text form; 40 bits of epoch, 55 of count.
const (
	epochDigits = 8
	seqDigits   = 11
)

// Append appends the text form, such as "3f9k2m1q-0000000004h".
func (id ID) Append(dst []byte) []byte {
	var b [IDLen]byte
	v := id.Epoch
	for i := epochDigits - 1; i >= 0; i-- {
		b[i], v = alphabet[v&31], v>>5
	}
	b[epochDigits] = '-'
	v = id.Seq
	for i := IDLen - 1; i > epochDigits; i-- {
		b[i], v = alphabet[v&31], v>>5
	}
	return append(dst, b[:]...)
}

// String returns the text form.
func (id ID) String() string { return string(id.Append(nil)) }

// ParseID reads the text form in any case of letters.
func ParseID(s string) (ID, bool) {
	if len(s) != IDLen || s[epochDigits] != '-' {
		return ID{}, false
	}
	epoch, ok1 := parseDigits(s[:epochDigits])
	seq, ok2 := parseDigits(s[epochDigits+1:])
	return ID{epoch, seq}, ok1 && ok2
}

func parseDigits(s string) (v uint64, ok bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		d := -1
		for j := 0; j < len(alphabet); j++ {
			if alphabet[j] == c {
				d = j
				break
			}
		}
		if d < 0 {
			return 0, false
		}
		v = v<<5 | uint64(d)
	}
	return v, true
}

// IDs hands out IDs. It is safe for concurrent use.
type IDs struct {
	epoch uint64
	seq   atomic.Uint64
}

// NewIDs returns a source of IDs for one run of the gateway; epoch should be
// random, its lower 40 bits are used.
func NewIDs(epoch uint64) *IDs { return &IDs{epoch: epoch & (1<<40 - 1)} }

// Next returns a new ID.
func (s *IDs) Next() ID { return ID{s.epoch, s.seq.Add(1)} }
