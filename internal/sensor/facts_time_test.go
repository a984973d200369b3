// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"testing"
	"time"

	"causey/internal/failure"
)

func TestOnlyFreshConnectionsFail(t *testing.T) {
	for _, c := range []struct {
		name, want string
		bad        func(i int) visit
		good       bool
	}{
		{"before they open", "fresh_only", func(int) visit { return visit{code: "upstream.connect.timeout"} }, true},
		{"on their first request", "fresh_only", func(int) visit { return visit{code: "upstream.await-head.closed"} }, true},
		{"one was reused", "!fresh_only", func(i int) visit { return visit{code: "upstream.await-head.closed", reused: i == 2, number: 2} }, true},
		{"no reused ones to compare with", "-fresh_only", func(int) visit { return visit{code: "upstream.connect.timeout"} }, false},
	} {
		g := newRig(t).servers("10.0.0.3:80")
		g.many(20, 200*time.Millisecond, func(i int) visit { return visit{reused: c.good, number: uint32(1 + i)} })
		g.many(16, 200*time.Millisecond, func(i int) visit {
			if i%4 == 0 {
				return c.bad(i / 4)
			}
			return visit{reused: c.good, number: uint32(30 + i)}
		})
		g.want(c.name, c.want)
	}
	// A server that went down had open connections before.
	g := newRig(t).servers("10.0.0.3:80")
	g.many(20, 200*time.Millisecond, func(i int) visit { return visit{reused: true, number: uint32(1 + i)} })
	g.many(8, 200*time.Millisecond, func(int) visit { return visit{code: "upstream.connect.refused"} })
	g.want("it is down", "-fresh_only")
}

func TestEveryManyRequests(t *testing.T) {
	story := func(gap func(round int) int, dying int) *rig {
		g := newRig(t).servers("10.0.0.3:80")
		for round := range 5 {
			g.many(gap(round), 60*time.Millisecond, ordinary)
			g.many(dying, 10*time.Millisecond, func(int) visit { return visit{code: "upstream.await-head.closed", number: 3} })
		}
		return g
	}
	story(func(int) int { return 100 }, 1).want("a worker's life", "every_requests=100")
	story(func(int) int { return 100 }, 4).want("with what it had in hand", "every_requests=100")
	story(func(round int) int { return 40 << round }, 1).want("at any time", "!every_requests")
	g := newRig(t)
	g.many(3, time.Second, func(int) visit { return visit{code: "upstream.await-head.closed"} })
	g.want("two gaps only", "-every_requests")
}

func TestSilentTunnels(t *testing.T) {
	story := func(quiet func(i int) time.Duration, n int) *rig {
		g := newRig(t).servers("10.0.0.3:80")
		g.many(n, time.Second, func(i int) visit {
			return visit{code: "upstream.tunnel.reset", ev: failure.Evidence{QuietFor: quiet(i)}}
		})
		return g
	}
	story(func(i int) time.Duration { return 60*time.Second + time.Duration(i)*100*time.Millisecond }, 5).
		want("something closes after a minute", "quiet_median=60.2", "quiet_clustered")
	story(func(i int) time.Duration { return time.Duration(i*i) * 7 * time.Second }, 6).want("at any time", "!quiet_clustered")
	story(func(int) time.Duration { return 20 * time.Millisecond }, 6).want("amid the talk", "!quiet_clustered")
	story(func(int) time.Duration { return time.Minute }, 2).want("two", "quiet_median=60", "-quiet_clustered")
	g := newRig(t)
	g.put(visit{code: "upstream.await-head.closed"})
	g.want("no tunnel", "-quiet_median")
}

func TestPausesThatGrow(t *testing.T) {
	story := func(pauses ...time.Duration) *rig {
		g := newRig(t).servers("10.0.0.3:80")
		for _, p := range pauses {
			g.calm(p)
			g.many(3, 10*time.Millisecond, func(int) visit { return visit{code: "upstream.connect.refused"} })
		}
		return g
	}
	story(10*time.Second, 10*time.Second, 20*time.Second, 40*time.Second, 80*time.Second).want("a supervisor", "backoff", "!period", "episodes=5")
	story(10*time.Second, 20*time.Second, 20*time.Second, 20*time.Second).want("regular", "!backoff", "period=20")
	story(10*time.Second, 40*time.Second, 10*time.Second, 90*time.Second).want("at any time", "!backoff", "!period")
	story(10*time.Second, 20*time.Second).want("twice", "-backoff", "-period")
}

func TestClientsThatLeaveAfterTheSameTime(t *testing.T) {
	story := func(after func(i int) time.Duration) *rig {
		g := newRig(t).servers("10.0.0.3:80")
		g.calm(2 * time.Minute)
		g.many(6, time.Second, func(i int) visit { return visit{left: true, took: after(i)} })
		g.put(visit{code: "upstream.await-head.timeout"})
		return g
	}
	story(func(i int) time.Duration { return 5*time.Second + time.Duration(i)*20*time.Millisecond }).
		want("a timer of theirs", "left_clustered", "left_median=5.06", "clients_left")
	story(func(i int) time.Duration { return time.Duration(i*i) * time.Second }).want("as they like", "!left_clustered")
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(2 * time.Minute)
	g.put(visit{code: "upstream.await-head.timeout"})
	g.want("nobody left", "-left_clustered", "!clients_left")
}

// recovery needs requests that went well: where nobody asks, nobody knows.
func TestRecoveryNeedsRequests(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.put(visit{code: "upstream.connect.refused"})
	g.pass(time.Minute)
	g.want("nobody asked", "!recovered", "-recovered_after")
	g.calm(3 * time.Second)
	g.want("it goes well", "recovered")
	own := newRig(t)
	own.put(visit{upstream: "-", code: "gateway.route.loop"})
	own.pass(time.Minute)
	own.want("nobody asked the gateway", "!recovered")
}
