// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

func init() { lists = append(lists, netPath()) }

// netPath are the faults of what lies between a gateway and its servers.
func netPath() []*Fault {
	return []*Fault{
		{Cause: "net.loss", Means: Kernel, Scope: "network", Set: onTheWay,
			Break: between(`numgen random mod 100 < 15 drop`), Mend: cleared},
		{Cause: "net.rst_middlebox", Means: Kernel, Scope: "path", Set: onTheWay, // what begins with "GET /search"
			Break: between(`tcp dport 80 @ih,0,88 0x474554202f736561726368 reject with tcp reset`), Mend: cleared},
		{Cause: "net.idle_drop", Means: Kernel, Scope: "upstream", Set: forgetful},
		{Cause: "net.mtu_blackhole", Name: "up", Means: Kernel, Scope: "upstream", Set: bigAndSmall,
			Break: narrow("route add 10.0.1.2/32 dev port0 mtu lock 1280")},
		{Cause: "net.mtu_blackhole", Name: "down", Means: Kernel, Scope: "upstream", Set: bigAndSmall,
			Break: narrow("rule add iif port0 lookup 100", "route add 10.0.0.2/32 dev gate mtu lock 1280 table 100")},
		{Cause: "sys.provider_outage", Means: Kernel, Scope: "network", Set: threeProviders,
			Break: with(func(y *yard) error { return y.dark("port0") }), Mend: cleared},
		{Cause: "gw.network_down", Name: "link", Means: Kernel, Scope: "gateway", Set: threeProviders,
			Break: with(func(y *yard) error { return y.gateway.ip("link set eth0 down") }),
			Mend: with(func(y *yard) error {
				return y.gateway.ip("link set eth0 up", "route add default via 10.0.0.1")
			})},
		{Cause: "gw.network_down", Name: "silent", Means: Kernel, Scope: "gateway", Set: threeProviders,
			Break: with(func(y *yard) error { return y.dark("gate") }), Mend: cleared},
		{Cause: "cdn.origin_blocks_cdn", Means: Kernel, Scope: "upstream", Set: behindCDN,
			Break: with(func(y *yard) error {
				return y.servers[1].filter("ban", `chain in { type filter hook input priority 0
					ip saddr 10.0.1.0/24 drop
				}`)
			}),
			Mend: with(func(y *yard) error { return y.servers[1].unfilter("ban") })},
	}
}

// between is a rule of the router for what it forwards, in both directions.
func between(rule string) func(*Stage) error {
	return with(func(y *yard) error {
		return y.middle.filter("broken", "chain forward { type filter hook forward priority 0\n"+rule+"\n}")
	})
}

var cleared = with(func(y *yard) error { return y.middle.unfilter("broken") })

// dark lets nothing in or out of an end of the router, and says nothing.
func (y *yard) dark(port string) error {
	return y.middle.filter("broken", fmt.Sprintf(`chain in { type filter hook prerouting priority -300
			iifname %q drop
		}
		chain out { type filter hook postrouting priority 300
			oifname %q drop
		}`, port, port))
}

func onTheWay(s *Stage) error {
	_, err := twoNetworks(s, goods{closes: 5}, goods{closes: 5})
	return err
}

// forgetful is a router that knows connections and forgets those that were idle for 1 s, silently, as those of clouds do
// after minutes. The blog is not read often enough.
func forgetful(s *Stage) error {
	y, err := twoNetworks(s, goods{}, goods{})
	if err != nil {
		return err
	}
	s.Config = "timeouts: {connect: 2s, await_head: 3s}\n" + strings.TrimPrefix(s.Config, "timeouts: {connect: 2s}\n")
	s.Visitors = Ordinary()
	s.also(Ask{Method: "GET", Path: "/article/*", Many: 9, Host: "blog.test", Weight: 2},
		Ask{Method: "POST", Path: "/comment", Body: 400, Host: "blog.test", Weight: 2})
	s.Visitors.PerSecond = 10
	return errors.Join(
		y.middle.set("net/netfilter/nf_conntrack_tcp_loose=0", "net/netfilter/nf_conntrack_tcp_timeout_established=1"),
		y.middle.filter("stateful", `chain forward { type filter hook forward priority 0
			ct state invalid drop
			ct state new tcp flags & (fin | syn | rst | ack) != syn drop
		}`))
}

// bigAndSmall is a shop of which some pages and some requests need more than one packet, and some do not.
func bigAndSmall(s *Stage) error {
	_, err := twoNetworks(s, goods{}, goods{})
	s.Config = "timeouts: {connect: 2s, await_head: 4s, body_stall: 4s, send_stall: 4s}\n" +
		strings.TrimPrefix(s.Config, "timeouts: {connect: 2s}\n")
	s.also(Ask{Method: "POST", Path: "/photo", Body: 40 << 10, Host: "shop.test", Weight: 4},
		Ask{Method: "GET", Path: "/search?q=*", Many: 20, Host: "shop.test", Weight: 4,
			Fields: []string{"Cookie: basket=" + strings.Repeat("x", 3000)}})
	return err
}

// narrow makes the path to a place small, and has nobody told: the router's answers to packets that are too big are
// filtered, as by an owner who filters all of ICMP.
func narrow(routes ...string) func(*Stage) error {
	return with(func(y *yard) error {
		return errors.Join(
			y.middle.filter("quiet", `chain out { type filter hook output priority 0
				icmp type destination-unreachable drop
			}`),
			y.middle.ip(routes...))
	})
}

// threeProviders are six sites of two machines each at three hosters, behind one way out. Their names are known to a
// name server beyond it.
func threeProviders(s *Stage) error {
	y, err := s.wan(4)
	if err != nil {
		return err
	}
	dns, err := s.nameServer(y.servers[3], "10.0.4.2:53")
	if err != nil {
		return err
	}
	servers := map[string][]string{}
	var sites, hosts []string
	for i, n := range y.servers[:3] {
		second := fmt.Sprintf("10.0.%d.3", i+1)
		if err := n.ip("addr add " + second + "/24 dev eth0"); err != nil {
			return err
		}
		for k, ip := range []string{fmt.Sprintf("10.0.%d.2", i+1), second} {
			name := fmt.Sprintf("site%d", 2*i+k+1)
			dns.Set("app."+name+".test", ttl, netip.MustParseAddr(ip))
			servers[name] = []string{"app." + name + ".test:80"}
			sites, hosts = append(sites, name), append(hosts, name+".test")
		}
		if err := s.serve(n, ":80", goods{}); err != nil {
			return err
		}
	}
	s.Visitors = ordinaryOf(hosts...)
	s.Config = "resolver: [10.0.4.2]\ntimeouts: {connect: 2s, resolve: 2s}\n" + manySites(servers, sites...)
	return nil
}

// behindCDN is a site whose upstream is a CDN, and the machine behind the CDN as a site of its own.
func behindCDN(s *Stage) error {
	cdn := &edge{}
	y, err := twoNetworks(s, cdn, goods{})
	if err != nil {
		return err
	}
	cdn.from(y.servers[0], "10.0.2.2:80")
	s.Config = strings.NewReplacer("shop", "www", "blog", "direct").Replace(s.Config)
	s.Visitors = ordinaryOf("www.test", "direct.test")
	return nil
}

// edge is a CDN, as its clients see it.
type edge struct{ httputil.ReverseProxy }

// from has it ask the origin from its own machine. A CDN waits for 19 s; this one is not as patient.
func (e *edge) from(n *space, origin string) {
	e.Rewrite = func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: origin})
		r.SetXForwarded()
	}
	dial := func(_ context.Context, _, addr string) (net.Conn, error) {
		return n.dial(net.Dialer{Timeout: 1500 * time.Millisecond}, addr)
	}
	e.Transport = &http.Transport{DisableKeepAlives: true, DialContext: dial}
	e.ModifyResponse = func(resp *http.Response) error {
		mark(resp.Header)
		return nil
	}
	e.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) {
		mark(w.Header())
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(522)
		fmt.Fprint(w, "<!DOCTYPE html><title>www.test | 522: Connection timed out</title>"+
			"<h1>Connection timed out <span>Error code 522</span></h1>")
	}
}

func mark(h http.Header) {
	h.Set("Server", "cloudflare")
	h.Set("CF-RAY", fmt.Sprintf("%016x-FRA", time.Now().UnixNano()))
}
