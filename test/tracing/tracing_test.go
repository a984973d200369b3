// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package tracing_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causey/lab/origin"
	"causey/test/harness"
)

const (
	traceID    = "4bf92f3577b34da6a3ce929d0e0e4736"
	callerSpan = "00f067aa0ba902b7"
	sampled    = "traceparent: 00-" + traceID + "-" + callerSpan + "-01"
)

// ask sends a request and returns the traceparent and tracestate that the server got.
func ask(t *testing.T, g *harness.Gateway, lines ...string) (parent, state string) {
	t.Helper()
	a := g.Dial().Ask("GET /echo HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n")
	var echoed struct {
		Headers [][]string `json:"headers"`
	}
	if err := json.Unmarshal([]byte(a.Text), &echoed); err != nil || a.StatusCode != 200 {
		t.Fatalf("%d %q: %v", a.StatusCode, a.Text, err)
	}
	for _, h := range echoed.Headers {
		switch strings.ToLower(h[0]) {
		case "traceparent":
			parent += h[1]
		case "tracestate":
			state += h[1]
		}
	}
	return parent, state
}

func tracingTo(c *collector, more string) string {
	return fmt.Sprintf("tracing:\n  endpoint: %s\n%s", c.endpoint(), more)
}

// TestParentsJoin: I1. Caller, gateway, attempt and server are one chain, from a
// trusted proxy (the tests' own address is one) that samples.
func TestParentsJoin(t *testing.T) {
	harness.CheckGoroutines(t)
	c := newCollector(t)
	o := harness.Origin(t, origin.Options{})
	headers := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(headers, []byte("Authorization: Bearer abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: tracingTo(c, "  ratio: 0\n  headers_file: "+headers)})
	parent, state := ask(t, g, sampled, "tracestate: a=1")
	g.Eventually("spans", func() bool { return len(c.spans()) > 0 })
	spans := c.spans()
	servers, clients := of(spans, serverKind), of(spans, clientKind)
	if len(servers) != 1 || len(clients) != 1 {
		t.Fatalf("spans: %+v", spans)
	}
	if s := servers[0]; s.TraceID != traceID || s.Parent != callerSpan || s.Name != "GET /" || s.attribute("url.path") != "/echo" || s.Status.Code != 0 {
		t.Errorf("the exchange: %+v", s)
	}
	if s := clients[0]; s.TraceID != traceID || s.Parent != servers[0].ID || s.attribute("http.response.status_code") != "200" {
		t.Errorf("the attempt: %+v", s)
	}
	if want := "00-" + traceID + "-" + clients[0].ID + "-01"; parent != want || state != "a=1" {
		t.Errorf("the server got %q and %q, want %q", parent, state, want)
	}
	if got := c.headers[0].Get("Authorization"); got != "Bearer abc" {
		t.Errorf("Authorization: %q", got)
	}
	if l := g.Line(harness.Of("/echo")); !strings.Contains(l.Raw, `"trace_id":"`+traceID+`"`) {
		t.Errorf("line: %s", l.Raw)
	}
}

// TestStrangersDoNotForceSampling: from others the id is taken and nothing else; but
// what fails is exported whatever anybody says.
func TestStrangersDoNotForceSampling(t *testing.T) {
	c := newCollector(t)
	o := harness.Origin(t, origin.Options{})
	top := "trusted_proxies: []\n" + tracingTo(c, "  ratio: 0")
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: top})
	parent, _ := ask(t, g, sampled)
	if !strings.HasPrefix(parent, "00-"+traceID+"-") || !strings.HasSuffix(parent, "-00") || strings.Contains(parent, callerSpan) {
		t.Errorf("the server got %q", parent)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	g.Configure(harness.Config{Servers: []string{gone.Addr().String()}, Top: top})
	if err := g.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := g.Dial().Ask("GET /gone HTTP/1.1\r\nHost: a.example\r\n" + sampled + "\r\n\r\n"); a.StatusCode != 502 {
		t.Errorf("answer: %d", a.StatusCode)
	}
	g.Eventually("spans", func() bool { return len(c.spans()) > 0 })
	for _, s := range c.spans() {
		if s.Kind != internalKind && (s.attribute("error.type") != "upstream.connect.refused" || s.Status.Code != 2 || s.Status.Message == "") {
			t.Errorf("span: %+v", s)
		}
		if s.Kind == serverKind && (s.attribute("url.path") != "/gone" || s.Parent != callerSpan) {
			t.Errorf("the exchange: %+v", s)
		}
	}
}

// TestReloadAndStop: a reload sends what is left to the old collector and goes on
// with the new one, or without; a stop sends what is left.
func TestReloadAndStop(t *testing.T) {
	harness.CheckGoroutines(t)
	one, two := newCollector(t), newCollector(t)
	o := harness.Origin(t, origin.Options{})
	config := func(top string) harness.Config {
		return harness.Config{Servers: []string{o.Addr()}, Top: top}
	}
	reload := func(g *harness.Gateway, top string) {
		t.Helper()
		g.Configure(config(top))
		if err := g.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	g := harness.Start(t, config(""))
	if parent, state := ask(t, g, "traceparent: as it was", "tracestate: too"); parent != "as it was" || state != "too" {
		t.Errorf("without tracing the server got %q and %q", parent, state)
	}
	if l := g.Line(harness.Of("/echo")); strings.Contains(l.Raw, "trace_id") {
		t.Errorf("line: %s", l.Raw)
	}
	exchanges := func(c *collector) int { return len(of(c.spans(), serverKind)) }
	reload(g, tracingTo(one, "  ratio: 1"))
	ask(t, g)
	g.Eventually("the line", func() bool { return len(g.Lines()) == 2 }) // so it has reached the exporter
	reload(g, tracingTo(two, "  ratio: 1"))
	if exchanges(one) != 1 {
		t.Errorf("the old collector has %d exchanges", exchanges(one))
	}
	ask(t, g)
	ask(t, g)
	g.Stop(nil)
	if exchanges(one) != 1 || exchanges(two) != 2 {
		t.Errorf("the collectors have %d and %d exchanges", exchanges(one), exchanges(two))
	}
}
