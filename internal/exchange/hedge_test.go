// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

const hedgePatience = 300 * time.Millisecond

// slow makes a group of two servers, of which the first is silent: both have the
// request when it returns.
func (g *testGateway) slow(head ...string) (c *clientTwin, a, b *leaseTwin) {
	g.t.Helper()
	g.hedges("a", "b")
	c = g.send(head...)
	a = g.arrives("a is asked")
	g.pass(hedgePatience - time.Millisecond)
	g.wantNoRequest("not before its patience is over")
	g.pass(time.Millisecond)
	return c, a, g.arrives("b is asked as well")
}

func (g *testGateway) hedges(servers ...string) []*serverTwin {
	g.route.Retry.Hedge = true
	g.group.patience = hedgePatience
	return g.servers(servers...)
}

func TestHedgeSecondWins(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, head := range []string{"GET /", "HEAD /"} {
			c, a, b := g.slow(head)
			b.wantRequest("the same", head, "X-Request-Id: "+fieldOf(a.head.fields, "X-Request-Id"))
			g.pass(time.Second)
			b.answer("HTTP/1.1 200 OK", "Content-Length: 4")
			if head == "GET /" {
				b.body("from")
				g.wantAnswer("b's answer", c, 200, "from")
			} else {
				g.wantAnswer("b's answer", c, 200, "")
			}
			r := g.wantEnd("b's answer", record.Relayed, "")
			wantAttempts(t, "both", r, "a:upstream.await-head.timeout", "b:")
			wantSaved(t, r, record.ByHedge)
			if !a.released || !a.canceled {
				t.Error("a's connection is not given up")
			}
			x, y := &r.Attempts[0], &r.Attempts[1]
			if x.Took != hedgePatience+time.Second || y.Start != hedgePatience || y.Status != 200 || r.UpStatus != 200 {
				t.Errorf("attempts %+v %+v", x, y)
			}
			if d := r.Phases[phase.AwaitHead]; d != hedgePatience+time.Second {
				t.Errorf("awaited for %v", d)
			}
		}
	})
}

func TestHedgeFirstWins(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, bodies := range []bool{true, false} {
			c, a, b := g.slow("GET /")
			g.pass(time.Second)
			if bodies {
				a.answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked").body("a's")
				g.settle()
				a.end()
			} else {
				a.ok("a's")
			}
			g.wantAnswer("a's answer", c, 200, "a's")
			r := g.wantEnd("a's answer", record.Relayed, "")
			wantAttempts(t, "b's came to nothing", r, "a:")
			wantSaved(t, r, 0)
			if !b.released || !b.canceled || r.Attempts[0].Status != 200 {
				t.Errorf("b released %v, canceled %v; status %d", b.released, b.canceled, r.Attempts[0].Status)
			}
		}
		// What was canceled is the loser's alone.
		c, _, b := g.slow("GET /")
		c.leave(byRST)
		g.wantEnd("left", record.ClientLeft, "client.await-head.reset")
		if !b.released {
			t.Error("b's lease is left")
		}
	})
}

// Both at the same time: one of them wins, and the other is no failure of anybody.
func TestHedgeBothAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c, a, b := g.slow("GET /")
		g.air.mu.Lock()
		for _, l := range []*leaseTwin{a, b} {
			l.firstAt, l.raw = time.Now(), headBytes([]string{"HTTP/1.1 200 OK", "Content-Length: 0"})
		}
		g.air.cond.Broadcast()
		g.air.mu.Unlock()
		g.wantAnswer("one of them", c, 200, "")
		g.wantEnd("one of them", record.Relayed, "")
	})
}

// The first failure is told, the second one is its trail. I1.
func TestHedgeBothFail(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c, a, b := g.slow("GET /")
		b.leave(byFIN)
		g.pass(time.Second)
		g.wantRunning("a may still answer")
		a.leave(byRST)
		g.wantHead("both failed", c, 502)
		r := g.wantEnd("a's failure", record.Answered, "upstream.await-head.reset")
		if tr := trail(r); len(tr) != 1 || tr[0] != "upstream.await-head.closed" {
			t.Errorf("trail %q", tr)
		}
		if b.why.Kind != failure.Closed || a.why.Kind != failure.Reset {
			t.Errorf("b is released with %q, a with %q", b.why, a.why)
		}
	})
}

// A first one that fails leaves the second one to answer.
func TestHedgeFirstFails(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c, a, b := g.slow("GET /")
		a.bytes("HTTP/1.1 200 OK\r\nX")
		g.settle()
		a.leave(byRST)
		g.pass(time.Second)
		g.wantRunning("b may answer")
		b.ok("b's")
		g.wantAnswer("b's answer", c, 200, "b's")
		r := g.wantEnd("b's answer", record.Relayed, "")
		wantAttempts(t, "both", r, "a:upstream.read-head-up.reset", "b:")
		wantSaved(t, r, record.ByHedge)
	})
}

// A first one that fails in its head, and a second one that fails: the phases say so.
func TestHedgeFailsInTheHead(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c, a, b := g.slow("GET /")
		b.leave(byRST)
		a.bytes("HTTP/1.1 200 OK\r\nX")
		g.pass(time.Second)
		a.leave(byRST)
		g.wantHead("both failed", c, 502)
		r := g.wantEnd("a's failure", record.Answered, "upstream.read-head-up.reset")
		if d := r.Phases[phase.ReadHeadUp]; d != time.Second {
			t.Errorf("%v in the head", d)
		}
	})
}

// With nobody to ask, or nobody who can be connected to, the first one is waited for.
func TestHedgeFindsNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for name, stage := range map[string]func([]*serverTwin){
			"no other server": func(s []*serverTwin) { s[1].down = true },
			"refused":         func(s []*serverTwin) { s[1].dials = []failure.Kind{failure.Refused} },
		} {
			stage(g.hedges("a", "b"))
			c := g.send("GET /")
			a := g.arrives("a is asked")
			g.pass(time.Second)
			g.wantNoRequest(name)
			g.wantRunning(name)
			a.ok("late")
			g.wantAnswer(name, c, 200, "late")
			r := g.wantEnd(name, record.Relayed, "")
			wantAttempts(t, name, r, "a:")
			wantSaved(t, r, 0)
		}
	})
}

// What is slow and may not be asked for twice is waited for.
func TestNotHedged(t *testing.T) {
	for _, c := range []struct {
		name  string
		head  []string
		stage func(g *testGateway)
	}{
		{"POST", []string{"POST /"}, nil},
		{"DELETE", []string{"DELETE /"}, nil},
		{"a body", []string{"GET /", "Content-Length: 2"}, nil},
		{"an upgrade", []string{"GET /", "Connection: Upgrade", "Upgrade: chat"}, nil},
		{"no budget", []string{"GET /"}, func(g *testGateway) { g.group.repeats = 0 }},
		{"it answers others", []string{"GET /"}, func(g *testGateway) { g.group.alive = true }},
		{"one try", []string{"GET /"}, func(g *testGateway) { g.route.Retry.Tries = 1 }},
		{"too late", []string{"GET /"}, func(g *testGateway) { g.route.Retry.Within = hedgePatience }},
		{"not wanted", []string{"GET /"}, func(g *testGateway) { g.route.Retry.Hedge = false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				g.hedges("a", "b")
				if c.stage != nil {
					c.stage(g)
				}
				cl := g.newClient()
				cl.raw = headBytes(c.head)
				cl.body("ok")
				g.start(cl)
				a := g.arrives("a is asked")
				g.pass(10 * time.Second)
				g.wantNoRequest("b is not")
				a.ok("late")
				g.wantAnswer("a's answer", cl, 200, "late")
				wantAttempts(t, "one", g.wantEnd("a's answer", record.Relayed, ""), "a:")
			})
		})
	}
}

// A server that says that it is at work is not silent, and neither is one whose head
// has begun.
func TestAtWorkIsNotSilent(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, first := range []string{"HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 OK\r\nX: "} {
			g.hedges("a", "b")
			c := g.send("GET /")
			a := g.arrives("a is asked")
			g.pass(hedgePatience / 2)
			a.bytes(first)
			g.pass(10 * time.Second)
			g.wantNoRequest("b is not")
			if first[9] == '1' {
				a.ok("late")
			} else {
				a.bytes("y\r\nContent-Length: 4\r\n\r\n").body("late")
			}
			g.wantAnswer("a's answer", c, 200, "late")
			g.wantEnd("a's answer", record.Relayed, "")
		}
	})
}

// Interim answers are bounded in a race too.
func TestHedgeOfEndlessInterims(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c, a, b := g.slow("GET /")
		for range 5 {
			g.pass(30 * time.Second)
			a.answer("HTTP/1.1 102 Processing")
			b.answer("HTTP/1.1 102 Processing")
		}
		g.wantHead("enough", c, 502)
		g.wantEnd("enough", record.Answered, "upstream.read-head-up.too-many-interim")
	})
}

// The client leaves, or we are stopped, while both are asked, and while the second is
// connected to.
func TestLeftWhileHedged(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, connecting := range []bool{false, true} {
			for _, killed := range []bool{false, true} {
				s := g.hedges("a", "b")
				s[1].hang = connecting
				c := g.send("GET /")
				g.pass(time.Second)
				g.group.arrived = nil
				if killed {
					c.kill()
					g.wantEnd("stopped", record.Unanswered, "gateway.await-head.shutdown")
					continue
				}
				c.leave(byRST)
				r := g.wantEnd("left", record.ClientLeft, "client.await-head.reset")
				wantAttempts(t, "the first tells", r, "a:client.await-head.reset")
			}
		}
	})
}

// An answer that asks for another server may be the second's of two: the third gets
// the request then.
func TestHedgeAndStatus(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.statuses(503)
		g.hedges("a", "b", "c")
		c := g.send("GET /")
		g.arrives("a is asked")
		g.pass(hedgePatience)
		g.arrives("b is asked").answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")
		o := g.arrives("c is asked")
		if o.server.name != "c" {
			t.Errorf("%s is", o.server.name)
		}
		o.ok("fine")
		g.wantAnswer("c's answer", c, 200, "fine")
		r := g.wantEnd("c's answer", record.Relayed, "")
		wantAttempts(t, "three", r, "a:upstream.await-head.timeout", "b:", "c:")
		wantSaved(t, r, record.ByHedge|record.ByRetry)
	})
}

// A bug in either of the two ends the exchange only, and gives both leases back. I1.
func TestHedgePanics(t *testing.T) {
	for _, method := range []string{"lease.Acquire", "lease.Note", "lease.SendHead", "lease.EndBody", "lease.RequestDone", "lease.ReadHead", "client.Watch"} {
		t.Run(method, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				g.hedges("a", "b")
				c := g.send("GET /")
				g.arrives("a is asked")
				g.air.mu.Lock()
				g.group.panics, c.panics = method, method
				g.air.mu.Unlock()
				g.pass(hedgePatience)
				if len(g.bugs) == 0 {
					t.Fatal("nothing panicked")
				}
				g.drain()
				r := g.wantEnd("ended", g.records[0].Outcome, g.records[0].Failure.String())
				if r.Outcome == record.OutcomeNone || len(c.heads) > 1 {
					t.Errorf("%s, %d heads", r.Outcome, len(c.heads))
				}
				released := 0
				for _, l := range g.group.leases {
					if l.released {
						released++
					}
				}
				if released != len(g.group.leases) {
					t.Errorf("%d of %d leases were given back", released, len(g.group.leases))
				}
				g.bugs, c.canceler = nil, nil
			})
		})
	}
}
