// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"causey/lab/pattern"
	"causey/lab/real"
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

type server struct {
	name   string
	start  func(*testing.T) *real.Process
	prefix string // of paths that a program answers, where files are served as well
}

func startPHP(t *testing.T, o real.PHPOptions) *real.Process {
	t.Helper()
	p, err := real.StartPHP(t.Context(), o)
	return must(t, p, err)
}

var servers = []server{
	{"nginx with php-fpm", func(t *testing.T) *real.Process {
		p, err := real.StartNginx(t.Context(), real.NginxOptions{PHP: startPHP(t, real.PHPOptions{Unix: true})})
		return must(t, p, err)
	}, "/php"},
	{"nginx before node", func(t *testing.T) *real.Process {
		n, err := real.StartNode(t.Context(), real.NodeOptions{})
		p, err := real.StartNginx(t.Context(), real.NginxOptions{Proxy: must(t, n, err).Addr()})
		return must(t, p, err)
	}, "/proxy"},
	{"apache", func(t *testing.T) *real.Process {
		p, err := real.StartApache(t.Context(), real.ApacheOptions{PHP: startPHP(t, real.PHPOptions{})})
		return must(t, p, err)
	}, "/php"},
	{"gunicorn", func(t *testing.T) *real.Process {
		p, err := real.StartGunicorn(t.Context(), real.GunicornOptions{})
		return must(t, p, err)
	}, ""},
	{"gunicorn with threads", func(t *testing.T) *real.Process {
		p, err := real.StartGunicorn(t.Context(), real.GunicornOptions{Threads: 2})
		return must(t, p, err)
	}, ""},
	{"node", func(t *testing.T) *real.Process {
		p, err := real.StartNode(t.Context(), real.NodeOptions{})
		return must(t, p, err)
	}, ""},
}

// sizes are those of the quick run or, with CAUSEY_LAB_FULL set, those that the relay is proven with.
func sizes() (uploadBytes, downloadBytes int64) {
	if os.Getenv("CAUSEY_LAB_FULL") != "" {
		return 100 << 20, 1 << 30
	}
	return 3<<20 + 1, 10<<20 + 1
}

func url(p *real.Process, path string) string { return "http://" + p.Addr() + path }

func get(t *testing.T, p *real.Process, path string) *http.Response {
	t.Helper()
	resp, err := http.Get(url(p, path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestEachServerSpeaksThePaths(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			p := s.start(t)
			for path, want := range map[string]string{
				"/": "hello from the lab\n", "/slow?ms=5": "slow, but here\n",
				"/sse?n=2&every=1": "id: 1\ndata: event 1\n\nid: 2\ndata: event 2\n\n",
			} {
				if body, err := io.ReadAll(get(t, p, path).Body); err != nil || string(body) != want {
					t.Errorf("%s: %q, %v", path, body, err)
				}
			}
			up, down := sizes()
			upload(t, p, up)
			download(t, p, "", down)
			if s.prefix != "" {
				download(t, p, s.prefix, down)
			}
		})
	}
}

func upload(t *testing.T, p *real.Process, n int64) {
	t.Helper()
	for _, length := range []int64{n, -1} { // with Content-Length, and chunked
		req, err := http.NewRequestWithContext(t.Context(), "POST", url(p, "/upload"), struct{ io.Reader }{pattern.NewReader(n)})
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		var got struct {
			Bytes  int64
			SHA256 string
		}
		if err := json.Unmarshal(body, &got); err != nil || got.Bytes != n || got.SHA256 != pattern.Sum(n) {
			t.Errorf("upload, Content-Length %d: %s %.200q (%v)", length, resp.Status, body, err)
		}
	}
}

func download(t *testing.T, p *real.Process, prefix string, n int64) {
	t.Helper()
	path := fmt.Sprintf("/size/%d", n)
	if prefix == "" {
		var err error
		if path, err = p.Provide(n); err != nil {
			t.Fatal(err)
		}
	}
	var check pattern.Checker
	resp := get(t, p, prefix+path)
	if _, err := io.Copy(&check, resp.Body); err != nil || check.Bytes() != n || (resp.ContentLength != n && resp.ContentLength != -1) { // Apache does not trust a script's length
		t.Errorf("%s%s: %s, %d good bytes, %v", prefix, path, resp.Status, check.Bytes(), err)
	}
}
