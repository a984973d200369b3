// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"testing"
	"time"
)

// I1: servers and upstreams that are gone give their places to others.
func TestWhatIsGoneIsForgotten(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	for i := range 40 { // containers that come and go
		name := fmt.Sprintf("10.0.1.%d:80", i)
		g.look.Servers[0].Name = name
		g.many(60, time.Second, func(int) visit { return visit{server: name} })
		g.tick()
	}
	if n := len(g.s.pools["app"].servers); n > 12 {
		t.Errorf("%d servers are kept", n)
	}
	g.look.Servers[0].Name = "10.0.9.9:80" // it is asked for nothing
	for range 60 {
		g.pass(time.Minute)
		g.tick()
	}
	if p := g.s.pools["app"]; p == nil || p.servers["10.0.9.9:80"] == nil || len(p.servers) != 1 {
		t.Errorf("after an hour: %+v", p)
	}
	g.pass(2 * time.Minute)
	g.tick()
	if len(g.s.pools) != 0 {
		t.Errorf("%d upstreams are kept", len(g.s.pools))
	}
	g.put(visit{code: "upstream.connect.refused"})
	g.want("it is known that nobody had asked", "quiet_before")
}

func TestUpstreamsWithACaseAreKept(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.put(visit{code: "upstream.connect.refused"})
	g.pass(59 * time.Minute)
	g.tick()
	if len(g.s.pools) != 1 || len(g.s.cases) != 1 {
		t.Errorf("%d upstreams, %d cases", len(g.s.pools), len(g.s.cases))
	}
	g.pass(3 * time.Minute)
	g.tick()
	g.pass(time.Minute)
	g.tick()
	if len(g.s.pools) != 0 || len(g.s.cases) != 0 {
		t.Errorf("later: %d upstreams, %d cases", len(g.s.pools), len(g.s.cases))
	}
}

// A clock that is put back leaves nothing that could be compared, and one that is put
// forward nothing that is new.
func TestTheClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, -time.Minute, time.Hour, 48 * time.Hour} {
		g := newRig(t).servers("10.0.0.3:80")
		g.ticking(30 * time.Second)
		g.put(visit{code: "upstream.connect.refused"})
		g.pass(by)
		g.tick()
		g.ticking(30 * time.Second)
		g.many(20, 200*time.Millisecond, func(i int) visit {
			if i%2 == 0 {
				return ordinary(i)
			}
			return visit{code: "upstream.connect.refused"}
		})
		c := g.the("")
		if first := c.Onset(); first.After(g.now) || g.now.Sub(first) > 5*time.Second {
			t.Errorf("%v: the failures begin %v before", by, g.now.Sub(first))
		}
		g.want(by.String(), "share", "!recovered", "!all_fail")
	}
}

// Records of exchanges that began before the clock was put back carry its old time, and a
// monotonic reading that is right.
func TestTimesAreOfOneClock(t *testing.T) {
	s, now := New(), time.Now()
	s.Tick(now, nil, Host{})
	back := now.Round(0).Add(-time.Hour) // what the clock says from now on
	s.Tick(back, nil, Host{})
	if at := s.timeOf(back.Add(time.Second)); !at.Equal(back.Add(time.Second)) {
		t.Errorf("%v is %v", back.Add(time.Second), at)
	}
	s.Tick(now, nil, Host{})
	if at := s.timeOf(now.Add(time.Second)); at.Unix() != now.Add(time.Second).Unix() {
		t.Errorf("a second later is %v later", at.Sub(now))
	}
}
