// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cdn

import (
	"fmt"
	"net/netip"
)

// The bounds of one list, with room for growth: of those known, Cloudflare's is the
// largest, with 1.8 million addresses of IPv4 and 14 networks of /32 in IPv6.
const (
	widestV4, widestV6 = 8, 24
	// addressesMaxV4 is a /8, one address of 256.
	addressesMaxV4 = 1 << 24
	// subnetsMaxV6 counts networks of /64: a /24, which is 256 times what an operator
	// gets at first (/32).
	subnetsMaxV6 = 256 << 32
)

// special are the networks of IPv4 that belong to no company, by the registry of
// special-purpose addresses (RFC 6890 and https://www.iana.org/assignments/
// iana-ipv4-special-registry), and those of multicast and of the reserved class.
var special = prefixes(
	"0.0.0.0/8",       // this network, RFC 791
	"10.0.0.0/8",      // private use, RFC 1918
	"100.64.0.0/10",   // shared by customers of one provider, RFC 6598
	"127.0.0.0/8",     // loopback, RFC 1122
	"169.254.0.0/16",  // link-local, RFC 3927
	"172.16.0.0/12",   // private use
	"192.0.0.0/24",    // IETF protocol assignments, RFC 6890
	"192.0.2.0/24",    // documentation, RFC 5737
	"192.31.196.0/24", // AS112, RFC 7535
	"192.52.193.0/24", // AMT, RFC 7450
	"192.88.99.0/24",  // 6to4 relays, RFC 7526
	"192.168.0.0/16",  // private use
	"192.175.48.0/24", // AS112, RFC 7534
	"198.18.0.0/15",   // benchmarking, RFC 2544
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast, RFC 1112
	"240.0.0.0/4",     // reserved, RFC 1112, with the limited broadcast
)

// In IPv6 global addresses are within one network (RFC 4291 section 2.4, and the
// registry of the address space), so that everything outside is refused: loopback,
// unspecified, mapped and translated addresses, discard-only, unique local,
// link-local, site-local, multicast. Within it these are special.
var (
	globalV6  = netip.MustParsePrefix("2000::/3")
	specialV6 = prefixes(
		"2001::/23",         // IETF protocol assignments, with Teredo, benchmarking and ORCHID, RFC 2928
		"2001:db8::/32",     // documentation, RFC 3849
		"2002::/16",         // 6to4: each holds an address of IPv4, RFC 3056
		"2620:4f:8000::/48", // AS112, RFC 7534
		"3fff::/20",         // documentation, RFC 9637
	)
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// checkAll holds a list to I1.
func checkAll(list []netip.Prefix) error {
	if len(list) > prefixesMax {
		return fmt.Errorf("%d networks, at most %d", len(list), prefixesMax)
	}
	var v4, v6 uint64
	for _, p := range list {
		if err := check(p); err != nil {
			return err
		}
		if p.Addr().Is4() {
			v4 += 1 << (32 - p.Bits())
		} else {
			v6 += 1 << max(64-p.Bits(), 0)
		}
	}
	switch {
	case v4 > addressesMaxV4:
		return fmt.Errorf("%d addresses of IPv4 are too many to be one company's; at most %d are", v4, addressesMaxV4)
	case v6 > subnetsMaxV6:
		return fmt.Errorf("the networks of IPv6 are together as large as %d of /32, too many to be one company's; at most %d are", v6>>32, subnetsMaxV6>>32)
	}
	return nil
}

// check looks at one network. A network that holds a special one is as bad as one
// within it: 172.0.0.0/8 has the private 172.16.0.0/12.
func check(p netip.Prefix) error {
	widest, unfit, global := widestV4, special, true
	if p.Addr().Is6() {
		widest, unfit, global = widestV6, specialV6, globalV6.Contains(p.Addr())
	}
	switch {
	case !p.IsValid() || p.Addr().Is4In6():
		return fmt.Errorf("%v is no network", p)
	case p != p.Masked():
		return fmt.Errorf("%v has bits outside its mask", p)
	case p.Bits() < widest:
		return fmt.Errorf("%v is too wide to be one company's", p)
	case !global:
		return fmt.Errorf("%v is not of the public internet", p)
	}
	for _, s := range unfit {
		if p.Overlaps(s) {
			return fmt.Errorf("%v is not of the public internet: %v is for special use", p, s)
		}
	}
	return nil
}

// Shrunk reports that a list which is to follow s has lost most of the networks of a
// family: what was published by mistake, or only in part, would take the trust of a
// site's own CDN away. A network is still there if half of it is, by whatever masks.
func (s *Set) Shrunk(next []netip.Prefix) bool {
	var had, has [2]int
	for _, p := range s.Prefixes {
		family := p.Addr().BitLen() / 128
		had[family]++
		if covered(p, next) {
			has[family]++
		}
	}
	return has[0]*2 < had[0] || has[1]*2 < had[1]
}

// covered reports that at least half of p is in list.
func covered(p netip.Prefix, list []netip.Prefix) bool {
	share := 0.0
	for _, q := range list {
		if p.Overlaps(q) {
			share += 1 / float64(uint64(1)<<min(max(q.Bits()-p.Bits(), 0), 63))
		}
	}
	return share >= 0.5
}
