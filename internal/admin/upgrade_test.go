// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestUpgrade: by the socket or with the token, with its result and its bounds.
func TestUpgrade(t *testing.T) {
	var got time.Duration
	var fail error
	ts := startServer(t, func(o *Options) {
		o.Upgrade = func(ctx context.Context, wait time.Duration) (Upgraded, error) {
			got = wait
			return Upgraded{PID: 7, Version: "0.2.0", Old: 6}, fail
		}
	})
	post := func(query string) (*http.Response, string) {
		return ts.ask(ts.socket, http.MethodPost, "/api/v1/upgrade"+query)
	}
	resp, body := post("")
	ts.wantStatus(200, resp, body)
	if body != `{"ok":true,"pid":7,"version":"0.2.0","old_pid":6}`+"\n" || got != UpgradeWait {
		t.Errorf("%s, wait %v", body, got)
	}
	if resp, body := post("?wait=1m30s"); resp.StatusCode != 200 || got != 90*time.Second {
		t.Errorf("%d %s, wait %v", resp.StatusCode, body, got)
	}
	for _, bad := range []string{"0s", "999ms", "-1s", "11m", "x", "90"} {
		resp, body := post("?wait=" + bad)
		ts.wantStatus(400, resp, body)
	}
	fail = &ReloadError{Problems: []ReloadProblem{{"causey.yaml", 7, 3, "no servers"}}}
	resp, body = post("")
	if ts.wantStatus(422, resp, body); !strings.Contains(body, `"problems":[{"file":"causey.yaml","line":7,"column":3,"message":"no servers"}]`) || !strings.Contains(body, "goes on as before") {
		t.Errorf("body %s", body)
	}
	fail = ErrUpgrading
	resp, body = post("")
	ts.wantStatus(409, resp, body)
	if resp, body := ts.ask(http.DefaultClient, http.MethodPost, "/api/v1/upgrade"); resp.StatusCode != 401 {
		t.Errorf("without the token: %d %s", resp.StatusCode, body)
	}
}

// TestLeave: a successor with the same sockets answers everybody who connects from
// the moment on, requests under way are answered, streams end, and the socket's file
// stays the successor's.
func TestLeave(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	o := testOptions(t)
	o.Reload = func(context.Context) error { close(entered); <-release; return nil }
	old := startServer(t, func(p *Options) { *p = o })
	left, err := old.Sockets()
	if err != nil || len(left) != 2 {
		t.Fatal(left, err)
	}
	next := startServer(t, func(p *Options) {
		*p = o
		p.Build.Version = "next"
		p.Inherited = func(network, address string) (net.Listener, error) {
			for _, s := range left {
				if s.Network == network && s.Address == address {
					f := os.NewFile(uintptr(s.FD), address)
					defer f.Close()
					return net.FileListener(f)
				}
			}
			return nil, errors.New("not left: " + address)
		}
	})
	if next.Addr().String() != old.Addr().String() {
		t.Errorf("it listens on %v, not on %v", next.Addr(), old.Addr())
	}
	answered := make(chan int, 1)
	go func() {
		resp, _ := old.socket.Post("http://localhost/api/v1/reload", "", nil)
		if resp == nil {
			answered <- 0
			return
		}
		answered <- resp.StatusCode
	}()
	select { // one of the two has it
	case <-entered:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody reloads")
	}
	old.Leave(true)
	http.DefaultClient.CloseIdleConnections()
	for range 20 {
		for _, c := range []*http.Client{http.DefaultClient, next.socket} {
			if resp, body := next.ask(c, http.MethodGet, "/api/v1/version"); resp.StatusCode != 200 || !strings.Contains(body, `"next"`) {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			c.CloseIdleConnections()
		}
	}
	close(release)
	if got := <-answered; got != 200 {
		t.Errorf("the request under way: %d", got)
	}
	if err := old.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(o.Socket); err != nil {
		t.Errorf("the old one took the file along: %v", err)
	}
	next.Own()
	if err := next.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(o.Socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the new one leaves its file: %v", err)
	}
}
