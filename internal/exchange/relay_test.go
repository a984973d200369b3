// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"causey/internal/phase"
	"causey/internal/record"
)

func TestGet(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /a?b", "Accept: */*", "Connection: x-hop", "X-Hop: 1", "User-Agent: ua", "Referer: r")
		o := g.arrives("a GET reaches the server")
		o.wantRequest("it keeps what is end to end", "GET /a?b",
			"Host: site.example", "X-Forwarded-For: 192.0.2.1", "Accept: */*", "User-Agent: ua", "-X-Hop", "-Connection")
		o.ok("hello")
		g.wantAnswer("the answer comes through", c, 200, "hello", "Content-Length: 5")
		r := g.wantEnd("a good exchange", record.Relayed, "")
		if r.Status != 200 || r.UpStatus != 200 || r.BodyOut != 5 || r.BodyIn != 0 || r.Site != "site" || r.Route != "all" || r.Upstream != "app" {
			t.Errorf("%+v", r)
		}
		for text, want := range map[record.Text]string{
			record.Method: "GET", record.Host: "site.example", record.Target: "/a?b", record.UserAgent: "ua", record.Referer: "r",
		} {
			if got := string(r.Text(text)); got != want {
				t.Errorf("text %d is %q, want %q", text, got, want)
			}
		}
		if a := &r.Attempts[0]; r.AttemptLen != 1 || a.Server != "a" || a.Reused || a.Dialled != serverAddr || !a.Failure.IsNone() {
			t.Errorf("attempts %d: %+v", r.AttemptLen, a)
		}
	})
}

// Each phase gets the time that was spent in it, and they add up.
func TestPhaseTimes(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.group.servers[0].delay = 3 * time.Millisecond
		c := g.newClient()
		g.start(c)
		g.pass(2 * time.Millisecond)
		c.mu.Lock()
		c.raw = headBytes([]string{"GET /"})
		c.cond.Broadcast()
		c.mu.Unlock()
		g.pass(3 * time.Millisecond)
		o := g.arrives("connected")
		g.pass(5 * time.Millisecond)
		o.bytes("HTTP/1.1 200")
		g.pass(7 * time.Millisecond)
		o.bytes(" OK\r\nContent-Length: 2\r\n\r\n")
		o.body("a")
		g.pass(11 * time.Millisecond)
		o.body("b")
		g.wantAnswer("whole", c, 200, "ab")
		r := g.wantEnd("whole", record.Relayed, "")
		for p, ms := range map[phase.Phase]time.Duration{
			phase.ReadHead: 2, phase.Connect: 3, phase.AwaitHead: 5, phase.ReadHeadUp: 7, phase.RelayBody: 11, phase.Finish: 0,
		} {
			if got := r.Phases[p]; got != ms*time.Millisecond {
				t.Errorf("%v in %s, want %d ms", got, p, ms)
			}
		}
		for _, p := range []phase.Phase{phase.Accept, phase.Guard, phase.Resolve, phase.Tunnel} {
			if r.Phases[p] != record.NotReached {
				t.Errorf("%v in %s, which was never reached", r.Phases[p], p)
			}
		}
		if r.Total != 28*time.Millisecond || r.Attempts[0].Connect != 3*time.Millisecond {
			t.Errorf("total %v, connect %v", r.Total, r.Attempts[0].Connect)
		}
	})
}

// A body that is here goes with the head; one that is not is uploaded beside the
// wait for the answer.
func TestRequestBody(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.newClient()
		c.raw = headBytes([]string{"POST /", "Content-Length: 5"})
		c.body("hello")
		g.start(c)
		o := g.arrives("a POST")
		if got := o.read(9); got != "hello" || !o.up.ended {
			t.Errorf("the body is %q, ended %v", got, o.up.ended)
		}
		o.ok("")
		g.wantAnswer("a POST is answered", c, 200, "")
		if r := g.wantEnd("a POST", record.Relayed, ""); r.BodyIn != 5 {
			t.Errorf("%d bytes in", r.BodyIn)
		}

		c = g.send("POST /", "Transfer-Encoding: chunked", "Trailer: x-sum")
		o = g.arrives("the head goes before the body is here")
		c.body("one")
		g.settle()
		if got := o.read(9); got != "one" {
			t.Errorf("the first piece is %q: it must not wait for the next", got)
		}
		c.body("two")
		c.endBody("X-Sum: 1")
		g.settle()
		if got := o.read(9); got != "two" || !o.up.ended || o.up.trailers != "X-Sum: 1\r\n" {
			t.Errorf("the rest is %q, ended %v, trailers %q", got, o.up.ended, o.up.trailers)
		}
		o.answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
		o.body("three")
		g.settle()
		if got := c.read(9); got != "three" {
			t.Errorf("the answer's piece is %q: a server that streams is heard at once", got)
		}
		o.end("X-T: 2")
		g.wantAnswer("ended by its end", c, 200, "three")
		if c.down.trailers != "X-T: 2\r\n" {
			t.Errorf("trailers %q", c.down.trailers)
		}
		if r := g.wantEnd("chunked both ways", record.Relayed, ""); r.BodyIn != 6 || r.BodyOut != 5 {
			t.Errorf("%d in, %d out", r.BodyIn, r.BodyOut)
		}
	})
}

// Memory is bounded by the windows of both sides and one piece between them,
// whatever the size of the body.
func TestBackpressure(t *testing.T) {
	const size = 1 << 20
	onBoth(t, func(t *testing.T, g *testGateway) {
		whole := strings.Repeat("0123456789abcdef", size/16)
		between := 2*g.twin.window + 2*g.twin.piece
		c := g.send("PUT /", "Content-Length: "+strconv.Itoa(size))
		o := g.arrives("the head")
		sent, got := 0, ""
		for sent < size {
			n := c.body(whole[sent:])
			sent += n
			g.settle()
			if sent-len(got) > between {
				t.Fatalf("%d bytes in flight, at most %d are allowed", sent-len(got), between)
			}
			if n == 0 {
				got += o.read(5000)
				g.settle()
			}
		}
		for o.up.total < size || len(o.up.data) > 0 {
			got += o.read(5000)
			g.settle()
		}
		if got != whole {
			t.Error("the upload was changed on its way")
		}
		o.answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
		sent, got = 0, ""
		for sent < size {
			n := o.body(whole[sent:])
			sent += n
			g.settle()
			if sent-len(got) > between {
				t.Fatalf("%d bytes in flight, at most %d are allowed", sent-len(got), between)
			}
			if n == 0 {
				got += c.read(5000)
				g.settle()
			}
		}
		o.end()
		g.wantAnswer("whole", c, 200, whole)
		if r := g.wantEnd("both ways", record.Relayed, ""); r.BodyIn != size || r.BodyOut != size {
			t.Errorf("%d in, %d out", r.BodyIn, r.BodyOut)
		}
	})
}
