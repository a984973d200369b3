// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"testing"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/route"
)

// What the gateway answers itself because the request has nowhere to go.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, code string
		status     int
		request    []string
		fields     []string
	}{
		{"no site", "client.route.no-site", 421, []string{"GET /", "Host: other.example"}, nil},
		{"no route", "client.route.no-route", 404, []string{"GET /nowhere", "Host: site.example"}, nil},
		{"method", "client.route.method-not-allowed", 405, []string{"DELETE /api", "Host: site.example"}, []string{"Allow: GET, POST"}},
		{"connect", "client.route.connect-method", 405, []string{"CONNECT site.example:443 HTTP/1.1", "Host: site.example:443"}, []string{"Allow: "}},
		{"loop", "gateway.route.loop", 502, []string{"GET /api", "Host: site.example", "Via: 1.0 fred, HTTP/1.1 gw (a comment)"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				g.routes(
					route.Rule{Host: "site.example", Path: "/api", Methods: []string{"GET", "POST"}, Route: g.route},
				)
				cl := g.send(c.request...)
				g.wantHead("refused", cl, c.status, append([]string{"Cache-Control: no-store"}, c.fields...)...)
				r := g.wantEnd("refused", record.Answered, c.code)
				if r.AttemptLen != 0 || r.UpStatus != 0 || r.Upstream != "" {
					t.Errorf("%d attempts, upstream %q said %d", r.AttemptLen, r.Upstream, r.UpStatus)
				}
				if known := c.name == "method" || c.name == "no route"; known != (r.Site == "site") {
					t.Errorf("the site is %q", r.Site)
				}
				if got, want := fieldOf(cl.heads[0].fields, "X-Request-Id"), r.ID.String(); got != want {
					t.Errorf("the reference is %q, want %q", got, want)
				}
				g.wantNoRequest("refused")
			})
		})
	}
}

// Others in Via are no loop, and neither is our name as a part of one, or as a
// protocol, or in a comment.
func TestNoLoop(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, via := range []string{"1.1 gw2", "1.1 other.gw", "gw other", "1.1 other (gw)", "", ",", "1.1", "1.1 "} {
			c := g.send("GET /", "Via: "+via)
			g.arrives("via " + via).ok("")
			g.wantAnswer("via "+via, c, 200, "")
			g.wantEnd("via "+via, record.Relayed, "")
		}
		for _, via := range []string{"1.1 gw", "1.1\tgw", "1.1  gw ", "1.1 a,1.1 gw", "1.1 gw(x)", "HTTP/1.1 gw , 1.1 b"} {
			c := g.send("GET /", "Via: "+via)
			g.wantHead("via "+via, c, 502)
			g.wantEnd("via "+via, record.Answered, "gateway.route.loop")
		}
		c := g.send("GET /", "Via: 1.1 a", "Via: 1.1 gw")
		g.wantHead("in a second line", c, 502)
		g.wantEnd("in a second line", record.Answered, "gateway.route.loop")
		g.plan.Via = ""
		c = g.send("GET /", "Via: 1.1 gw")
		g.arrives("without a name there is no loop").wantRequest("as it came", "GET /", "Via: 1.1 gw")
		g.group.leases[len(g.group.leases)-1].ok("")
		g.wantAnswer("well", c, 200, "")
		g.wantEnd("well", record.Relayed, "")
	})
}

// sternGuard refuses at one of its points.
type sternGuard struct{ at phase.Phase }

func (s sternGuard) verdict(at phase.Phase) (v exchange.Verdict) {
	if s.at == at {
		// No code of the guard is registered yet; any that is will do.
		v.Refusal = newFailure(failure.Gateway, phase.Connect, failure.Limit)
	}
	return v
}

func (s sternGuard) AfterRoute(x *exchange.Exchange) exchange.Verdict {
	if len(x.Record().Text(record.Target)) == 0 || len(x.Request().Path()) == 0 {
		panic("the guard is not told what is asked")
	}
	return s.verdict(phase.Guard)
}

func (s sternGuard) Admit(*exchange.Exchange) exchange.Verdict { return s.verdict(phase.Queue) }

func TestGuardRefuses(t *testing.T) {
	for _, at := range []phase.Phase{phase.Guard, phase.Queue} {
		onBoth(t, func(t *testing.T, g *testGateway) {
			g.plan.Guard = sternGuard{at}
			c := g.send("GET /")
			g.wantHead("refused", c, 503)
			if fieldOf(c.heads[0].fields, "Retry-After") == "" {
				t.Error("a client is not told when to come back")
			}
			r := g.wantEnd("refused", record.Answered, "gateway.connect.limit")
			if r.AttemptLen != 0 || r.Phases[at] == record.NotReached {
				t.Errorf("%d attempts, %v in %s", r.AttemptLen, r.Phases[at], at)
			}
			g.wantNoRequest("refused")
		})
	}
}

// A failure whose code nobody registered is a bug of ours, not a crash of those
// who read records.
func TestUnregisteredFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.group.servers[0].dials = []failure.Kind{failure.BadChunk}
		c := g.send("GET /")
		g.wantHead("ours", c, 500)
		r := g.wantEnd("ours", record.Answered, "gateway.finish.bug")
		if r.Error.Site != "upstream.connect.bad-chunk" || len(g.bugs) != 1 {
			t.Errorf("site %q, bugs %v", r.Error.Site, g.bugs)
		}
		g.bugs = nil
	})
}
