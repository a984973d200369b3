// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"net/netip"
	"strings"
)

// Limits of RFC 1035, section 2.3.4, in text form.
const (
	maxNameBytes  = 253 // without the final dot
	maxLabelBytes = 63
)

// canonical returns name in lower case, its final dot kept; site names the rule
// that it breaks, empty if none. A good name in lower case costs no allocation.
func canonical(name string) (key, site string) {
	bare := strings.TrimSuffix(name, ".")
	switch {
	case bare == "":
		return name, "empty"
	case len(bare) > maxNameBytes:
		return name, "name-too-long"
	}
	label, numeric := 0, true
	for i := 0; i < len(bare); i++ {
		c := bare[i]
		switch {
		case c == '.':
			if label == 0 {
				return name, "empty-label"
			}
			label = 0
			continue
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
			numeric = false
		default:
			return name, "character"
		}
		if label++; label > maxLabelBytes {
			return name, "label-too-long"
		}
	}
	switch {
	case label == 0:
		return name, "empty-label"
	case numeric:
		// 127.0.0.1, 10.0.0.256, 127.1: an address, a mistyped one, or a number
		// that the C library takes for one. None of them is in the DNS.
		return name, "numeric"
	}
	return strings.ToLower(name), ""
}

// loopback is the answer to localhost where the hosts file is silent.
var loopback = []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}

// isLocalhost reports whether the bare name is localhost or below it.
//
// RFC 6761, section 6.3: "Name resolution APIs and libraries SHOULD recognize
// localhost names as special and SHOULD always return the IP loopback address
// for address queries [...] SHOULD NOT send queries for localhost names to their
// configured caching DNS server(s)."
func isLocalhost(bare string) bool {
	return bare == "localhost" || strings.HasSuffix(bare, ".localhost")
}

// candidates returns the absolute names to ask for key, in order: key itself
// first if it has ndots dots or more, else after the search list. A key with a
// final dot is absolute already.
func candidates(key string, search []string, ndots int) []string {
	if strings.HasSuffix(key, ".") {
		return []string{key}
	}
	own := key + "."
	out := make([]string, 0, len(search)+1)
	first := strings.Count(key, ".") >= ndots
	if first {
		out = append(out, own)
	}
	for _, suffix := range search {
		if name := own + suffix; len(name) <= maxNameBytes+1 {
			out = append(out, name)
		}
	}
	if !first {
		out = append(out, own)
	}
	return out
}
