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

// down makes the group one whose only server is known to be unreachable.
func (g *testGateway) down() *serverTwin {
	g.route.Retry.Hold = 10 * time.Second
	s := g.servers("a")[0]
	s.down = true
	return s
}

// While no server can be asked a request waits, whatever it is: nobody has got it.
func TestHeldUntilAServerIsUp(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, head := range [][]string{{"GET /"}, {"POST /", "Content-Length: 2"}, {"GET /", "Connection: Upgrade", "Upgrade: chat"}} {
			s := g.down()
			c := g.send(head...)
			c.body("ok")
			g.pass(3 * time.Second)
			g.wantRunning("it waits")
			g.wantNoRequest("it waits")
			g.group.up(s)
			g.arrives("a is asked").ok("fine")
			g.wantAnswer("late, but well", c, 200, "fine")
			r := g.wantEnd("late, but well", record.Relayed, "")
			wantAttempts(t, "one", r, "a:")
			wantSaved(t, r, record.ByHold)
			if d := r.Phases[phase.Queue]; d != 3*time.Second || r.Attempts[0].Start != 3*time.Second {
				t.Errorf("held for %v, asked after %v", d, r.Attempts[0].Start)
			}
		}
	})
}

// A server that is lost under the request: what came first is held, too, and answers
// if nothing comes of it. I1.
func TestHeldAfterAFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		for _, comes := range []bool{true, false} {
			s := g.down()
			s.down, s.delay, s.dials = false, 20*time.Millisecond, []failure.Kind{failure.Refused}
			c := g.send("GET /")
			g.settle()
			g.air.mu.Lock()
			s.down = true
			g.air.mu.Unlock()
			g.pass(5 * time.Second)
			g.wantRunning("it waits")
			if comes {
				g.group.up(s)
				g.pass(20 * time.Millisecond)
				g.arrives("a is asked again").ok("fine")
				g.wantAnswer("late, but well", c, 200, "fine")
				r := g.wantEnd("late, but well", record.Relayed, "")
				wantAttempts(t, "two", r, "a:upstream.connect.refused", "a:")
				wantSaved(t, r, record.ByHold)
				s.conns = nil
				continue
			}
			g.pass(5*time.Second - time.Millisecond)
			g.wantRunning("its time is not over")
			g.pass(time.Millisecond)
			g.wantHead("the first failure is told", c, 502)
			r := g.wantEnd("the first failure is told", record.Answered, "upstream.connect.refused")
			wantAttempts(t, "one", r, "a:upstream.connect.refused")
			wantSaved(t, r, 0)
			if d := r.Phases[phase.Queue]; d != 10*time.Second-20*time.Millisecond {
				t.Errorf("held for %v", d)
			}
		}
	})
}

// When the time is over and nobody was asked, one last try finds out what is wrong; if
// it works it saves nothing that waiting had saved.
func TestHeldInVain(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.down()
		s.dials = []failure.Kind{failure.Refused}
		c := g.send("GET /")
		g.pass(10 * time.Second)
		g.wantHead("at its time", c, 502)
		r := g.wantEnd("what is wrong", record.Answered, "upstream.connect.refused")
		wantAttempts(t, "one", r, "a:upstream.connect.refused")
		if d := r.Phases[phase.Queue]; d != 10*time.Second {
			t.Errorf("held for %v", d)
		}
		g.route.Retry.Hold = 0
		c = g.send("GET /")
		g.arrives("it is there after all").ok("")
		g.wantAnswer("well", c, 200, "")
		wantSaved(t, g.wantEnd("well", record.Relayed, ""), 0)
	})
}

// No server at all: told at once, or when the time is over.
func TestHeldWithoutServers(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.Retry.Hold = 10 * time.Second
		g.group.servers = nil
		c := g.send("GET /")
		g.pass(10 * time.Second)
		g.wantHead("at its time", c, 503)
		if r := g.wantEnd("nobody", record.Answered, "gateway.queue.no-server"); r.AttemptLen != 0 {
			t.Errorf("attempts %q", attempts(r))
		}
	})
}

// Whoever leaves while it is held, or is held when we stop, ends at once.
func TestLeftWhileHeld(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		s := g.down()
		c := g.send("GET /")
		g.pass(time.Second)
		c.leave(byRST)
		if r := g.wantEnd("left", record.ClientLeft, "client.connect.reset"); r.AttemptLen != 0 || r.Total != time.Second {
			t.Errorf("attempts %q after %v", attempts(r), r.Total)
		}
		c = g.send("POST /", "Content-Length: 100")
		c.body("half")
		g.pass(time.Second)
		c.leave(byFIN)
		g.pass(halfClose)
		g.wantEnd("left", record.ClientLeft, "client.connect.closed")
		c = g.send("GET /")
		g.pass(time.Second)
		c.kill()
		g.wantEnd("stopped", record.Unanswered, "gateway.connect.shutdown")
		g.group.up(s)
		g.wantNoRequest("nobody waits for these")
	})
}

// A server that goes away again and again does not make an exchange go on for ever.
func TestHeldAgainAndAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.Retry.Hold = 24 * time.Hour
		s := g.servers("a")[0]
		for range 1000 {
			s.dials = append(s.dials, failure.Refused)
		}
		c := g.send("GET /")
		g.pass(time.Minute)
		g.wantHead("enough", c, 502)
		r := g.wantEnd("enough", record.Answered, "upstream.connect.refused")
		if r.AttemptLen != 64 || r.TrailLen != record.TrailMax {
			t.Errorf("%d attempts, trail of %d", r.AttemptLen, r.TrailLen)
		}
	})
}
