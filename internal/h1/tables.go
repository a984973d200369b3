// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"encoding/binary"
	"math/bits"
)

// The classes of a byte. A byte may have several.
const (
	// isToken: tchar of RFC 9110 section 5.6.2.
	isToken uint8 = 1 << iota
	// isOdd: a tchar that is neither a letter, a digit nor "-". Recipients that
	// turn names into variables fold these into one another.
	isOdd
	// isTarget: a byte that a request-target may hold.
	isTarget
	// isRegName: unreserved and sub-delims of RFC 3986 without the comma.
	isRegName
	// isHex: HEXDIG in both cases.
	isHex
	// isDigit: DIGIT.
	isDigit
)

var class = buildClass()

func buildClass() (t [256]uint8) {
	set := func(bytes string, bit uint8) {
		for i := 0; i < len(bytes); i++ {
			t[bytes[i]] |= bit
		}
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const digits = "0123456789"
	set(letters+digits+"-", isToken|isRegName)
	set("!#$%&'*+.^_`|~", isToken|isOdd)
	// RFC 3986 excludes some of these from a URI ("<>\^`{|}), but browsers send
	// them unescaped and every peer takes them. "#" would begin a fragment, which
	// is never sent; recipients disagree about what it cuts off.
	for c := 0x21; c <= 0x7e; c++ {
		if c != '#' {
			t[c] |= isTarget
		}
	}
	set("._~!$&'()*+;=", isRegName)
	set(digits, isDigit)
	set(digits+"abcdefABCDEF", isHex)
	return t
}

// skipText returns the index of the first control byte of b at or after i, or
// len(b). HTAB counts as text, and so does obs-text (0x80 and above).
func skipText(b []byte, i int) int {
	for {
		s := b[i:]
		for len(s) >= 8 {
			if m := controls(s); m != 0 {
				s = s[bits.TrailingZeros64(m)>>3:]
				break
			}
			s = s[8:]
		}
		// A control byte, or the last few bytes.
		n := 0
		for n < len(s) && s[n] >= 0x20 && s[n] != 0x7f {
			n++
		}
		i = len(b) - len(s) + n
		if i == len(b) || b[i] != '\t' {
			return i
		}
		i++
	}
}

// controls returns the high bit of each byte among the first eight of s that is
// below 0x20 or equal to 0x7f.
func controls(s []byte) uint64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	x := binary.LittleEndian.Uint64(s)
	// Without their high bits no byte can carry into the next one: 0x7f + 1 has the
	// high bit, and what is below 0x20 has it not after adding 0x60.
	y := x &^ highs
	return ((y + ones) | ^(y + 0x60*ones)) &^ x & highs
}

// skipClass returns the index of the first byte of b at or after i that lacks
// the class, or len(b).
func skipClass(b []byte, i int, bit uint8) int {
	for i < len(b) && class[b[i]]&bit != 0 {
		i++
	}
	return i
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// trim returns b[start:end] without blanks around it, as indices.
func trim(b []byte, start, end int) (int, int) {
	for start < end && isBlank(b[start]) {
		start++
	}
	for start < end && isBlank(b[end-1]) {
		end--
	}
	return start, end
}

// nextElement cuts the first element off a comma-separated list (RFC 9110
// section 5.6.1) and trims it. Empty elements are skipped; ok is false when the
// list is used up.
func nextElement(list []byte) (element, rest []byte, ok bool) {
	for len(list) > 0 {
		end := 0
		for end < len(list) && list[end] != ',' {
			end++
		}
		s, e := trim(list, 0, end)
		element = list[s:e]
		if end < len(list) {
			end++
		}
		list = list[end:]
		if len(element) > 0 {
			return element, list, true
		}
	}
	return nil, nil, false
}
