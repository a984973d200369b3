// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package route

// A request is matched by what its path means, not by how it is written: origins
// resolve dot segments, so "/public/../admin" must not pass as something below
// "/public". The path that is sent upstream stays as it came.

// pathRoom is the room for a resolved path on the stack; longer ones, which no
// route's rule needs, cost an allocation.
const pathRoom = 512

// resolvePath returns path with percent-encoded unreserved characters decoded
// (RFC 3986 section 6.2.2.2), dot segments removed (section 5.2.4) and empty
// segments merged, as most origins do. A path that needs none of it is returned
// as it is; else the result is in buf.
func resolvePath(buf, path []byte) []byte {
	if isResolved(path) || path[0] != '/' {
		return path
	}
	dst := buf[:0]
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			if d, ok := unreserved(path[i:]); ok {
				c = d
				i += 2
			}
		}
		if c == '/' {
			dst = endSegment(dst)
			if len(dst) > 0 && dst[len(dst)-1] == '/' {
				continue
			}
		}
		dst = append(dst, c)
	}
	if n := len(dst); n >= 2 && string(dst[n-2:]) == "/." || n >= 3 && string(dst[n-3:]) == "/.." {
		dst = endSegment(dst)
	}
	return dst
}

// endSegment removes a dot segment from the end of dst, and with ".." the segment
// before it. What is left then ends with the slash before them.
func endSegment(dst []byte) []byte {
	n := len(dst)
	switch {
	case n >= 2 && string(dst[n-2:]) == "/.":
		return dst[:n-1]
	case n >= 3 && string(dst[n-3:]) == "/..":
		n -= 3
		for n > 0 && dst[n-1] != '/' {
			n--
		}
		return dst[:max(n, 1)]
	}
	return dst
}

// isResolved reports that nothing in path needs resolving. It may be wrong in one
// direction only: a "%" or a segment that begins with a dot is looked at closely.
func isResolved(path []byte) bool {
	for i, c := range path {
		switch c {
		case '%':
			return false
		case '/':
			if i+1 < len(path) && (path[i+1] == '/' || path[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

// unreserved decodes the escape at the beginning of b if it stands for a
// character that means the same without it.
func unreserved(b []byte) (byte, bool) {
	if len(b) < 3 {
		return 0, false
	}
	hi, ok1 := hexDigit(b[1])
	lo, ok2 := hexDigit(b[2])
	c := hi<<4 | lo
	switch {
	case !ok1 || !ok2:
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		return c, true
	}
	return 0, false
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
