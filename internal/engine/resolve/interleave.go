// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import "net/netip"

// Interleave returns addrs in the order in which a dialer should try them: the
// families alternate, IPv6 first if there is any, and within a family the order
// stays (RFC 8305, section 4, with a First Address Family Count of 1). A family
// that leads nowhere then costs one step, not one per address. IPv4-mapped IPv6
// addresses count as IPv4. It returns a new slice.
func Interleave(addrs []netip.Addr) []netip.Addr {
	out := make([]netip.Addr, 0, len(addrs))
	six, four := 0, 0
	for len(out) < len(addrs) {
		if six = nextOf(addrs, six, true); six < len(addrs) {
			out = append(out, addrs[six])
			six++
		}
		if four = nextOf(addrs, four, false); four < len(addrs) {
			out = append(out, addrs[four])
			four++
		}
	}
	return out
}

// nextOf returns the index of the first address of the family at or after from,
// len(addrs) if there is none.
func nextOf(addrs []netip.Addr, from int, six bool) int {
	for from < len(addrs) && isIPv6(addrs[from]) != six {
		from++
	}
	return from
}

func isIPv6(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }
