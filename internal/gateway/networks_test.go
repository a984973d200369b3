// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/internal/cdn"
	"causey/internal/config"
	"causey/internal/exchange"
	"causey/internal/record"
	"causey/internal/testkit"
)

// TestStrays: exchanges from a set that is not trusted are counted and told once an
// hour; from one that is trusted, and from elsewhere, not.
func TestStrays(t *testing.T) {
	var log testkit.Log
	g := &Gateway{opts: Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}}
	g.clock.set()
	cfg := &config.Config{TrustedProxies: []config.NetworkOrSet{{Set: "fastly"}}}
	l := live{networks: g.loadNetworks(cfg)}
	l.plan = &exchange.Plan{Trusted: l.networks.prefixes(cfg.TrustedProxies)}
	g.useNetworks(l)
	log.Reset()
	start := time.Now()
	batch := func(peer string, after time.Duration) {
		rec := record.Record{}
		rec.Reset()
		rec.Peer, rec.Start = netip.AddrPortFrom(netip.MustParseAddr(peer), 1), start.Add(after)
		g.strays.Consume([]record.Record{rec})
	}
	many := func(peer string, n int, after time.Duration) {
		for range n {
			batch(peer, after)
		}
	}
	many("104.16.0.1", straysMin-1, 0) // not many yet
	if log.String() != "" {
		t.Errorf("%s", log.String())
	}
	many("2606:4700::1", 5, 59*time.Minute)
	many("151.101.1.1", 20, 0) // Fastly
	batch("192.0.2.1", 0)
	if n := log.Count("level=WARN"); n != 1 || !strings.Contains(log.String(), "add cloudflare to trusted_proxies") {
		t.Errorf("%s", log.String())
	}
	// In the next hour they are many again; in the one after that few among others.
	many("104.16.0.1", straysMin, 2*time.Hour)
	many("192.0.2.1", 100, 4*time.Hour)
	many("104.16.0.1", straysMin, 4*time.Hour)
	if n := log.Count("level=WARN"); n != 2 {
		t.Errorf("%d warnings", n)
	}
	for _, s := range g.strays.snapshot() {
		if want := map[string]uint64{"cloudflare": 34}[s.Name]; s.Untrusted != want {
			t.Errorf("%s: %d, want %d", s.Name, s.Untrusted, want)
		}
	}
	var rec record.Record
	rec.Reset()
	rec.Peer, rec.Start = netip.MustParseAddrPort("104.16.0.1:1"), start
	one := []record.Record{rec}
	if n := testing.AllocsPerRun(100, func() { g.strays.Consume(one) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestDoubts: sets that are used and cannot be, or are old.
func TestDoubts(t *testing.T) {
	cfg := &config.Config{TrustedProxies: []config.NetworkOrSet{{Set: "cloudflare"}}, Listen: []config.Listener{{ProxyProtocol: []config.NetworkOrSet{{Set: "bunny"}}}}}
	sets, _ := cdn.Load("", time.Now())
	i := slices.IndexFunc(sets, func(s cdn.Set) bool { return s.Name == "cloudflare" })
	told := func(now time.Time) (keys []string) {
		for _, p := range doubts(cfg, sets, now) {
			keys = append(keys, p.Path)
		}
		return keys
	}
	if got := told(sets[i].Retrieved.Add(cdn.OldAfter)); !slices.Equal(got, []string{"listen[0].proxy_protocol"}) {
		t.Error(got)
	}
	if got := told(sets[i].Retrieved.Add(cdn.OldAfter + time.Hour)); !slices.Equal(got, []string{"listen[0].proxy_protocol", "trusted_proxies"}) {
		t.Error(got)
	}
}

// TestProxyProtocol goes from configuration to origin and log, with a reload that
// changes who is expected to introduce clients.
func TestProxyProtocol(t *testing.T) {
	o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Forwarded-For"))
	}))
	defer o.Close()
	text := strings.Replace(plain, `["127.0.0.1:0"]`, `[{address: "127.0.0.1:0", proxy_protocol: [NETWORKS]}]`, 1)
	with := func(networks string) string { return strings.Replace(text, "NETWORKS", networks, 1) }
	g, next := gatewayFor(t, with("127.0.0.0/8, cloudflare"), "ORIGIN", strings.TrimPrefix(o.URL, "http://"))
	ask := func(header string) (status int, body string) {
		t.Helper()
		c, err := net.Dial("tcp", g.Addrs()[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%sGET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n", header)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	const header = "PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n"
	// Whom the proxy names is no trusted proxy, and not believed as one.
	if status, body := ask(header); status != 200 || body != "192.0.2.7" {
		t.Errorf("%d %q", status, body)
	}
	// A client that is a trusted proxy itself is.
	if status, body := ask(strings.Replace(header, "192.0.2.7", "127.0.0.9", 1)); status != 200 || body != "203.0.113.9, 127.0.0.9" {
		t.Errorf("%d %q", status, body)
	}
	if status, _ := ask(""); status != 400 {
		t.Errorf("without a header: %d", status)
	}
	next(with("fastly"))
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(header); status != 400 {
		t.Errorf("untrusted: %d", status)
	}
	if status, body := ask(""); status != 200 || body != "203.0.113.9, 127.0.0.1" {
		t.Errorf("%d %q", status, body)
	}
}

// TestNetworksOfDirectory: a newer list is used from the next reload on.
func TestNetworksOfDirectory(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Parse(filepath.Join(dir, "c.yaml"), []byte(strings.NewReplacer("DIR", dir, "ORIGIN", "3000").Replace(plain)+"trusted_proxies: [bunny]\n"))
	if err != nil {
		t.Fatal(err)
	}
	var log testkit.Log
	g, err := New(cfg, Options{StateDir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil)), Load: func() (*config.Config, error) { return cfg, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	defer g.Stop(nil)
	if !strings.Contains(log.String(), "the set bunny has no networks yet") || len(g.plan.Load().Trusted) != 0 {
		t.Errorf("%s", log.String())
	}
	sets, _ := cdn.Load(dir, time.Now())
	for _, s := range sets {
		if s.Name == "bunny" {
			if err := s.Save(dir, []netip.Prefix{netip.MustParsePrefix("203.0.114.0/24")}, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := g.plan.Load().Trusted; len(got) != 1 || got[0].String() != "203.0.114.0/24" {
		t.Errorf("%v", got)
	}
}
