// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/route"
)

// overTLS makes c's connection one with TLS.
func overTLS(c *clientTwin) *clientTwin {
	c.arrival.TLS = record.TLS{Version: 0x0304, Cipher: 0x1301}
	return c
}

// secure sends a request over TLS.
func (g *testGateway) secure(lines ...string) *clientTwin {
	c := overTLS(g.newClient())
	c.raw = headBytes(lines)
	return g.start(c)
}

func TestRedirectToHTTPS(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.plan.Trusted = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		for _, c := range []struct {
			port  uint16
			lines []string
			want  string // "" for none
		}{
			{443, []string{"GET /a/b?c=d"}, "https://site.example/a/b?c=d"},
			{8443, []string{"GET /", "Host: site.example:8080"}, "https://site.example:8443/"},
			{443, []string{"GET /", "Host: [2001:db8::1]:8080"}, "https://[2001:db8::1]/"},
			{443, []string{"GET /", "Host: [2001:db8::1]"}, "https://[2001:db8::1]/"},
			{443, []string{"OPTIONS *"}, "https://site.example/"},
			{443, []string{"POST /form", "Content-Length: 3"}, "https://site.example/form"},
			{443, []string{"HEAD /"}, "https://site.example/"},
			{443, []string{"GET http://site.example/abs"}, "https://site.example/abs"},
			// Behind a proxy that was reached over TLS it would never end.
			{443, []string{"GET /", "X-Forwarded-Proto: https"}, ""},
			{443, []string{"GET /", "X-Forwarded-Proto: HTTPS, http"}, ""},
			{443, []string{"GET /", "X-Forwarded-Proto: http"}, "https://site.example/"},
			{443, []string{"GET / HTTP/1.0"}, ""}, // who knows for which host
			{0, []string{"GET /"}, ""},
		} {
			g.route.RedirectPort = c.port
			cl := g.send(c.lines...)
			if c.want == "" {
				g.arrives(c.lines[0]).ok("")
				g.wantAnswer(c.lines[0], cl, 200, "")
				g.wantEnd(c.lines[0], record.Relayed, "")
				continue
			}
			g.wantAnswer(c.lines[0], cl, 308, "", "Location: "+c.want, "Content-Length: 0")
			g.wantEnd(c.lines[0], record.Answered, "")
			g.wantNoRequest(c.lines[0])
		}
		// Over TLS there is nothing to redirect.
		g.route.RedirectPort = 443
		c := g.secure("GET /")
		g.arrives("secure").ok("")
		g.wantAnswer("secure", c, 200, "")
		g.wantEnd("secure", record.Relayed, "")
	})
}

// Only who is trusted can say that it came by https.
func TestRedirectBelievesNoStranger(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.RedirectPort = 443
		c := g.send("GET /", "X-Forwarded-Proto: https")
		g.wantAnswer("a stranger", c, 308, "")
		g.wantEnd("a stranger", record.Answered, "")
	})
}

func TestServersLearnOfTLS(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.plan.EmitForwarded = true
		c := g.secure("GET /", "X-Forwarded-Proto: http", "Client-Cert: :forged:", "Client-Cert-Chain: :forged:")
		o := g.arrives("secure")
		o.wantRequest("secure", "GET /", "X-Forwarded-Proto: https", `Forwarded: for=192.0.2.1;host="site.example";proto=https`)
		if slices.ContainsFunc(o.head.fields, func(f string) bool { return strings.HasPrefix(f, "Client-Cert") }) {
			t.Errorf("a stranger's certificate was passed on: %q", o.head.fields)
		}
		o.ok("")
		g.wantAnswer("secure", c, 200, "")
		if rec := g.wantEnd("secure", record.Relayed, ""); rec.TLS.Version != 0x0304 {
			t.Errorf("%+v", rec.TLS)
		}
	})
}

func TestHSTS(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.HSTS = []byte("max-age=60")
		c := g.secure("GET /")
		g.arrives("ours").answer("HTTP/1.1 200 OK", "Content-Length: 0", "Strict-Transport-Security: max-age=1").end()
		g.wantAnswer("ours", c, 200, "", "Strict-Transport-Security: max-age=60")
		if n := strings.Count(strings.Join(c.heads[0].fields, "\n"), "Strict-Transport-Security"); n != 1 {
			t.Errorf("%d fields", n)
		}
		g.wantEnd("ours", record.Relayed, "")
		// RFC 6797 section 7.2: not without TLS.
		c = g.send("GET /")
		g.arrives("plain").ok("")
		g.wantAnswer("plain", c, 200, "")
		if strings.Contains(strings.Join(c.heads[0].fields, "\n"), "Strict-Transport-Security") {
			t.Error("sent without TLS")
		}
		g.wantEnd("plain", record.Relayed, "")
		// An answer of our own has it too.
		c = g.secure("POST /", "Content-Length: 0")
		g.arrives("reset").leave(byRST)
		g.wantHead("reset", c, 502, "Strict-Transport-Security: max-age=60")
		g.readAll(c)
		g.wantEnd("reset", record.Answered, "upstream.await-head.reset-reused")
	})
}

// A connection that was accepted by one rule for certificates carries nothing for a
// site with another, or with none.
func TestClientAuthIsTheSites(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, c := range []struct {
			site, connection string
			tls              bool
			served           bool
		}{
			{"", "", true, true}, {"a", "a", true, true},
			{"a", "", true, false}, {"a", "b", true, false}, {"", "b", true, false}, {"a", "", false, false},
		} {
			g.route.ClientAuth = c.site
			cl := g.newClient()
			if c.tls {
				overTLS(cl)
			}
			cl.arrival.ClientAuth = c.connection
			if c.connection != "" {
				cl.arrival.ClientCert = []byte(":AAAA:")
			}
			cl.raw = headBytes([]string{"GET /", "Client-Cert: :forged:"})
			g.start(cl)
			if !c.served {
				g.wantHead("refused", cl, 421)
				if !cl.req.Close {
					t.Error("a client that does not know 421 stays on the connection")
				}
				g.readAll(cl)
				g.wantEnd("refused", record.Answered, "client.route.misdirected")
				g.wantNoRequest("refused")
				continue
			}
			o := g.arrives("served")
			got := strings.Join(o.head.fields, "\n")
			if strings.Contains(got, "forged") || strings.Contains(got, "Client-Cert: :AAAA:") != (c.connection != "") {
				t.Errorf("%q", o.head.fields)
			}
			o.ok("")
			g.wantAnswer("served", cl, 200, "")
			g.wantEnd("served", record.Relayed, "")
		}
	})
}

// What a protected site has, and has not, is told to nobody who may not ask; and its
// pages about that come as its others do.
func TestNoRouteComesAsARouteDoes(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.ClientAuth, g.route.HSTS, g.route.RedirectPort = "a", []byte("max-age=60"), 443
		g.routes(route.Rule{Host: "site.example", Path: "/only", Methods: []string{"GET"}, Route: g.route})
		for _, request := range []string{"GET /elsewhere", "POST /only"} {
			c := g.send(request)
			g.wantAnswer(request, c, 308, "")
			g.wantEnd(request, record.Answered, "")
			c = g.secure(request)
			g.wantHead(request, c, 421, "Strict-Transport-Security: max-age=60")
			g.readAll(c)
			g.wantEnd(request, record.Answered, "client.route.misdirected")
		}
		c := overTLS(g.newClient())
		c.arrival.ClientAuth = "a"
		c.raw = headBytes([]string{"POST /only"})
		g.start(c)
		g.wantHead("with a certificate", c, 405, "Strict-Transport-Security: max-age=60", "Allow: GET")
		g.readAll(c)
		g.wantEnd("with a certificate", record.Answered, "client.route.method-not-allowed")
	})
}

// challenges answers one host.
type challenges struct{ host, path, answer string }

func (c challenges) HTTPChallenge(host, path string) (answer []byte, ok bool) {
	if host != c.host || path != c.path {
		return []byte{}, false
	}
	return []byte(c.answer), true
}

// The authority's request is answered before everything else; what is not ours goes
// to the site.
func TestChallenge(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		const path = "/.well-known/acme-challenge/token"
		g.plan.Challenges = challenges{"site.example", path, "token.key"}
		g.route.RedirectPort = 443
		c := g.send("GET " + path)
		g.wantAnswer("ours", c, 200, "token.key")
		g.wantEnd("ours", record.Answered, "")
		g.routes() // no site at all
		c = g.send("GET " + path)
		g.wantAnswer("ours, without a site", c, 200, "token.key")
		g.wantEnd("ours, without a site", record.Answered, "")
		g.wantNoRequest("challenges")
	})
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.plan.Challenges = challenges{"site.example", "/.well-known/acme-challenge/token", "token.key"}
		for _, target := range []string{"/.well-known/acme-challenge/other", "/.well-known/acme-challenge"} {
			c := g.send("GET " + target)
			g.arrives("not ours").ok("")
			g.wantAnswer("not ours", c, 200, "")
			g.wantEnd("not ours", record.Relayed, "")
		}
	})
}

// A connection's first exchange tells how long its handshake took, before the
// exchange began.
func TestHandshakeIsAPhase(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := overTLS(g.newClient())
		c.arrival.Handshake = time.Second
		c.raw = headBytes([]string{"GET /"})
		g.start(c)
		g.arrives("first").ok("")
		g.wantAnswer("first", c, 200, "")
		rec := g.wantEnd("first", record.Relayed, "")
		if rec.Phases[phase.Handshake] != time.Second || rec.Total >= time.Second {
			t.Errorf("%v of %v", rec.Phases[phase.Handshake], rec.Total)
		}
	})
}
