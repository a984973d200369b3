// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/ws"
)

// post is a POST request with a body of n bytes announced and those sent that are given.
func post(path string, n int, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", path, site, n, body)
}

// chunked is a POST request with a chunked body as given.
func chunked(path, body string) string {
	return "POST " + path + " HTTP/1.1\r\n" + site + "Transfer-Encoding: chunked\r\n\r\n" + body
}

// exactly is the path at which the origin sends these parts, with a pause between them.
func exactly(then origin.End, parts ...string) string {
	all := strings.Join(parts, "")
	path := "/lab/raw?then=" + string(then) + "&b64=" + base64.RawURLEncoding.EncodeToString([]byte(all))
	if len(parts) > 1 {
		path += fmt.Sprintf("&split=%d&every=30ms", len(parts[0]))
	}
	return path
}

// halfAnswer is an interim answer, from which a client knows that the answer has begun, and a piece of a head.
const halfAnswer = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Le"

// after sends a request, waits until ready, and leaves.
func after(request string, how client.How, ready func(*stage, *client.Conn)) func(*stage) client.Result {
	return func(s *stage) client.Result {
		c := s.dial()
		c.Send([]byte(request))
		ready(s, c)
		return c.Leave(how)
	}
}

// dialling waits until the exchange is under way.
func dialling(s *stage, _ *client.Conn) { s.active(1) }

// received waits until the origin has the request.
func received(s *stage, _ *client.Conn) { s.arrived(1) }

// hinted waits for an interim answer.
func hinted(s *stage, c *client.Conn) {
	if !c.ReceiveUntil(512, func(b []byte, _ int64) bool { return bytes.Contains(b, []byte("\r\n\r\n")) }) {
		s.t.Fatal("no interim answer")
	}
}

// answering waits for some body.
func answering(s *stage, c *client.Conn) {
	if !c.ReceiveUntil(512, func(b []byte, _ int64) bool { return bytes.Contains(b, []byte("event 2")) }) {
		s.t.Fatal("no body")
	}
}

const events = "/sse?n=0&every=100ms"

func clientCases() []Case {
	full := origin.Options{Accept: "full-backlog"}
	gone := "half_close: 50ms"
	fin, rst := evidence{"end": "fin", "errno": absent}, evidence{"end": "rst"}
	return []Case{
		{code: "client.route.no-site", text: sites("{host: other.example, routes: [{path: /, upstream: u}]}"),
			servers: nil, prepare: toOrigin, play: ask(get("/"))},
		{code: "client.route.no-route", text: sites("{host: shop.example, routes: [{path: /api, upstream: u}]}"),
			prepare: toOrigin, play: ask(get("/"))},
		{code: "client.route.method-not-allowed", text: sites("{host: shop.example, routes: [{path: /, methods: [GET], upstream: u}]}"),
			prepare: toOrigin, play: ask("DELETE / HTTP/1.1\r\n" + site + "\r\n")},
		{code: "client.route.connect-method", play: ask("CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n")},
		{code: "client.route.body-too-large", limits: "body: 1KiB", play: ask(post("/upload", 2000, "")),
			evidence: evidence{"size": 2000, "limit": 1024}},

		{code: "client.connect.closed", origin: full, timeouts: gone, seen: left, play: leave(get("/"), client.FIN), evidence: fin},
		{code: "client.connect.reset", origin: full, seen: left, play: after(get("/"), client.RST, dialling), evidence: rst},
		{code: "client.connect.closed", as: "resolving", network: "none", servers: []string{"app.test:80"}, dns: silent,
			timeouts: gone, seen: left, play: leave(get("/"), client.FIN), evidence: fin},

		{code: "client.send-body.closed", seen: left, play: after(post("/upload", 1000, "0123456789"), client.FIN, received),
			evidence: evidence{"end": "fin", "missing": 990}},
		{code: "client.send-body.reset", seen: left, play: after(post("/upload", 1000, "0123456789"), client.RST, received),
			evidence: evidence{"end": "rst", "errno": "ECONNRESET", "missing": 990}},
		{code: "client.send-body.closed", as: "chunked", seen: left,
			play:     after(chunked("/upload", "a\r\n0123456789\r\n"), client.FIN, received),
			evidence: evidence{"end": "fin", "missing": absent}},
		{code: "client.send-body.too-slow", top: "rates: {upload: 100KB/s, grace: 150ms}", play: ask(post("/upload", 1000, "0123456789")),
			evidence: evidence{"end": "open", "missing": 990}},
		{code: "client.send-body.bad-chunk", play: ask(chunked("/upload", "4\r\ngood\r\nzz\r\nbad!\r\n0\r\n\r\n"))},
		{code: "client.send-body.chunk-ext-too-large", limits: "chunk_line: 64",
			play: ask(chunked("/upload", "4;e="+strings.Repeat("x", 100)+"\r\ngood\r\n0\r\n\r\n")), evidence: evidence{"limit": 64, "size": above(64)}},
		{code: "client.send-body.bad-trailer", play: ask(chunked("/upload", "4\r\ngood\r\n0\r\nBroken\r\n\r\n"))},
		{code: "client.send-body.trailers-too-large", limits: "trailers: 256",
			play: ask(chunked("/upload", "4\r\ngood\r\n0\r\nX-A: "+strings.Repeat("x", 400)+"\r\n\r\n")), evidence: evidence{"limit": 256, "size": above(256)}},
		{code: "client.send-body.body-too-large", limits: "body: 1KiB",
			play: ask(chunked("/upload", "800\r\n"+strings.Repeat("x", 2048)+"\r\n0\r\n\r\n")), evidence: evidence{"limit": 1024, "size": above(1024)}},

		{code: "client.await-head.closed", timeouts: gone, seen: left, play: after(get("/lab/stall"), client.FIN, received), evidence: fin},
		{code: "client.await-head.reset", seen: left, play: after(get("/lab/stall"), client.RST, received), evidence: rst},
		{code: "client.read-head-up.closed", timeouts: gone, seen: left,
			play: after(get(exactly(origin.Stall, halfAnswer)), client.FIN, hinted), evidence: fin},
		{code: "client.read-head-up.reset", seen: left,
			play: after(get(exactly(origin.Stall, halfAnswer)), client.RST, hinted), evidence: rst},
		{code: "client.relay-body.closed", seen: left, play: func(s *stage) client.Result {
			c := s.dial()
			c.Send([]byte(get(events)))
			answering(s, c)
			return c.Close()
		}, evidence: evidence{"end": "fin"}},
		{code: "client.relay-body.closed", as: "half-closed", timeouts: gone, seen: left,
			play: after(get("/lab/stall-at?at=10&len=100"), client.FIN, func(s *stage, c *client.Conn) {
				c.ReceiveUntil(512, func(b []byte, _ int64) bool { return bytes.Contains(b, []byte("\r\n\r\n")) })
			}), evidence: fin},
		{code: "client.relay-body.reset", seen: left, play: after(get(events), client.RST, answering), evidence: rst},
		{code: "client.relay-body.too-slow", top: "rates: {download: 100KB/s, grace: 200ms}", seen: left, play: neverReads,
			evidence: evidence{"end": "open"}},
		{code: "client.tunnel.reset", seen: left, play: func(s *stage) client.Result { return s.tunnel("/ws").Leave(client.RST) },
			evidence: evidence{"end": "rst", "errno": "ECONNRESET"}},
	}
}

// neverReads asks for an endless answer and reads it only when the gateway has given up.
func neverReads(s *stage) client.Result {
	t := s.target()
	t.RecvBuffer = 1 // the kernel makes it its least
	c, err := client.Dial(s.ctx, t)
	if err != nil {
		s.t.Fatal(err)
	}
	c.Send([]byte(get("/lab/endless")))
	s.eventually("end of patience", func() bool { return len(s.failures()) > 0 })
	return c.Leave(client.Wait)
}

// tunnel opens a tunnel and sees an echo come through it.
func (s *stage) tunnel(path string) *client.WebSocket {
	s.t.Helper()
	w, err := client.DialWebSocket(s.ctx, s.target(), "shop.example", path)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := w.Send(ws.Frame{Last: true, Opcode: ws.Text, Payload: []byte("hello")}); err != nil {
		s.t.Fatal(err)
	}
	if f, err := w.Receive(); err != nil || string(f.Payload) != "hello" {
		s.t.Fatalf("echo: %q, %v", f.Payload, err)
	}
	return w
}

// sites is a configuration with these sites; %s stands for the server.
func sites(list string) string {
	return "sites: [" + list + "]\nupstreams: {u: {servers: [%s]}}\n"
}

// toOrigin puts the origin's address into the configuration's text.
func toOrigin(s *stage, c *Case) { c.text = fmt.Sprintf(c.text, s.origin.Addr()) }
