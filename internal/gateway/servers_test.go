// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/internal/admin"
	"causey/internal/config"
	"causey/internal/testkit"
	"causey/internal/upstream"
)

// keeper starts gateways one after the other on one state directory.
type keeper struct {
	t    *testing.T
	dir  string
	text string
	log  testkit.Log
}

func (k *keeper) start() *Gateway {
	k.t.Helper()
	load := func() (*config.Config, error) {
		return config.Parse(filepath.Join(k.dir, "causey.yaml"), []byte(strings.ReplaceAll(k.text, "DIR", k.dir)))
	}
	cfg, err := load()
	if err != nil {
		k.t.Fatal(err)
	}
	g, err := New(cfg, Options{Load: load, StateDir: filepath.Join(k.dir, "state"), Logger: slog.New(slog.NewTextHandler(&k.log, nil))})
	if err != nil {
		k.t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { g.Stop(nil) })
	return g
}

// serverNamed returns what the admin side shows of a server.
func serverNamed(t *testing.T, g *Gateway, name string) admin.UpstreamServer {
	t.Helper()
	for _, u := range g.upstreams() {
		for _, s := range u.Servers {
			if s.Name == name {
				return s
			}
		}
	}
	t.Fatalf("there is no server %s in %+v", name, g.upstreams())
	return admin.UpstreamServer{}
}

// TestMaintenanceLasts: a server that was taken out gets no request, after a reload
// that changes its upstream and after a restart too, until it is given back.
func TestMaintenanceLasts(t *testing.T) {
	a, b := origin(t, "from a"), origin(t, "from b")
	k := &keeper{t: t, dir: t.TempDir()}
	text := strings.Replace(plain, `["ORIGIN"]`, fmt.Sprintf("[%q, %q]", a, b), 1)
	k.text = text
	g := k.start()
	onlyB := func(g *Gateway, when string) {
		t.Helper()
		for range 20 {
			if got := ask(t, g.Addrs()[0]); got != "from b" {
				t.Fatalf("%s: answered %q", when, got)
			}
		}
		if s := serverNamed(t, g, a); s.State != upstream.Maintenance || !s.ByHand || !strings.Contains(s.Reason, "by hand") || !strings.HasSuffix(s.Reason, ": new disk") ||
			time.Since(s.Since.Time) > time.Minute {
			t.Errorf("%s: %+v", when, s)
		}
	}
	if w, err := g.decide(admin.Decision{Upstream: "u", Server: a, State: upstream.Maintain, Why: "new disk"}); err != nil || w != nil {
		t.Fatal(w, err)
	}
	onlyB(g, "at once")
	k.text = text + "timeouts: {connect: 3s}\n"
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	onlyB(g, "after a reload")
	k.text = strings.Replace(k.text, "servers:", "keep_alive: {max_idle: 3}, servers:", 1)
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	onlyB(g, "after a reload that made the upstream anew")
	g.Stop(nil)
	g = k.start()
	onlyB(g, "after a restart")
	if text := k.log.String(); !strings.Contains(text, `msg="a server was taken out of service by hand" upstream=u server=`+a+` from=up to=maintenance reason="was put into maintenance by hand: new disk"`) {
		t.Errorf("the log says %s", text)
	}

	if _, err := g.decide(admin.Decision{Upstream: "u", Server: a, State: upstream.Auto, Why: "done"}); err != nil {
		t.Fatal(err)
	}
	if s := serverNamed(t, g, a); s.State != upstream.Up || s.ByHand || s.Reason != "was given back by hand: done" {
		t.Errorf("given back: %+v", s)
	}
	g.Stop(nil)
	g = k.start()
	if s := serverNamed(t, g, a); s.State != upstream.Up || s.ByHand {
		t.Errorf("after it was given back and a restart: %+v", s)
	}
	g.upgrading.Store(true)
	if _, err := g.decide(admin.Decision{Upstream: "u", Server: a, State: upstream.Drain}); !errors.Is(err, admin.ErrUpgrading) {
		t.Errorf("while a successor starts, which has read what was decided: %v", err)
	}
	g.upgrading.Store(false)
	for _, d := range []admin.Decision{{Upstream: "nobody", Server: a}, {Upstream: "u", Server: "nobody:1"}} {
		if _, err := g.decide(d); !errors.Is(err, admin.ErrNoServer) {
			t.Errorf("%+v: %v", d, err)
		}
	}
}

// TestLostServerIsTold: a server that cannot be reached is an event with its reason,
// in the log and among the events that are kept; and the exchange that met it was
// saved.
func TestLostServerIsTold(t *testing.T) {
	dead := httptest.NewServer(nil)
	gone := dead.Listener.Addr().String()
	dead.Close()
	k := &keeper{t: t, dir: t.TempDir()}
	k.text = strings.Replace(plain, `["ORIGIN"]`, fmt.Sprintf("[%q, %q]", gone, origin(t, "here")), 1)
	g := k.start()
	for range 20 {
		if got := ask(t, g.Addrs()[0]); got != "here" {
			t.Fatalf("answered %q", got)
		}
	}
	want := `msg="a server is out of service" upstream=u server=` + gone + ` from=up to=unreachable reason="no connection could be opened: upstream.connect.refused"`
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(k.log.String(), want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log says %s", k.log.String())
		}
	}
	if s := serverNamed(t, g, gone); s.State != upstream.Unreachable || s.Reason != "no connection could be opened: upstream.connect.refused" || time.Since(s.Since.Time) > time.Minute {
		t.Errorf("%+v", s)
	}
	snap := g.snapshot()
	if len(snap.Upstreams) != 1 || len(snap.Upstreams[0].Servers) != 2 || snap.Upstreams[0].Servers[0].State != upstream.Unreachable {
		t.Errorf("a scrape shows %+v", snap.Upstreams)
	}
}

// TestEventsNeverBlock: a group with many changes is not kept waiting by a slow log.
func TestEventsNeverBlock(t *testing.T) {
	slow := make(chan struct{})
	v := startEvents(slog.New(slog.NewTextHandler(blocked(slow), nil)), func(int64) time.Time { return time.Time{} })
	for range 2 * eventsWaiting {
		v.put(upstream.Event{Upstream: "u", Server: "a:1", From: upstream.Up, To: upstream.Unreachable})
	}
	if n := v.dropped.Load(); n < eventsWaiting-1 || n > eventsWaiting {
		t.Errorf("%d were dropped", n)
	}
	close(slow)
	v.stop()
}

// blocked is a log that takes nothing until it is closed.
type blocked chan struct{}

func (b blocked) Write(p []byte) (int, error) {
	<-b
	return len(p), nil
}
