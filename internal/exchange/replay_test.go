// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"strings"
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/record"
)

// keeps makes bodies of up to n bytes ones that can be sent again while they stream.
func (g *testGateway) keeps(n int) {
	g.servers("a", "b", "c")
	g.route.Retry = exchange.Retry{Broken: true, Body: n, Statuses: []int{503}}
}

// An attempt that dies in the middle of an upload is followed by one that gets what was
// sent so far, and then the rest as it comes. I2.
func TestUploadGoesOnElsewhere(t *testing.T) {
	for _, head := range [][]string{
		{"GET /", "Content-Length: 10"},
		{"GET /", "Transfer-Encoding: chunked"},
		{"POST /", "Content-Length: 10"}, // by the owner's word
	} {
		onBoth(t, func(t *testing.T, g *testGateway) {
			g.keeps(10)
			g.route.Retry.Unsafe = head[0] == "POST /"
			c := g.send(head...)
			o := g.arrives("a is asked")
			c.body("012")
			g.settle()
			c.body("345")
			g.settle()
			if got := o.read(20); got != "012345" {
				t.Errorf("a got %q", got)
			}
			o.leave(byRST)
			o = g.arrives("b is asked")
			g.settle()
			if got := o.read(20); got != "012345" || o.up.ended {
				t.Errorf("b got %q, ended %v", got, o.up.ended)
			}
			c.body("67")
			g.settle()
			o.leave(byFIN)
			o = g.arrives("c is asked")
			c.body("89")
			c.endBody("X-Sum: 1")
			g.settle()
			if got := o.read(20); got != "0123456789" || !o.up.ended {
				t.Errorf("c got %q, ended %v", got, o.up.ended)
			}
			if strings.HasPrefix(head[1], "Transfer") && o.up.trailers != "X-Sum: 1\r\n" {
				t.Errorf("trailers %q", o.up.trailers)
			}
			o.ok("fine")
			g.wantAnswer("unseen by the client", c, 200, "fine")
			r := g.wantEnd("twice elsewhere", record.Relayed, "")
			if r.AttemptLen != 3 || r.BodyIn != 10 {
				t.Errorf("attempts %q, %d bytes in", attempts(r), r.BodyIn)
			}
		})
	}
}

// What was sent whole and is kept goes again after a status, with its trailers.
func TestKeptBodyAfterAStatus(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.keeps(10)
		g.route.Retry.Unsafe = true
		for _, body := range []string{"0123456789", ""} {
			g.servers("a", "b")
			c := g.send("POST /", "Transfer-Encoding: chunked")
			o := g.arrives("a is asked")
			c.body(body)
			g.settle()
			c.endBody("X-Sum: 1")
			g.settle()
			o.answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")
			o = g.arrives("b is asked")
			g.settle()
			if got := o.read(20); got != body || !o.up.ended || o.up.trailers != "X-Sum: 1\r\n" {
				t.Errorf("b got %q, ended %v, %q", got, o.up.ended, o.up.trailers)
			}
			o.ok("fine")
			g.wantAnswer("replaced", c, 200, "fine")
			if r := g.wantEnd("replaced", record.Relayed, ""); int(r.BodyIn) != len(body) {
				t.Errorf("%d bytes in", r.BodyIn)
			}
		}
		// Where there is nobody else the body has still come once.
		g.servers("a")
		for _, streamed := range []bool{false, true} {
			c := g.newClient()
			c.raw = headBytes([]string{"POST /", "Content-Length: 5"})
			if !streamed {
				c.body("hello")
			}
			g.start(c)
			o := g.arrives("a is asked")
			if streamed {
				c.body("hello")
			}
			g.settle()
			o.answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")
			g.wantAnswer("passed on", c, 503, "")
			if r := g.wantEnd("passed on", record.Relayed, ""); r.BodyIn != 5 {
				t.Errorf("%d bytes in", r.BodyIn)
			}
		}
	})
}

// More than may be kept is not kept: the upload goes on as any other, and its failure
// is told.
func TestTooMuchToKeep(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.keeps(10)
		c := g.send("GET /", "Content-Length: 20")
		o := g.arrives("a is asked")
		c.body("0123456789")
		g.settle()
		c.body("0")
		g.settle()
		if got := o.read(20); got != "01234567890" {
			t.Errorf("a got %q", got)
		}
		o.leave(byRST)
		g.wantHead("told", c, 502)
		g.wantEnd("told", record.Answered, "upstream.send-body.reset")
		g.wantNoRequest("its beginning is gone")
	})
}

// A reused connection that dies under an upload is no reason to fail what is
// idempotent, nor one to repeat what is not. I2.
func TestReusedConnectionDiesUnderAnUpload(t *testing.T) {
	for _, how := range []cut{byFIN, byRST} {
		onBoth(t, func(t *testing.T, g *testGateway) {
			for _, head := range []string{"PUT /", "POST /"} {
				g.keeps(10)
				g.warm()
				c := g.send(head, "Content-Length: 10")
				o := g.arrives("on the idle connection")
				c.body("01234")
				g.settle()
				o.leave(how)
				if head == "POST /" {
					g.wantHead("not repeated", c, 502)
					g.drain()
					g.wantEnd("not repeated", record.Answered, g.records[g.taken].Failure.String())
					g.wantNoRequest("not repeated")
					continue
				}
				o = g.arrives("on a fresh one")
				c.body("56789")
				g.settle()
				if got := o.read(20); got != "0123456789" || o.reused || o.server.name != "a" {
					t.Errorf("%s got %q, reused %v", o.server.name, got, o.reused)
				}
				o.ok("")
				g.wantAnswer("unseen by the client", c, 200, "")
				g.wantEnd("repeated", record.Relayed, "")
			}
		})
	}
}

// The same when a byte of an answer had come: then nothing is repeated.
func TestAnswerHadBegunUnderAnUpload(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.keeps(10)
		g.warm()
		c := g.send("PUT /", "Content-Length: 10")
		o := g.arrives("on the idle connection").bytes("HTTP/1.1 2")
		c.body("01234")
		g.settle()
		o.leave(byRST)
		g.wantHead("not repeated", c, 502)
		g.drain()
		g.wantEnd("not repeated", record.Answered, g.records[g.taken].Failure.String())
		g.wantNoRequest("not repeated")
	})
}

// An answer that comes before the request is whole is passed on, whatever it says.
func TestEarlyStatusIsPassedOn(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.keeps(100)
		c := g.send("GET /", "Content-Length: 10")
		o := g.arrives("a is asked")
		c.body("01234")
		g.settle()
		o.answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 4")
		g.settle()
		o.body("busy")
		g.wantAnswer("passed on", c, 503, "busy")
		g.wantEnd("passed on", record.Relayed, "")
		g.wantNoRequest("passed on")
	})
}

// The client leaves, is too slow, or sends too much in a further attempt: that ends
// the exchange as in the first.
func TestFurtherUploadEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, c := range []struct {
			code    string
			outcome record.Outcome
			stage   func(c *clientTwin)
		}{
			{"client.send-body.reset", record.ClientLeft, func(c *clientTwin) { c.leave(byRST) }},
			{"client.send-body.closed", record.ClientLeft, func(c *clientTwin) { c.leave(byFIN) }},
			{"gateway.send-body.shutdown", record.Unanswered, func(c *clientTwin) { c.kill() }},
			{"client.send-body.too-slow", record.Answered, func(c *clientTwin) { g.pass(clientStall) }},
			{"client.send-body.body-too-large", record.Answered, func(c *clientTwin) { c.body("56789x") }},
		} {
			g.keeps(100)
			g.route.MaxBody = 10
			cl := g.send("GET /", "Transfer-Encoding: chunked")
			o := g.arrives("a is asked")
			cl.body("01234")
			g.pass(clientStall / 2)
			o.leave(byRST)
			o = g.arrives("b is asked")
			g.pass(clientStall / 2)
			g.wantRunning("it sends")
			c.stage(cl)
			r := g.wantEnd(c.code, c.outcome, c.code)
			if r.AttemptLen != 2 || o.up.ended {
				t.Errorf("%s: attempts %q, ended %v", c.code, attempts(r), o.up.ended)
			}
		}
	})
}

// A body larger than any window, kept whole, reaches a server that takes it slowly.
func TestLargeKeptBody(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		body := strings.Repeat("0123456789abcdef", 8<<10)
		g.keeps(len(body))
		c := g.send("GET /", "Content-Length: 131072")
		send := func(o *leaseTwin, upTo int) (got string) {
			for len(got) < upTo {
				g.settle()
				c.body(body[min(c.up.total, len(body)):])
				g.pass(time.Millisecond)
				got += o.read(3000)
			}
			return got
		}
		o := g.arrives("a is asked")
		send(o, 100_000)
		o.leave(byRST)
		o = g.arrives("b is asked")
		if got := send(o, len(body)); got != body {
			t.Errorf("b got %d bytes", len(got))
		}
		o.ok("")
		g.wantAnswer("unseen by the client", c, 200, "")
		if r := g.wantEnd("repeated", record.Relayed, ""); r.BodyIn != int64(len(body)) {
			t.Errorf("%d bytes in", r.BodyIn)
		}
	})
}
