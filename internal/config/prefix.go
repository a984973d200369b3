// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"causey/internal/cdn"
)

// Prefix is a range of IP addresses, without bits outside its mask.
type Prefix struct{ netip.Prefix }

// ParsePrefix reads 10.0.0.0/8, 2001:db8::/32 or one address. The error is a
// *ValueError.
func ParsePrefix(s string) (Prefix, error) {
	const example = "write an address or a network, such as 192.0.2.7 or 10.0.0.0/8"
	if !strings.Contains(s, "/") {
		ip, err := parseIP(s)
		if err != nil || ip.Zone() != "" {
			return Prefix{}, wrong(example, "%s is no IP address or network", quote(s))
		}
		return Prefix{netip.PrefixFrom(ip, ip.BitLen())}, nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		ip, bits, _ := strings.Cut(s, "/")
		mask, maskErr := netip.ParseAddr(bits)
		if a, err := parseIP(ip); err == nil && maskErr == nil && mask.Is4() && a.Is4() {
			m := mask.As4()
			ones, _ := net.IPMask(m[:]).Size() // 0 for one with holes
			return Prefix{}, wrong("write the number of bits: "+a.String()+"/"+strconv.Itoa(ones), "%s has a mask of the old form", quote(s))
		} else if err == nil {
			return Prefix{}, wrong("bits go from 0 to 32 for IPv4, to 128 for IPv6", "%s has no valid number of bits", quote(s))
		}
		return Prefix{}, wrong(example, "%s is no IP address or network", quote(s))
	}
	if p.Addr().Is4In6() {
		return Prefix{}, wrong("write the IPv4 network", "%s is IPv4 written as IPv6", quote(s))
	}
	if m := p.Masked(); m != p {
		return Prefix{}, wrong("write "+m.String()+" for the network or "+p.Addr().String()+" for the one address", "%s has bits outside its mask", quote(s))
	}
	return Prefix{p}, nil
}

// NetworkOrSet is a network, or the name of a set of networks (internal/cdn).
type NetworkOrSet struct {
	Prefix Prefix // without an address if it is a set
	Set    string // "" if it is a network
}

// ParseNetworkOrSet reads what ParsePrefix does, or the name of a set. The error is a
// *ValueError.
func ParseNetworkOrSet(s string) (NetworkOrSet, error) {
	names := cdn.Names()
	if slices.Contains(names, s) {
		return NetworkOrSet{Set: s}, nil
	}
	p, err := ParsePrefix(s)
	if err != nil && isWord(s, "-_") && strings.Trim(s, "0123456789abcdefABCDEF") != "" {
		return NetworkOrSet{}, wrong(didYouMeanOr(s, names), "no set of networks is called %s", quote(s))
	}
	return NetworkOrSet{Prefix: p}, err
}

// String gives the text that reads as n.
func (n NetworkOrSet) String() string {
	if n.Set != "" {
		return n.Set
	}
	return n.Prefix.String()
}

// MarshalText gives String.
func (n NetworkOrSet) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// ParseNameserver reads an IP address with or without a port; 53 is the
// default. The error is a *ValueError.
func ParseNameserver(s string) (netip.AddrPort, error) {
	if ip, err := parseIP(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return netip.AddrPortFrom(ip, 53), nil
	}
	host, port, err := splitPort(s)
	if err != nil {
		return netip.AddrPort{}, wrong("write the IP address of a name server, such as 10.0.0.2 or 10.0.0.2:53", "%s is no address of a name server", quote(s))
	}
	ip, err := parseIP(host)
	if err != nil {
		return netip.AddrPort{}, wrong("a resolver that has to be looked up first cannot work; write its IP address", "%s is no IP address", quote(host))
	}
	if port == 0 || ip.IsUnspecified() {
		return netip.AddrPort{}, wrong("", "%s cannot be asked", quote(s))
	}
	return netip.AddrPortFrom(ip, port), nil
}
