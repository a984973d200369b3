// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"slices"
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// Each word of the policy repeats a safe request after its own kind of failure, and
// after no other. I2.
func TestPolicy(t *testing.T) {
	failures := []struct {
		name, code string
		status     int
		stage      func(g *testGateway, o *leaseTwin)
		word       func(r *exchange.Retry) *bool
	}{
		{"closed", "upstream.await-head.closed", 502, func(_ *testGateway, o *leaseTwin) { o.leave(byFIN) },
			func(r *exchange.Retry) *bool { return &r.Broken }},
		{"reset", "upstream.await-head.reset", 502, func(_ *testGateway, o *leaseTwin) { o.leave(byRST) },
			func(r *exchange.Retry) *bool { return &r.Broken }},
		{"reset in the head", "upstream.read-head-up.reset", 502, func(g *testGateway, o *leaseTwin) {
			o.bytes("HTTP/1.1 2")
			g.settle()
			o.leave(byRST)
		}, func(r *exchange.Retry) *bool { return &r.Broken }},
		{"no HTTP", "upstream.read-head-up.other-protocol", 502, func(_ *testGateway, o *leaseTwin) { o.bytes("SSH-2.0-OpenSSH_9.9\r\n\r\n") },
			func(r *exchange.Retry) *bool { return &r.Malformed }},
		{"silence", "upstream.await-head.timeout", 504, func(g *testGateway, _ *leaseTwin) { g.pass(time.Minute) },
			func(r *exchange.Retry) *bool { return &r.Timeout }},
	}
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				for _, head := range []string{"GET /", "HEAD /", "POST /", "PUT /"} {
					for _, only := range []bool{true, false} {
						g.servers("a", "b")
						g.route.Retry = exchange.Retry{Broken: !only, Malformed: !only, Timeout: !only}
						*f.word(&g.route.Retry) = only
						c := g.send(head)
						f.stage(g, g.arrives("a is asked"))
						if only && (head == "GET /" || head == "HEAD /") {
							o := g.arrives("b is asked")
							o.answer("HTTP/1.1 204 No Content")
							g.wantAnswer("unseen by the client", c, 204, "")
							r := g.wantEnd("repeated", record.Relayed, "")
							wantAttempts(t, head, r, "a:"+f.code, "b:")
							wantSaved(t, r, record.ByRetry)
							continue
						}
						g.wantHead("not repeated", c, f.status)
						wantAttempts(t, head, g.wantEnd("not repeated", record.Answered, f.code), "a:"+f.code)
						g.wantNoRequest("not repeated")
					}
				}
			})
		})
	}
}

func wantSaved(t *testing.T, r *record.Record, want record.Saved) {
	t.Helper()
	if r.Saved != want {
		t.Errorf("saved by %q, want %q", r.Saved.Names(), want.Names())
	}
}

// statuses makes the route ask another server after these.
func (g *testGateway) statuses(list ...int) { g.route.Retry.Statuses = list }

// An answer with such a status is laid aside while another server is asked, whose
// better answer replaces it.
func TestStatusIsReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.servers("a", "b", "c")
		g.statuses(502, 503)
		c := g.send("GET /")
		o := g.arrives("a is asked").answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 4", "X-From: a")
		o.body("busy")
		g.arrives("b is asked").answer("HTTP/1.1 502 Bad Gateway", "Content-Length: 0")
		o = g.arrives("c is asked")
		g.wantRunning("two are laid aside")
		o.ok("fine")
		g.wantAnswer("c's answer counts", c, 200, "fine", "-X-From")
		r := g.wantEnd("replaced", record.Relayed, "")
		wantAttempts(t, "three", r, "a:", "b:", "c:")
		if s := []int{r.Attempts[0].Status, r.Attempts[1].Status, r.Attempts[2].Status}; !slices.Equal(s, []int{503, 502, 200}) {
			t.Errorf("statuses %d", s)
		}
		if r.UpStatus != 200 {
			t.Errorf("the upstream's status is %d", r.UpStatus)
		}
		wantSaved(t, r, record.ByRetry)
	})
}

// Where no other server does better the answer is passed on as it is: because there
// is none, because the tries are used up, the time is over, or the budget is empty.
func TestStatusIsPassedOn(t *testing.T) {
	for _, c := range []struct {
		name  string
		stage func(g *testGateway)
		asked int
	}{
		{"no other server", func(g *testGateway) { g.servers("a") }, 1},
		{"no tries", func(g *testGateway) { g.route.Retry.Tries = 1 }, 1},
		{"two tries", func(g *testGateway) { g.route.Retry.Tries = 2 }, 2},
		{"no time", func(g *testGateway) { g.route.Retry.Within = 5 * time.Second }, 1},
		{"no budget", func(g *testGateway) { g.group.repeats = 0 }, 1},
		{"all alike", func(g *testGateway) {}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				g.servers("a", "b", "c", "d")
				g.statuses(503)
				c.stage(g)
				cl := g.send("GET /")
				last := ""
				for range c.asked {
					o := g.arrives("asked")
					g.pass(5 * time.Second)
					last = "busy " + o.server.name
					o.answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 6", "X-From: "+o.server.name)
					o.body(last)
				}
				g.wantAnswer("the newest is passed on", cl, 503, last, "X-From: "+last[5:])
				r := g.wantEnd("passed on", record.Relayed, "")
				if int(r.AttemptLen) != c.asked || r.UpStatus != 503 {
					t.Errorf("%d attempts, status %d", r.AttemptLen, r.UpStatus)
				}
				wantSaved(t, r, 0)
				g.wantNoRequest("no more")
			})
		})
	}
}

// A second attempt that fails leaves the answer that was laid aside intact: what the
// origin said is better than anything of ours. Nothing was saved by that.
func TestKeptAnswerSurvivesTheSecondAttempt(t *testing.T) {
	for name, fail := range map[string]func(g *testGateway, s []*serverTwin){
		"refused": func(_ *testGateway, s []*serverTwin) { s[1].dials = []failure.Kind{failure.Refused} },
		"reset":   func(g *testGateway, _ []*serverTwin) {},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				s := g.servers("a", "b")
				g.statuses(404)
				g.route.Affinity.Cookie = "srv"
				s[1].delay = 3 * time.Second
				fail(g, s)
				c := g.send("GET /")
				g.pass(time.Second)
				o := g.arrives("a is asked").answer("HTTP/1.1 404 Not Found", "Content-Length: 7")
				o.body("nothing")
				g.pass(3 * time.Second)
				awaited := time.Second
				if name == "reset" {
					b := g.arrives("b is asked")
					g.pass(10 * time.Second)
					awaited += 10 * time.Second
					b.leave(byRST)
				}
				// The cookie names the server whose answer it is, not the last one asked.
				g.wantAnswer("a's answer", c, 404, "nothing", "Set-Cookie: srv=1; Path=/; HttpOnly; SameSite=Lax")
				r := g.wantEnd("a's answer", record.Relayed, "")
				if r.AttemptLen != 2 || r.UpStatus != 404 || r.Attempts[0].Status != 404 {
					t.Errorf("attempts %q, status %d", attempts(r), r.UpStatus)
				}
				wantSaved(t, r, 0)
				if p := &r.Phases; p[phase.AwaitHead] != awaited || p[phase.Connect] != 3*time.Second || p[phase.RelayBody] != 0 {
					t.Errorf("phases %v", p)
				}
			})
		})
	}
}

// The client leaves, or we are stopped, while an answer is laid aside: nobody gets it.
func TestLeftWhileAnAnswerIsKept(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.statuses(503)
		for _, how := range []string{"reset", "killed"} {
			g.servers("a", "b")
			c := g.send("GET /")
			g.arrives("a is asked").answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 100").body("half")
			g.arrives("b is asked")
			if how == "reset" {
				c.leave(byRST)
				g.wantEnd("left", record.ClientLeft, "client.await-head.reset")
				continue
			}
			c.kill()
			g.wantEnd("killed", record.Unanswered, "gateway.await-head.shutdown")
		}
	})
}

// What is not safe is passed on: the server has worked on it. I2.
func TestStatusOfWhatIsNotSafe(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.servers("a", "b")
		g.statuses(500, 503)
		for _, head := range [][]string{{"POST /"}, {"PUT /"}, {"DELETE /"}, {"POST /", "Idempotency-Key: 1"},
			{"GET /", "Connection: Upgrade", "Upgrade: chat"}} {
			c := g.send(head...)
			g.arrives("once").answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")
			g.wantAnswer("passed on", c, 503, "")
			if r := g.wantEnd(head[0], record.Relayed, ""); r.AttemptLen != 1 {
				t.Errorf("%s: attempts %q", head[0], attempts(r))
			}
			g.wantNoRequest(head[0])
		}
		g.route.Retry.Unsafe = true
		c := g.send("POST /")
		g.arrives("once").answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")
		g.arrives("twice, by the owner's word").ok("")
		g.wantAnswer("replaced", c, 200, "")
		wantSaved(t, g.wantEnd("replaced", record.Relayed, ""), record.ByRetry)
	})
}

// A body that is whole here goes again after a status; one that still comes does not:
// its server's answer is passed on.
func TestStatusOfWhatHasABody(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.statuses(503)
		g.route.Retry.Unsafe = true
		for _, here := range []bool{true, false} {
			g.servers("a", "b")
			c := g.newClient()
			c.raw = headBytes([]string{"POST /", "Content-Length: 5"})
			c.body("hel")
			if here {
				c.body("lo")
			}
			g.start(c)
			o := g.arrives("a is asked").answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 4")
			o.body("busy")
			if !here {
				g.settle()
				c.body("lo")
				g.wantAnswer("passed on", c, 503, "busy")
				g.wantEnd("passed on", record.Relayed, "")
				continue
			}
			o = g.arrives("b is asked")
			if got := o.read(9); got != "hello" || !o.up.ended {
				t.Errorf("the body is %q the second time, ended %v", got, o.up.ended)
			}
			o.ok("")
			g.wantAnswer("replaced", c, 200, "")
			if r := g.wantEnd("replaced", record.Relayed, ""); r.BodyIn != 5 {
				t.Errorf("%d bytes in: the body came once", r.BodyIn)
			}
		}
	})
}

// A request that went once more to its server because the connection had died goes
// to another one after a status, not to the same again.
func TestStatusAfterAFreshConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.servers("a", "b")
		g.statuses(503)
		g.warm()
		c := g.send("GET /")
		g.arrives("on the idle connection").leave(byFIN)
		o := g.arrives("on a fresh one")
		if o.server.name != "a" || o.reused {
			t.Errorf("%s, reused %v", o.server.name, o.reused)
		}
		o.answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")
		if o = g.arrives("elsewhere"); o.server.name != "b" {
			t.Errorf("%s is asked again", o.server.name)
		}
		o.ok("fine")
		g.wantAnswer("b's answer", c, 200, "fine")
		wantAttempts(t, "three", g.wantEnd("replaced", record.Relayed, ""), "a*:upstream.await-head.closed-reused", "a:", "b:")
	})
}

// The budget bounds what servers get once more, and not what none has got.
func TestBudget(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.servers("a", "b")
		g.route.Retry.Broken = true
		g.group.repeats = 0
		c := g.send("GET /")
		g.arrives("a is asked").leave(byRST)
		g.wantHead("no budget", c, 502)
		wantAttempts(t, "one", g.wantEnd("no budget", record.Answered, "upstream.await-head.reset"), "a:upstream.await-head.reset")
		s[0].conns, s[0].dials = nil, []failure.Kind{failure.Refused}
		c = g.send("GET /")
		g.arrives("b is asked: nobody has got it").ok("fine")
		g.wantAnswer("free of charge", c, 200, "fine")
		g.wantEnd("free of charge", record.Relayed, "")
	})
}

// Within bounds when the last try begins, whatever it follows.
func TestWithin(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.Retry = exchange.Retry{Broken: true, Within: 10 * time.Second}
		for _, late := range []bool{false, true} {
			g.servers("a", "b")
			c := g.send("GET /")
			o := g.arrives("a is asked")
			g.pass(9 * time.Second)
			if late {
				g.pass(time.Second)
			}
			o.leave(byRST)
			if late {
				g.wantHead("too late", c, 502)
				g.wantEnd("too late", record.Answered, "upstream.await-head.reset")
				continue
			}
			g.arrives("in time").ok("")
			g.wantAnswer("in time", c, 200, "")
			g.wantEnd("in time", record.Relayed, "")
		}
	})
}

// So many tries reach a server, and no more; the same server is asked twice at most.
func TestTriesThatReachAServer(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.Retry = exchange.Retry{Broken: true, Tries: 4, Hold: time.Minute}
		g.servers("a", "b", "c", "d", "e", "f")
		c := g.send("GET /")
		for range 4 {
			g.arrives("asked").leave(byRST)
		}
		g.wantHead("given up", c, 502)
		r := g.wantEnd("given up", record.Answered, "upstream.await-head.reset") // I1
		if r.AttemptLen != 4 || r.TrailLen != 3 {
			t.Errorf("attempts %q, trail %q", attempts(r), trail(r))
		}
		g.wantNoRequest("given up")

		g.servers("a")
		c = g.send("GET /")
		o := g.arrives("once")
		o.conn.closed = true
		o.leave(byRST)
		g.pass(time.Second)
		o = g.arrives("twice, after a rest")
		o.conn.closed = true
		o.leave(byRST)
		g.pass(time.Minute)
		g.wantHead("given up", c, 502)
		wantAttempts(t, "two", g.wantEnd("given up", record.Answered, "upstream.await-head.reset"),
			"a:upstream.await-head.reset", "a:upstream.await-head.reset")
		g.wantNoRequest("not a third time")
	})
}

// What a record keeps of many attempts is whole although a further one came to
// nothing.
func TestRecordOfManyAttempts(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.Retry.Tries = 8
		for _, s := range g.servers("a", "b", "c", "d", "e") {
			s.dials = []failure.Kind{failure.Refused}
		}
		g.send("GET /")
		r := g.wantEnd("given up", record.Answered, "upstream.connect.refused")
		if a := r.LastAttempt(); r.AttemptLen != 5 || a.Server != "e" || a.Failure.Kind != failure.Refused {
			t.Errorf("%d attempts, the last is %+v", r.AttemptLen, a)
		}
	})
}

// Where there is no other server, an answer is passed on without counting as repeated:
// else the failures of an only server would leave nothing for what can be helped.
func TestNothingIsSpentWithoutAnotherServer(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.Retry = exchange.Retry{Statuses: []int{503}}
		left := g.group.repeats
		c := g.send("GET /")
		o := g.arrives("the only one is asked")
		o.answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")
		g.wantAnswer("passed on", c, 503, "")
		g.wantEnd("passed on", record.Relayed, "")
		if g.group.repeats != left {
			t.Errorf("%d of %d are left", g.group.repeats, left)
		}
	})
}
