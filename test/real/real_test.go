// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"causey/lab/client"
	"causey/lab/pattern"
	"causey/lab/real"
	"causey/lab/ws"
	"causey/test/harness"
)

// must skips the test where the program is missing and stops the server at its end.
func must(t *testing.T, p *real.Process, err error) *real.Process {
	t.Helper()
	var missing real.ErrMissing
	if errors.As(err, &missing) {
		t.Skip(missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s:\n%s", p.Name(), p.Log())
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func startPHP(t *testing.T, o real.PHPOptions) *real.Process {
	p, err := real.StartPHP(t.Context(), o)
	return must(t, p, err)
}

func startNode(t *testing.T) *real.Process {
	p, err := real.StartNode(t.Context(), real.NodeOptions{})
	return must(t, p, err)
}

// servers are what owners have behind their gateway.
var servers = []struct {
	name   string
	start  func(*testing.T) *real.Process
	prefix string // of paths that a program answers, where files are served as well
}{
	{"nginx with php-fpm", func(t *testing.T) *real.Process {
		p, err := real.StartNginx(t.Context(), real.NginxOptions{PHP: startPHP(t, real.PHPOptions{Unix: true})})
		return must(t, p, err)
	}, "/php"},
	{"apache with php-fpm", func(t *testing.T) *real.Process {
		p, err := real.StartApache(t.Context(), real.ApacheOptions{PHP: startPHP(t, real.PHPOptions{})})
		return must(t, p, err)
	}, "/php"},
	{"gunicorn", func(t *testing.T) *real.Process {
		p, err := real.StartGunicorn(t.Context(), real.GunicornOptions{})
		return must(t, p, err)
	}, ""},
	{"gunicorn with threads", func(t *testing.T) *real.Process {
		p, err := real.StartGunicorn(t.Context(), real.GunicornOptions{Threads: 4})
		return must(t, p, err)
	}, ""},
	{"node", startNode, ""},
}

// full asks for the sizes that the relay is proven with, instead of quick ones.
func full() bool { return os.Getenv("CAUSEY_TEST_FULL") != "" && !testing.Short() }

func sizes() (upload, download int64) {
	if full() {
		return 100 << 20, 1 << 30
	}
	return 8 << 20, 64 << 20
}

func before(t *testing.T, p *real.Process) *harness.Gateway {
	t.Helper()
	return harness.Start(t, harness.Config{Servers: []string{p.Addr()}, AdminTCP: true})
}

// asker has no timeout: a gigabyte may take a while.
var asker = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}

func get(t *testing.T, g *harness.Gateway, path string) *http.Response {
	t.Helper()
	resp, err := asker.Get("http://" + g.Addr + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// TestRelay relays text, events, uploads and downloads, byte for byte.
func TestRelay(t *testing.T) { // I1
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			p := s.start(t)
			g := before(t, p)
			for path, want := range map[string]string{
				"/": "hello from the lab\n", "/slow?ms=5": "slow, but here\n",
				"/sse?n=3&every=1": "id: 1\ndata: event 1\n\nid: 2\ndata: event 2\n\nid: 3\ndata: event 3\n\n",
			} {
				if body, err := io.ReadAll(get(t, g, path).Body); err != nil || string(body) != want {
					t.Errorf("%s: %q, %v", path, body, err)
				}
			}
			up, down := sizes()
			upload(t, g, up, up)
			upload(t, g, up, -1)
			path, err := p.Provide(down)
			if err != nil {
				t.Fatal(err)
			}
			download(t, g, path, down)
			if s.prefix != "" {
				download(t, g, fmt.Sprintf("%s/size/%d", s.prefix, down), down)
			}
			asker.CloseIdleConnections()
			for _, l := range g.Lines() {
				if l.Failure != "" || l.Status != 200 {
					t.Errorf("line: %s", l.Raw)
				}
			}
		})
	}
}

// upload sends n bytes with this Content-Length, or in chunks if it is -1.
func upload(t *testing.T, g *harness.Gateway, n, length int64) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+g.Addr+"/upload", struct{ io.Reader }{pattern.NewReader(n)})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = length
	resp, err := asker.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var got struct {
		Bytes  int64
		SHA256 string
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Bytes != n || got.SHA256 != pattern.Sum(n) {
		t.Errorf("upload with Content-Length %d: %s %.200q (%v)", length, resp.Status, body, err)
	}
}

func download(t *testing.T, g *harness.Gateway, path string, n int64) {
	t.Helper()
	var check pattern.Checker
	resp := get(t, g, path)
	if _, err := io.Copy(&check, resp.Body); err != nil || check.Bytes() != n {
		t.Errorf("%s: %s, %d good bytes, %v", path, resp.Status, check.Bytes(), err)
	}
}

// TestNodeStreams relays what only Node has here: WebSockets, and events as they
// happen.
func TestNodeStreams(t *testing.T) {
	g := before(t, startNode(t))
	w, err := client.DialWebSocket(t.Context(), g.Target(), "a", "/ws")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 5, 126, 70_000, 1 << 20} {
		sent := ws.Frame{Last: true, Opcode: ws.Binary, Payload: bytes.Repeat([]byte{'a'}, n)}
		if err := w.Send(sent); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Receive(); err != nil || !bytes.Equal(got.Payload, sent.Payload) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	w.Leave(client.FIN)
	if l := g.Line(harness.Of("/ws")); l.Status != 101 || l.Failure != "" {
		t.Errorf("line: %s", l.Raw)
	}
	// The second event is an hour away: the first was not held back.
	c := g.Dial()
	c.Send("GET /sse?n=2&every=3600000 HTTP/1.1\r\nHost: a\r\n\r\n")
	seen := make([]byte, 0, 4096)
	for !strings.Contains(string(seen), "data: event 1\n\n") {
		b, err := c.In.ReadByte()
		if err != nil {
			t.Fatalf("%v after %q", err, seen)
		}
		seen = append(seen, b)
	}
}
