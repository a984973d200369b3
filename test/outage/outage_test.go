// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package outage_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"causey/test/harness"
)

// outageTime is how long the server is away.
func outageTime(t *testing.T) time.Duration {
	text := os.Getenv("CAUSEY_TEST_OUTAGE")
	if text == "" {
		return 3 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// origin is a server that can go away. What it serves says how long it may be kept.
type origin struct {
	t    *testing.T
	addr string

	mu    sync.Mutex
	srv   *http.Server
	mode  atomic.Int32
	asked atomic.Int64
	// control, if set, is the Cache-Control of every answer.
	control atomic.Value
}

const (
	up int32 = iota
	silent
	failing
	closing // the connection, without an answer
)

func newOrigin(t *testing.T) *origin {
	o := &origin{t: t}
	o.start("127.0.0.1:0")
	t.Cleanup(o.stop)
	return o
}

func (o *origin) start(addr string) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		o.t.Fatal(err)
	}
	o.addr = ln.Addr().String()
	srv := &http.Server{Handler: o}
	o.mu.Lock()
	o.srv = srv
	o.mu.Unlock()
	go srv.Serve(ln)
}

func (o *origin) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.srv.Close()
}

// ServeHTTP answers /page/N, to be kept for a second, and /strict/N, which must not be
// used after that.
func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	switch o.mode.Load() {
	case silent:
		<-r.Context().Done()
		return
	case failing:
		w.WriteHeader(503)
		return
	case closing:
		panic(http.ErrAbortHandler)
	}
	control := "max-age=1"
	if strings.HasPrefix(r.URL.Path, "/strict/") {
		control += ", must-revalidate"
	}
	if c, ok := o.control.Load().(string); ok {
		control = c
	}
	w.Header().Set("Cache-Control", control)
	fmt.Fprintf(w, "this is %s", r.URL.Path)
}

const pages = 5

// start starts a gateway with a cache in front of o.
func start(t *testing.T, o *origin, top string) *harness.Gateway {
	return harness.Start(t, harness.Config{Text: top + fmt.Sprintf(`
timeouts: {await_head: 500ms}
sites: [{host: "*", routes: [{path: /, upstream: u, cache: on}]}]
upstreams: {u: {servers: ["%s"]}}
`, o.addr)})
}

// visit gets a page and returns its status and body.
func visit(t *testing.T, g *harness.Gateway, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+g.Addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "site.example" // the port is another each time
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// wantPages visits every page for as long as the outage lasts. I1.
func wantPages(t *testing.T, g *harness.Gateway, long time.Duration) {
	t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for i := range pages {
			path := fmt.Sprintf("/page/%d", i)
			if status, body := visit(t, g, path); status != 200 || body != "this is "+path {
				t.Fatalf("%s: %d %q", path, status, body)
			}
		}
	}
}

func TestOutage(t *testing.T) {
	for _, c := range []struct {
		name   string
		begin  func(*origin)
		hidden string // what the log says was hidden
	}{
		{"refused", (*origin).stop, "upstream.connect.refused"},
		{"silent", func(o *origin) { o.mode.Store(silent) }, "upstream.await-head.timeout"},
		{"failing", func(o *origin) { o.mode.Store(failing) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t)
			g := start(t, o, "")
			wantPages(t, g, 0)
			for i := range pages {
				visit(t, g, fmt.Sprintf("/page/%d", i))
				visit(t, g, fmt.Sprintf("/strict/%d", i))
			}
			time.Sleep(1100 * time.Millisecond) // until nothing is fresh
			c.begin(o)
			before := o.asked.Load()
			wantPages(t, g, outageTime(t))
			if n := o.asked.Load() - before; n > pages*int64(outageTime(t)/time.Second+2) {
				t.Errorf("a server that is ill was asked %d times", n)
			}
			wantLog(t, g, c.hidden)
			if status, _ := visit(t, g, "/strict/0"); status < 502 { // I2
				t.Errorf("what must not be used stale is answered with %d", status)
			}
			if c.name == "refused" {
				o.start(o.addr)
			}
			o.mode.Store(up)
			deadline := time.Now().Add(10 * time.Second)
			for status, _ := visit(t, g, "/strict/0"); status != 200; status, _ = visit(t, g, "/strict/0") {
				if time.Now().After(deadline) {
					t.Fatal("the server is back, and is not asked")
				}
				time.Sleep(50 * time.Millisecond)
			}
			wantPages(t, g, 0)
		})
	}
}

// wantLog demands that an exchange in the log says what was hidden, and that none of a
// page that is kept failed.
func wantLog(t *testing.T, g *harness.Gateway, hidden string) {
	t.Helper()
	found := g.Line(func(l harness.Line) bool { return l.Cache == "stale" && l.Attempts > 0 })
	if found.Hidden != hidden || found.Failure != "" || found.Status != 200 || hidden == "" && found.UpstreamStatus != 503 {
		t.Errorf("the log says: %s", found.Raw)
	}
	for _, l := range g.Lines() {
		if strings.HasPrefix(l.Target, "/page/") && (l.Failure != "" || l.Status != 200) {
			t.Errorf("a visitor saw a failure: %s", l.Raw)
		}
	}
}

// What a kept answer forbids is obeyed: the four tests of the public suite that no
// gateway can pass are about this. I2.
func TestStrictNeverStale(t *testing.T) {
	o := newOrigin(t)
	g := start(t, o, "")
	for i, c := range []string{"max-age=1, must-revalidate", "max-age=1, proxy-revalidate", "no-cache", "s-maxage=1"} {
		o.mode.Store(up)
		o.control.Store(c)
		path := fmt.Sprintf("/%d", i)
		if status, _ := visit(t, g, path); status != 200 {
			t.Fatalf("%s: %d", c, status)
		}
		time.Sleep(1100 * time.Millisecond)
		o.mode.Store(closing)
		if status, _ := visit(t, g, path); status != 502 {
			t.Errorf("%s: %d", c, status)
		}
	}
}

// A gateway that is started while its server is away serves what lies on its disk.
func TestRestartDuringOutage(t *testing.T) {
	o := newOrigin(t)
	dir := filepath.Join(t.TempDir(), "cache")
	top := fmt.Sprintf("cache: {disk: %s}\n", dir)
	g := start(t, o, top)
	wantPages(t, g, 0)
	for i := range pages {
		visit(t, g, fmt.Sprintf("/page/%d", i))
	}
	g.Stop(nil)
	o.stop()
	g = start(t, o, top)
	deadline := time.Now().Add(10 * time.Second)
	for status, _ := visit(t, g, "/page/0"); status != 200; status, _ = visit(t, g, "/page/0") {
		if time.Now().After(deadline) {
			t.Fatal("nothing comes from the disk")
		}
		time.Sleep(10 * time.Millisecond)
	}
	wantPages(t, g, 100*time.Millisecond)
}

// A purge through the admin side's socket takes effect at once.
func TestPurge(t *testing.T) {
	o := newOrigin(t)
	g := start(t, o, "")
	visit(t, g, "/page/0")
	asked := o.asked.Load()
	visit(t, g, "/page/0")
	if o.asked.Load() != asked {
		t.Fatal("nothing is kept")
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(g.Dir, "a.sock"))
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Post("http://localhost/api/v1/cache/purge?url="+url.QueryEscape("http://site.example/page/0"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || strings.TrimSpace(string(body)) != `{"dropped":1}` {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	visit(t, g, "/page/0")
	if o.asked.Load() != asked+1 {
		t.Error("the purged page was served again")
	}
}

// What is kept outlives a reload, and goes where the cache is turned off.
func TestReload(t *testing.T) {
	o := newOrigin(t)
	o.control.Store("max-age=60")
	g := start(t, o, "")
	visit(t, g, "/page/0")
	want := o.asked.Load()
	reload := func(cache string, asked int64) {
		t.Helper()
		g.Configure(harness.Config{Text: fmt.Sprintf(`
sites: [{host: "*", routes: [{path: /, upstream: u, cache: %s}]}]
upstreams: {u: {servers: ["%s"]}}
`, cache, o.addr)})
		if err := g.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		visit(t, g, "/page/0")
		if want += asked; o.asked.Load() != want {
			t.Errorf("cache: %s: the server was asked %d times, want %d", cache, o.asked.Load(), want)
		}
	}
	reload("{stale_if_error: 1h}", 0)
	reload("off", 1)
	reload("on", 1)
	reload("on", 0)
}
