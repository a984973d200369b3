// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package restart_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"causey/internal/admin"
	"causey/lab/origin"
	"causey/test/harness"
)

// Reloads under load lose nothing, whatever they change.
func TestReloadUnderLoad(t *testing.T) { // I1
	harness.CheckGoroutines(t)
	one := harness.Origin(t, origin.Options{LogLimit: -1})
	two := harness.Origin(t, origin.Options{LogLimit: -1})
	configs := []harness.Config{
		{Servers: []string{one.Addr()}},
		{Servers: []string{one.Addr()}},
		{Servers: []string{two.Addr()}, Upstream: "keep_alive: {max_idle: 1}"},
		{Servers: []string{one.Addr(), two.Addr()}, Top: "timeouts: {await_head: 7s, resolve: 3s}"},
		{Servers: []string{one.Addr()}, Top: "limits: {fields: 100}\nresolver: [127.0.0.1]"},
	}
	g := harness.Start(t, configs[0])
	l := startLoad(g.Addr, 12)
	for i := range 100 {
		before := l.whole.Load()
		g.Configure(configs[i%len(configs)])
		if err := g.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.Eventually("requests after the reload", func() bool { return l.whole.Load() > before+20 || l.anyLost() })
	}
	l.stop()
	l.check(t, g)
	if _, n := two.Counts(); n == 0 {
		t.Error("the new server was never asked")
	}
	if n := l.refused.Load() + l.unread.Load(); n > 0 {
		t.Errorf("%d connections were refused", n)
	}
}

// A configuration that cannot be used changes nothing, and the error says where and
// why.
func TestBadReload(t *testing.T) {
	harness.CheckGoroutines(t)
	o := harness.Origin(t, origin.Options{})
	good := harness.Config{Servers: []string{o.Addr()}}
	g := harness.Start(t, good)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	c := g.Dial()
	for _, bad := range []struct {
		config harness.Config
		says   string
		line   bool
	}{
		{harness.Config{Servers: good.Servers, Top: "timeout: {idle: 3s}"}, "timeout", true},
		{harness.Config{Servers: []string{"127.0.0.1:notaport"}}, "notaport", true},
		{harness.Config{Servers: good.Servers, Top: "error_pages: {502: missing.html}"}, "missing.html", true},
		{harness.Config{Servers: good.Servers, Listen: []string{"127.0.0.1:0", free.Addr().String(), taken.Addr().String()}}, "in use", false},
	} {
		g.Configure(bad.config)
		err := g.Reload(t.Context())
		var refusal *admin.ReloadError
		if !errors.As(err, &refusal) || len(refusal.Problems) == 0 {
			t.Fatalf("%s: %v", bad.says, err)
		}
		p := refusal.Problems[0]
		if !strings.Contains(p.Message, bad.says) || bad.line && (p.Line == 0 || p.Column == 0 || p.File == "") {
			t.Errorf("%s: %+v", bad.says, p)
		}
		if a := c.Ask("GET /size/10 HTTP/1.1\r\nHost: a\r\n\r\n"); a.StatusCode != 200 {
			t.Errorf("after %s: %d", bad.says, a.StatusCode)
		}
		if addrs := g.Addrs(); len(addrs) != 1 || addrs[0] != g.Addr {
			t.Errorf("after %s it listens on %q", bad.says, addrs)
		}
		if nc, err := net.Dial("tcp", free.Addr().String()); err == nil {
			nc.Close()
			t.Errorf("after %s the listener that was opened first is still open", bad.says)
		}
	}
	g.Configure(good)
	if err := g.Reload(t.Context()); err != nil {
		t.Error(err)
	}
}

// Listeners come and go on reloads; those that stay are not touched, and
// connections of one that went live on.
func TestListenersOnReload(t *testing.T) {
	harness.CheckGoroutines(t)
	o := harness.Origin(t, origin.Options{})
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	second := probe.Addr().String()
	probe.Close()
	config := harness.Config{Servers: []string{o.Addr()}}
	g := harness.Start(t, config)
	first := g.Dial()
	const request = "GET /size/10 HTTP/1.1\r\nHost: a\r\n\r\n"
	first.Ask(request)

	config.Listen = []string{"127.0.0.1:0", second}
	reload(t, g, config)
	added := g.DialTo("tcp", second)
	if a := added.Ask(request); a.StatusCode != 200 {
		t.Errorf("the added listener: %d", a.StatusCode)
	}
	if a := first.Ask(request); a.StatusCode != 200 {
		t.Errorf("the connection from before: %d", a.StatusCode)
	}

	config.Listen = nil
	reload(t, g, config)
	g.Eventually("closed listener", func() bool {
		c, err := net.DialTimeout("tcp", second, time.Second)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if a := added.Ask(request); a.StatusCode != 200 {
		t.Errorf("a connection of the removed listener: %d", a.StatusCode)
	}
	if a := g.Dial().Ask(request); a.StatusCode != 200 {
		t.Errorf("the listener that stays: %d", a.StatusCode)
	}
}

func reload(t *testing.T, g *harness.Gateway, c harness.Config) {
	t.Helper()
	g.Configure(c)
	if err := g.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}
