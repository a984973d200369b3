// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// onFakeNet runs test in a synctest bubble with a network in memory. The clock
// of the bubble moves only when everybody waits, so times are exact.
func onFakeNet(t *testing.T, test func(t *testing.T, n *fakeNet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newFakeNet()) })
}

// resolver returns a Resolver on n that asks servers, or those of resolv.conf.
func (n *fakeNet) resolver(t *testing.T, edit func(*Config), servers ...*dnsServer) *Resolver {
	t.Helper()
	c := testConfig(t, servers...)
	c.Dial = n.dial
	if edit != nil {
		edit(&c)
	}
	return newTestResolver(t, c)
}

// I2, I6: silence ends after timeout x attempts x servers, with every try named.
func TestSilentServers(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		one, two := n.add("192.0.2.1:53", silent), n.add("192.0.2.2:53", silent)
		r := n.resolver(t, nil, one, two)
		e := wantError(t, r, "app.test", Timeout)
		want(t, "elapsed", e.Elapsed, 4*5*time.Second)
		want(t, "first of the servers", e.Server, one.addr)
		want(t, "tries", len(e.Tried), 8)
		var order []string
		for _, try := range e.Tried {
			if try.Type == "A" {
				order = append(order, try.Server.Addr().String())
			}
			want(t, "elapsed of a try", try.Elapsed, 5*time.Second)
			want(t, "kind of a try", try.Kind, Timeout)
		}
		want(t, "order", strings.Join(order, " "), "192.0.2.1 192.0.2.2 192.0.2.1 192.0.2.2")
	})
}

// I2: Total bounds everything together.
func TestTotalBoundsALookup(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", silent)
		r := n.resolver(t, func(c *Config) { c.Total, c.Attempts = 7*time.Second, 5 }, s)
		e := wantError(t, r, "app.test", Timeout)
		want(t, "elapsed", e.Elapsed, 7*time.Second)
	})
}

func TestNextServerAfterAFailure(t *testing.T) {
	truncated := func(a asked, send func([]byte)) {
		m := message(a, dnsmessage.RCodeSuccess)
		m.Truncated = true
		if a.network == "udp" {
			send(pack(m))
		}
	}
	garbage := func(a asked, send func([]byte)) {
		b := pack(message(a, dnsmessage.RCodeSuccess))
		b[7] = 9 // nine answers, none there
		send(b)
	}
	strayOnly := func(a asked, send func([]byte)) { a.header.ID++; zone()(a, send) }
	for _, c := range []struct {
		name   string
		first  handler
		kind   Kind
		rcode  int
		site   string
		silent bool // the server is asked last from then on
	}{
		{"servfail", rcode(dnsmessage.RCodeServerFailure), ServFail, 2, "", false},
		{"refused", rcode(dnsmessage.RCodeRefused), Refused, 5, "", false},
		{"notauth", rcode(9), OtherRcode, 9, "", false},
		{"silence", silent, Timeout, 0, "", true},
		{"garbage", garbage, Malformed, 0, "answer", false},
		{"only strays", strayOnly, Malformed, 0, "id", false},
		{"TCP silent", truncated, Timeout, 0, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			onFakeNet(t, func(t *testing.T, n *fakeNet) {
				one := n.add("192.0.2.1:53", c.first)
				two := n.add("192.0.2.2:53", zone("app.test. 60 192.0.2.9"))
				r := n.resolver(t, nil, one, two)
				a := wantAddrs(t, r, "app.test", "192.0.2.9")
				want(t, "server", a.Server, two.addr)
				i := slices.IndexFunc(a.Tried, func(try Try) bool { return try.Kind == c.kind })
				if i < 0 {
					t.Fatalf("no try of kind %v in %+v", c.kind, a.Tried) // I6
				}
				want(t, "server that failed", a.Tried[i].Server, one.addr)
				want(t, "rcode", a.Tried[i].Rcode, c.rcode)
				want(t, "site", a.Tried[i].Site, c.site)
				before := len(one.questions())
				wantError(t, r, "other.test", NXDomain)
				want(t, "asked last from then on", len(one.questions()) == before, c.silent)

				alone := n.resolver(t, nil, one)
				e := wantError(t, alone, "app.test", c.kind)
				want(t, "alone: rcode", e.Rcode, c.rcode)
				want(t, "alone: site", e.Site, c.site)
				want(t, "alone: server", e.Server, one.addr)
			})
		})
	}
}

func TestDenialIsFinal(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		one, two := n.add("192.0.2.1:53", zone()), n.add("192.0.2.2:53", zone("app.test. 60 192.0.2.9"))
		r := n.resolver(t, nil, one, two)
		e := wantError(t, r, "app.test", NXDomain)
		want(t, "rcode", e.Rcode, 3)
		want(t, "server", e.Server, one.addr)
		want(t, "queries to the second server", len(two.questions()), 0)
	})
}

func TestOrderOfServers(t *testing.T) {
	var h serverHealth
	now := time.Unix(1000, 0)
	one, two, three := netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("192.0.2.2:53"), netip.MustParseAddrPort("192.0.2.3:53")
	servers := []netip.AddrPort{one, two, three}
	order := func() string { return fmt.Sprint(h.order(servers, now)) }
	want(t, "all well", order(), fmt.Sprint([]netip.AddrPort{one, two, three}))
	h.note(one, true, now)
	want(t, "the first is silent", order(), fmt.Sprint([]netip.AddrPort{two, three, one}))
	h.note(two, true, now)
	want(t, "two are silent", order(), fmt.Sprint([]netip.AddrPort{three, one, two}))
	h.note(one, false, now)
	want(t, "the first speaks", order(), fmt.Sprint([]netip.AddrPort{one, three, two}))
	now = now.Add(illFor)
	want(t, "time heals", order(), fmt.Sprint([]netip.AddrPort{one, two, three}))
	want(t, "and nothing is left", len(h.ill), 0) // I3
	want(t, "the argument is left alone", servers[0], one)
}

// A silent server comes back to its place in time.
func TestSilentServerIsForgiven(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		one, two := n.add("192.0.2.1:53", silent), n.add("192.0.2.2:53", zone())
		r := n.resolver(t, nil, one, two)
		wantError(t, r, "a.test", NXDomain)
		one.setHandler(zone())
		e := wantError(t, r, "b.test", NXDomain)
		want(t, "soon after", e.Server, two.addr)
		time.Sleep(illFor)
		e = wantError(t, r, "c.test", NXDomain)
		want(t, "later", e.Server, one.addr)
	})
}

func TestFamilies(t *testing.T) {
	byType := func(six, four handler) handler {
		return func(a asked, send func([]byte)) {
			if a.q.Type == dnsmessage.TypeA {
				four(a, send)
				return
			}
			six(a, send)
		}
	}
	v4, v6 := zone("app.test. 60 192.0.2.1"), zone("app.test. 60 2001:db8::1")
	nodata := denies(dnsmessage.RCodeSuccess, 9)
	broken := rcode(dnsmessage.RCodeServerFailure)
	for _, c := range []struct {
		name      string
		six, four handler
		addrs     []string
		kind      Kind // of the error, or of what is missing
		site      string
		elapsed   time.Duration
	}{
		{"both", v6, v4, []string{"2001:db8::1", "192.0.2.1"}, 0, "", 0},
		{"IPv4 only", nodata, v4, []string{"192.0.2.1"}, 0, "", 0},
		{"IPv6 only", v6, nodata, []string{"2001:db8::1"}, 0, "", 0},
		{"NXDOMAIN for AAAA alone", zone(), v4, []string{"192.0.2.1"}, 0, "", 0},
		{"AAAA dropped", silent, v4, []string{"192.0.2.1"}, Timeout, "family-wait", 250 * time.Millisecond},
		{"A dropped", v6, silent, []string{"2001:db8::1"}, Timeout, "family-wait", 250 * time.Millisecond},
		{"AAAA broken", broken, v4, []string{"192.0.2.1"}, ServFail, "", 0},
		{"AAAA dropped, no such name", silent, zone(), nil, NXDomain, "", 250 * time.Millisecond},
		{"neither", nodata, nodata, nil, NoData, "", 0},
		{"they disagree", nodata, zone(), nil, NoData, "", 0},
		{"a failure outranks a denial", nodata, broken, nil, ServFail, "", 0},
		{"A dropped, no AAAA", nodata, silent, nil, Timeout, "", 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			onFakeNet(t, func(t *testing.T, n *fakeNet) {
				r := n.resolver(t, nil, n.add("192.0.2.1:53", byType(c.six, c.four)))
				if c.addrs == nil {
					e := wantError(t, r, "app.test", c.kind)
					want(t, "elapsed", e.Elapsed, c.elapsed)
					return
				}
				a := wantAddrs(t, r, "app.test", c.addrs...)
				want(t, "elapsed", a.Elapsed, c.elapsed)
				if c.kind == 0 {
					want(t, "missing", a.Missing, nil)
					want(t, "ttl", a.TTL, time.Minute)
					return
				}
				if a.Missing == nil {
					t.Fatal("what is missing is not told")
				}
				want(t, "missing", a.Missing.Kind, c.kind)
				want(t, "missing: site", a.Missing.Site, c.site)
				want(t, "ttl of half an answer", a.TTL, 30*time.Second)
			})
		})
	}
}

func TestNoIPv6(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", zone("app.test. 60 192.0.2.1", "app.test. 60 2001:db8::1"))
		r := n.resolver(t, func(c *Config) { c.NoIPv6 = true }, s)
		wantAddrs(t, r, "app.test", "192.0.2.1")
		wantError(t, r, "gone.test", NXDomain)
		want(t, "queries", strings.Join(s.questions(), ", "), "app.test. A udp, gone.test. A udp")
	})
}

// RFC 6891, section 7: a server that does not understand EDNS is asked without.
func TestServerWithoutEDNS(t *testing.T) {
	for _, code := range []dnsmessage.RCode{dnsmessage.RCodeFormatError, dnsmessage.RCodeNotImplemented} {
		onFakeNet(t, func(t *testing.T, n *fakeNet) {
			s := n.add("192.0.2.1:53", func(a asked, send func([]byte)) {
				if a.edns > 0 {
					m := message(a, code)
					m.Questions = nil // as old servers do
					send(pack(m))
					return
				}
				zone("app.test. 60 192.0.2.1")(a, send)
			})
			r := n.resolver(t, nil, s)
			a := wantAddrs(t, r, "app.test", "192.0.2.1")
			want(t, "rcode of the first try", a.Tried[0].Rcode, int(code))
			s.setHandler(rcode(code))
			e := wantError(t, r, "other.test", OtherRcode)
			want(t, "rcode", e.Rcode, int(code))
		})
	}
}

func TestLocalResourcesExhausted(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		n.err = syscall.EMFILE
		r := n.resolver(t, nil, &dnsServer{addr: n.add("192.0.2.1:53", nil).addr}, &dnsServer{})
		delete(n.servers, r.cfg.Servers[0])
		e := wantError(t, r, "app.test", Exhausted)
		want(t, "errno", e.Errno, syscall.EMFILE)
	})
}

// withResolvConf is the Config edit for a resolv.conf with this text.
func withResolvConf(t *testing.T, text string) func(*Config) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	writeFile(t, path, text)
	return func(c *Config) { c.ResolvConfPath, c.Timeout = path, 0 }
}

func TestSearchList(t *testing.T) {
	const conf = "nameserver 192.0.2.1\nsearch ns.svc.test svc.test\noptions no-aaaa"
	for _, c := range []struct {
		why, conf, name string
		zone            handler
		addr            string
		kind            Kind
		fqdn            string
		asked           string
	}{
		{"short name: list first", conf, "web", zone("web.svc.test. 9 192.0.2.7"), "192.0.2.7", 0, "web.svc.test.",
			"web.ns.svc.test. web.svc.test."},
		{"short name: as it is at last", conf, "web", zone("web. 9 192.0.2.7"), "192.0.2.7", 0, "web.",
			"web.ns.svc.test. web.svc.test. web."},
		{"dots enough: as it is first", conf, "web.example", zone("web.example.svc.test. 9 192.0.2.7"), "192.0.2.7", 0, "web.example.svc.test.",
			"web.example. web.example.ns.svc.test. web.example.svc.test."},
		{"ndots of Kubernetes", conf + " ndots:5", "web.example", zone("web.example. 9 192.0.2.7"), "192.0.2.7", 0, "web.example.",
			"web.example.ns.svc.test. web.example.svc.test. web.example."},
		{"final dot", conf, "web.", zone("web.svc.test. 9 192.0.2.7"), "", NXDomain, "web.", "web."},
		{"nobody has it", conf, "web", zone(), "", NXDomain, "web.ns.svc.test.",
			"web.ns.svc.test. web.svc.test. web."},
		{"it exists somewhere, without address", conf, "web", zone("web.svc.test. 9 2001:db8::1"), "", NoData, "web.svc.test.",
			"web.ns.svc.test. web.svc.test. web."},
	} {
		t.Run(c.why, func(t *testing.T) {
			onFakeNet(t, func(t *testing.T, n *fakeNet) {
				s := n.add("192.0.2.1:53", c.zone)
				r := n.resolver(t, withResolvConf(t, c.conf))
				if c.kind == 0 {
					a := wantAddrs(t, r, c.name, c.addr)
					want(t, "absolute name", a.FQDN, c.fqdn)
				} else {
					e := wantError(t, r, c.name, c.kind)
					want(t, "absolute name", e.FQDN, c.fqdn)
				}
				var names []string
				for _, q := range s.questions() {
					names = append(names, strings.Fields(q)[0])
				}
				want(t, "asked", strings.Join(names, " "), c.asked)
			})
		})
	}
}

// broken serves h, but for names below suffix it gives code.
func broken(suffix string, code dnsmessage.RCode, h handler) handler {
	return func(a asked, send func([]byte)) {
		if strings.HasSuffix(a.name(), suffix) {
			rcode(code)(a, send)
			return
		}
		h(a, send)
	}
}

// A search domain that nobody serves must not take every name down with it.
func TestBrokenSearchDomain(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		n.add("192.0.2.1:53", broken(".lan.", dnsmessage.RCodeServerFailure, zone("db.example. 600 192.0.2.7")))
		r := n.resolver(t, withResolvConf(t, "nameserver 192.0.2.1\nsearch lan\noptions ndots:5"))
		a := wantAddrs(t, r, "db.example", "192.0.2.7")
		want(t, "ttl of an answer past a failure", a.TTL, 30*time.Second)
		want(t, "the failure is told", a.Tried[0].Kind, ServFail) // I6
		e := wantError(t, r, "gone.example", ServFail)
		want(t, "a failure outranks a denial", e.FQDN, "gone.example.lan.")
	})
}

// Silence ends the search: the next name in the list may be a stranger's, and
// asking on would take as long again.
func TestSilenceEndsTheSearch(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		n.add("192.0.2.1:53", func(a asked, send func([]byte)) {
			if a.name() != "web.prod.test." {
				zone("web.public.test. 5 192.0.2.66")(a, send)
			}
		})
		r := n.resolver(t, withResolvConf(t, "nameserver 192.0.2.1\nsearch prod.test public.test"))
		e := wantError(t, r, "web", Timeout)
		want(t, "absolute name", e.FQDN, "web.prod.test.")
	})
}

// A name that is ill is not given up for a namesake further down the list.
func TestNamesakeIsNotTakenForAnIllName(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		all := zone("web.prod.test. 5 192.0.2.7", "web.public.test. 5 192.0.2.66")
		s := n.add("192.0.2.1:53", all)
		r := n.resolver(t, withResolvConf(t, "nameserver 192.0.2.1\nsearch prod.test public.test"))
		wantAddrs(t, r, "web", "192.0.2.7")
		time.Sleep(6 * time.Second)
		s.setHandler(broken(".prod.test.", dnsmessage.RCodeServerFailure, all))
		a := wantAddrs(t, r, "web", "192.0.2.7")
		want(t, "stale", a.Stale, true)
		want(t, "reason", a.StaleReason.FQDN, "web.prod.test.")
	})
}

func TestResolvConfRules(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", func(a asked, send func([]byte)) {
			if a.network == "tcp" {
				zone("app.test. 60 192.0.2.9")(a, send)
			}
		})
		edit := withResolvConf(t, "nameserver 192.0.2.1\noptions use-vc no-aaaa timeout:7 attempts:3")
		r := n.resolver(t, edit)
		wantAddrs(t, r, "app.test", "192.0.2.9")
		s.setHandler(silent)
		e := wantError(t, r, "other.test", Timeout)
		want(t, "timeout x attempts", e.Elapsed, 21*time.Second)
		want(t, "network", e.Tried[0].Network, "tcp")
	})
}

// I3: a lookup remembers a bounded number of tries and counts the rest.
func TestTriesAreBounded(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		s := n.add("192.0.2.1:53", rcode(dnsmessage.RCodeServerFailure))
		r := n.resolver(t, func(c *Config) { c.Attempts = 40 }, s)
		e := wantError(t, r, "app.test", ServFail)
		want(t, "remembered", len(e.Tried), maxTried)
		want(t, "counted", e.TriedMore, 80-maxTried)
	})
}
