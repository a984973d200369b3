// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"strings"
	"testing"
	"time"

	"causey/internal/phase"
	"causey/internal/record"
)

// upgrade leads an exchange into a tunnel.
func upgrade(g *testGateway) (*clientTwin, *leaseTwin) {
	g.t.Helper()
	c := g.send("GET /ws", "Connection: Upgrade", "Upgrade: websocket")
	o := g.arrives("the wish goes on")
	if o.head.upgrade != "websocket" {
		g.t.Fatalf("the server is asked for %q", o.head.upgrade)
	}
	o.answer("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Accept: x")
	g.wantHead("the answer comes through", c, 101, "Sec-WebSocket-Accept: x")
	if up := c.heads[0].upgrade; up != "WebSocket" {
		g.t.Fatalf("the client is told %q", up)
	}
	return c, o
}

func TestTunnel(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c, o := upgrade(g)
		for range 3 {
			c.body("ping")
			g.settle()
			if got := o.read(9); got != "ping" {
				t.Fatalf("the server gets %q", got)
			}
			o.body("pong")
			g.settle()
			if got := c.read(9); got != "pong" {
				t.Fatalf("the client gets %q", got)
			}
			g.pass(time.Minute)
		}
		c.leave(byFIN)
		g.settle()
		if !o.up.ended {
			t.Fatal("the client's end did not come through")
		}
		g.wantRunning("the other half goes on")
		o.body("last words")
		g.settle()
		if got := c.read(99); got != "last words" {
			t.Errorf("the client gets %q in its half-closed tunnel", got)
		}
		o.end()
		r := g.wantEnd("both ended", record.Tunnelled, "")
		if r.Status != 101 || r.UpStatus != 101 || r.BodyIn != 12 || r.BodyOut != 22 || r.Phases[phase.Tunnel] != 3*time.Minute {
			t.Errorf("status %d, %d in, %d out, %v", r.Status, r.BodyIn, r.BodyOut, r.Phases[phase.Tunnel])
		}
		if end := (record.TunnelEnd{QuietFor: time.Minute}); r.Tunnel != end {
			t.Errorf("the client ended it after a minute: %+v", r.Tunnel)
		}
		if !c.down.ended {
			t.Error("the server's end did not come through")
		}

		c, o = upgrade(g)
		o.end()
		g.settle()
		if !c.down.ended {
			t.Fatal("the server's end did not come through")
		}
		c.body("still here")
		g.settle()
		if got := o.read(99); got != "still here" {
			t.Errorf("the server gets %q in its half-closed tunnel", got)
		}
		c.leave(byFIN)
		if r := g.wantEnd("both ended", record.Tunnelled, ""); r.Tunnel != (record.TunnelEnd{ByServer: true}) {
			t.Errorf("the server ended it at once: %+v", r.Tunnel)
		}
	})
}

// Memory in a tunnel is bounded too, and its bytes are not touched.
func TestTunnelBackpressure(t *testing.T) {
	const size = 1 << 20
	onBoth(t, func(t *testing.T, g *testGateway) {
		c, o := upgrade(g)
		whole := strings.Repeat("0123456789abcdef", size/16)
		for _, dir := range []struct {
			name string
			put  func(string) int
			take func(int) string
		}{{"up", c.body, o.read}, {"down", o.body, c.read}} {
			sent, got := 0, ""
			for len(got) < size {
				n := dir.put(whole[sent:])
				sent += n
				g.settle()
				if most := 2*g.twin.window + 2*g.twin.piece; sent-len(got) > most {
					t.Fatalf("%s: %d bytes in flight, at most %d are allowed", dir.name, sent-len(got), most)
				}
				if n == 0 {
					got += dir.take(5000)
					g.settle()
				}
			}
			if got != whole {
				t.Errorf("%s: bytes were changed", dir.name)
			}
		}
		c.leave(byFIN)
		o.end()
		g.wantEnd("both ended", record.Tunnelled, "")
	})
}

func TestTunnelIsReset(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c, o := upgrade(g)
		c.leave(byRST)
		r := g.wantEnd("the client broke it", record.ClientLeft, "client.tunnel.reset")
		if r.Status != 499 || o.up.ended {
			t.Errorf("status %d; the server sees an end: %v", r.Status, o.up.ended)
		}

		c, o = upgrade(g)
		o.leave(byRST)
		g.wantEnd("the server broke it", record.Cut, "upstream.tunnel.reset")
		g.wantAborted("the client sees no end", c)

		c, _ = upgrade(g)
		c.kill()
		g.wantEnd("we broke it", record.Cut, "gateway.tunnel.shutdown")
		g.wantAborted("the client sees no end", c)

		c, o = upgrade(g)
		c.leave(byFIN)
		g.settle()
		o.leave(byRST)
		g.wantEnd("the server broke its half", record.Cut, "upstream.tunnel.reset")

		c, o = upgrade(g)
		o.end()
		g.settle()
		c.leave(byRST)
		g.wantEnd("the client broke its half", record.ClientLeft, "client.tunnel.reset")
	})
}

// A tunnel is idle when both directions are.
func TestTunnelIsIdle(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.route.Timeouts.TunnelIdle = time.Minute
		for _, oneWay := range []string{"up", "down"} {
			c, o := upgrade(g)
			for range 5 {
				g.pass(50 * time.Second)
				if oneWay == "up" {
					c.body("x")
				} else {
					o.body("x")
				}
			}
			g.pass(59 * time.Second)
			g.wantRunning("one direction keeps it")
			g.pass(time.Second)
			r := g.wantEnd("quiet too long", record.Tunnelled, "gateway.tunnel.idle")
			if r.Status != 101 || r.Phases[phase.Tunnel] != 310*time.Second {
				t.Errorf("status %d after %v", r.Status, r.Phases[phase.Tunnel])
			}
			if r.Error.Evidence.QuietFor != time.Minute {
				t.Errorf("it was quiet for %v", r.Error.Evidence.QuietFor)
			}
		}
	})
}

// A change of protocol that nobody asked for, or to another protocol, is the
// server's failure (RFC 9110 section 7.8).
func TestBadUpgrade(t *testing.T) {
	for _, c := range []struct {
		name, code string
		request    []string
		answer     []string
	}{
		{"not asked for", "upstream.read-head-up.unexpected-upgrade", []string{"GET /"},
			[]string{"HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"}},
		{"another protocol", "upstream.read-head-up.bad-upgrade", []string{"GET /", "Connection: Upgrade", "Upgrade: websocket"},
			[]string{"HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: mqtt"}},
		{"none named", "upstream.read-head-up.bad-upgrade", []string{"GET /", "Connection: Upgrade", "Upgrade: websocket"},
			[]string{"HTTP/1.1 101 Switching Protocols", "Connection: Upgrade"}},
		{"part of a name", "upstream.read-head-up.bad-upgrade", []string{"GET /", "Connection: Upgrade", "Upgrade: websocket, mqtt"},
			[]string{"HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: web"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, g *testGateway) {
				cl := g.send(c.request...)
				g.arrives("sent").answer(c.answer...)
				g.wantHead("refused", cl, 502)
				g.wantEnd("refused", record.Answered, c.code)
			})
		})
	}
}

// A server that does not want to upgrade answers as always; so does one that
// picks from a list.
func TestUpgradeDeclined(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		c := g.send("GET /", "Connection: Upgrade", "Upgrade: websocket")
		g.arrives("sent").ok("no")
		g.wantAnswer("declined", c, 200, "no")
		g.wantEnd("declined", record.Relayed, "")

		c = g.send("GET /", "Connection: Upgrade", "Upgrade: mqtt, WebSocket")
		o := g.arrives("sent").answer("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket")
		g.wantHead("picked", c, 101)
		c.leave(byFIN)
		o.end()
		g.wantEnd("picked", record.Tunnelled, "")
	})
}
