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

// stages lead an exchange to where somebody leaves; each name is the phase.
var stages = []struct {
	name string
	// begun reports that the client has seen something of the answer.
	begun bool
	lead  func(g *testGateway) *clientTwin
	// leave and kill are the phase in the codes.
	leave, kill string
	// killed is the outcome of our own stop.
	killed record.Outcome
}{
	{"connect", false, func(g *testGateway) *clientTwin {
		g.group.servers[0].hang = true
		return g.send("GET /")
	}, "connect", "connect", record.Unanswered},
	{"send-body", false, func(g *testGateway) *clientTwin {
		c := g.send("POST /", "Content-Length: 100")
		g.arrives("sent")
		c.body("half")
		return c
	}, "send-body", "send-body", record.Unanswered},
	{"send-body, server slow", false, func(g *testGateway) *clientTwin {
		c := g.send("POST /", "Content-Length: 1000000")
		g.arrives("sent")
		for c.body(strings.Repeat("x", 1000000)) > 0 {
			g.settle()
		}
		return c
	}, "send-body", "send-body", record.Unanswered},
	{"await-head", false, func(g *testGateway) *clientTwin {
		c := g.send("GET /")
		g.arrives("sent")
		return c
	}, "await-head", "await-head", record.Unanswered},
	{"read-head-up", false, func(g *testGateway) *clientTwin {
		c := g.send("GET /")
		g.arrives("sent").bytes("HTTP/1.1 200 OK\r\nX: ")
		return c
	}, "read-head-up", "read-head-up", record.Unanswered},
	{"after an interim answer", false, func(g *testGateway) *clientTwin {
		c := g.send("GET /")
		g.arrives("sent").answer("HTTP/1.1 103 Early Hints")
		return c
	}, "read-head-up", "read-head-up", record.Unanswered},
	{"relay-body", true, func(g *testGateway) *clientTwin {
		c := g.send("GET /")
		g.arrives("sent").answer("HTTP/1.1 200 OK", "Content-Length: 10").body("half")
		return c
	}, "relay-body", "relay-body", record.Cut},
	{"relay-body, client slow", true, func(g *testGateway) *clientTwin {
		c := g.send("GET /")
		o := g.arrives("sent").answer("HTTP/1.1 200 OK", "Content-Length: 1000000")
		for o.body(strings.Repeat("x", 1000000)) > 0 {
			g.settle()
		}
		return c
	}, "relay-body", "relay-body", record.Cut},
	{"relay-body beside an upload", true, func(g *testGateway) *clientTwin {
		c := g.send("POST /", "Content-Length: 100")
		g.arrives("sent").answer("HTTP/1.1 200 OK", "Content-Length: 10").body("half")
		c.body("half")
		return c
	}, "send-body", "relay-body", record.Cut},
}

// A client that leaves ends its exchange at once, in the phase where it was. A
// reset is seen by whoever looks first, the upload or the watch.
func TestClientResets(t *testing.T) {
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				c := s.lead(g)
				g.settle()
				c.leave(byRST)
				r := g.wantEnd("nobody is left", record.ClientLeft, "client."+s.leave+".reset")
				if r.Status != 499 || !c.aborted {
					t.Errorf("status %d, aborted %v", r.Status, c.aborted)
				}
			})
		})
	}
}

// A FIN in front of an unfinished request is an end; behind a whole one it may be
// a half-close, which is granted a while.
func TestClientCloses(t *testing.T) {
	for _, s := range stages {
		if strings.Contains(s.name, "slow") {
			continue // nobody looks for a FIN while the other side is waited for
		}
		t.Run(s.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				c := s.lead(g)
				g.settle()
				c.leave(byFIN)
				if !g.twin.mux && s.leave != "send-body" {
					g.pass(halfClose / 2)
					g.wantRunning("it may be a half-close")
					g.pass(halfClose / 2)
				}
				r := g.wantEnd("nobody is left", record.ClientLeft, "client."+s.leave+".closed")
				if r.Status != 499 {
					t.Errorf("status %d", r.Status)
				}
			})
		})
	}
}

// An answer within the grace reaches a client that has only closed its half.
func TestHalfClosedClient(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		if g.twin.mux {
			return // a stream's half is closed by its end; a connection has no half-close
		}
		c := g.send("GET /")
		o := g.arrives("sent")
		c.leave(byFIN)
		g.pass(halfClose / 2)
		o.ok("here")
		g.wantAnswer("in time", c, 200, "here")
		g.wantEnd("in time", record.Relayed, "")
	})
}

// Our own stop ends every exchange, and says so.
func TestKilled(t *testing.T) {
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				c := s.lead(g)
				g.settle()
				c.kill()
				r := g.wantEnd("stopped", s.killed, "gateway."+s.kill+".shutdown")
				if s.begun && r.Status != 200 || !s.begun && r.Status != 0 || !c.aborted {
					t.Errorf("status %d, aborted %v", r.Status, c.aborted)
				}
				if got := len(c.heads); got > 0 != s.begun {
					t.Errorf("%d heads", got)
				}
			})
		})
	}
}

// Before there is a request.
func TestEndsBeforeTheHead(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, how := range []cut{byFIN, byRST} {
			c := g.newClient()
			c.raw = []byte("GET / HT")
			g.start(c)
			g.settle()
			c.leave(how)
			r := g.wantEnd("no request", record.ClientLeft, "client.read-head."+map[cut]string{byFIN: "closed", byRST: "reset"}[how])
			if r.Version != 0 || len(r.Text(record.Method)) != 0 || r.AttemptLen != 0 {
				t.Errorf("%+v", r)
			}
		}
		c := g.newClient()
		c.raw = []byte("GET / HT")
		g.start(c)
		g.pass(clientStall)
		g.wantHead("too late", c, 408)
		g.wantEnd("too late", record.Answered, "client.read-head.timeout")

		c = g.send("GET /", "Host : x")
		g.wantHead("refused", c, 400)
		g.wantEnd("refused", record.Answered, "client.read-head.bad-field")

		c = g.newClient()
		g.start(c)
		g.settle()
		c.kill()
		g.wantEnd("stopped", record.Unanswered, "gateway.connect.shutdown")
	})
}

// A client that takes nothing of its answer is given up in the end.
func TestClientTakesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /")
		o := g.arrives("sent").answer("HTTP/1.1 200 OK", "Content-Length: 1000000")
		for o.body(strings.Repeat("x", 1000000)) > 0 {
			g.settle()
		}
		g.pass(clientStall)
		r := g.wantEnd("too slow", record.ClientLeft, "client.relay-body.too-slow")
		if r.Status != 499 {
			t.Errorf("status %d", r.Status)
		}
		g.wantAborted("too slow", c)
	})
}

// What happens to one stream of a connection is nothing to the others.
func TestNeighboursAreUnharmed(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		conn := &clientConnection{up: credit{g.twin.connWindow}, down: credit{g.twin.connWindow}}
		one := g.newStream(conn)
		one.raw = headBytes([]string{"GET /one"})
		g.start(one)
		o1 := g.arrives("one")
		two := one
		if two = g.newStream(conn); !g.twin.mux {
			two = g.newClient() // else a connection carries one exchange at a time
		}
		two.raw = headBytes([]string{"GET /two"})
		g.start(two)
		o2 := g.arrives("two")
		if o1.conn == o2.conn != g.twin.mux {
			t.Errorf("on one connection to the server: %v", o1.conn == o2.conn)
		}
		o1.answer("HTTP/1.1 200 OK", "Content-Length: 10").body("half")
		g.settle()
		one.leave(byRST)
		g.wantEnd("one left", record.ClientLeft, "client.relay-body.reset")
		o2.ok("whole")
		g.wantAnswer("two is unharmed", two, 200, "whole")
		g.wantEnd("two is unharmed", record.Relayed, "")
	})
}

// A client that leaves in the moment in which the answer's head comes has left: the
// lease was canceled, which must not be taken for a stop of ours.
func TestClientLeavesAsTheHeadComes(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /")
		o := g.arrives("sent")
		g.air.mu.Lock()
		o.raw, o.firstAt = headBytes([]string{"HTTP/1.1 200 OK", "Content-Length: 4"}), time.Now()
		c.departed = exchange.LeftByFIN
		g.air.cond.Broadcast()
		g.air.mu.Unlock()
		g.settle()
		o.Cancel()
		g.wantEnd("left", record.ClientLeft, "client.read-head-up.closed")
	})
}
