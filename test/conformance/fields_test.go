// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"causey/lab/origin"
	"causey/test/harness"
)

// echoed is what the server received.
type echoed struct {
	Method  string     `json:"method"`
	Target  string     `json:"target"`
	Headers [][]string `json:"headers"`
}

// all returns the values of one field, in order.
func (e echoed) all(name string) (values []string) {
	for _, h := range e.Headers {
		if strings.EqualFold(h[0], name) {
			values = append(values, h[1])
		}
	}
	return values
}

func (e echoed) one(name string) string { return strings.Join(e.all(name), "|") }

// ask sends a request with these field lines and returns what the server saw.
func ask(t *testing.T, g *harness.Gateway, lines ...string) echoed {
	t.Helper()
	return asked(t, g.Dial().Ask("GET /echo HTTP/1.1\r\nHost: a.example\r\n"+strings.Join(append(lines, ""), "\r\n")+"\r\n"))
}

func asked(t *testing.T, a harness.Answer) (e echoed) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Text), &e); err != nil || a.StatusCode != 200 {
		t.Fatalf("%d %q: %v", a.StatusCode, a.Text, err)
	}
	return e
}

// RFC 9110 section 7.6.1: what is for one hop ends there, both ways.
func TestHopByHop(t *testing.T) {
	_, g := pair(t, origin.Options{})
	e := ask(t, g, "Connection: X-Private, keep-alive", "X-Private: 1", "Keep-Alive: timeout=5", "Proxy-Connection: x", "TE: gzip, trailers", "X-Public: 2")
	for _, name := range []string{"X-Private", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade"} {
		if got := e.all(name); got != nil {
			t.Errorf("the server got %s: %q", name, got)
		}
	}
	if e.one("X-Public") != "2" || e.one("TE") != "trailers" || !strings.EqualFold(e.one("Connection"), "TE") {
		t.Errorf("X-Public %q, TE %q, Connection %q", e.one("X-Public"), e.one("TE"), e.one("Connection"))
	}
	a := g.Dial().Ask(get("/lab/hop-by-hop"))
	if a.Header.Get("X-Private") != "" || a.Header.Get("Keep-Alive") != "" || a.Header.Get("X-Public") != "2" {
		t.Errorf("the client got %v", a.Header)
	}
	// What the client names in Connection cannot take away what the gateway says.
	e = ask(t, g, "Connection: X-Forwarded-For, Via, X-Request-Id, Host")
	if e.one("X-Forwarded-For") != "127.0.0.1" || e.one("Via") == "" || e.one("Host") != "a.example" {
		t.Errorf("X-Forwarded-For %q, Via %q, Host %q", e.one("X-Forwarded-For"), e.one("Via"), e.one("Host"))
	}
	// Fields that may come more than once stay apart and in order.
	if got := ask(t, g, "Cookie: a=1", "Accept: x", "Cookie: b=2").all("Cookie"); !slices.Equal(got, []string{"a=1", "b=2"}) {
		t.Errorf("Cookie %q", got)
	}
	if got := g.Dial().Ask(get("/lab/set-cookie-twice")).Header["Set-Cookie"]; len(got) != 2 {
		t.Errorf("Set-Cookie %q", got)
	}
}

// RFC 9110 section 7.6.3.
func TestVia(t *testing.T) {
	_, g := pair(t, origin.Options{})
	via := ask(t, g, "Via: 1.0 before").all("Via")
	if len(via) != 1 || !strings.HasPrefix(via[0], "1.0 before, 1.1 causey-") {
		t.Errorf("Via %q", via)
	}
	old := asked(t, g.Dial().Ask("GET /echo HTTP/1.0\r\n\r\n"))
	if !strings.HasPrefix(old.one("Via"), "1.0 causey-") {
		t.Errorf("Via of an HTTP/1.0 client: %q", old.one("Via"))
	}
}

// A request that comes back is answered 502 and named a loop, at once.
func TestLoop(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free when the gateway takes it
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	harness.Gateways(t, addr)
	second := harness.Start(t, harness.Config{Servers: []string{addr}})
	g := harness.Start(t, harness.Config{Servers: []string{second.Addr}, Listen: []string{addr}})
	a := g.Dial().Ask(get("/round"))
	if a.StatusCode != 502 {
		t.Errorf("status %d", a.StatusCode)
	}
	g.Line(func(l harness.Line) bool { return l.Failure == "gateway.route.loop" })
	g.Line(func(l harness.Line) bool { return l.UpstreamStatus == 502 })
	if n := len(g.Lines()); n != 2 {
		t.Errorf("the request came %d times", n)
	}
	// Two gateways of one name in a row are no loop.
	o := harness.Origin(t, origin.Options{})
	inner := harness.Start(t, harness.Config{Servers: []string{o.Addr()}})
	outer := harness.Start(t, harness.Config{Servers: []string{inner.Addr}})
	if via := ask(t, outer).one("Via"); strings.Count(via, "causey-") != 2 {
		t.Errorf("Via %q", via)
	}
}

// Nobody who is not trusted can say who the client is.
func TestForwardedUntrusted(t *testing.T) {
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: "trusted_proxies: []\nforwarded: {emit: [x-forwarded, forwarded]}"})
	e := ask(t, g, "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example",
		"X-Forwarded-Port: 1", "X-Real-IP: 203.0.113.9", `Forwarded: for=203.0.113.9`)
	want := map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": harness.Scheme(), "X-Forwarded-Host": "a.example",
		"X-Forwarded-Port": "", "X-Real-IP": "", "Forwarded": `for=127.0.0.1;host="a.example";proto=` + harness.Scheme()}
	for name, value := range want {
		if got := e.one(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if l := g.Line(harness.Of("/echo")); l.Client != "127.0.0.1" {
		t.Errorf("client %s", l.Client)
	}
}

// Behind trusted proxies the client is the rightmost address that is not one.
func TestForwardedTrusted(t *testing.T) {
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: "trusted_proxies: [127.0.0.0/8, 10.0.0.0/8]"})
	for i, c := range []struct{ sent, client string }{
		{"", "127.0.0.1"},
		{"203.0.113.9", "203.0.113.9"},
		{"198.51.100.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"},
		{"198.51.100.1, 203.0.113.9:4711, 10.1.1.1", "203.0.113.9"},
		{"[2001:db8::1]:80, 10.1.1.1", "2001:db8::1"},
		{"203.0.113.9, garbage, 10.1.1.1", "10.1.1.1"}, // nothing left of garbage is believed
		{"10.2.2.2, 10.1.1.1", "10.2.2.2"},
	} {
		lines := []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example"}
		want := "127.0.0.1"
		if c.sent != "" {
			lines = append(lines, "X-Forwarded-For: "+c.sent)
			want = c.sent + ", 127.0.0.1"
		}
		host := fmt.Sprintf("case-%d", i)
		e := asked(t, g.Dial().Ask("GET /echo HTTP/1.1\r\nHost: "+host+"\r\n"+strings.Join(append(lines, ""), "\r\n")+"\r\n"))
		if e.one("X-Forwarded-For") != want || e.one("X-Forwarded-Proto") != "https" || e.one("X-Forwarded-Host") != "shop.example" {
			t.Errorf("%q: For %q, Proto %q, Host %q", c.sent, e.one("X-Forwarded-For"), e.one("X-Forwarded-Proto"), e.one("X-Forwarded-Host"))
		}
		if l := g.Line(func(l harness.Line) bool { return l.Host == host }); l.Client != c.client {
			t.Errorf("%q: client %s, want %s", c.sent, l.Client, c.client)
		}
	}
}

// The reference is ours; the client's own id, and its trace, are passed on.
func TestIdentifiers(t *testing.T) {
	_, g := pair(t, origin.Options{})
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	e := ask(t, g, "X-Request-Id: mine", "traceparent: "+trace, "tracestate: a=b")
	if e.one("X-Request-Id") != "mine" || e.one("traceparent") != trace || e.one("tracestate") != "a=b" {
		t.Errorf("X-Request-Id %q, traceparent %q, tracestate %q", e.one("X-Request-Id"), e.one("traceparent"), e.one("tracestate"))
	}
	l := g.Line(harness.Of("/echo"))
	if l.ID == "mine" || !strings.Contains(l.Raw, `"client_request_id":"mine"`) {
		t.Errorf("line: %s", l.Raw)
	}
	got := asked(t, g.Dial().Ask("GET /echo HTTP/1.1\r\nHost: second\r\n\r\n")).one("X-Request-Id")
	if want := g.Line(func(l harness.Line) bool { return l.Host == "second" }).ID; got != want {
		t.Errorf("the server got X-Request-Id %q, want %q", got, want)
	}
	a := g.Dial().Ask("GET /lab/close HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n")
	if got := a.Header.Get("X-Request-Id"); got == "mine" || got != g.Line(harness.Of("/lab/close")).ID {
		t.Errorf("an own answer says X-Request-Id %q", got)
	}
}

// RFC 9112 section 3.2.2: absolute-form counts for more than Host.
func TestAbsoluteForm(t *testing.T) {
	_, g := pair(t, origin.Options{})
	e := asked(t, g.Dial().Ask("GET http://b.example/echo HTTP/1.1\r\nHost: b.example\r\n\r\n"))
	if e.Target != "/echo" || e.one("Host") != "b.example" {
		t.Errorf("target %q, Host %q", e.Target, e.one("Host"))
	}
}

// Clients and servers on unix sockets.
func TestUnixSockets(t *testing.T) {
	dir := t.TempDir()
	o, err := origin.Start("unix", filepath.Join(dir, "o.sock"), origin.Options{})
	if err != nil {
		t.Skipf("the path is too long for a socket here: %v", err)
	}
	defer o.Close()
	path := filepath.Join(dir, "g.sock")
	g := harness.Start(t, harness.Config{Servers: []string{"unix:" + o.Addr()}, Listen: []string{"unix:" + path}})
	c := g.DialTo("unix", path)
	for range 3 {
		e := asked(t, c.Ask(get("/echo")))
		if e.one("Host") != "a.example" || e.one("X-Forwarded-For") == "" {
			t.Errorf("Host %q, X-Forwarded-For %q", e.one("Host"), e.one("X-Forwarded-For"))
		}
	}
	isPattern(t, c.Ask(get("/size/300000")), 300000)
	if conns, _ := o.Counts(); conns != 1 {
		t.Errorf("%d connections", conns)
	}
	g.Line(func(l harness.Line) bool { return strings.HasPrefix(l.Server, "unix:") && l.Reused })
}

// RFC 7239 section 4: each proxy's element comes behind those before it.
func TestForwardedField(t *testing.T) {
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Top: "forwarded: {emit: [forwarded]}"})
	e := ask(t, g, "Forwarded: for=203.0.113.9;proto=https", "X-Forwarded-For: 203.0.113.9")
	if want := `for=203.0.113.9;proto=https, for=127.0.0.1;host="a.example";proto=` + harness.Scheme(); e.one("Forwarded") != want {
		t.Errorf("Forwarded %q", e.one("Forwarded"))
	}
}
