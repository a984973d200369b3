// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"strings"
	"testing"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/record"
)

// A bug in any part of one exchange ends that one only, with one record; the
// methods that end things (Abort, StopBody, Cancel) are what it is ended with. I1.
func TestPanics(t *testing.T) {
	for _, method := range []string{
		"client.ReadHead", "client.ReadBody", "client.Interim", "client.SendHead", "client.WriteBody", "client.EndBody",
		"client.Flush", "client.Watch", "client.Unwatch", "client.Rewind",
		"lease.Acquire", "lease.SendHead", "lease.WriteBody", "lease.EndBody", "lease.Flush", "lease.ReadHead",
		"lease.ReadBody", "lease.Release",
	} {
		t.Run(method, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				g.group.servers = []*serverTwin{{name: "a", deaf: byRST}, {name: "b"}}
				c := g.newClient()
				c.raw = headBytes([]string{"PUT /", "Content-Length: 5"})
				if method != "lease.Flush" {
					c.body("hello") // else the head goes first
				}
				c.panics = method
				g.group.panics = method
				g.start(c)
				g.settle()
				if len(g.group.arrived) > 0 {
					o := g.arrives("sent")
					o.answer("HTTP/1.1 103 Early Hints").answer("HTTP/1.1 200 OK", "Content-Length: 10")
					o.body("first")
					g.settle()
					o.body("other")
				}
				g.settle()
				if len(g.bugs) == 0 {
					t.Fatal("nothing panicked")
				}
				g.drain()
				r := g.wantEnd("ended", g.records[0].Outcome, g.records[0].Failure.String())
				bug := r.Failure.String()
				if r.TrailLen > 0 {
					bug = r.Trail[r.TrailLen-1].String()
				}
				if bug != "gateway.finish.bug" {
					t.Errorf("the failure is %s, the trail %q", r.Failure, trail(r))
				}
				if method != "lease.Release" && method != "client.Unwatch" && r.Outcome == record.Relayed || r.Outcome == record.OutcomeNone {
					t.Errorf("the outcome is %s", r.Outcome)
				}
				if r.Outcome == record.Answered && (r.Status != 500 || !c.down.ended) {
					t.Errorf("status %d, ended %v", r.Status, c.down.ended)
				}
				g.bugs = nil
				c.panics, g.group.panics, c.canceler = "", "", nil

				c = g.send("GET /")
				g.arrives("the next one").ok("well")
				g.wantAnswer("the next one is unharmed", c, 200, "well")
				g.wantEnd("the next one is unharmed", record.Relayed, "")
				if method == "lease.Release" {
					g.group.leases[0].released, g.group.leases[1].released = true, true
				}
			})
		})
	}
}

// In the goroutine of an upload, and in those of a tunnel.
func TestPanicsBeside(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, begun := range []bool{false, true} {
			c := g.send("POST /", "Content-Length: 10")
			o := g.arrives("sent")
			if begun {
				o.answer("HTTP/1.1 200 OK", "Content-Length: 10").body("half")
			}
			g.settle()
			c.mu.Lock()
			c.panics = "client.ReadBody"
			c.mu.Unlock()
			c.body("x") // this ReadBody returns, the next one panics
			g.settle()
			if begun {
				g.wantEnd("cut", record.Cut, "gateway.finish.bug")
			} else {
				g.wantEnd("answered", record.Answered, "gateway.finish.bug")
				g.wantHead("answered", c, 500)
			}
		}
		for _, method := range []string{"client.ReadBody", "client.WriteBody", "lease.WriteBody", "lease.ReadBody"} {
			c, o := upgrade(g)
			g.settle()
			g.air.mu.Lock()
			c.panics, g.group.panics = method, method
			g.air.mu.Unlock()
			c.body("x")
			o.body("x")
			g.wantEnd(method, record.Cut, "gateway.finish.bug")
			g.wantAborted(method, c)
			g.group.panics = ""
		}
		if len(g.bugs) != 6 {
			t.Errorf("%d bugs", len(g.bugs))
		}
		g.bugs = nil
	})
}

// wildGuard panics.
type wildGuard struct{}

func (wildGuard) AfterRoute(*exchange.Exchange) exchange.Verdict { panic("guard") }
func (wildGuard) Admit(*exchange.Exchange) exchange.Verdict      { return exchange.Verdict{} }

func (wildGuard) Find([]byte, []byte, []byte) (*exchange.Route, failure.Kind) { panic("router") }

func TestDecidersPanic(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /")
		g.arrives("well").ok("")
		g.wantAnswer("well", c, 200, "")
		g.wantEnd("well", record.Relayed, "")
		g.plan.Guard = wildGuard{}
		c = g.send("GET /", "Accept: text/plain")
		g.wantHead("the guard's bug", c, 500)
		if body := g.readAll(c); strings.Contains(body, "guard") || strings.Contains(body, "bug") {
			t.Errorf("strangers are told %q", body)
		}
		g.wantEnd("the guard's bug", record.Answered, "gateway.finish.bug")
		g.plan.Router = wildGuard{}
		c = g.send("GET /")
		g.wantHead("the router's bug", c, 500)
		g.wantEnd("the router's bug", record.Answered, "gateway.finish.bug")
		if len(g.bugs) != 2 {
			t.Errorf("bugs %v", g.bugs)
		}
		g.bugs = nil
	})
}
