// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"testing"
	"time"
)

// steady puts an answer every 20 ms, of several paths.
func (g *rig) steady(d time.Duration) {
	g.many(int(d/(20*time.Millisecond)), 20*time.Millisecond, func(i int) visit {
		return visit{path: []string{"/", "/news", "/about"}[i%3], took: 10 * time.Millisecond}
	})
}

// stops lets the server do nothing for a while, and then all at once; first is the path
// of what it was busy with, "" for nothing.
func (g *rig) stops(d time.Duration, first string) {
	g.pass(d)
	if first != "" {
		g.put(visit{path: first, took: d})
	}
	for i := range 6 {
		g.put(visit{path: []string{"/", "/news", "/about"}[i%3], took: d - time.Duration(i+1)*20*time.Millisecond})
	}
}

// story is a server that stops a few times, or does not, and fails in the end.
func stopStory(t *testing.T, stop func(g *rig)) *rig {
	g := newRig(t).servers("10.0.0.3:80")
	for range 3 {
		for range 5 {
			g.steady(time.Second)
			g.tick()
		}
		stop(g)
	}
	for range 3 {
		g.steady(time.Second)
		g.tick()
	}
	g.put(visit{code: "upstream.await-head.timeout", took: time.Second})
	return g
}

func TestServersThatPause(t *testing.T) {
	stopStory(t, func(g *rig) { g.stops(time.Second, "") }).want("a collector of garbage", "pauses", "!culprit_first")
	stopStory(t, func(g *rig) { g.stops(time.Second, "/report") }).want("one thread that is kept busy", "pauses", "culprit_first")
	stopStory(t, func(*rig) {}).want("nothing stops", "!pauses", "-culprit_first")
	stopStory(t, func(g *rig) { g.pass(3 * time.Second) }).want("nobody asked", "!pauses", "-culprit_first")
	n := 0
	stopStory(t, func(g *rig) {
		n++
		g.stops(time.Second, fmt.Sprintf("/page/%c", 'a'+n))
	}).want("each time another", "pauses", "!culprit_first")
	once := 0
	stopStory(t, func(g *rig) {
		if once++; once == 1 {
			g.stops(time.Second, "/report")
		}
	}).want("once", "pauses", "-culprit_first")
}

// Where answers are rare and slow, a second without one is no stop.
func TestRareAnswersAreNoPauses(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	for range 40 {
		g.many(4, 250*time.Millisecond, func(i int) visit { return visit{path: "/", took: 900 * time.Millisecond} })
		g.pass(time.Second)
		g.many(4, time.Millisecond, func(i int) visit { return visit{path: "/", took: 900 * time.Millisecond} })
		g.tick()
	}
	g.put(visit{code: "upstream.await-head.timeout", took: time.Second})
	g.want("rare", "!pauses")
	g = newRig(t)
	g.many(5, time.Second, ordinary)
	g.put(visit{code: "upstream.await-head.timeout"})
	g.want("hardly anything is known", "-pauses")
}

// I1: a stop is found once, however often it is looked for.
func TestStopsAreCountedOnce(t *testing.T) {
	g := stopStory(t, func(g *rig) { g.stops(time.Second, "") })
	m := g.s.pools["app"].servers["10.0.0.3:80"]
	for range 5 {
		g.tick()
	}
	if len(m.stops.list) != 3 {
		t.Fatalf("%d stops: %v", len(m.stops.list), m.stops.list)
	}
	for _, s := range m.stops.list {
		if d := s.end.Sub(s.first); d < 800*time.Millisecond || d > time.Second {
			t.Errorf("a stop of %v", d)
		}
	}
}
