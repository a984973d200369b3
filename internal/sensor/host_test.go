// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"strings"
	"testing"
	"time"
)

func TestWhatTheMachineLacks(t *testing.T) {
	for _, c := range []struct {
		host Host
		want string
	}{
		{Host{Tracked: 96, TrackedMost: 100}, "own_conntrack"},
		{Host{Tracked: 94, TrackedMost: 100}, "!own_conntrack"},
		{Host{Tracked: 94}, "-own_conntrack"},
		{Host{Disk: "/var/log", DiskFree: 1 << 20, DiskSize: 10 << 30}, "own_disk"},
		{Host{Disk: "/var/log", DiskFree: 1 << 20, DiskSize: 20 << 20}, "!own_disk"},
		{Host{Disk: "/var/log", DiskFree: 5 << 30, DiskSize: 1000 << 30}, "!own_disk"},
		{Host{}, "-own_disk"},
		{Host{HasCPU: true, CPUWaits: 0.9}, "own_busy"},
		{Host{HasCPU: true, RunDelay: 50 * time.Millisecond}, "own_busy"},
		{Host{HasCPU: true, CPUWaits: 0.1, RunDelay: time.Millisecond}, "!own_busy"},
		{Host{}, "-own_busy"},
		{Host{HasCookies: true, SYNCookies: 3}, "own_syn_cookies"},
		{Host{HasCookies: true}, "!own_syn_cookies"},
		{Host{}, "-own_syn_cookies"},
		{Host{Clients: 50, Slow: 20}, "slow_clients"},
		{Host{Clients: 500, Slow: 20}, "!slow_clients"},
		{Host{Clients: 10, Slow: 10}, "!slow_clients"},
		{Host{}, "-slow_clients"},
	} {
		g := newRig(t).servers("10.0.0.3:80")
		g.host = c.host
		for range 5 {
			g.tick()
			g.many(1, time.Second, func(int) visit { return visit{code: "upstream.connect.timeout"} })
		}
		g.want(c.want, c.want)
	}
}

// What the machine lacked long before has nothing to do with it.
func TestTheMachineIsLookedAtMeanwhile(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.host = Host{Tracked: 100, TrackedMost: 100, HasCPU: true, RunDelay: time.Second}
	g.ticking(30 * time.Second)
	g.host = Host{Tracked: 10, TrackedMost: 100, HasCPU: true}
	g.ticking(30 * time.Second)
	g.put(visit{code: "upstream.connect.timeout"})
	g.want("long before", "!own_conntrack", "!own_busy")
	if say := g.facts()["own_conntrack"].Say; !strings.HasPrefix(say, "10 of 100 places") {
		t.Error(say)
	}
}

// A moment in which the machine is busy is no reason.
func TestAMomentIsNotBusy(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	for i := range 20 {
		g.host = Host{HasCPU: true}
		if i == 10 {
			g.host.RunDelay = time.Second
		}
		g.tick()
		g.many(1, time.Second, func(int) visit { return visit{code: "upstream.connect.timeout"} })
	}
	g.want("once", "!own_busy")
}
