// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// What is asked for once more is what a visitor asked for without wanting a change.
func TestWanted(t *testing.T) {
	g := newRig(t)
	asked := func() (a Wanted) {
		g.s.Each(func(c *Case) { a = c.Wanted() })
		return a
	}
	for _, step := range []struct {
		method, path string
		want         Wanted
	}{
		{"POST", "/buy", Wanted{}},
		{"GET", "/cart?token=x", Wanted{Path: "/cart"}},
		{"DELETE", "/cart/1", Wanted{Path: "/cart"}},
		{"HEAD", "/about", Wanted{Path: "/about"}},
		{"GET", "http://other.example/x", Wanted{Path: "/about"}},
		{"OPTIONS", "*", Wanted{Path: "/about"}},
		{"GET", "/" + strings.Repeat("x", wantedMax), Wanted{Path: "/about"}},
		{"GET", "/caf\xc3\xa9", Wanted{Path: "/about"}},
		{"POST", "/?x", Wanted{Path: "/about", Root: true}},
		{"GET", "/", Wanted{Path: "/", Root: true}},
		{"GET", "/shop", Wanted{Path: "/shop", Root: true}},
		{"GET", "/reset/8f3a99c01b77d2e4", Wanted{Path: "/", Root: true}},
	} {
		g.pass(time.Second)
		g.put(visit{method: step.method, path: step.path, code: "upstream.await-head.closed"})
		if got := asked(); got != step.want {
			t.Errorf("%s %s: %+v, want %+v", step.method, step.path, got, step.want)
		}
	}
}

func TestNewest(t *testing.T) {
	g := newRig(t)
	for _, s := range []string{"10.0.0.3:80", "10.0.0.4:80", "10.0.0.3:80"} {
		g.pass(time.Second)
		g.put(visit{server: s, dialled: s, code: "upstream.await-head.closed"})
	}
	g.put(visit{server: "10.0.0.5:80"})
	g.s.Each(func(c *Case) {
		servers, dialled := c.Newest()
		if fmt.Sprint(servers) != "[10.0.0.3:80 10.0.0.4:80]" || dialled != netip.MustParseAddrPort("10.0.0.3:80") {
			t.Errorf("%v, %v", servers, dialled)
		}
	})
	for server, want := range map[string]bool{"10.0.0.5:80": true, "10.0.0.3:80": false, "10.0.0.6:80": false} {
		if at := g.s.LastGood("app", server); !at.IsZero() != want || want && !at.Equal(g.now) {
			t.Errorf("%s was last good at %v", server, at)
		}
	}
	if at := g.s.LastGood("other", "10.0.0.5:80"); !at.IsZero() {
		t.Errorf("another upstream: %v", at)
	}
}
