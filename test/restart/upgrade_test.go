// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package restart_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pattern"
	"causey/lab/ws"
	"causey/test/harness"
)

// watch asks the admin side on new connections all the time, until stop is called; a
// question that is not answered fails the test.
func (r *running) watch(t *testing.T) (stop func()) {
	var quit atomic.Bool
	var wg sync.WaitGroup
	c := &http.Client{Timeout: harness.Patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(r.Dir, "a.sock"))
		}}}
	wg.Go(func() {
		for !quit.Load() {
			resp, err := c.Get("http://localhost/readyz")
			if err != nil {
				t.Errorf("the admin side: %v", err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("it says that it is not ready: %d", resp.StatusCode)
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	return func() { quit.Store(true); wg.Wait() }
}

// Ten upgrades under load lose nothing and refuse nobody, on TCP, on a unix socket and
// on the admin side; nor do those that fail in between.
func TestUpgradeUnderLoad(t *testing.T) { // I1
	o := harness.Origin(t, origin.Options{LogLimit: -1})
	config := harness.Config{Servers: []string{o.Addr()}}
	r := prepare(t, config)
	config.Listen = []string{"127.0.0.1:0", "unix:" + filepath.Join(r.Dir, "data.sock")}
	r.Write(config)
	r.start(nil, nil)
	l, local := startLoad(r.Addr, 9), startLoad(config.Listen[1], 3)
	unwatch := r.watch(t)
	flows := func(what string) {
		t.Helper()
		a, b := l.whole.Load(), local.whole.Load()
		r.Eventually("requests after "+what, func() bool {
			return l.whole.Load() > a+50 && local.whole.Load() > b+10 || l.anyLost() || local.anyLost()
		})
	}
	flows("the start")
	began := time.Now()
	for i := range 10 {
		r.install((i + 1) % 2)
		if i%3 == 2 {
			r.signal()
		} else {
			r.upgrade(versions[(i+1)%2])
		}
		flows("an upgrade")
	}
	t.Logf("10 upgrades in %v", time.Since(began).Round(time.Millisecond))
	r.failures(config)
	flows("upgrades that failed")
	if text, err := r.causey("reload"); err != nil {
		t.Errorf("a reload reaches the wrong process: %v, %s", err, text)
	}
	flows("a reload")
	if again := r.listens(); again[0] != r.Addr {
		t.Errorf("it listens on %q, not on %q", again, r.Addr)
	}
	unwatch()
	l.stop()
	local.stop()
	r.stop()
	t.Logf("%d requests on the unix socket", local.whole.Load())
	l.whole.Add(local.whole.Load())
	l.lost = append(l.lost, local.lost...)
	l.check(t, r.Gateway)
	if n := l.refused.Load() + l.unread.Load() + local.refused.Load() + local.unread.Load(); n > 0 {
		t.Errorf("%d connections were refused", n)
	}
}

// failures has upgrades fail in every way; the process that runs goes on.
func (r *running) failures(config harness.Config) {
	r.t.Helper()
	fails := func(what, says string, args ...string) {
		r.t.Helper()
		text, err := r.causey(append([]string{"upgrade"}, args...)...)
		if err == nil || !strings.Contains(text, says) || !strings.Contains(text, "goes on as before") {
			r.t.Errorf("an upgrade with %s: %v, %s", what, err, text)
		}
	}
	bad := config
	bad.Top = "timeout: {idle: 3s}"
	r.Write(bad)
	fails("a bad configuration", filepath.Join(r.Dir, "causey.yaml")+":")
	bad = config
	bad.Listen = append([]string{"192.0.2.1:81"}, config.Listen...)
	r.Write(bad)
	fails("an address that is not ours", "no such address")
	r.Write(config)
	r.script("exit 3")
	fails("a program that ends at once", "exit status 3")
	r.script("exec sleep 60")
	fails("a program that hangs", "not ready within 1s", "--wait", "1s")
	r.replace(func(to string) error { return os.WriteFile(to, []byte("not a program"), 0o600) })
	fails("no program", "permission denied")
	r.install(1)
}

// What crosses an upgrade is the standard streams, the end of a pair and the listening
// sockets, although connections of clients and to servers, pipes and logs are open.
func TestDescriptorsOfTheNewProcess(t *testing.T) {
	o := harness.Origin(t, origin.Options{LogLimit: -1})
	r := prepare(t, harness.Config{Servers: []string{o.Addr()}, AdminTCP: true})
	r.start(nil, nil)
	l := startLoad(r.Addr, 6)
	r.Eventually("load", func() bool { return l.whole.Load() > 100 })
	list := filepath.Join(r.Dir, "fds")
	// The shell has its script open; ls has the directory.
	r.script("exec ls -l /proc/self/fd > " + list)
	if text, err := r.causey("upgrade"); err == nil || !strings.Contains(text, "exit status 0") {
		t.Errorf("%v, %s", err, text)
	}
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	// The pair, the listener, and the admin side's two.
	if n := strings.Count(string(text), "-> socket:"); n != 4 {
		t.Errorf("%d sockets cross:\n%s", n, text)
	}
	for _, what := range []string{"access.log", "pipe:", "eventpoll", "eventfd"} {
		if strings.Contains(string(text), what) {
			t.Errorf("%s crosses:\n%s", what, text)
		}
	}
	l.stop()
	r.install(0)
	r.stop()
}

// What runs when another process takes over goes on in the old one to its end, in
// which new connections do not come; an idle connection gets one more answer.
func TestUpgradeDrains(t *testing.T) {
	o := harness.Origin(t, origin.Options{})
	r := prepare(t, harness.Config{Servers: []string{o.Addr()}, Top: "timeouts: {drain: 100ms}"})
	r.start(nil, nil)
	const much = 64 << 20
	dial := func() *harness.Conn { return r.DialTo("tcp", r.Addr) }
	download := dial()
	download.Send(fmt.Sprintf("GET /size/%d HTTP/1.1\r\nHost: a\r\n\r\n", much))
	resp, err := http.ReadResponse(download.In, &http.Request{Method: "GET"})
	if err != nil {
		t.Fatal(err)
	}
	const request = "GET /size/10 HTTP/1.1\r\nHost: a\r\n\r\n"
	idle := dial()
	idle.Ask(request)
	tunnel, err := client.DialWebSocket(t.Context(), r.Target(), "a", "/ws")
	if err != nil {
		t.Fatal(err)
	}
	old := r.pid
	r.upgrade(versions[0])
	time.Sleep(700 * time.Millisecond) // past the drain of a stop, and its grace
	if a := idle.Ask(request); a.StatusCode != 200 || !a.Close {
		t.Errorf("an idle connection: %d, close %v, %v", a.StatusCode, a.Close, a.Err)
	}
	if a := dial().Ask(request); a.StatusCode != 200 || a.Close {
		t.Errorf("a new connection: %d, close %v, %v", a.StatusCode, a.Close, a.Err)
	}
	var check pattern.Checker
	if _, err := io.Copy(&check, resp.Body); err != nil || check.Bytes() != much {
		t.Errorf("download: %d bytes, %v", check.Bytes(), err)
	}
	if err := tunnel.Send(ws.Frame{Last: true, Opcode: ws.Binary, Payload: []byte("still here")}); err != nil {
		t.Error(err)
	}
	if f, err := tunnel.Receive(); err != nil || string(f.Payload) != "still here" {
		t.Errorf("tunnel: %q, %v", f.Payload, err)
	}
	tunnel.Leave(client.FIN)
	r.gone(old)
	r.pids = r.pids[1:]
	r.stop()
}

// Listeners come and go with an upgrade as with a reload, and a unix socket that the
// new configuration lacks takes its file along.
func TestListenersOnUpgrade(t *testing.T) {
	o := harness.Origin(t, origin.Options{})
	config := harness.Config{Servers: []string{o.Addr()}}
	r := prepare(t, config)
	gone, added := filepath.Join(r.Dir, "gone.sock"), filepath.Join(r.Dir, "data.sock")
	config.Listen = []string{"127.0.0.1:0", "unix:" + gone}
	r.Write(config)
	r.start(nil, nil)
	config.Listen[1] = "unix:" + added
	r.Write(config)
	r.upgrade(versions[0])
	if _, err := os.Lstat(gone); err == nil {
		t.Error("the file of the listener that went is still there")
	}
	const request = "GET /size/10 HTTP/1.1\r\nHost: a\r\n\r\n"
	if a := r.DialTo("unix", added).Ask(request); a.StatusCode != 200 {
		t.Errorf("the listener that came: %d, %v", a.StatusCode, a.Err)
	}
	if a := r.DialTo("tcp", r.Addr).Ask(request); a.StatusCode != 200 {
		t.Errorf("the listener that stays: %d, %v", a.StatusCode, a.Err)
	}
	r.stop()
}
