// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"causey/lab/client"
	"causey/lab/real"
	"causey/lab/ws"
	"causey/test/harness"
)

// What a killed server does to a connection: its kernel closes it by FIN, or by RST
// if bytes that we sent lie unread.
var (
	diedSilent   = []string{"upstream.await-head.closed", "upstream.await-head.reset"}
	diedInUpload = append([]string{"upstream.send-body.closed", "upstream.send-body.reset"}, diedSilent...)
	diedInBody   = []string{"upstream.relay-body.short", "upstream.relay-body.no-last-chunk", "upstream.relay-body.reset"}
)

// TestKilled kills each server before its answer and in the middle of it.
func TestKilled(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			p := s.start(t)
			g := before(t, p)
			path, err := p.Provide(50_000_000)
			if err != nil {
				t.Fatal(err)
			}
			slow, big := g.Dial(), g.Dial()
			slow.Send("GET /slow?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n")
			big.Send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			resp, err := http.ReadResponse(big.In, &http.Request{Method: "GET"})
			if err != nil {
				t.Fatal(err)
			}
			uploading := g.Dial()
			uploading.Send("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + strings.Repeat("x", 1<<20))
			g.Eventually("three connections to the server", func() bool { return active(t, g) == 3 })
			if err := p.Kill(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, resp.Body); err == nil {
				t.Errorf("the cut answer looks whole: %d bytes", n)
			}
			if a := slow.Read("GET"); a.StatusCode != 502 || a.Header.Get("Proxy-Status") == "" {
				t.Errorf("%d, Proxy-Status %q", a.StatusCode, a.Header.Get("Proxy-Status"))
			}
			if l := g.Line(harness.Of("/slow?ms=60000")); l.Status != 502 || !slices.Contains(diedSilent, l.Failure) {
				t.Errorf("line: %s", l.Raw)
			}
			if l := g.Line(harness.Of(path)); l.Status != 200 || l.Outcome != "cut" || !slices.Contains(diedInBody, l.Failure) {
				t.Errorf("line: %s", l.Raw)
			}
			// The upload is told at once, not when the client has sent it all.
			if a := uploading.Read("POST"); a.StatusCode != 502 {
				t.Errorf("upload: %d", a.StatusCode)
			}
			if l := g.Line(harness.Of("/upload")); l.Status != 502 || !slices.Contains(diedInUpload, l.Failure) {
				t.Errorf("line: %s", l.Raw)
			}
			// Nobody listens there now.
			if a := g.Dial().Ask("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n"); a.StatusCode != 502 {
				t.Errorf("a dead server: %d", a.StatusCode)
			}
			if l := g.Line(harness.Of("/gone")); l.Failure != "upstream.connect.refused" {
				t.Errorf("line: %s", l.Raw)
			}
		})
	}
}

// active counts the connections to servers that carry an exchange, as the admin
// side tells.
func active(t *testing.T, g *harness.Gateway) (n int) {
	t.Helper()
	resp, err := asker.Get("http://" + g.AdminAddr() + "/api/v1/upstreams")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var told struct {
		Upstreams []struct {
			Servers []struct {
				Connections struct{ Active int }
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	for _, u := range told.Upstreams {
		for _, s := range u.Servers {
			n += s.Connections.Active
		}
	}
	return n
}

// TestKilledTunnel kills Node under a WebSocket.
func TestKilledTunnel(t *testing.T) {
	p := startNode(t)
	g := before(t, p)
	w, err := client.DialWebSocket(t.Context(), g.Target(), "a", "/ws")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Send(ws.Frame{Last: true, Opcode: ws.Text, Payload: []byte("hello")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Receive(); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r := w.Leave(client.FIN); r.End != client.PeerFIN && r.End != client.PeerRST {
		t.Errorf("the tunnel ended by %s", r.End)
	}
	// A FIN from a dead process is a FIN: nobody can tell it from goodbye.
	if l := g.Line(harness.Of("/ws")); l.Failure != "" && l.Failure != "upstream.tunnel.reset" {
		t.Errorf("line: %s", l.Raw)
	}
}

// TestKilledWorker kills the application behind the server: php-fpm behind nginx,
// a worker of gunicorn.
func TestKilledWorker(t *testing.T) {
	t.Run("php-fpm behind nginx", func(t *testing.T) {
		php := startPHP(t, real.PHPOptions{Children: 2})
		n, err := real.StartNginx(t.Context(), real.NginxOptions{PHP: php})
		inBody(t, must(t, n, err), php)
	})
	t.Run("gunicorn", func(t *testing.T) {
		p, err := real.StartGunicorn(t.Context(), real.GunicornOptions{Workers: 2})
		must(t, p, err)
		inBody(t, p, p)
	})
}

// inBody kills the workers of dies in the middle of an answer of front.
func inBody(t *testing.T, front, dies *real.Process) {
	g := before(t, front)
	c := g.Dial()
	const target = "/sse?n=1000&every=50"
	c.Send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")
	resp, err := http.ReadResponse(c.In, &http.Request{Method: "GET"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 20)); err != nil {
		t.Fatal(err)
	}
	if n, err := dies.KillWorkers(syscall.SIGKILL); n == 0 || err != nil {
		t.Fatalf("killed %d workers, %v", n, err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the cut answer looks whole")
	}
	if l := g.Line(harness.Of(target)); l.Outcome != "cut" || !slices.Contains(diedInBody, l.Failure) {
		t.Errorf("line: %s", l.Raw)
	}
}
