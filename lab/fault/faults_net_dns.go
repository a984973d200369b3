// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"causey/lab/names"
	"causey/lab/real"
)

func init() { lists = append(lists, netDNS()) }

// netDNS are the faults of names. A gateway may go on with the last good answer while a resolver is ill, so those of
// the resolver are there from the start: the gateway was started while it was.
func netDNS() []*Fault {
	return []*Fault{
		{Cause: "dns.nxdomain", Means: Kernel, Scope: "upstream", Set: typo},
		{Cause: "dns.servfail", Name: "zone", Means: Kernel, Scope: "upstream", Set: brokenZone},
		{Cause: "dns.servfail", Name: "resolver", Means: Kernel, Scope: "gateway",
			Set: brokenResolver(dnsmessage.RCodeServerFailure)},
		{Cause: "dns.servfail", Name: "refused", Means: Kernel, Scope: "gateway",
			Set: brokenResolver(dnsmessage.RCodeRefused)},
		{Cause: "dns.timeout", Name: "silent", Means: Kernel, Scope: "gateway", Set: silentResolver},
		{Cause: "dns.timeout", Name: "filtered", Means: Kernel, Scope: "gateway", Set: filteredResolver},
		movedName("refused", nil),
		movedName("stranger", http.NotFoundHandler()),
		{Cause: "dns.v6_dead", Name: "silent", Means: Kernel, Scope: "upstream", Set: deadV6("fd00:1::2")},
		{Cause: "dns.v6_dead", Name: "unrouted", Means: Kernel, Scope: "upstream", Set: deadV6("2001:db8::80")},
		searchDomain(),
		{Cause: "dns.empty", Means: Kernel, Scope: "upstream", Set: noAddresses},
		lostAddresses(),
	}
}

// town is two sites behind names on loopback: shop.test, which is well, and blog.test, which may not be.
type town struct {
	stage *Stage
	names *names.Server
	port  string // the same everywhere
	shop  netip.Addr
	blog  netip.Addr
	home  *listening // of blog
}

const ttl = time.Second

// town starts the servers and says where they are; the gateway asks this name server only.
func (s *Stage) town() (*town, error) {
	addr, err := real.FreeAddr("0")
	if err != nil {
		return nil, err
	}
	dns, err := names.Start(addr)
	if err != nil {
		return nil, err
	}
	s.AtEnd(func() { dns.Close() })
	t := &town{stage: s, names: dns, port: "0"}
	s.kept = t
	for _, place := range []*netip.Addr{&t.shop, &t.blog} {
		if *place, err = t.house(goods{closes: 10}); err != nil {
			return nil, err
		}
	}
	dns.Set("app.shop.test", ttl, t.shop)
	dns.Set("app.blog.test", ttl, t.blog)
	s.Config = fmt.Sprintf("resolver: [%q]\ntimeouts: {resolve: 2s}\n", dns.Addr()) + manySites(map[string][]string{
		"shop": {"app.shop.test:" + t.port}, "blog": {"app.blog.test:" + t.port}}, "shop", "blog")
	s.Visitors = ordinaryOf("shop.test", "blog.test")
	return t, nil
}

// house has h answer at a new address, at the port that all have.
func (t *town) house(h http.Handler) (netip.Addr, error) {
	addr, err := real.FreeAddr(t.port)
	if err != nil {
		return netip.Addr{}, err
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return netip.Addr{}, err
	}
	t.home = t.stage.serveOn(ln, h)
	at := netip.MustParseAddrPort(addr)
	t.port = strconv.Itoa(int(at.Port()))
	return at.Addr(), nil
}

// ordinaryOf are the ordinary visitors of several sites, as many for each.
func ordinaryOf(hosts ...string) Visitors {
	v := Ordinary()
	asks := v.Asks
	v.Asks = nil
	for _, host := range hosts {
		for _, a := range asks {
			a.Host = host
			v.Asks = append(v.Asks, a)
		}
	}
	return v
}

func typo(s *Stage) error {
	t, err := s.town()
	if err == nil {
		t.names.Fail("app.blog.test", dnsmessage.RCodeNameError)
	}
	return err
}

// brokenZone is a zone whose signatures have expired, as a validating resolver tells of it.
func brokenZone(s *Stage) error {
	t, err := s.town()
	if err == nil {
		t.names.Fail("app.blog.test", dnsmessage.RCodeServerFailure)
	}
	return err
}

func brokenResolver(code dnsmessage.RCode) func(*Stage) error {
	return func(s *Stage) error {
		t, err := s.town()
		if err == nil {
			t.names.Ail(code)
		}
		return err
	}
}

func silentResolver(s *Stage) error {
	t, err := s.town()
	if err == nil {
		t.names.Silence(true)
	}
	return err
}

// filteredResolver is a resolver behind a router that lets no question through.
func filteredResolver(s *Stage) error {
	y, _, err := s.named("app.test", "10.0.1.2")
	if err != nil {
		return err
	}
	return y.middle.filter("policy", `chain forward { type filter hook forward priority 0
		udp dport 53 drop
	}`)
}

// named is a server and a name server on one machine behind a router. The name leads to these addresses.
func (s *Stage) named(name string, addrs ...string) (*yard, *names.Server, error) {
	y, err := s.wan(1)
	if err != nil {
		return nil, nil, err
	}
	dns, err := s.nameServer(y.servers[0], "10.0.1.2:53")
	if err != nil {
		return nil, nil, err
	}
	var list []netip.Addr
	for _, a := range addrs {
		list = append(list, netip.MustParseAddr(a))
	}
	dns.Set(name, ttl, list...)
	s.Config = "resolver: [10.0.1.2]\ntimeouts: {resolve: 2s, connect: 2s}\n" + oneSite("shop", name+":80")
	return y, dns, y.everywhere("80", goods{closes: 10})
}

// movedName is a container that comes back at another address. Who lives at the old one now is nobody, or a stranger.
func movedName(name string, stranger http.Handler) *Fault {
	const tenant = "app.blog.test"
	return &Fault{Cause: "dns.stale", Name: name, Means: Kernel, Scope: "upstream",
		Set: func(s *Stage) error {
			t, err := s.town()
			if err == nil {
				t.names.Set(tenant, time.Minute, t.blog)
			}
			return err
		},
		Break: with(func(t *town) error {
			old := t.home
			moved, err := t.house(goods{closes: 10})
			if err != nil {
				return err
			}
			old.stop()
			if stranger != nil {
				if err := t.stage.serve(nil, net.JoinHostPort(t.blog.String(), t.port), stranger); err != nil {
					return err
				}
			}
			t.names.Set(tenant, time.Minute, moved)
			return nil
		}),
	}
}

// deadV6 is a server that has an address of IPv6 in its zone which leads nowhere, beside one of IPv4 that works.
func deadV6(addr string) func(*Stage) error {
	return func(s *Stage) error {
		y, _, err := s.named("app.test", "10.0.1.2", addr)
		if err != nil {
			return err
		}
		if addr != "fd00:1::2" { // a machine that has no way out of IPv6
			return y.gateway.ip("route del ::/0")
		}
		return y.middle.filter("policy", `chain forward { type filter hook forward priority 0
			meta nfproto ipv6 drop
		}`)
	}
}

// searchDomain is a short name that the search list completes, until resolv.conf is rewritten by whoever hands out
// addresses in a new network, where every name exists and leads to one stranger.
func searchDomain() *Fault {
	const stranger = "203.0.113.80"
	file := func(s *Stage) string { return filepath.Join(s.Dir, "resolv.conf") }
	return &Fault{Cause: "dns.search_domain", Means: Kernel, Scope: "upstream",
		Set: func(s *Stage) error {
			y, dns, err := s.named("api.internal.test", "10.0.1.2")
			if err != nil {
				return err
			}
			dns.Set("*.isp.test", ttl, netip.MustParseAddr(stranger))
			s.Before = append(s.Before, "unshare", "--mount", "--propagation", "private",
				"sh", "-c", `mount --bind "$0" /etc/resolv.conf && exec "$@"`, file(s))
			s.Config = oneSite("shop", "api:8080")
			return errors.Join(
				os.WriteFile(file(s), []byte("search internal.test\nnameserver 10.0.1.2\n"), 0o644),
				y.servers[0].ip("addr add "+stranger+"/32 dev lo"),
				y.middle.ip("route add "+stranger+"/32 via 10.0.1.2"),
				s.serve(y.servers[0], stranger+":8080", http.NotFoundHandler()),
				s.serve(y.servers[0], "10.0.1.2:8080", goods{closes: 10}))
		},
		Break: func(s *Stage) error { // in place, for the gateway sees this very file
			return os.WriteFile(file(s), []byte("search isp.test\nnameserver 10.0.1.2\n"), 0o644)
		},
	}
}

// noAddresses is a service whose selector matches nothing.
func noAddresses(s *Stage) error {
	t, err := s.town()
	if err == nil {
		t.names.Set("app.blog.test", ttl)
	}
	return err
}

// lostAddresses is a service none of whose members is ready any more.
func lostAddresses() *Fault {
	return &Fault{Cause: "dns.empty", Name: "unready", Means: Kernel, Scope: "upstream",
		Set:   func(s *Stage) error { _, err := s.town(); return err },
		Break: with(func(t *town) error { t.names.Set("app.blog.test", ttl); return nil }),
		Mend:  with(func(t *town) error { t.names.Set("app.blog.test", ttl, t.blog); return nil }),
	}
}
