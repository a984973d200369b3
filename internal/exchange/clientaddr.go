// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"net/netip"
	"slices"
	"unsafe"

	"causey/internal/wire"
)

// hopsMax bounds how far a list of forwarded addresses is followed.
const hopsMax = 32

// IsTrusted reports whether a is one of the trusted proxies.
func IsTrusted(trusted []netip.Prefix, a netip.Addr) bool {
	if !a.IsValid() {
		// A unix socket has no address; who may open it is the file system's
		// decision, as it is for a proxy on the same machine.
		return len(trusted) > 0
	}
	a = a.Unmap()
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
}

// clientAddr returns who asks, behind a trusted proxy: the rightmost address of
// X-Forwarded-For that is not itself a trusted proxy. A part that is no address
// ends the search, since nothing to the left of it can be believed.
func clientAddr(h *wire.Head, trusted []netip.Prefix, peer netip.Addr) netip.Addr {
	client := peer
	hops := 0
	for i := len(h.Fields) - 1; i >= 0; i-- {
		if h.Fields[i].ID != wire.XForwardedFor {
			continue
		}
		list := h.Value(i)
		for len(list) > 0 && hops < hopsMax {
			cut := bytes.LastIndexByte(list, ',')
			part := bytes.Trim(list[cut+1:], " \t")
			list = list[:max(cut, 0)]
			a, ok := parseHop(part)
			if !ok {
				return client
			}
			client = a
			if hops++; !IsTrusted(trusted, a) {
				return client
			}
		}
	}
	return client
}

// parseHop reads an address with or without a port, and IPv6 with or without
// brackets. A zone means something on one link only, not to us.
func parseHop(part []byte) (netip.Addr, bool) {
	if len(part) == 0 || len(part) > 64 || bytes.IndexByte(part, '%') >= 0 {
		return netip.Addr{}, false
	}
	// An address without a zone keeps nothing of the text it was read from, so no
	// copy is needed.
	s := unsafe.String(&part[0], len(part))
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap(), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap(), true
	}
	if n := len(s); s[0] == '[' && s[n-1] == ']' {
		if a, err := netip.ParseAddr(s[1 : n-1]); err == nil {
			return a.Unmap(), true
		}
	}
	return netip.Addr{}, false
}

// viaNames reports whether a Via field names pseudonym as a recipient: then the
// request has been here before.
func viaNames(h *wire.Head, pseudonym string) bool {
	for i := range h.Fields {
		if h.Fields[i].ID != wire.Via {
			continue
		}
		for list := h.Value(i); len(list) > 0; {
			var part []byte
			part, list, _ = bytes.Cut(list, []byte{','})
			part = bytes.Trim(part, " \t")
			protocol := firstToken(part)
			if string(firstToken(part[len(protocol):])) == pseudonym {
				return true
			}
		}
	}
	return false
}

func firstToken(b []byte) []byte {
	b = bytes.TrimLeft(b, " \t")
	if i := bytes.IndexAny(b, " \t("); i >= 0 {
		return b[:i]
	}
	return b
}

// listsFold reports whether the comma-separated list holds item, ignoring the
// case of ASCII letters. An empty item is never listed.
func listsFold(list, item []byte) bool {
	if len(item) == 0 {
		return false
	}
	for len(list) > 0 {
		var part []byte
		part, list, _ = bytes.Cut(list, []byte{','})
		if bytes.EqualFold(bytes.Trim(part, " \t"), item) {
			return true
		}
	}
	return false
}
