// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// id is the primary key of an answer (RFC 9111 section 2), hashed: scheme, host and
// target. Nobody can find two targets with one id, so that nothing compares texts.
type id [16]byte

// seed makes the hashes of one cache its own. It is part of what lies on disk.
type seed [16]byte

// The kinds of texts that are hashed. A text of one kind never meets one of another.
const (
	kindKey  = 'k'
	kindHost = 'h'
	kindTag  = 't'
)

// appendKey appends the text that is hashed for a request.
func (o *Options) appendKey(dst []byte, secure bool, host, target []byte) []byte {
	if secure {
		dst = append(dst, "https://"...)
	} else {
		dst = append(dst, "http://"...)
	}
	dst = appendLower(dst, hostWithoutDefault(host, secure))
	if len(target) == 0 || target[0] != '/' {
		dst = append(dst, '/')
	}
	return o.appendTarget(dst, target)
}

// hostWithoutDefault takes the port off that the scheme implies.
func hostWithoutDefault(host []byte, secure bool) []byte {
	port := ":80"
	if secure {
		port = ":443"
	}
	return bytes.TrimSuffix(host, []byte(port))
}

// appendTarget appends a target without the parameters that make no difference.
func (o *Options) appendTarget(dst, target []byte) []byte {
	if len(o.IgnoreQuery) == 0 {
		return append(dst, target...)
	}
	path, query, has := bytes.Cut(target, []byte{'?'})
	dst = append(dst, path...)
	if !has {
		return dst
	}
	sep := byte('?')
	for len(query) > 0 {
		var param []byte
		param, query, _ = bytes.Cut(query, []byte{'&'})
		name, _, _ := bytes.Cut(param, []byte{'='})
		if matchesPattern(o.IgnoreQuery, name) {
			continue
		}
		dst = append(append(dst, sep), param...)
		sep = '&'
	}
	return dst
}

// matchesPattern reports whether a name is in a list, whose items may end in "*".
func matchesPattern(list []string, name []byte) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		if front, ok := strings.CutSuffix(p, "*"); ok {
			return len(name) >= len(front) && string(name[:len(front)]) == front
		}
		return string(name) == p
	})
}

// hash hashes a text of a kind. buf is scratch space.
func (s *seed) hash(kind byte, text, buf []byte) (sum id, scratch []byte) {
	buf = append(append(buf[:0], s[:]...), kind)
	buf = append(buf, text...)
	full := sha256.Sum256(buf)
	return id(full[:16]), buf
}

// slot is where the stamp for a hash stands.
func (i id) slot() uint32 { return binary.LittleEndian.Uint32(i[:]) % stampSlots }

// short is enough of a key where a mistake costs little.
func (i id) short() uint64 { return binary.LittleEndian.Uint64(i[8:]) }
