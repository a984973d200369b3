// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"causey/lab/origin"
	"causey/lab/real"
	"causey/test/harness"
)

func startHAProxy(t *testing.T, o real.HAProxyOptions) *real.Process {
	t.Helper()
	p, err := real.StartHAProxy(t.Context(), o)
	return must(t, p, err)
}

// fetch asks once on a connection of its own.
func fetch(t *testing.T, addr string) string {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s %q %v", resp.Status, b, err)
	}
	return string(b)
}

// expecting is a listener that HAProxy introduces clients to: it connects from 127.0.0.1.
var expecting = []string{"{address: '127.0.0.1:0', proxy_protocol: [127.0.0.0/8]}"}

// TestBehindHAProxy: whom HAProxy names in either version is the peer, and HAProxy is the proxy.
func TestBehindHAProxy(t *testing.T) {
	for name, send := range map[string]string{
		"v1": "send-proxy", "v2": "send-proxy-v2", "v2 with values": "send-proxy-v2 proxy-v2-options crc32c,unique-id",
	} {
		t.Run(name, func(t *testing.T) {
			o := harness.Origin(t, origin.Options{})
			g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Listen: expecting})
			h := startHAProxy(t, real.HAProxyOptions{Forward: g.Addr, Send: send})
			fetch(t, h.Addr())
			l := g.Line(harness.Of("/"))
			if l.Failure != "" || !strings.HasPrefix(l.Peer, "127.0.0.1:") || !strings.HasPrefix(l.Proxy, "127.0.0.1:") || l.Peer == l.Proxy {
				t.Errorf("line: %s", l.Raw)
			}
		})
	}
}

// TestBehindHAProxyWithoutHeader: a load balancer that was not told to send it gets a failure by that name.
func TestBehindHAProxyWithoutHeader(t *testing.T) {
	g := harness.Start(t, harness.Config{Servers: []string{"127.0.0.1:1"}, Listen: expecting})
	h := startHAProxy(t, real.HAProxyOptions{Forward: g.Addr})
	resp, err := http.Get("http://" + h.Addr() + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if l := g.Line(func(harness.Line) bool { return true }); resp.StatusCode != 400 || l.Failure != "client.accept.no-proxy-header" {
		t.Errorf("%s, line: %s", resp.Status, l.Raw)
	}
}

// TestBeforeHAProxy: HAProxy reads what we send, in either version, on every connection.
func TestBeforeHAProxy(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		t.Run(version, func(t *testing.T) {
			h := startHAProxy(t, real.HAProxyOptions{Accept: true})
			g := harness.Start(t, harness.Config{Servers: []string{h.Addr()}, Upstream: "proxy_protocol: " + version})
			c := g.Dial()
			for range 2 {
				a := c.Ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				if want := c.LocalAddr().String() + " " + g.Addr + " []\n"; a.Text != want {
					t.Errorf("%q, want %q", a.Text, want)
				}
			}
			for _, l := range g.Lines() {
				if l.Failure != "" || l.Reused {
					t.Errorf("line: %s", l.Raw)
				}
			}
		})
	}
}

// TestBetweenHAProxies: what the first says of the client, its checksummed values included, reaches the last.
func TestBetweenHAProxies(t *testing.T) {
	last := startHAProxy(t, real.HAProxyOptions{Accept: true})
	g := harness.Start(t, harness.Config{Servers: []string{last.Addr()}, Listen: expecting, Upstream: "proxy_protocol: v2"})
	first := startHAProxy(t, real.HAProxyOptions{Forward: g.Addr, Send: "send-proxy-v2 proxy-v2-options crc32c,unique-id", ID: "conn-7"})
	body := fetch(t, first.Addr())
	l := g.Line(harness.Of("/"))
	if want := l.Peer + " " + first.Addr() + " [conn-7]\n"; body != want {
		t.Errorf("%q, want %q", body, want)
	}
}
