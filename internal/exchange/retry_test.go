// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// attempts returns "server:failure" of each attempt, with "*" behind a server
// whose connection was reused.
func attempts(r *record.Record) (l []string) {
	for i := range r.KeptAttempts() {
		a := &r.Attempts[i]
		reused := ""
		if a.Reused {
			reused = "*"
		}
		l = append(l, a.Server+reused+":"+a.Failure.String())
	}
	return l
}

func wantAttempts(t *testing.T, why string, r *record.Record, want ...string) {
	t.Helper()
	got := attempts(r)
	if int(r.AttemptLen) != len(want) {
		t.Errorf("%s: %d attempts %q, want %q", why, r.AttemptLen, got, want)
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: attempts %q, want %q", why, got, want)
			return
		}
	}
}

func trail(r *record.Record) (l []string) {
	for _, c := range r.Trail[:r.TrailLen] {
		l = append(l, c.String())
	}
	return l
}

// What was never sent may go to another server, whatever it is. I2.
func TestUnsentGoesElsewhere(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		s[0].dials = []failure.Kind{failure.Refused}
		c := g.send("POST /", "Transfer-Encoding: chunked")
		o := g.arrives("b is asked instead")
		c.body("x")
		c.endBody()
		g.settle()
		if got := o.read(9); got != "x" || o.server.name != "b" {
			t.Errorf("%s got %q", o.server.name, got)
		}
		o.ok("fine")
		g.wantAnswer("the client sees nothing of it", c, 200, "fine")
		r := g.wantEnd("a refused connection does no harm", record.Relayed, "")
		wantAttempts(t, "both", r, "a:upstream.connect.refused", "b:")
	})
}

// A handshake is a part of dialling: what failed in it was never sent, so any
// request may go elsewhere, unless every server will want the same of us.
func TestHandshakesGoElsewhere(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		s[0].dials = []failure.Kind{failure.CertExpired, failure.ClientCertMissing}
		c := g.send("POST /", "Content-Length: 0")
		g.arrives("b is asked instead").ok("fine")
		g.wantAnswer("the client sees nothing of it", c, 200, "fine")
		r := g.wantEnd("an expired certificate does no harm", record.Relayed, "")
		wantAttempts(t, "both", r, "a:upstream.up-handshake.cert-expired", "b:")
		c = g.send("GET /")
		g.wantHead("b would want our certificate too", c, 502)
		r = g.wantEnd("it is not asked", record.Answered, "upstream.up-handshake.client-cert-missing")
		wantAttempts(t, "one", r, "a:upstream.up-handshake.client-cert-missing")
	})
}

func TestNoServerLeft(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		s[0].dials = []failure.Kind{failure.Refused}
		s[1].dials = []failure.Kind{failure.HostUnreachable}
		c := g.send("GET /")
		g.wantHead("both failed", c, 502)
		r := g.wantEnd("the first failure wins", record.Answered, "upstream.connect.refused") // I1
		wantAttempts(t, "both", r, "a:upstream.connect.refused", "b:upstream.connect.host-unreachable")
		if tr := trail(r); len(tr) != 1 || tr[0] != "upstream.connect.host-unreachable" {
			t.Errorf("trail %q", tr)
		}
		if r.Status != 502 || r.UpStatus != 0 || int(r.BodyOut) != len(g.readAll(c)) {
			t.Errorf("status %d, upstream's %d, %d bytes", r.Status, r.UpStatus, r.BodyOut)
		}
	})
}

// The number of servers that are tried is bounded, whatever is left; those that
// cannot be connected to cost no try.
func TestTriesAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, s := range g.servers("a", "b", "c", "d", "e", "f", "g", "h", "i", "j") {
			s.dials = []failure.Kind{failure.Refused}
		}
		c := g.send("GET /")
		g.wantHead("eight are enough", c, 502)
		r := g.wantEnd("bounded", record.Answered, "upstream.connect.refused")
		if r.AttemptLen != exchange.TriedMax || r.TrailLen != exchange.TriedMax-1 {
			t.Errorf("%d attempts, trail of %d", r.AttemptLen, r.TrailLen)
		}
	})
}

// A failure of the gateway itself on a later try does not hide the server's that
// came first. I1.
func TestFirstFailureStaysOurs(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		s[0].dials = []failure.Kind{failure.Refused}
		s[1].dials = []failure.Kind{failure.Limit}
		g.send("GET /")
		r := g.wantEnd("the first wins", record.Answered, "upstream.connect.refused")
		if tr := trail(r); len(tr) != 1 || tr[0] != "gateway.connect.limit" {
			t.Errorf("trail %q", tr)
		}
	})
}

// A connection that died while it lay idle: what is idempotent goes out once more
// on a fresh one, before any byte of an answer. I2.
func TestReusedConnectionDied(t *testing.T) {
	for _, how := range []cut{byFIN, byRST} {
		code := map[cut]string{byFIN: "upstream.await-head.closed-reused", byRST: "upstream.await-head.reset-reused"}[how]
		for _, c := range []struct {
			name  string
			head  []string
			owner bool // the owner says that all is idempotent
			again bool
		}{
			{name: "GET", head: []string{"GET /"}, again: true},
			{name: "DELETE", head: []string{"DELETE /"}, again: true},
			{name: "POST", head: []string{"POST /"}},
			{name: "PATCH", head: []string{"PATCH /"}},
			{name: "an unknown method", head: []string{"PURGE /"}},
			{name: "POST with a key", head: []string{"POST /", "Idempotency-Key: 1"}, again: true},
			{name: "POST by the owner's word", head: []string{"POST /"}, owner: true, again: true},
		} {
			t.Run(c.name, func(t *testing.T) {
				onBoth(t, func(t *testing.T, g *testGateway) {
					g.route.Retry.Unsafe = c.owner
					g.warm()
					cl := g.send(c.head...)
					o := g.arrives("the idle connection is used")
					if !o.reused {
						t.Fatal("it was not")
					}
					o.leave(how)
					if !c.again {
						g.wantHead("no proof, no repeating", cl, 502)
						wantAttempts(t, "one", g.wantEnd("given up", record.Answered, code), "a*:"+code)
						g.wantNoRequest("never twice")
						return
					}
					o = g.arrives("it is repeated")
					if o.reused {
						t.Error("on a connection that may have died as well")
					}
					o.ok("done")
					g.wantAnswer("unseen by the client", cl, 200, "done")
					wantAttempts(t, "two", g.wantEnd("repeated", record.Relayed, ""), "a*:"+code, "a:")
				})
			})
		}
	}
}

// On a fresh connection the same end is the server's doing: nothing is repeated.
func TestFreshConnectionDied(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.servers("a", "b")
		c := g.send("GET /")
		g.arrives("sent").leave(byFIN)
		g.wantHead("not repeated", c, 502)
		wantAttempts(t, "one", g.wantEnd("given up", record.Answered, "upstream.await-head.closed"), "a:upstream.await-head.closed")
		g.wantNoRequest("not repeated")
	})
}

// Once a byte of an answer has come, a reused connection is no excuse.
func TestReusedConnectionDiedInTheHead(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.warm()
		c := g.send("GET /")
		o := g.arrives("sent").bytes("HTTP/1.1 2")
		g.settle()
		o.leave(byRST)
		g.wantHead("not repeated", c, 502)
		g.wantEnd("given up", record.Answered, "upstream.read-head-up.reset")
		g.wantNoRequest("not repeated")
	})
}

// No byte was taken: any method goes again. I2.
func TestNothingWasSent(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.warm()
		g.group.servers[0].goDeaf(byRST)
		c := g.newClient()
		c.raw = headBytes([]string{"POST /", "Content-Length: 5"})
		c.body("hello")
		g.start(c)
		o := g.arrives("the second connection takes it")
		if got := o.read(9); got != "hello" {
			t.Errorf("the body is %q the second time", got)
		}
		o.ok("done")
		g.wantAnswer("unseen by the client", c, 200, "done")
		r := g.wantEnd("repeated", record.Relayed, "")
		wantAttempts(t, "two", r, "a*:upstream.send-head.reset", "a:")
		if r.BodyIn != 5 {
			t.Errorf("%d bytes in: the body came once", r.BodyIn)
		}
	})
}

// A fresh connection that takes nothing says something about its server: another
// one is asked, and none if there is none.
func TestFreshConnectionTakesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		s[0].deaf = byRST
		c := g.send("POST /")
		o := g.arrives("b takes it")
		if o.server.name != "b" {
			t.Errorf("%s was asked", o.server.name)
		}
		o.ok("")
		g.wantAnswer("unseen by the client", c, 200, "")
		wantAttempts(t, "two", g.wantEnd("elsewhere", record.Relayed, ""), "a:upstream.send-head.reset", "b:")

		s[1].deaf = byFIN
		s[1].goDeaf(byFIN)
		s[1].conns = nil
		c = g.send("POST /")
		g.wantHead("nobody takes it", c, 502)
		wantAttempts(t, "each once", g.wantEnd("given up", record.Answered, "upstream.send-head.reset"),
			"a:upstream.send-head.reset", "b:upstream.send-head.closed")
	})
}

// The server says that it processed nothing: any method goes again. I2.
func TestRefusedWithProof(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.servers("a", "b")
		c := g.send("POST /")
		g.arrives("refused").refuse()
		o := g.arrives("sent again")
		o.ok("done")
		g.wantAnswer("unseen by the client", c, 200, "done")
		r := g.wantEnd("repeated", record.Relayed, "")
		if r.AttemptLen != 2 {
			t.Errorf("attempts %q", attempts(r))
		}
	})
}

// A body goes again if its bytes are still there, else the request does not. I2.
func TestBodyIsReplayed(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.warm()
		c := g.newClient()
		c.raw = headBytes([]string{"PUT /", "Content-Length: 5"})
		c.body("hello")
		g.start(c)
		o := g.arrives("on the idle connection")
		o.leave(byRST)
		o = g.arrives("again")
		if got := o.read(9); got != "hello" || !o.up.ended {
			t.Errorf("the body is %q the second time, ended %v", got, o.up.ended)
		}
		o.ok("")
		g.wantAnswer("unseen by the client", c, 200, "")
		g.wantEnd("repeated", record.Relayed, "")

		c = g.send("PUT /", "Content-Length: 10")
		o = g.arrives("the head goes first")
		c.body("hello")
		g.settle()
		o.leave(byRST)
		g.wantHead("the first half is gone", c, 502)
		g.wantEnd("given up", record.Answered, "upstream.send-body.reset")
		g.wantNoRequest("not repeated without its body")
	})
}

// A body of which nothing was read when its upload was stopped is still all there: it
// goes with the next attempt. The client is told once to go on.
func TestStoppedUploadIsRepeated(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, refused := range []bool{false, true} {
			g.warm()
			c := g.send("PUT /", "Content-Length: 5", "Expect: 100-continue")
			o := g.arrives("the head goes first")
			if refused {
				o.refuse()
			} else {
				o.leave(byRST)
			}
			o = g.arrives("again").answer("HTTP/1.1 100 Continue")
			g.settle()
			c.body("hello")
			g.settle()
			if got := o.read(9); got != "hello" || len(c.interims) != 1 {
				t.Errorf("the body is %q, told %d times", got, len(c.interims))
			}
			o.ok("")
			g.wantAnswer("unseen by the client", c, 200, "")
			if r := g.wantEnd("repeated", record.Relayed, ""); r.BodyIn != 5 {
				t.Errorf("%d bytes in", r.BodyIn)
			}
		}
	})
}

// Our own stop is no reason to ask again, whatever was sent.
func TestKilledIsNotRepeated(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		s[0].hang = true
		c := g.send("GET /")
		g.settle()
		c.kill()
		r := g.wantEnd("stopped", record.Unanswered, "gateway.connect.shutdown")
		if r.AttemptLen != 1 || s[1].dialn != 0 {
			t.Errorf("attempts %q", attempts(r))
		}
	})
}

// The client leaves while we try again: that ends the exchange.
func TestLeftWhileTryingAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		s[0].dials = []failure.Kind{failure.Refused}
		s[1].hang = true
		c := g.send("GET /")
		g.settle()
		c.leave(byRST)
		r := g.wantEnd("nobody waits", record.ClientLeft, "client.connect.reset")
		wantAttempts(t, "both", r, "a:upstream.connect.refused", "b:client.connect.reset")
	})
}

// Timeouts of the upstream's side, each in its phase; none is repeated after the
// request was sent.
func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		name, code string
		status     int
		after      time.Duration
		stage      func(g *testGateway) *clientTwin
	}{
		{"connect", "upstream.connect.timeout", 504, 5 * time.Second, func(g *testGateway) *clientTwin {
			g.group.servers[0].hang = true
			return g.send("GET /")
		}},
		{"head", "upstream.await-head.timeout", 504, time.Minute, func(g *testGateway) *clientTwin {
			c := g.send("GET /")
			g.arrives("sent")
			return c
		}},
		{"in the head", "upstream.read-head-up.timeout", 504, time.Minute, func(g *testGateway) *clientTwin {
			c := g.send("GET /")
			g.arrives("sent").bytes("HTTP/1.1 200 OK\r\n")
			return c
		}},
		{"upload", "upstream.send-body.timeout", 504, 20 * time.Second, func(g *testGateway) *clientTwin {
			c := g.send("POST /", "Content-Length: 1000000")
			g.arrives("sent")
			for c.body(string(make([]byte, 1000000))) > 0 {
				g.settle()
			}
			return c
		}},
		{"client's upload", "client.send-body.too-slow", 408, 10 * time.Second, func(g *testGateway) *clientTwin {
			c := g.send("POST /", "Content-Length: 10")
			g.arrives("sent")
			return c
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				cl := c.stage(g)
				g.settle()
				g.pass(c.after - time.Millisecond)
				g.wantRunning("not before its time")
				g.pass(time.Millisecond)
				g.wantHead("at its time", cl, c.status)
				r := g.wantEnd("at its time", record.Answered, c.code)
				if r.AttemptLen != 1 {
					t.Errorf("attempts %q", attempts(r))
				}
				g.wantNoRequest("not repeated")
			})
		})
	}
}

// The time for the head counts from the end of the request, and anew from an
// interim answer.
func TestAwaitHeadCountsFromTheEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("POST /", "Content-Length: 100")
		o := g.arrives("sent")
		for range 99 {
			g.pass(5 * time.Second)
			c.body("x")
		}
		g.wantRunning("a slow upload is not the server's silence")
		c.body("x")
		g.pass(59 * time.Second)
		o.answer("HTTP/1.1 103 Early Hints")
		g.pass(59 * time.Second)
		o.ok("")
		g.wantAnswer("in time", c, 200, "")
		r := g.wantEnd("in time", record.Relayed, "")
		if r.Phases[phase.RelayBody] == record.NotReached {
			t.Error("no phase relay-body")
		}
	})
}
