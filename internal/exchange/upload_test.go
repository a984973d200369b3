// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"strings"
	"testing"
	"time"

	"causey/internal/record"
)

// A server may answer before it has read the request. The upload goes on beside
// the answer and is stopped, and joined, when the answer is whole. I4.
func TestEarlyAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("POST /", "Content-Length: 1000000")
		o := g.arrives("the head")
		c.body("first")
		g.settle()
		o.answer("HTTP/1.1 413 Content Too Large", "Content-Length: 8")
		o.body("too ")
		g.settle()
		if got := c.read(9); got != "too " {
			t.Errorf("the client sees %q while it uploads", got)
		}
		c.body("second")
		g.settle()
		if got := o.read(20); got != "firstsecond" {
			t.Errorf("the server sees %q while it answers", got)
		}
		g.wantRunning("both sides flow")
		o.body("much")
		g.wantAnswer("whole", c, 413, "too much")
		r := g.wantEnd("whole", record.Relayed, "")
		if r.BodyIn != 11 {
			t.Errorf("%d bytes in", r.BodyIn)
		}
		if !g.twin.mux && !o.conn.closed {
			t.Error("a connection with half a request on it is kept")
		}
	})
}

// The answer that lies there counts, though the server closed while we sent.
func TestEarlyAnswerAndClose(t *testing.T) {
	for _, how := range []cut{byFIN, byRST} {
		onBoth(t, func(t *testing.T, g *testGateway) {
			c := g.send("POST /", "Content-Length: 1000000")
			o := g.arrives("the head")
			o.mu.Lock()
			o.raw, o.firstAt = headBytes([]string{"HTTP/1.1 401 Unauthorized"}), time.Now()
			o.raw = append(o.raw[:len(o.raw)-2], "Content-Length: 0\r\n\r\n"...)
			o.down.breakOff(how)
			o.mu.Unlock()
			c.body(strings.Repeat("x", 100000))
			g.wantAnswer("the answer counts", c, 401, "")
			g.wantEnd("the answer counts", record.Relayed, "")
		})
	}
}

// A server that breaks off in the upload without an answer has failed; what it
// took of the request is the evidence.
func TestServerBreaksTheUpload(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.servers("a", "b")
		c := g.send("PUT /", "Content-Length: 1000000")
		o := g.arrives("the head")
		for c.body(strings.Repeat("x", 100000)) > 0 {
			g.settle()
		}
		o.leave(byRST)
		g.wantHead("given up", c, 502)
		r := g.wantEnd("given up", record.Answered, "upstream.send-body.reset")
		if r.AttemptLen != 1 || r.BodyIn == 0 {
			t.Errorf("attempts %q, %d bytes in", attempts(r), r.BodyIn)
		}
		g.wantNoRequest("not repeated")
	})
}

// A server that takes no more of a request may still have an answer: it is waited
// for, but not for ever.
func TestServerTakesNoMore(t *testing.T) {
	for _, streamed := range []bool{false, true} {
		onBoth(t, func(t *testing.T, g *testGateway) {
			g.group.servers[0].takes = 1000
			for _, answers := range []bool{true, false} {
				c := g.newClient()
				c.raw = headBytes([]string{"POST /", "Content-Length: 20000"})
				if !streamed {
					c.body(strings.Repeat("x", 20000))
				}
				g.start(c)
				o := g.arrives("the head")
				if streamed {
					c.body(strings.Repeat("x", 15000))
				}
				g.pass(59 * time.Second / 6)
				g.wantRunning("it may answer")
				if answers {
					o.answer("HTTP/1.1 413 Content Too Large", "Content-Length: 0")
					g.wantAnswer("it answers", c, 413, "")
					g.wantEnd("it answers", record.Relayed, "")
					continue
				}
				g.pass(time.Minute - 59*time.Second/6)
				g.wantHead("it does not", c, 502)
				g.wantEnd("it does not", record.Answered, "upstream.send-body.reset")
			}
		})
	}
}

// The time for the head counts after a streamed upload too.
func TestNoAnswerToAnUpload(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("POST /", "Content-Length: 2")
		g.arrives("the head")
		g.pass(time.Second)
		c.body("ok")
		g.pass(time.Minute - time.Millisecond)
		g.wantRunning("not before its time")
		g.pass(time.Millisecond)
		g.wantHead("at its time", c, 504)
		g.wantEnd("at its time", record.Answered, "upstream.await-head.timeout")
	})
}

// What the codec refuses in a request body ends the exchange with its answer.
func TestClientBreaksTheUpload(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("POST /", "Content-Length: 10")
		o := g.arrives("the head")
		c.body("half")
		g.settle()
		c.leave(byFIN)
		g.wantEnd("half a request", record.ClientLeft, "client.send-body.closed")
		if o.up.ended {
			t.Error("the server was told that the body is whole")
		}
		if !g.twin.mux && !o.conn.closed {
			t.Error("a connection with half a request on it is kept")
		}
	})
}

// A body above the limit of its route: refused at once if announced, else where
// it passes the limit; the server is never told that it is whole.
func TestBodyTooLarge(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.MaxBody = 10
		c := g.send("POST /", "Content-Length: 11")
		g.wantHead("announced", c, 413)
		r := g.wantEnd("announced", record.Answered, "client.route.body-too-large")
		if ev := &r.Error.Evidence; ev.Size != 11 || ev.Limit != 10 || r.AttemptLen != 0 {
			t.Errorf("%d of %d, %d attempts", ev.Size, ev.Limit, r.AttemptLen)
		}
		g.wantNoRequest("announced")

		c = g.send("POST /", "Transfer-Encoding: chunked")
		o := g.arrives("not announced")
		c.body("0123456789")
		g.settle()
		g.wantRunning("as much is allowed")
		c.body("x")
		g.wantHead("passed", c, 413)
		r = g.wantEnd("passed", record.Answered, "client.send-body.body-too-large")
		if ev := &r.Error.Evidence; ev.Size != 11 || ev.Limit != 10 {
			t.Errorf("%d of %d", ev.Size, ev.Limit)
		}
		if o.up.ended || o.up.total > 10 {
			t.Errorf("the server got %d bytes, ended %v", o.up.total, o.up.ended)
		}
		g.wantNoRequest("passed: not tried elsewhere")

		c = g.newClient()
		c.raw = headBytes([]string{"POST /", "Content-Length: 10"})
		c.body("0123456789")
		g.start(c)
		g.arrives("exactly as much").ok("")
		g.wantAnswer("exactly as much", c, 200, "")
		g.wantEnd("exactly as much", record.Relayed, "")
	})
}
