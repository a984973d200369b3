// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
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

// appendString appends s as a JSON string. Control characters, and characters
// that a terminal or a line splitter would act on (C1 controls, line separators,
// bidirectional overrides), become \u escapes. A byte that is not part of valid
// UTF-8 becomes the four characters \xHH, as nginx writes it.
func appendString[S []byte | string](dst []byte, s S) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		n := escapedLen(s[i:])
		dst = appendEscaped(dst, s[i:i+n])
		i += n
		from = i
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// escapedLen returns the length of the character s begins with, at least 1.
func escapedLen[S []byte | string](s S) int {
	n := 1
	if s[0] >= utf8.RuneSelf {
		_, n = utf8.DecodeRuneInString(string(s[:min(len(s), utf8.UTFMax)]))
	}
	return n
}

// appendEscaped appends the one character c, which is not plain.
func appendEscaped[S []byte | string](dst []byte, c S) []byte {
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
	r, _ := utf8.DecodeRuneInString(string(c))
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
		return appendString(dst, a.String())
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
		return appendString(dst, a.String())
	}
	dst = append(dst, '"')
	dst = a.AppendTo(dst)
	return append(dst, '"')
}
