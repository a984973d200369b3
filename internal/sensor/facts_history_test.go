// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"testing"
	"time"

	"causey/internal/upstream"
)

func TestFewerServers(t *testing.T) {
	story := func(change func(g *rig)) *rig {
		g := newRig(t).servers("10.0.0.3:80", two)
		g.ticking(2 * time.Minute)
		change(g)
		g.ticking(20 * time.Second)
		g.put(visit{code: "upstream.connect.refused"})
		return g
	}
	story(func(g *rig) { g.look.Servers = g.look.Servers[:1] }).want("one is gone", "servers_fewer", "changed_servers")
	story(func(g *rig) { g.servers("10.0.0.5:80") }).want("one more", "!servers_fewer", "changed_servers")
	story(func(g *rig) { g.look.Servers[1].Name = "10.0.0.5:80" }).want("another", "!servers_fewer", "changed_servers")
	story(func(g *rig) { g.look.Servers[0], g.look.Servers[1] = g.look.Servers[1], g.look.Servers[0] }).
		want("another order is no change", "!servers_fewer", "!changed_servers")
	g := newRig(t).servers("10.0.0.3:80")
	g.put(visit{code: "upstream.connect.refused"})
	g.tick()
	g.want("what was before is not known", "-servers_fewer", "!changed_servers")
}

func TestByHand(t *testing.T) {
	for hand, want := range map[upstream.Hand]string{upstream.Drain: "by_hand", upstream.Maintain: "by_hand", upstream.Auto: "!by_hand", "": "!by_hand"} {
		g := newRig(t).servers("10.0.0.3:80", two)
		g.look.Servers[1].Hand = hand
		g.put(visit{code: "upstream.connect.refused"})
		g.want(string(hand), want)
	}
	g := newRig(t)
	g.put(visit{code: "upstream.connect.refused"})
	g.want("nothing is told of servers", "-by_hand", "-left_out", "-all_left_out")
}

func TestQuietBefore(t *testing.T) {
	story := func(between func(g *rig)) *rig {
		g := newRig(t).servers("10.0.0.3:80")
		g.put(visit{})
		between(g)
		g.put(visit{code: "upstream.connect.timeout"})
		return g
	}
	story(func(g *rig) { g.pass(6 * time.Minute) }).want("nobody came", "quiet_before")
	story(func(g *rig) { g.calm(6 * time.Minute) }).want("many came", "!quiet_before")
	story(func(g *rig) { g.pass(time.Minute) }).want("it is not known for long", "-quiet_before")
	story(func(g *rig) {
		g.many(6, time.Minute, func(int) visit { return visit{cache: 1} })
	}).want("the cache answered", "quiet_before")
}

func TestOnlyTheCheckFails(t *testing.T) {
	story := func(ok bool, at int64, put func(g *rig)) *rig {
		g := newRig(t).servers("10.0.0.3:80")
		g.look.Servers[0].Check.OK, g.look.Servers[0].CheckedAt = ok, at
		g.calm(10 * time.Second)
		put(g)
		g.put(visit{code: "gateway.queue.no-server"})
		return g
	}
	nothing := func(*rig) {}
	story(false, 1, nothing).want("requests went well", "check_only")
	story(false, 1, func(g *rig) { g.put(visit{code: "upstream.connect.refused"}) }).want("requests fail too", "!check_only")
	story(true, 1, nothing).want("the check passes", "!check_only")
	story(true, 0, nothing).want("there is no check", "-check_only")
	story(false, 1, func(g *rig) { g.pass(2 * time.Minute) }).want("no request was sent", "-check_only")
}

func TestWaitsThatGrow(t *testing.T) {
	story := func(waits ...time.Duration) *rig {
		g := newRig(t).servers("10.0.0.3:80")
		g.ticking(2 * time.Minute)
		for _, w := range waits {
			g.many(60, time.Second, func(int) visit { return visit{took: w} })
		}
		g.put(visit{code: "upstream.await-head.timeout", took: 5 * time.Second})
		return g
	}
	const ms = time.Millisecond
	story(20*ms, 60*ms, 400*ms).want("a leak", "slow_gradual", "slow_before")
	story(5*ms, 5*ms, 400*ms).want("at once", "!slow_gradual")
	story(400*ms, 420*ms, 440*ms).want("hardly", "!slow_gradual")
	g := newRig(t).servers("10.0.0.3:80")
	g.ticking(70 * time.Second)
	g.put(visit{code: "upstream.await-head.timeout"})
	g.want("a minute says nothing", "-slow_gradual")
}

// What was not there before the failures is no change.
func TestChangesAfterTheFailures(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.put(visit{code: "upstream.connect.refused"})
	g.want("nothing was changed", "!changed_config")
	g.pass(10 * time.Second)
	g.s.ConfigChanged(g.now)
	g.want("changed later", "!changed_config")
	if say := g.facts()["changed_config"].Say; say != "the configuration was changed 10 s after the first failure" {
		t.Error(say)
	}
}
