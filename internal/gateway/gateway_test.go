// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"causey/internal/admin"
	"causey/internal/config"
)

// gatewayFor starts a gateway from a text in which ADDR, ORIGIN and DIR are
// replaced, and returns it with the function that changes what Reload loads.
func gatewayFor(t testing.TB, text string, replace ...string) (*Gateway, func(string)) {
	t.Helper()
	dir := t.TempDir()
	parse := func(text string) (*config.Config, error) {
		r := strings.NewReplacer(append(replace, "DIR", dir)...)
		return config.Parse(filepath.Join(dir, "causey.yaml"), []byte(r.Replace(text)))
	}
	cfg, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(cfg, Options{
		Load:   func() (*config.Config, error) { return parse(text) },
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Stop(nil) })
	return g, func(next string) { text = next }
}

const plain = `
version: 1
listen: ["127.0.0.1:0"]
admin: {socket: DIR/a.sock}
access_log: {format: json, path: DIR/log}
sites: [{host: "*", routes: [{path: /, upstream: u}]}]
upstreams: {u: {servers: ["ORIGIN"]}}
`

func origin(t *testing.T, answer string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answer) }))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func ask(t *testing.T, addr string) string {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFailedReloadLeavesEverything(t *testing.T) { // I1
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	g, load := gatewayFor(t, plain, "ORIGIN", origin(t, "one"))
	addr, plan, log := g.Addrs()[0], g.plan.Load(), g.log.Load()
	for name, bad := range map[string]string{
		"a syntax error":     "version: [",
		"an unknown key":     plain + "sties: []\n",
		"an address in use":  strings.Replace(plain, `"127.0.0.1:0"`, fmt.Sprintf("%q, %q", "127.0.0.1:0", taken.Addr()), 1),
		"a log without home": strings.Replace(plain, "DIR/log", "DIR/none/such/log", 1),
	} {
		load(bad)
		var problems *admin.ReloadError
		if err := g.Reload(context.Background()); !errors.As(err, &problems) || len(problems.Problems) == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if g.plan.Load() != plan || g.log.Load() != log || len(g.Addrs()) != 1 || ask(t, addr) != "one" {
			t.Errorf("%s changed something", name)
		}
	}
	if g.reloadsFailed.Load() != 4 || !g.lastFailed.Load() {
		t.Errorf("%d failed reloads counted", g.reloadsFailed.Load())
	}
}

func TestListenerSurvivesReload(t *testing.T) { // I2
	one, two := origin(t, "one"), origin(t, "two")
	g, load := gatewayFor(t, plain, "ORIGIN", one, "OTHER", two)
	addr := g.Addrs()[0]
	listener := g.listeners["127.0.0.1:0"]
	group := g.live.groups["u"]
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if g.live.groups["u"] != group {
		t.Error("an upstream that did not change lost its connections")
	}
	load(strings.Replace(plain, "ORIGIN", "OTHER", 1))
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if g.listeners["127.0.0.1:0"] != listener || g.Addrs()[0] != addr {
		t.Error("the listener was opened anew")
	}
	if got := ask(t, addr); got != "two" {
		t.Errorf("after the reload: %q", got)
	}
}

func TestStopEndsEverything(t *testing.T) { // I3
	target := origin(t, "one")
	before := runtime.NumGoroutine()
	g, _ := gatewayFor(t, plain, "ORIGIN", target)
	addr := g.Addrs()[0]
	conn, err := net.Dial("tcp", addr) // an idle connection must not hold the stop
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ask(t, addr)
	g.Stop(nil)
	g.Stop(nil) // a second stop has nothing to do
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("somebody still listens")
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+2; {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(10 * time.Millisecond)
	}
}
