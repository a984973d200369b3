// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// member is a list member of RFC 9651 that is an item.
type member struct {
	item   string
	params map[string]string
}

// parseMember reads one, strictly; bare keys of parameters have no place here.
func parseMember(s string) (m member, ok bool) {
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		return m, false // Proxy-Status takes a string or a token
	}
	if m.item, s, ok = parseBare(s); !ok {
		return m, false
	}
	m.params = map[string]string{}
	for s != "" {
		s, ok = strings.CutPrefix(s, ";")
		s = strings.TrimLeft(s, " ")
		n := 0
		for n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || n > 0 && (s[n] >= '0' && s[n] <= '9' || strings.IndexByte("_-.*", s[n]) >= 0)) {
			n++
		}
		if !ok || n == 0 || n == len(s) || s[n] != '=' || m.params[s[:n]] != "" {
			return m, false
		}
		key := s[:n]
		if m.params[key], s, ok = parseBare(s[n+1:]); !ok {
			return m, false
		}
	}
	return m, true
}

// parseBare reads a token, a string or an integer without a sign (RFC 9651 sections
// 4.2.4 to 4.2.6).
func parseBare(s string) (value, rest string, ok bool) {
	if s == "" {
		return "", "", false
	}
	if s[0] == '"' {
		i := strings.IndexByte(s[1:], '"')
		if i < 0 || strings.ContainsFunc(s[1:i+1], func(r rune) bool { return r < 0x20 || r > 0x7e || r == '\\' }) {
			return "", "", false
		}
		return s[1 : i+1], s[i+2:], true
	}
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n > 0 { // an integer, section 4.2.4
		return s[:n], s[n:], n <= 15
	}
	for n < len(s) && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] == '*' ||
		n > 0 && (s[n] >= '0' && s[n] <= '9' || strings.IndexByte("!#$%&'+-.^_`|~:/", s[n]) >= 0)) {
		n++
	}
	return s[:n], s[n:], n > 0
}

// Proxy-Status is a list member of RFC 9209 for every code, and says no more than
// the error type to strangers.
func TestProxyStatus(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	trusted, stranger := netip.MustParseAddrPort("10.0.0.1:1"), netip.MustParseAddrPort("192.0.2.1:1")
	for _, e := range failure.All() {
		for _, via := range []string{"", "gw", "my-gateway-01ab", "10-gw", "!gw", "*gw"} {
			for _, to := range []netip.AddrPort{trusted, stranger, {}} {
				for _, details := range []exchange.Details{exchange.DetailsTrusted, exchange.DetailsAlways, exchange.DetailsNever} {
					plan := &exchange.Plan{Via: via, Trusted: proxies, Details: details}
					var rec record.Record
					rec.Reset()
					rec.Peer = to
					a := rec.AddAttempt()
					a.Server, a.Dialled = "secret", serverAddr
					err := newFailure(e.Code.Party, e.Code.Phase, e.Code.Kind)
					err.Evidence.Rcode = 3
					err.Evidence.TLS = &failure.TLS{Alert: 40}
					got := exchange.ProxyStatus(plan, &rec, err)
					m, ok := parseMember(got)
					if !ok {
						t.Fatalf("%s: %q is no list member", e.Name, got)
					}
					if want := via; m.item != want && !(want == "" && m.item == "causey") {
						t.Errorf("%q names %q, want %q", got, m.item, want)
					}
					if m.params["error"] != e.ProxyError {
						t.Errorf("%q: error type %q, want %q", got, m.params["error"], e.ProxyError)
					}
					shown := details == exchange.DetailsAlways || details == exchange.DetailsTrusted && to == trusted
					if shown != (m.params["details"] == e.Name) || !shown && len(m.params) > 1 {
						t.Errorf("%q to %s with %d", got, to, details)
					}
					if hop := m.params["next-hop"]; (hop == serverAddr.String()) != (shown && e.Code.Party == failure.Upstream) {
						t.Errorf("%q: next hop %q", got, hop)
					}
					if (m.params["rcode"] == "3") != (shown && e.ProxyError == "dns_error") {
						t.Errorf("%q: rcode %q", got, m.params["rcode"])
					}
					alerted := shown && e.ProxyError == "tls_alert_received"
					if (m.params["alert-id"] == "40") != alerted || (m.params["alert-message"] == "handshake_failure") != alerted {
						t.Errorf("%q: alert %q %q", got, m.params["alert-id"], m.params["alert-message"])
					}
				}
			}
		}
	}
}

// Only an alert of the server's is one that was received, and not every number has a
// name.
func TestProxyStatusOfAlerts(t *testing.T) {
	plan := &exchange.Plan{Details: exchange.DetailsAlways}
	for _, c := range []struct {
		tls  *failure.TLS
		want string
	}{
		{nil, ""}, {&failure.TLS{Alert: -1}, ""}, {&failure.TLS{Alert: 80, AlertSent: true}, ""},
		{&failure.TLS{Alert: 255}, "; alert-id=255"}, {&failure.TLS{Alert: 112}, `; alert-id=112; alert-message="unrecognized_name"`},
	} {
		var rec record.Record
		rec.Reset()
		err := newFailure(failure.Upstream, phase.UpHandshake, failure.Alert)
		err.Evidence.TLS = c.tls
		want := "causey; error=tls_alert_received" + c.want + `; details="upstream.up-handshake.alert"`
		if got := exchange.ProxyStatus(plan, &rec, err); got != want {
			t.Errorf("%+v: %q, want %q", c.tls, got, want)
		}
		if _, ok := parseMember(want); !ok {
			t.Errorf("%q is no list member", want)
		}
	}
}

// The parser of this test refuses what is no member, else it shows nothing.
func TestParseMember(t *testing.T) {
	for _, bad := range []string{"", "1gw", `"gw`, "gw; error", "gw; error=", "gw; Error=a", "gw error=a", `gw; details="a\"`, "gw; a=b; a=c", "gw,", `"ä"`} {
		if m, ok := parseMember(bad); ok {
			t.Errorf("%q is taken for %v", bad, m)
		}
	}
}

// Retry-After spreads clients over a few seconds, on 503 only; nothing of ours is
// stored by a cache.
func TestOwnFields(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		seen := map[string]bool{}
		for range 10 {
			g.group.servers[0].dials = []failure.Kind{failure.BacklogFull}
			c := g.send("GET /")
			g.wantHead("busy", c, 503, "Cache-Control: no-store", "Content-Type: text/plain; charset=utf-8")
			after := fieldOf(c.heads[0].fields, "Retry-After")
			if len(after) != 1 || after < "1" || after > "5" {
				t.Errorf("Retry-After %q", after)
			}
			seen[after] = true
			r := g.wantEnd("busy", record.Answered, "upstream.connect.backlog-full")
			if want := strings.HasPrefix(fieldOf(c.heads[0].fields, "Proxy-Status"), "gw; error=connection_limit_reached"); !want || r.Status != 503 {
				t.Errorf("%q", c.heads[0].fields)
			}
			if got, want := fieldOf(c.heads[0].fields, "Content-Length"), len(g.readAll(c)); got != strconv.Itoa(want) {
				t.Errorf("Content-Length %s of %d", got, want)
			}
		}
		if len(seen) != 5 {
			t.Errorf("only %d different times", len(seen))
		}
	})
}
