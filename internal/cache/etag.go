// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import "bytes"

// opaque returns an entity tag without its mark of weakness (RFC 9110 section 8.8.3).
func opaque(tag []byte) []byte {
	if len(tag) > 2 && tag[0] == 'W' && tag[1] == '/' {
		return tag[2:]
	}
	return tag
}

func isWeak(tag []byte) bool { return len(opaque(tag)) != len(tag) }

// matchesAny reports whether an If-None-Match names tag, by the weak comparison
// (RFC 9110 section 13.1.2).
func matchesAny(list, tag []byte) bool {
	if len(tag) == 0 {
		return false
	}
	want := opaque(tag)
	for len(list) > 0 {
		var t []byte
		t, list = nextTag(list)
		if bytes.Equal(opaque(t), want) {
			return true
		}
	}
	return false
}

// nextTag takes the first entity tag of a list. A comma in quotes is part of a tag.
func nextTag(list []byte) (tag, rest []byte) {
	i := 0
	for i < len(list) && (list[i] == ',' || isSpace(list[i])) {
		i++
	}
	start := i
	for inQuotes := false; i < len(list); i++ {
		if list[i] == '"' {
			inQuotes = !inQuotes
		}
		if list[i] == ',' && !inQuotes {
			break
		}
	}
	return bytes.TrimSpace(list[start:i]), list[i:]
}
