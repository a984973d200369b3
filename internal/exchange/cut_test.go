// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"strings"
	"testing"
	"time"

	"causey/internal/record"
)

// An answer that was begun and cannot be completed is aborted, never ended. I3.
func TestAnswerIsCut(t *testing.T) {
	for _, c := range []struct {
		name, code string
		framing    string
		cut        func(g *testGateway, o *leaseTwin)
	}{
		{"short", "upstream.relay-body.short", "Content-Length: 10", func(_ *testGateway, o *leaseTwin) { o.leave(byFIN) }},
		{"reset", "upstream.relay-body.reset", "Content-Length: 10", func(_ *testGateway, o *leaseTwin) { o.leave(byRST) }},
		{"no last chunk", "upstream.relay-body.no-last-chunk", "Transfer-Encoding: chunked", func(_ *testGateway, o *leaseTwin) { o.leave(byFIN) }},
		{"reset until close", "upstream.relay-body.reset", "Connection: close", func(_ *testGateway, o *leaseTwin) { o.leave(byRST) }},
		{"stall", "upstream.relay-body.timeout", "Content-Length: 10", func(g *testGateway, _ *leaseTwin) { g.pass(30 * time.Second) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				cl := g.send("GET /")
				o := g.arrives("sent").answer("HTTP/1.1 200 OK", c.framing)
				o.body("hello")
				g.wantHead("begun", cl, 200)
				g.settle()
				c.cut(g, o)
				g.wantAborted("cut", cl)
				if got := g.readAll(cl); got != "hello" && c.name != "reset" {
					t.Errorf("the client got %q", got)
				}
				r := g.wantEnd("cut", record.Cut, c.code)
				if r.Status != 200 || r.UpStatus != 200 || r.BodyOut != 5 {
					t.Errorf("status %d, upstream's %d, %d bytes", r.Status, r.UpStatus, r.BodyOut)
				}
				cl = g.send("GET /")
				o = g.arrives("the next request")
				if o.reused && !g.twin.mux {
					t.Error("a connection that was cut is used again")
				}
				o.ok("")
				g.wantAnswer("the next one is well", cl, 200, "")
				g.wantEnd("the next one is well", record.Relayed, "")
			})
		})
	}
}

// An answer of which the client has seen nothing is replaced by our own. I3.
func TestAnswerIsReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		cl := g.send("GET /", "Accept: text/plain")
		o := g.arrives("sent")
		o.mu.Lock() // all comes at once
		o.raw = headBytes([]string{"HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Set-Cookie: secret"})
		o.firstAt, o.bad = time.Now(), true
		o.down.put([]byte("half"))
		o.mu.Unlock()
		g.wantHead("our own", cl, 502, "Content-Type: text/plain; charset=utf-8", "-Set-Cookie")
		if body := g.readAll(cl); !strings.Contains(body, "Reference: ") || !cl.down.ended {
			t.Errorf("the body is %q, ended %v", body, cl.down.ended)
		}
		r := g.wantEnd("replaced", record.Answered, "upstream.relay-body.bad-chunk")
		if r.Status != 502 || r.UpStatus != 200 || int(r.BodyOut) != len(g.readAll(cl)) {
			t.Errorf("status %d, upstream's %d, %d bytes", r.Status, r.UpStatus, r.BodyOut)
		}
	})
}

// An answer that ends with the connection passes on as one of unknown length.
func TestAnswerUntilClose(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /")
		o := g.arrives("sent").answer("HTTP/1.0 200 OK")
		o.body("all of it")
		g.settle()
		o.leave(byFIN)
		g.wantAnswer("whole", c, 200, "all of it")
		if f := c.heads[0].framing.String(); f != "chunked" {
			t.Errorf("framed as %s", f)
		}
		g.wantEnd("whole", record.Relayed, "")
	})
}

// Bytes behind an answer are a warning: the client got all of it.
func TestExcess(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /")
		o := g.arrives("sent")
		o.mu.Lock()
		o.raw, o.firstAt = headBytes([]string{"HTTP/1.1 200 OK", "Content-Length: 2"}), time.Now()
		o.down.put([]byte("okHTTP/1.1 200 OK\r\n"))
		o.mu.Unlock()
		g.wantAnswer("whole", c, 200, "ok")
		g.wantEnd("with a warning", record.Relayed, "upstream.relay-body.excess")
	})
}

func TestHead(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("HEAD /")
		g.arrives("sent").answer("HTTP/1.1 200 OK", "Content-Length: 1000")
		g.wantAnswer("no body", c, 200, "", "Content-Length: 1000")
		if !c.heads[0].noBody {
			t.Error("a body is announced")
		}
		g.wantEnd("no body", record.Relayed, "")

		c = g.send("HEAD /", "Accept: text/html")
		g.arrives("sent on the same connection").leave(byFIN)
		o := g.arrives("repeated")
		o.leave(byFIN)
		g.wantAnswer("our own has no body either", c, 502, "", "Content-Type: text/html; charset=utf-8")
		if n := fieldOf(c.heads[0].fields, "Content-Length"); n == "" || n == "0" || !c.heads[0].noBody {
			t.Errorf("Content-Length %q, no body %v", n, c.heads[0].noBody)
		}
		r := g.wantEnd("first failure", record.Answered, "upstream.await-head.closed-reused")
		if r.BodyOut != 0 {
			t.Errorf("%d bytes out", r.BodyOut)
		}

		for _, status := range []string{"204 No Content", "304 Not Modified"} {
			c = g.send("GET /")
			g.arrives("sent").answer("HTTP/1.1 " + status)
			g.wantAnswer("no body", c, map[byte]int{'2': 204, '3': 304}[status[0]], "")
			g.wantEnd("no body", record.Relayed, "")
		}
	})
}

func TestInterim(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("POST /", "Content-Length: 2", "Expect: 100-continue")
		o := g.arrives("the expectation goes on")
		o.wantRequest("the expectation goes on", "POST /", "Expect: 100-continue")
		o.answer("HTTP/1.1 100 Continue")
		g.settle()
		if len(c.interims) != 1 || c.interims[0].status != 100 {
			t.Fatalf("the client got %v", c.interims)
		}
		c.body("ok")
		g.settle()
		o.answer("HTTP/1.1 103 Early Hints", "Link: </a>", "Connection: x-hop", "X-Hop: 1")
		g.settle()
		if len(c.interims) != 2 || c.interims[1].status != 103 {
			t.Fatalf("the client got %v", c.interims)
		}
		wantFields(t, "as any head", c.interims[1].fields, []string{"Link: </a>", "-X-Hop"})
		o.ok("done")
		g.wantAnswer("then the answer", c, 200, "done", "-Link")
		g.wantEnd("well", record.Relayed, "")

		c = g.send("GET /")
		g.arrives("sent").answer("HTTP/1.1 100 Continue").answer("HTTP/1.1 102 Processing").ok("")
		g.wantAnswer("a 100 that was not asked for stays here", c, 200, "")
		if len(c.interims) != 1 || c.interims[0].status != 102 {
			t.Errorf("the client got %v", c.interims)
		}
		g.wantEnd("well", record.Relayed, "")

		c = g.send("GET / HTTP/1.0", "Host: site.example")
		g.arrives("sent").answer("HTTP/1.1 103 Early Hints").ok("")
		g.wantAnswer("none to HTTP/1.0", c, 200, "")
		if len(c.interims) != 0 {
			t.Errorf("the client got %v", c.interims)
		}
		g.wantEnd("well", record.Relayed, "")
	})
}

func TestInterimsAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /")
		o := g.arrives("sent")
		for range 3 {
			o.answer("HTTP/1.1 103 Early Hints")
		}
		g.settle()
		g.wantRunning("three are allowed")
		o.answer("HTTP/1.1 103 Early Hints")
		g.wantHead("the fourth is one too many", c, 502)
		r := g.wantEnd("bounded", record.Answered, "upstream.read-head-up.too-many-interim")
		if r.Error.Evidence.Size != 4 || r.Error.Evidence.Limit != 3 {
			t.Errorf("%d of %d", r.Error.Evidence.Size, r.Error.Evidence.Limit)
		}
	})
}

// What the codec refuses of an answer is the upstream's failure.
func TestBadAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /")
		g.arrives("sent").bytes("SSH-2.0-OpenSSH\r\n")
		g.wantHead("no HTTP", c, 502)
		g.wantEnd("no HTTP", record.Answered, "upstream.read-head-up.other-protocol")
	})
}
