// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// patient is an origin whose health is set by hand.
type patient struct {
	name   string
	unwell atomic.Bool
	checks atomic.Int64
	host   atomic.Value
}

func (p *patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/health" {
		io.WriteString(w, p.name)
		return
	}
	p.host.Store(r.Host)
	p.checks.Add(1)
	if p.unwell.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func newPatient(t *testing.T, name string) (*patient, string) {
	p := &patient{name: name}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return p, s.Listener.Addr().String()
}

// eventually waits for what other goroutines do.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what + ": not within 10s")
		}
	}
}

// TestChecks: a server that fails its check is left out, and is back when it passes.
// Reloads leave checks alone that do not change; those that do apply. I3.
func TestChecks(t *testing.T) {
	a, atA := newPatient(t, "a")
	b, atB := newPatient(t, "b")
	const check = `check: {path: /health, interval: 100ms, fast_interval: 100ms, fall: 1, rise: 1}, host_header: shop.example`
	text := strings.Replace(plain, `servers: ["ORIGIN"]`, `servers: ["`+atA+`", "`+atB+`"], balance: round_robin, slow_start: 0, CHECK`, 1)
	g, load := gatewayFor(t, strings.Replace(text, "CHECK", check, 1))
	addr := g.Addrs()[0]
	answers := func() string { // of eight requests
		var got strings.Builder
		for range 8 {
			got.WriteString(ask(t, addr))
		}
		return got.String()
	}
	both := func() bool { s := answers(); return strings.Contains(s, "a") && strings.Contains(s, "b") }
	eventually(t, "both are asked", func() bool { return a.checks.Load() > 0 && b.checks.Load() > 0 })
	if !both() {
		t.Error("not both are in service")
	}
	if h := a.host.Load(); h != "shop.example" {
		t.Errorf("asked for %v", h)
	}
	a.unwell.Store(true)
	eventually(t, "a is left out", func() bool { return answers() == "bbbbbbbb" })
	a.unwell.Store(false)
	eventually(t, "a is back", both)

	group, runner := g.live.groups["u"], g.checks.running[g.live.groups["u"].Group]
	reload := func(text string) {
		t.Helper()
		load(text)
		if err := g.Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	same := strings.Replace(text, "CHECK", check, 1)
	reload(same + "timeouts: {idle: 20s}\n")
	if g.live.groups["u"] != group || g.checks.running[group.Group] != runner {
		t.Error("a reload that changes nothing of the checks began them anew")
	}
	reload(same + "limits: {head: 32KiB, line: 8KiB, target: 4KiB}\n")
	if g.live.groups["u"] != group || g.checks.running[group.Group] == runner {
		t.Error("new limits: the group is another one, or the checks go on with the old ones")
	}
	a.unwell.Store(true)
	eventually(t, "a is left out", func() bool { return answers() == "bbbbbbbb" })
	reload(strings.Replace(text, "CHECK", "check: off", 1))
	if len(g.checks.running) != 0 || !both() {
		t.Error("without checks a is still left out by one")
	}
	n := a.checks.Load()
	time.Sleep(250 * time.Millisecond)
	if a.checks.Load() != n {
		t.Error("it is asked without a check")
	}
	reload(same)
	eventually(t, "a is asked again", func() bool { return a.checks.Load() > n })
	g.Stop(nil)
	n = a.checks.Load()
	time.Sleep(250 * time.Millisecond)
	if a.checks.Load() != n {
		t.Error("it is asked behind Stop")
	}
}
