// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"net/netip"
	"strings"
)

// dialled is the address that was tried, ok is false if there was none.
func (s *sample) dialled() (a netip.AddrPort, ok bool) {
	a = s.try.Dialled
	if e := s.evidence(); !a.IsValid() && e != nil {
		a = e.Dialled
	}
	return a, a.IsValid()
}

// shared is what providers number their clients with that have no address of their own
// (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// isInner reports an address that nobody outside can reach.
func isInner(a netip.Addr) bool { return a.IsPrivate() || shared.Contains(a) }

// host is the name or address by which the configuration knows the server.
func (s *sample) host() string {
	h := strings.TrimPrefix(strings.TrimPrefix(s.try.Server, "https://"), "http://")
	if i := strings.LastIndexByte(h, ':'); i >= 0 {
		h = h[:i]
	}
	return h
}

// seeAddress sees where was dialled.
func seeAddress(v *view) {
	v.most("unix", func(s *sample) (bool, bool) { return strings.HasPrefix(s.try.Server, "unix:"), s.try.Server != "" }, "went to a unix socket")
	of := func(is func(netip.Addr) bool) func(*sample) (bool, bool) {
		return func(s *sample) (bool, bool) {
			a, ok := s.dialled()
			return ok && is(a.Addr().Unmap()), ok
		}
	}
	isPublic := func(a netip.Addr) bool { return !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() }
	isIPv6 := func(a netip.Addr) bool { return a.Is6() }
	v.most("loopback", of(netip.Addr.IsLoopback), "dialled the gateway's own machine")
	v.most("public", of(isPublic), "dialled a public address")
	v.most("ipv6", of(isIPv6), "dialled an IPv6 address")
	v.most("behind_nat", func(s *sample) (bool, bool) {
		e, a := s.evidence(), netip.AddrPort{}
		if a, _ = s.dialled(); !a.IsValid() || e == nil || !e.Local.IsValid() {
			return false, false
		}
		return isPublic(a.Addr().Unmap()) && isInner(e.Local.Unmap()), true
	}, "went from a private address of the gateway to a public one")
	if six, all := v.count(of(isIPv6)); all > 0 {
		four, failing := 0, v.failing
		for _, g := range v.during {
			if a, ok := g.dialled(); ok && a.Addr().Unmap().Is4() && failing[g.try.Server] > 0 {
				four++
			}
		}
		v.truth("ipv6_only", six == all && four > 0, "%s, and %s at the same servers over IPv4 went well", tally(six, all, "dialled an IPv6 address"), some(four, "attempt"))
	}
	if port, n, all, ok := majority(v.bad, func(s *sample) (uint16, bool) { a, ok := s.dialled(); return a.Port(), ok }); ok {
		v.number("port", float64(port), "%s", tally(n, all, fmt.Sprintf("dialled port %d", port)))
	}
}

// seeName sees what the server's name has to do with it.
func seeName(v *view) {
	named := func(s *sample) (bool, bool) {
		h := s.host()
		if h == "" || strings.HasPrefix(s.try.Server, "unix:") {
			return false, h != ""
		}
		return isName(h), true
	}
	v.most("named", named, "concerned a server given by name")
	v.most("localhost", func(s *sample) (bool, bool) { return s.host() == "localhost", s.try.Server != "" }, "concerned a server given as localhost")
	v.most("dotless", func(s *sample) (bool, bool) {
		is, known := named(s)
		return is && !strings.Contains(s.host(), ".") && s.host() != "localhost", known
	}, "concerned a name without a dot")
	rcode, n, all, ok := majority(v.bad, func(s *sample) (int, bool) {
		e := s.evidence()
		if e == nil || !e.DNSServer.IsValid() {
			return 0, false
		}
		return e.Rcode, true
	})
	if ok {
		v.number("rcode", float64(rcode), "%s", tally(n, all, fmt.Sprintf("had the resolver's answer code %d", rcode)))
	}
	v.most("address_moved", func(s *sample) (bool, bool) {
		e := s.evidence()
		if e == nil || e.ResolvedLen == 0 || !e.Dialled.IsValid() {
			return false, false
		}
		for _, a := range e.ResolvedNow[:e.ResolvedLen] {
			if a.Unmap() == e.Dialled.Addr().Unmap() {
				return false, true
			}
		}
		return true, true
	}, "dialled an address that the name no longer has")
	v.most("dns_stale", func(s *sample) (bool, bool) {
		e := s.evidence()
		return e != nil && e.DNSStale, e != nil && (e.DNSServer.IsValid() || e.DNSStale)
	}, "used an address from an earlier answer of the resolver")
}
