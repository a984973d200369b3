// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"causey/lab/pattern"
	"causey/lab/ws"
)

// visit has visitors come to handler until enough says so, and returns what they saw.
func visit(t *testing.T, handler http.HandlerFunc, v Visitors, enough func(Counts) bool) Counts {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	s := NewStage(t.Context(), t.TempDir(), server.Listener.Addr().String(), 1)
	s.Config = "sites:\n  - host: a.example\n"
	s.Visitors = v
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	crowd := s.Visit(ctx)[0]
	for end := time.Now().Add(20 * time.Second); !enough(crowd.Counts()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not enough after 20 s: %+v", crowd.Counts())
		}
	}
	leave()
	return crowd.Wait()
}

func TestVisitorsAreManyAndKeepTheirConnections(t *testing.T) {
	var mu sync.Mutex
	connections, addresses, paths, posted := map[string]bool{}, map[string]bool{}, map[string]bool{}, 0
	n := visit(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		mu.Lock()
		defer mu.Unlock()
		connections[r.RemoteAddr], addresses[host], paths[r.URL.Path] = true, true, true
		if r.Method == "POST" && len(body) == 300 {
			posted++
		}
		if r.Host != "a.example" {
			t.Errorf("Host is %q", r.Host)
		}
	}, Visitors{PerSecond: 300, Clients: 5, Asks: Ordinary().Asks}, func(n Counts) bool { return n.Whole >= 200 })
	if n.Whole != n.Asked || n.Status[200] != n.Whole || n.Failed+n.Cut+n.Left+n.Missed != 0 {
		t.Errorf("counts: %+v", n)
	}
	if len(addresses) != 5 || len(connections) > n.Asked/2 || posted == 0 || len(paths) < 20 || paths["/product/*"] {
		t.Errorf("%d addresses, %d connections, %d posted, %d paths", len(addresses), len(connections), posted, len(paths))
	}
	for host := range addresses {
		if !strings.HasPrefix(host, "127.") || host == "127.0.0.1" {
			t.Errorf("a visitor comes from %s", host)
		}
	}
}

func TestVisitorsCountWhatCameBack(t *testing.T) {
	var mu sync.Mutex
	again := map[string]int{}
	n := visit(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/none":
			panic(http.ErrAbortHandler)
		case "/half":
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("half"))
		case "/late":
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
		case "/ill":
			mu.Lock()
			again[r.RemoteAddr]++
			mu.Unlock()
			w.WriteHeader(503)
		}
	}, Visitors{PerSecond: 100, Clients: 3, Asks: []Ask{
		{Method: "POST", Path: "/none", Weight: 1},
		{Method: "GET", Path: "/half", Weight: 1},
		{Method: "GET", Path: "/late", Weight: 1, Patience: 100 * time.Millisecond},
		{Method: "GET", Path: "/ill", Weight: 1, Again: 2},
		{Method: "GET", Path: "/tick", Every: 50 * time.Millisecond},
	}}, func(n Counts) bool {
		return n.Failed > 2 && n.Cut > 2 && n.Left > 2 && n.Status[503] > 5 && n.Status[200]-n.Cut > 5
	})
	if n.Failed+n.Cut+n.Left+n.Whole != n.Asked {
		t.Errorf("counts do not add up: %+v", n)
	}
}

func TestSlowVisitorsAreSlow(t *testing.T) {
	const size = 3000
	took := make(chan time.Duration, 100)
	visit(t, func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		if r.Method == "POST" {
			_, _ = io.Copy(io.Discard, r.Body)
			took <- time.Since(began)
			return
		}
		_, _ = io.Copy(w, pattern.NewReader(size))
	}, Visitors{PerSecond: 20, Clients: 3, Asks: []Ask{
		{Method: "POST", Path: "/", Body: size, SendRate: 10_000, Weight: 1},
		{Method: "GET", Path: "/", ReadRate: 10_000, Weight: 1},
	}}, func(n Counts) bool { return n.Whole > 5 })
	if d := <-took; d < 150*time.Millisecond {
		t.Errorf("3000 bytes at 10000 a second took %v", d)
	}
}

func TestWebSocketsThatEndEarlyAreCut(t *testing.T) {
	n := visit(t, func(w http.ResponseWriter, r *http.Request) {
		nc, in, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		for {
			f, err := ws.ReadFrame(in, 1000)
			if err != nil || r.URL.Path == "/early" || f.Opcode == ws.Goaway {
				return
			}
		}
	}, Visitors{PerSecond: 40, Clients: 2, Patience: 200 * time.Millisecond, Asks: []Ask{
		{Method: "GET", Path: "/ws", Fields: webSocketFields, Every: 50 * time.Millisecond, Weight: 1},
		{Method: "GET", Path: "/early", Fields: webSocketFields, Weight: 1},
	}}, func(n Counts) bool { return n.Whole > 3 && n.Cut > 3 })
	if n.Status[101] != n.Asked {
		t.Errorf("counts: %+v", n)
	}
}

func TestSiteIsTheFirstHost(t *testing.T) {
	for config, want := range map[string]string{
		"sites:\n  - host: a.example\n":               "a.example",
		"sites:\n  - hosts: [b.example, c.example]\n": "b.example",
		"sites:\n  - host: \"*\"\n":                   "shop.example",
		"":                                            "shop.example",
	} {
		if got := (&Stage{Config: config}).site(); got != want {
			t.Errorf("%q: %s", config, got)
		}
	}
}
