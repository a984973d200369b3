// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

// badHost returns the index of the first byte that keeps b from being
// uri-host [ ":" port ] (RFC 9110 section 7.2), or -1 if it is one. The host must
// not be empty. A comma, which RFC 3986 allows in a name, is refused: it is how
// two Host values look once somebody has joined them. So is a port above 65535.
func badHost(b []byte) int {
	end := 0
	if len(b) > 0 && b[0] == '[' {
		end = skipIPv6(b)
	} else {
		end = skipRegName(b)
	}
	switch {
	case end <= 0:
		return -end
	case end == len(b):
		return -1
	case b[end] != ':':
		return end
	}
	port := 0
	for i := end + 1; i < len(b); i++ {
		if class[b[i]]&isDigit == 0 {
			return i
		}
		if port = port*10 + int(b[i]-'0'); port > 65535 {
			return i
		}
	}
	return -1
}

// skipRegName returns the end of the reg-name or IPv4 address that b begins
// with. A broken percent-encoding ends it.
func skipRegName(b []byte) int {
	i := 0
	for i < len(b) {
		switch {
		case class[b[i]]&isRegName != 0:
			i++
		case b[i] == '%' && i+2 < len(b) && class[b[i+1]]&class[b[i+2]]&isHex != 0:
			i += 3
		default:
			return i
		}
	}
	return i
}

// skipIPv6 returns the end of the bracketed IPv6 address that b begins with, or
// the negated index of the byte that spoils it. Zones are refused: they mean
// nothing on another machine. IPvFuture has no user.
func skipIPv6(b []byte) int {
	groups, elided := 0, false
	i := 1
	if i+1 < len(b) && b[i] == ':' && b[i+1] == ':' {
		elided = true
		i += 2
	}
	for i < len(b) && b[i] != ']' {
		end := min(skipClass(b, i, isHex), i+4)
		switch {
		case end < len(b) && b[end] == '.' && groups <= 6:
			n := skipIPv4(b[i:])
			if n == 0 || i+n >= len(b) || b[i+n] != ']' {
				return -end
			}
			groups, i = groups+2, i+n
			continue
		case end == i:
			return -i
		}
		groups, i = groups+1, end
		if i >= len(b) || b[i] == ']' {
			break
		}
		if b[i] != ':' {
			return -i
		}
		i++
		switch {
		case i < len(b) && b[i] == ':' && !elided:
			elided = true
			i++
		case i < len(b) && b[i] == ']':
			return -i // a single colon at the end
		}
	}
	if i >= len(b) || groups > 8 || groups == 8 && elided || groups < 8 && !elided {
		return -min(i, len(b)-1)
	}
	return i + 1
}

// skipIPv4 returns the length of the dotted address that b begins with, or 0.
func skipIPv4(b []byte) int {
	i := 0
	for part := 0; part < 4; part++ {
		if part > 0 {
			if i >= len(b) || b[i] != '.' {
				return 0
			}
			i++
		}
		start, n := i, 0
		for i < len(b) && i < start+3 && class[b[i]]&isDigit != 0 {
			n = n*10 + int(b[i]-'0')
			i++
		}
		if i == start || n > 255 || i > start+1 && b[start] == '0' {
			return 0
		}
	}
	return i
}
