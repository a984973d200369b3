// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain marks the bytes that stand for themselves in a JSON string: printable
// ASCII but the quote and the backslash.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendString appends s as a JSON string.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	dst = appendText(dst, s)
	return append(dst, '"')
}

// appendName appends a text of ours as a JSON string. (The conversion copies
// nothing, since nobody writes to it.)
func appendName(dst []byte, s string) []byte { return appendString(dst, []byte(s)) }

// appendText appends s as it stands between the quotes of a JSON string. Control
// characters, and characters that a terminal or a line splitter would act on (C1
// controls, line separators, bidirectional overrides), become \u escapes. A byte
// that is not part of valid UTF-8 becomes the four characters \xHH, as nginx
// writes it.
func appendText(dst, s []byte) []byte {
	for {
		dst, s = appendPlain(dst, s)
		if len(s) == 0 {
			return dst
		}
		n := escapedLen(s)
		dst = appendEscaped(dst, s[:n])
		s = s[n:]
	}
}

// appendPlain appends the plain bytes at the beginning of s and returns what is
// left of s. It takes eight at a time, then four, then one.
func appendPlain(dst, s []byte) (out, rest []byte) {
	for len(s) >= 8 {
		x := binary.LittleEndian.Uint64(s)
		if !allPlain(x) {
			break
		}
		dst = binary.LittleEndian.AppendUint64(dst, x)
		s = s[8:]
	}
	if len(s) >= 4 {
		x := binary.LittleEndian.Uint32(s)
		if allPlain(uint64(x) | ' '*(1<<32+1<<40+1<<48+1<<56)) {
			dst = binary.LittleEndian.AppendUint32(dst, x)
			s = s[4:]
		}
	}
	for len(s) > 0 && plain[s[0]] {
		dst = append(dst, s[0])
		s = s[1:]
	}
	return dst, s
}

// allPlain reports whether the eight bytes of x are plain. The high bit of a byte
// of odd is set if that byte is below 0x20, above 0x7e, a quote or a backslash. A
// borrow may set the bit of a byte above one that is odd, which changes nothing:
// then they are not all plain anyway.
func allPlain(x uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^ones*'"', x^ones*'\\'
	odd := x | (x + ones) | (x - ones*0x20) | (quote - ones) | (backslash - ones)
	return odd&highs == 0
}

// escapedLen returns the length of the character s begins with, at least 1.
func escapedLen(s []byte) int {
	n := 1
	if s[0] >= utf8.RuneSelf {
		_, n = utf8.DecodeRune(s)
	}
	return n
}

// appendEscaped appends the one character c, which is not plain.
func appendEscaped(dst, c []byte) []byte {
	switch b := c[0]; {
	case b == '"' || b == '\\':
		return append(dst, '\\', b)
	case b == '\n':
		return append(dst, '\\', 'n')
	case b == '\r':
		return append(dst, '\\', 'r')
	case b == '\t':
		return append(dst, '\\', 't')
	case b < utf8.RuneSelf:
		return append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
	case len(c) == 1:
		return append(dst, '\\', '\\', 'x', hexDigits[b>>4], hexDigits[b&15])
	}
	r, _ := utf8.DecodeRune(c)
	if strconv.IsPrint(r) {
		return append(dst, c...)
	}
	if r <= 0xffff {
		return appendUnit(dst, r)
	}
	r -= 0x10000
	return appendUnit(appendUnit(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
}

// appendUnit appends one UTF-16 code unit as an escape.
func appendUnit(dst []byte, u rune) []byte {
	return append(dst, '\\', 'u', hexDigits[u>>12&15], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}

// appendBytes appends raw bytes of the wire as a JSON string that can be turned
// back into them: printable ASCII as it is, a backslash doubled, \r \n \t, and
// \xHH for everything else. (In JSON each backslash is doubled once more.)
func appendBytes(dst, b []byte) []byte {
	dst = append(dst, '"')
	for _, c := range b {
		switch {
		case plain[c]:
			dst = append(dst, c)
		case c == '"':
			dst = append(dst, '\\', '"')
		case c == '\\':
			dst = append(dst, `\\\\`...)
		case c == '\r':
			dst = append(dst, `\\r`...)
		case c == '\n':
			dst = append(dst, `\\n`...)
		case c == '\t':
			dst = append(dst, `\\t`...)
		default:
			dst = append(dst, '\\', '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, '"')
}

// appendCombined appends b as it stands between the quotes of the combined
// format, with nginx's escapes: \xHH for the quote, the backslash, controls and
// everything beyond ASCII.
func appendCombined(dst, b []byte) []byte {
	for _, c := range b {
		if plain[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '\\', 'x', hexUpper[c>>4], hexUpper[c&15])
		}
	}
	return dst
}

const hexUpper = "0123456789ABCDEF"

// appendAddr appends a as a JSON string, "" if it is invalid. A zone may be any
// text when the address came in a header, so it is escaped.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return append(dst, `""`...)
	}
	if a.Zone() != "" {
		return appendName(dst, a.String())
	}
	dst = append(dst, '"')
	dst = a.AppendTo(dst)
	return append(dst, '"')
}

// appendAddrPort appends a as a JSON string, "" if it is invalid.
func appendAddrPort(dst []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return append(dst, `""`...)
	}
	if a.Addr().Zone() != "" {
		return appendName(dst, a.String())
	}
	dst = append(dst, '"')
	dst = a.AppendTo(dst)
	return append(dst, '"')
}
