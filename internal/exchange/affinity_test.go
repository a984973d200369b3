// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"hash/fnv"
	"net/netip"
	"strings"
	"testing"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/record"
)

// bound carries one request with these cookies and returns what the group was asked
// for, and the cookie that came back.
func (g *testGateway) bound(why string, cookies ...string) (w exchange.Want, setCookie string) {
	g.t.Helper()
	head := []string{"GET /"}
	for _, c := range cookies {
		head = append(head, "Cookie: "+c)
	}
	c := g.send(head...)
	g.arrives(why).ok("")
	g.wantAnswer(why, c, 200, "")
	g.wantEnd(why, record.Relayed, "")
	return g.group.asked, fieldOf(c.heads[0].fields, "Set-Cookie")
}

// A client is told whom it is bound to once, and again when that changes.
func TestStickyCookie(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		g.route.Affinity.Cookie = "srv"
		if w, set := g.bound("a new client"); w.Bound != 0 || set != "srv=1; Path=/; HttpOnly; SameSite=Lax" {
			t.Errorf("bound to %d, set %q", w.Bound, set)
		}
		if w, set := g.bound("it comes back", "srv=1"); w.Bound != 1 || set != "" {
			t.Errorf("bound to %d, set %q", w.Bound, set)
		}
		s[0].conns, s[0].dials = nil, []failure.Kind{failure.Refused}
		if w, set := g.bound("its server is lost", "srv=1"); w.Bound != 1 || !strings.HasPrefix(set, "srv=2;") {
			t.Errorf("bound to %d, set %q", w.Bound, set)
		}
		g.route.Affinity.Cookie = ""
		if w, set := g.bound("nobody is bound", "srv=1"); w.Bound != 0 || set != "" {
			t.Errorf("bound to %d, set %q", w.Bound, set)
		}
	})
}

// With TLS the cookie is for TLS only.
func TestStickyCookieIsSecure(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.Affinity.Cookie = "srv"
		c := g.newClient()
		c.arrival.TLS.Version = 0x0304
		c.raw = headBytes([]string{"GET /"})
		g.start(c)
		g.arrives("asked").ok("")
		g.wantAnswer("secure", c, 200, "", "Set-Cookie: srv=1; Path=/; HttpOnly; SameSite=Lax; Secure")
		g.wantEnd("secure", record.Relayed, "")
	})
}

// Whatever strangers send as the cookie binds them to a server or to none, and the
// request is answered.
func TestHostileCookies(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.Affinity.Cookie = "srv"
		for cookie, want := range map[string]uint64{
			"srv=":                               0,
			"srv":                                0,
			"srv=-1":                             0,
			"srv=+1":                             0,
			"srv=1_0":                            0,
			"srv=1x":                             69,
			`srv="1"`:                            0,
			"srv=1 ":                             1,
			"srv = 1":                            0,
			"srv=3w5e11264sgsf":                  1<<64 - 1,
			"srv=3w5e11264sgsg":                  0, // one more than there is room for
			"srv=" + strings.Repeat("z", 10_000): 0,
			"srv=" + strings.Repeat("0", 10_000) + "": 0,
			"SRV=1":                                 0,
			"a=srv=1":                               0,
			"a=1; ;;=;srv=2;srv=1":                  2,
			"a=\"x; srv=2\"; srv=1":                 0, // RFC 6265 knows no quoting of semicolons
			";;;;;;":                                0,
			strings.Repeat("a=1; ", 1000) + "srv=1": 1,
		} {
			if w, _ := g.bound("hostile", cookie); w.Bound != want {
				t.Errorf("%s: bound to %d, want %d", short(cookie), w.Bound, want)
			}
		}
		if w, _ := g.bound("in the second field", "a=1", "srv=1"); w.Bound != 1 {
			t.Errorf("bound to %d", w.Bound)
		}
	})
}

// The same thing makes the same key, in every process; another thing another key. A
// request that lacks it is told apart by its client's address.
func TestHashKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		key := func(a exchange.Affinity, target, client string, fields ...string) uint64 {
			t.Helper()
			g.route.Affinity = a
			c := g.newClient()
			c.arrival.Peer = netip.MustParseAddrPort(client)
			c.raw = headBytes(append([]string{"GET " + target}, fields...))
			g.start(c)
			g.arrives("asked").ok("")
			g.wantAnswer("asked", c, 200, "")
			g.wantEnd("asked", record.Relayed, "")
			return g.group.asked.Key
		}
		const one, two = "192.0.2.1:1", "192.0.2.2:1"
		byPath, byAddress := exchange.Affinity{By: exchange.ByPath}, exchange.Affinity{By: exchange.ByAddress}
		byCookie, byField := exchange.Affinity{By: exchange.ByCookie, Name: "id"}, exchange.Affinity{By: exchange.ByField, Name: "x-tenant"}
		for _, c := range []struct {
			name       string
			a, b       uint64
			wantsEqual bool
		}{
			{"path", key(byPath, "/a?1", one), key(byPath, "/a?2", two), true},
			{"other path", key(byPath, "/a", one), key(byPath, "/b", one), false},
			{"address, another port", key(byAddress, "/a", one), key(byAddress, "/b", "192.0.2.1:2"), true},
			{"other address", key(byAddress, "/a", one), key(byAddress, "/a", two), false},
			{"cookie", key(byCookie, "/", one, "Cookie: x=1; id=7"), key(byCookie, "/", two, "Cookie: id=7"), true},
			{"other cookie", key(byCookie, "/", one, "Cookie: id=7"), key(byCookie, "/", one, "Cookie: id=8"), false},
			{"no cookie", key(byCookie, "/", one, "Cookie: x=1"), key(byAddress, "/", one), true},
			{"empty cookie", key(byCookie, "/", one, "Cookie: id="), key(byAddress, "/", one), true},
			{"field", key(byField, "/", one, "X-Tenant: 7"), key(byField, "/", two, "x-tenant: 7"), true},
			{"no field", key(byField, "/", two), key(byAddress, "/", two), true},
			{"nothing", key(exchange.Affinity{}, "/", one), 0, true},
		} {
			if (c.a == c.b) != c.wantsEqual {
				t.Errorf("%s: %x and %x", c.name, c.a, c.b)
			}
		}
		h := fnv.New64a()
		h.Write([]byte("/index.html"))
		if k := key(byPath, "/index.html", one); k != h.Sum64() {
			t.Errorf("the key of /index.html is %#x: servers would lose what they keep with it", k)
		}
	})
}
