// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"net/netip"
	"strings"
	"testing"

	"causey/internal/record"
)

// ask sends one request from an address and returns what reached the server.
func (g *testGateway) ask(from string, lines ...string) (*leaseTwin, *record.Record) {
	g.t.Helper()
	c := g.newClient()
	c.arrival.Peer, c.arrival.PeerText = netip.AddrPort{}, []byte("unix")
	if from != "unix" {
		c.arrival.Peer = netip.AddrPortFrom(netip.MustParseAddr(from), 40000)
		c.arrival.PeerText = []byte(from)
	}
	c.raw = headBytes(lines)
	g.start(c)
	o := g.arrives("asked")
	o.ok("")
	g.wantAnswer("asked", c, 200, "")
	return o, g.wantEnd("asked", record.Relayed, "")
}

// What a stranger says about itself is never passed on; what a trusted proxy says
// is believed from the right, up to the first address that is no trusted proxy.
func TestClientAddress(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.plan.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
		long := strings.Repeat("10.0.0.1, ", 40)
		for _, c := range []struct {
			name, from string
			fields     []string
			client     string
			sent       string
		}{
			{"a stranger", "192.0.2.1", []string{"X-Forwarded-For: 1.2.3.4"}, "192.0.2.1", "192.0.2.1"},
			{"IPv4 on an IPv6 listener", "::ffff:10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4"}, "1.2.3.4", "1.2.3.4, ::ffff:10.0.0.1"},
			{"nothing said", "10.0.0.1", nil, "10.0.0.1", "10.0.0.1"},
			{"one hop", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4"}, "1.2.3.4", "1.2.3.4, 10.0.0.1"},
			{"what the client invented stays left", "10.0.0.1", []string{"X-Forwarded-For: 6.6.6.6, 1.2.3.4"}, "1.2.3.4", "6.6.6.6, 1.2.3.4, 10.0.0.1"},
			{"through two of ours", "10.0.0.1", []string{"X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.9.9.9"}, "1.2.3.4", "6.6.6.6, 1.2.3.4, 10.9.9.9, 10.0.0.1"},
			{"all are ours", "10.0.0.1", []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3", "10.0.0.3, 10.0.0.2, 10.0.0.1"},
			{"two lines", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 10.0.0.2"}, "1.2.3.4", "1.2.3.4, 10.0.0.2, 10.0.0.1"},
			{"an empty line", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-For:"}, "1.2.3.4", "1.2.3.4, 10.0.0.1"},
			{"with a port", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4:5678"}, "1.2.3.4", "1.2.3.4:5678, 10.0.0.1"},
			{"IPv6", "2001:db8:1::1", []string{"X-Forwarded-For: 2001:db8:2::5"}, "2001:db8:2::5", "2001:db8:2::5, 2001:db8:1::1"},
			{"IPv6 in brackets", "10.0.0.1", []string{"X-Forwarded-For: [2001:db8:2::5]"}, "2001:db8:2::5", "[2001:db8:2::5], 10.0.0.1"},
			{"IPv6 with a port", "10.0.0.1", []string{"X-Forwarded-For: [2001:db8:2::5]:80"}, "2001:db8:2::5", "[2001:db8:2::5]:80, 10.0.0.1"},
			{"IPv4 in IPv6", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4, ::ffff:10.0.0.9"}, "1.2.3.4", "1.2.3.4, ::ffff:10.0.0.9, 10.0.0.1"},
			{"garbage ends it", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4, unknown"}, "10.0.0.1", "1.2.3.4, unknown, 10.0.0.1"},
			{"garbage behind ours ends it", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4, junk, 10.0.0.2"}, "10.0.0.2", "1.2.3.4, junk, 10.0.0.2, 10.0.0.1"},
			{"an empty part ends it", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4,,"}, "10.0.0.1", "1.2.3.4,,, 10.0.0.1"},
			{"a zone", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4, fe80::1%eth0"}, "10.0.0.1", "1.2.3.4, fe80::1%eth0, 10.0.0.1"},
			{"a number is no address", "10.0.0.1", []string{"X-Forwarded-For: 16909060"}, "10.0.0.1", "16909060, 10.0.0.1"},
			{"a bad port", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4:99999"}, "10.0.0.1", "1.2.3.4:99999, 10.0.0.1"},
			{"too long for an address", "10.0.0.1", []string{"X-Forwarded-For: " + strings.Repeat("1", 70)}, "10.0.0.1", strings.Repeat("1", 70) + ", 10.0.0.1"},
			{"too many hops", "10.0.0.1", []string{"X-Forwarded-For: 1.2.3.4, " + long + "10.0.0.2"}, "10.0.0.1", "1.2.3.4, " + long + "10.0.0.2, 10.0.0.1"},
		} {
			o, r := g.ask(c.from, append([]string{"GET /"}, c.fields...)...)
			if got := r.Client.String(); got != c.client {
				t.Errorf("%s: the client is %s, want %s", c.name, got, c.client)
			}
			if got := r.Peer.Addr().String(); got != c.from {
				t.Errorf("%s: the peer is %s, want %s", c.name, got, c.from)
			}
			o.wantRequest(c.name, "GET /", "X-Forwarded-For: "+c.sent)
			n := 0
			for _, f := range o.head.fields {
				if strings.HasPrefix(f, "X-Forwarded-For:") {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s: %d fields X-Forwarded-For", c.name, n)
			}
		}
		// A unix socket has no address: who opens it is as near as a proxy here.
		o, r := g.ask("unix", "GET /", "X-Forwarded-For: 1.2.3.4")
		if r.Client.String() != "1.2.3.4" {
			t.Errorf("through a unix socket the client is %s", r.Client)
		}
		o.wantRequest("through a unix socket", "GET /", "X-Forwarded-For: 1.2.3.4, unix")
	})
}

// What strangers must not say, and what proxies may.
func TestForwardedFields(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.plan.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		said := []string{"GET /", "Host: site.example", "X-Forwarded-Proto: https", "X-Forwarded-Host: public.example",
			"X-Forwarded-Port: 443", "X-Real-Ip: 1.2.3.4", `Forwarded: for=1.2.3.4;proto=https`}
		o, _ := g.ask("192.0.2.1", said...)
		o.wantRequest("a stranger's words are removed", "GET /", "Host: site.example", "X-Forwarded-For: 192.0.2.1",
			"X-Forwarded-Proto: http", "X-Forwarded-Host: site.example", "-X-Forwarded-Port", "-X-Real-Ip", "-Forwarded")
		o, _ = g.ask("10.0.0.1", said...)
		o.wantRequest("a proxy's words stand", "GET /", "X-Forwarded-Proto: https", "X-Forwarded-Host: public.example",
			"X-Forwarded-Port: 443", "X-Real-Ip: 1.2.3.4", "Forwarded: for=1.2.3.4;proto=https")

		g.plan.EmitXForwarded, g.plan.EmitForwarded = false, true
		o, _ = g.ask("192.0.2.1", said...)
		o.wantRequest("RFC 7239", "GET /", `Forwarded: for=192.0.2.1;host="site.example";proto=http`, "-X-Forwarded-For", "-X-Forwarded-Proto")
		o, _ = g.ask("10.0.0.1", said...)
		o.wantRequest("ours comes last", "GET /", `Forwarded: for=1.2.3.4;proto=https, for=10.0.0.1;host="site.example";proto=http`)
		o, _ = g.ask("2001:db8::1", "GET /")
		o.wantRequest("IPv6 is quoted", "GET /", `Forwarded: for="[2001:db8::1]";host="site.example";proto=http`)
		o, _ = g.ask("unix", "GET /")
		o.wantRequest("no address", "GET /", `Forwarded: for=unknown;host="site.example";proto=http`)

		g.plan.EmitForwarded = false
		o, _ = g.ask("192.0.2.1", said...)
		o.wantRequest("nothing is sent", "GET /", "-Forwarded", "-X-Forwarded-For", "-X-Forwarded-Host", "-X-Forwarded-Proto", "-X-Real-Ip")
	})
}

func TestHostField(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		one := func(why, want string, lines ...string) {
			t.Helper()
			o, _ := g.ask("192.0.2.1", lines...)
			n := 0
			for _, f := range o.head.fields {
				if strings.HasPrefix(f, "Host:") {
					n++
				}
			}
			if got := fieldOf(o.head.fields, "Host"); got != want || n != 1 {
				t.Errorf("%s: Host is %q, %d of them, want %q", why, got, n, want)
			}
		}
		one("as it came", "Site.Example:81", "GET /", "Host: Site.Example:81")
		one("the target's wins", "target.example", "GET http://target.example/ HTTP/1.1", "Host: site.example")
		one("an old client need not say", "a.internal:8080", "GET / HTTP/1.0")
		g.route.HostHeader = "inner.example"
		one("the owner's word", "inner.example", "GET /")
		g.route.HostHeader, g.route.HostOfServer = "", true
		one("the server's own", "a.internal:8080", "GET /")
	})
}

func TestVia(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		o, _ := g.ask("192.0.2.1", "GET /")
		o.wantRequest("one", "GET /", "Via: 1.1 gw")
		o, _ = g.ask("192.0.2.1", "GET / HTTP/1.0", "Host: a")
		o.wantRequest("the version it came by", "GET /", "Via: 1.0 gw")
		o, _ = g.ask("192.0.2.1", "GET /", "Via: 1.0 fred", "Via: 1.1 p.example.net (squid)")
		o.wantRequest("behind those before", "GET /", "Via: 1.0 fred, 1.1 p.example.net (squid), 1.1 gw")
		g.plan.Via = ""
		o, _ = g.ask("192.0.2.1", "GET /")
		o.wantRequest("off", "GET /", "-Via")
	})
}

// The client's own id is passed on and kept, ours is added where it has none.
func TestRequestID(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		o, r := g.ask("192.0.2.1", "GET /")
		o.wantRequest("ours", "GET /", "X-Request-Id: "+r.ID.String())
		o, r = g.ask("192.0.2.1", "GET /", "X-Request-Id: theirs")
		o.wantRequest("theirs", "GET /", "X-Request-Id: theirs")
		if got := fieldOf(o.head.fields, "X-Request-Id"); got != "theirs" {
			t.Errorf("%q stands before theirs", got)
		}
		if got := string(r.Text(record.RequestID)); got != "theirs" {
			t.Errorf("the record has %q", got)
		}
	})
}

// Fields of one hop end here, those of the ends go through, both ways.
func TestHopByHop(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /", "Connection: keep-alive, x-secret", "Keep-Alive: timeout=5", "X-Secret: 1", "TE: trailers, gzip",
			"Proxy-Connection: keep-alive", "Upgrade: h2c", "X-Plain: 1", "Traceparent: 00-1", "Accept-Encoding: gzip")
		o := g.arrives("sent")
		o.wantRequest("hop by hop", "GET /", "TE: trailers", "X-Plain: 1", "Traceparent: 00-1", "Accept-Encoding: gzip",
			"-Connection", "-Keep-Alive", "-X-Secret", "-Proxy-Connection", "-Upgrade")
		o.answer("HTTP/1.1 200 OK", "Connection: x-inner", "X-Inner: 1", "Keep-Alive: timeout=5", "Content-Length: 0",
			"Server: origin", "Proxy-Status: other; error=dns_error", "Set-Cookie: a=1", "Set-Cookie: b=2")
		g.wantAnswer("hop by hop", c, 200, "", "Server: origin", "Proxy-Status: other; error=dns_error", "Set-Cookie: a=1", "Set-Cookie: b=2",
			"-Connection", "-X-Inner", "-Keep-Alive", "-X-Request-Id")
		g.wantEnd("hop by hop", record.Relayed, "")
	})
}
