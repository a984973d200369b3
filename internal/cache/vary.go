// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"

	"causey/internal/wire"
)

// Bounds of what one Vary may list.
const (
	varyNamesMax = 512 // bytes
	varyFields   = 16
	// selectMax bounds the values of a request that choose a variant: who sends more
	// has a variant of its own, which is not kept.
	selectMax = 2 << 10
	// sortedMax bounds the members of a list that is sorted.
	sortedMax = 32
)

// varyNames returns the names in the Vary fields of an answer, in lower case and
// separated by commas. ok is false if they are too many.
func varyNames(res *wire.Response) (names []byte, ok bool) {
	n := 0
	for i := range res.Fields {
		if res.Fields[i].ID != wire.Vary {
			continue
		}
		for line := res.Value(i); len(line) > 0; {
			var name []byte
			name, line, _ = bytes.Cut(line, comma)
			if name = bytes.TrimSpace(name); len(name) == 0 {
				continue
			}
			if n++; n > varyFields || len(names)+len(name) > varyNamesMax {
				return nil, false
			}
			if len(names) > 0 {
				names = append(names, ',')
			}
			names = appendLower(names, name)
		}
	}
	return names, true
}

func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// appendSelecting appends what a request has in the fields that names lists, in a form
// in which requests that ask for the same look the same (RFC 9111 section 4.1).
func appendSelecting(dst, names []byte, req *wire.Request) []byte {
	for len(names) > 0 {
		var name []byte
		name, names, _ = bytes.Cut(names, comma)
		start := len(dst)
		found := false
		for i := range req.Fields {
			if !bytes.EqualFold(req.Name(i), name) {
				continue
			}
			if found {
				dst = append(dst, ',')
			}
			found = true
			dst = appendSqueezed(dst, req.Value(i))
		}
		if found && bytes.HasPrefix(name, acceptPrefix) {
			sortMembers(dst[start:])
		}
		if found {
			dst = append(dst, 1) // an empty field is not a missing one
		}
		dst = append(dst, '\n')
	}
	return dst
}

var acceptPrefix = []byte("accept-")

// appendSqueezed appends a value without the spaces around its commas; what is in
// quotes stays as it is.
func appendSqueezed(dst, v []byte) []byte {
	start, inQuotes := len(dst), false
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case inQuotes && c == '\\' && i+1 < len(v):
			dst = append(dst, c)
			i++
			c = v[i]
		case c == '"':
			inQuotes = !inQuotes
		case inQuotes:
		case c == ',':
			for len(dst) > start && isSpace(dst[len(dst)-1]) {
				dst = dst[:len(dst)-1]
			}
		case isSpace(c) && len(dst) > start && dst[len(dst)-1] == ',':
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// sortMembers puts the members of an Accept-Encoding or Accept-Language, which are
// words in any case whose order says nothing, into one case and order.
func sortMembers(list []byte) {
	for i, c := range list {
		if c >= 'A' && c <= 'Z' {
			list[i] |= 0x20
		}
	}
	var members [sortedMax][]byte
	n := 0
	for rest := list; len(rest) > 0; {
		if n == sortedMax {
			return
		}
		members[n], rest, _ = bytes.Cut(rest, comma)
		for j := n; j > 0 && bytes.Compare(members[j], members[j-1]) < 0; j-- {
			members[j], members[j-1] = members[j-1], members[j]
		}
		n++
	}
	var sorted [selectMax]byte
	if len(list) > len(sorted) {
		return
	}
	out := sorted[:0]
	for i, m := range members[:n] {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, m...)
	}
	copy(list, out)
}
