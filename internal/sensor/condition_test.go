// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"causey/internal/record"
)

// wantCondition checks that there is a case that lasts, and what causes are asked about.
func (g *rig) wantCondition(why string, mode Mode, lasts bool) {
	g.t.Helper()
	found := false
	g.s.Each(func(c *Case) {
		if c.Mode != mode {
			return
		}
		found = c.Signed(g.now)
		if s := c.Symptom(); len(s.Codes)+len(s.Statuses) > 0 || !slices.Equal(s.Conditions, []string{string(mode)}) {
			g.t.Errorf("%s: the symptom is %+v", why, s)
		}
	})
	if found != lasts {
		g.t.Errorf("%s: a case of %s that lasts: %v, want %v", why, mode, found, lasts)
	}
}

// A condition is seen without any failure, once it lasts, and is over when it is.
func TestConditions(t *testing.T) {
	full := Host{Disk: "/", DiskFree: 0, DiskSize: 1 << 30}
	g := newRig(t).servers("10.0.0.3:80")
	g.ticking(5 * time.Second)
	g.host = full
	g.ticking(3 * time.Second)
	g.wantCondition("for a moment", ModeDisk, false)
	g.ticking(4 * time.Second)
	g.wantCondition("for some seconds", ModeDisk, true)
	g.want("the disk", "own_disk")
	g.host = Host{Disk: "/", DiskFree: 1 << 29, DiskSize: 1 << 30}
	g.ticking(7 * time.Second)
	g.wantCondition("no more", ModeDisk, false)
	if !g.the(ModeDisk).Recovered(g.now) {
		t.Error("there is room again, and it has not recovered")
	}
	g = newRig(t)
	for i := range 30 { // nobody comes
		if g.host = full; i >= 15 {
			g.host = Host{}
		}
		g.tick()
		g.pass(time.Second)
	}
	if !g.the(ModeDisk).Recovered(g.now) {
		t.Error("there is room again, nobody came, and it has not recovered")
	}

	g = newRig(t).servers("10.0.0.3:80")
	g.look.Servers[0].CheckedAt, g.look.Servers[0].Contradiction = 1, "40 of 40 requests went well"
	g.ticking(8 * time.Second)
	g.wantCondition("as of one that is about to end", ModeCheck, false)
	g.ticking(10 * time.Second)
	g.wantCondition("requests go well", ModeCheck, true)
	g.want("the check", "check_only")
}

// Tunnels that servers end are looked at by how long they had been silent.
func TestEndedTunnels(t *testing.T) {
	story := func(quiet func(i int) time.Duration) *rig {
		g := newRig(t).servers("10.0.0.3:80")
		g.calm(time.Minute)
		g.many(8, 3*time.Second, func(i int) visit {
			return visit{ended: true, quiet: quiet(i), took: time.Minute, path: "/live", client: fmt.Sprintf("192.0.2.%d", i)}
		})
		return g
	}
	story(func(int) time.Duration { return 60 * time.Second }).want("a timer", "quiet_clustered", "quiet_median=60", "!burst")
	story(func(i int) time.Duration { return time.Duration(i*i) * time.Second }).want("people", "!quiet_clustered")
	n := 0
	story(func(int) time.Duration { return 10 * time.Millisecond }).s.Each(func(*Case) { n++ })
	if n > 0 {
		t.Error("tunnels that end after a farewell are a case")
	}
}

// Pages that are not there are ordinary, unless none is there any more.
func TestNothingIsFound(t *testing.T) {
	missing := func(i int) visit {
		return visit{status: 404, path: []string{"/", "/about", "/shop"}[i%3], client: fmt.Sprintf("192.0.2.%d", i)}
	}
	cases := func(g *rig) (n int) {
		g.s.Each(func(c *Case) {
			if c.Mode.Status() == 404 {
				n++
			}
		})
		return n
	}
	g := newRig(t).servers("10.0.0.3:80")
	g.many(60, time.Second, func(i int) visit {
		if i%5 == 4 {
			return visit{}
		}
		return missing(i)
	})
	if n := cases(g); n > 0 {
		t.Error("pages that are not there beside one that is are a case")
	}
	g.many(20, time.Second, missing)
	if n := cases(g); n != 1 {
		t.Errorf("nothing is found any more: %d cases", n)
	}
	g.want("nothing is found", "status=404", "root_fails", "all_fail", "many_paths")
	for why, scan := range map[string]func(i int) visit{
		"one who scans": func(i int) visit {
			return visit{status: 404, path: []string{"/", "/old.php"}[i%2]}
		},
		"many who scan": func(i int) visit {
			return visit{status: 404, path: fmt.Sprintf("/old%d.php", i), client: fmt.Sprintf("192.0.2.%d", i)}
		},
		"while the cache has pages": func(i int) visit {
			if i%3 == 0 {
				return visit{cache: record.CacheHit}
			}
			return missing(i)
		},
	} {
		g := newRig(t).servers("10.0.0.3:80")
		g.many(60, time.Second, scan)
		if n := cases(g); n > 0 {
			t.Errorf("%s: %d cases", why, n)
		}
	}
}
