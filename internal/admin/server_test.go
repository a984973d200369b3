// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/testkit"
)

const testToken = "a-token-for-tests-only"

// testServer runs an admin side on an ephemeral port and a socket.
type testServer struct {
	*Server
	t      *testing.T
	url    string
	socket *http.Client
}

func testOptions(t *testing.T) Options {
	return Options{
		Listen: "127.0.0.1:0", Socket: filepath.Join(t.TempDir(), "run", "admin.sock"), Token: testToken,
		Store:   sampleStore(),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "causey_build_info 1\n") }),
		Ready: func() Readiness {
			return Readiness{Ready: true, Checks: []Check{{"listener 127.0.0.1:8080", true, ""}}}
		},
		Upstreams: sampleUpstreams, Certificates: func() []Certificate { return sampleCertificates(time.Now().Add(time.Minute)) },
		Diagnosing: true, Incidents: sampleIncidents(sampleStart), Past: past{}, Changes: &IncidentLog{},
		Decide: func(Decision) ([]string, error) { return nil, nil }, Events: sampleEvents(),
		Cache: func() CacheState { return sampleCache },
		Purge: func(p Purge) (PurgeResult, error) {
			if p.URL == "bad" {
				return PurgeResult{}, errors.New("no URL")
			}
			return PurgeResult{Dropped: 3}, nil
		},
		Reload:  func(context.Context) error { return nil },
		Upgrade: func(context.Context, time.Duration) (Upgraded, error) { return Upgraded{}, nil },
		Config:  func() []byte { return []byte("{\"version\":1}\n") },
		Build:   Build{Version: "0.1.0", Commit: "0123abc", Date: "2026-03-01", GoVersion: "go1.26"},
		Now:     time.Now, After: time.After,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func startServer(t *testing.T, change func(*Options)) *testServer {
	t.Helper()
	o := testOptions(t)
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	ts := &testServer{Server: s, t: t}
	if a := s.Addr(); a != nil {
		ts.url = "http://" + a.String()
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", o.Socket)
	}
	ts.socket = &http.Client{Transport: &http.Transport{DialContext: dial}}
	t.Cleanup(func() {
		ts.socket.CloseIdleConnections()
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error("Shutdown:", err)
		}
	})
	return ts
}

// ask sends a request over TCP, or over the socket if c is ts.socket. Fields come
// in pairs of name and value, before them a body as such a pair.
func (ts *testServer) ask(c *http.Client, method, path string, fields ...string) (*http.Response, string) {
	ts.t.Helper()
	url := ts.url + path
	if c == ts.socket {
		url = "http://localhost" + path
	}
	var sent io.Reader
	if len(fields) > 1 && fields[0] == "body" {
		sent, fields = strings.NewReader(fields[1]), fields[2:]
	}
	req, err := http.NewRequest(method, url, sent)
	if err != nil {
		ts.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == "Host" {
			req.Host = fields[i+1]
		} else {
			req.Header.Add(fields[i], fields[i+1])
		}
	}
	resp, err := c.Do(req)
	if err != nil {
		ts.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		ts.t.Fatal(err)
	}
	return resp, string(body)
}

func (ts *testServer) get(path string, fields ...string) (*http.Response, string) {
	ts.t.Helper()
	return ts.ask(http.DefaultClient, http.MethodGet, path, fields...)
}

func (ts *testServer) wantStatus(status int, resp *http.Response, body string) {
	ts.t.Helper()
	if resp.StatusCode != status {
		ts.t.Errorf("%s %s: status %d, want %d; %s", resp.Request.Method, resp.Request.URL, resp.StatusCode, status, body)
	}
	if status >= 400 && resp.Request.Method != http.MethodHead {
		var p problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != status || p.Type != "about:blank" || p.Title == "" || p.Detail == "" ||
			resp.Header.Get("Content-Type") != "application/problem+json" {
			ts.t.Errorf("%s %s: not a problem (RFC 9457): %v %s", resp.Request.Method, resp.Request.URL, err, body)
		}
	}
}

// atSampleStart stops the clock; streams, which have deadlines, need one that runs.
func atSampleStart(o *Options) {
	o.Now = func() time.Time { return sampleStart }
	o.Certificates = func() []Certificate { return sampleCertificates(sampleStart) }
}

func TestGoldenAnswers(t *testing.T) {
	ts := startServer(t, atSampleStart)
	for name, path := range map[string]string{
		"exchanges":         "/api/v1/exchanges",
		"exchanges-failed":  "/api/v1/exchanges?failed=1&limit=2",
		"exchange-refused":  "/api/v1/exchanges/" + sampleRecords()[1].ID.String(),
		"exchange-short":    "/api/v1/exchanges/" + sampleRecords()[3].ID.String(),
		"exchange-nxdomain": "/api/v1/exchanges/" + sampleRecords()[4].ID.String(),
		"exchange-reused":   "/api/v1/exchanges/" + sampleRecords()[5].ID.String(),
		"exchange-banner":   "/api/v1/exchanges/" + sampleRecords()[6].ID.String(),
		"exchange-client":   "/api/v1/exchanges/" + sampleRecords()[7].ID.String(),
		"exchange-hostile":  "/api/v1/exchanges/" + sampleRecords()[8].ID.String(),
		"exchange-chain":    "/api/v1/exchanges/" + sampleRecords()[10].ID.String(),
		"exchange-clock":    "/api/v1/exchanges/" + sampleRecords()[11].ID.String(),
		"exchange-old-tls":  "/api/v1/exchanges/" + sampleRecords()[12].ID.String(),
		"exchange-rejected": "/api/v1/exchanges/" + sampleRecords()[13].ID.String(),
		"exchange-good":     "/api/v1/exchanges/" + sampleRecords()[0].ID.String(),
		"exchange-saved":    "/api/v1/exchanges/" + sampleRecords()[14].ID.String(),
		"exchange-hedged":   "/api/v1/exchanges/" + sampleRecords()[15].ID.String(),
		"exchange-aside":    "/api/v1/exchanges/" + sampleRecords()[16].ID.String(),
		"exchange-in-vain":  "/api/v1/exchanges/" + sampleRecords()[17].ID.String(),
		"events":            "/api/v1/events",
		"incidents":         "/api/v1/incidents",
		"incident":          "/api/v1/incidents/20260309-b2",
		"exchange-gone":     "/api/v1/exchanges/zvebn63p-00000000zzz",
		"failures":          "/api/v1/failures",
		"cache":             "/api/v1/cache",
		"upstreams":         "/api/v1/upstreams",
		"certificates":      "/api/v1/certificates",
		"version":           "/api/v1/version",
	} {
		_, body := ts.get(path)
		body = withoutTexts(body)
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, []byte(body), "", "  "); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		testkit.Golden(t, filepath.Join("testdata", name+".json"), pretty.Bytes())
	}
}

// withoutTexts replaces the registry's long texts: they are compared with the
// registry where they are made, and rewording one must not change files here.
func withoutTexts(body string) string {
	for _, e := range failure.All() {
		for name, text := range map[string]any{"meaning": e.Meaning, "reasons": e.Reasons, "look_at": e.LookAt} {
			old, err := json.Marshal(text)
			if err != nil {
				panic(err)
			}
			body = strings.ReplaceAll(body, `"`+name+`":`+string(old), `"`+name+`":"as in the registry"`)
		}
	}
	return body
}

func TestPlainEndpoints(t *testing.T) {
	ready := true
	ts := startServer(t, func(o *Options) {
		o.Ready = func() Readiness {
			return Readiness{Ready: ready, Checks: []Check{{"listener", true, ""}, {"draining", ready, "SIGTERM"}}}
		}
	})
	for _, c := range []struct {
		path string
		want string
	}{
		{"/livez", "ok\n"}, {"/healthz", "ok\n"}, {"/readyz", "ready\n"},
		{"/readyz?verbose", "[+] listener\n[+] draining: SIGTERM\nready\n"},
		{"/metrics", "causey_build_info 1\n"}, {"/api/v1/config", "{\"version\":1}\n"},
	} {
		resp, body := ts.get(c.path)
		ts.wantStatus(200, resp, body)
		if body != c.want {
			t.Errorf("%s: %q, want %q", c.path, body, c.want)
		}
	}
	ready = false
	resp, body := ts.get("/readyz?verbose")
	if resp.StatusCode != 503 || body != "[+] listener\n[-] draining: SIGTERM\nnot ready\n" {
		t.Errorf("not ready: %d %q", resp.StatusCode, body)
	}
	resp, body = ts.get("/livez")
	ts.wantStatus(200, resp, body) // alive all the same
	for _, path := range []string{"/nothing", "/api", "/api/v1/", "/debug", "/page.html"} {
		resp, body := ts.get(path)
		ts.wantStatus(404, resp, body)
	}
	for _, path := range []string{"/livez", "/api/v1/exchanges", "/", "/api/v1/failures/stream"} {
		resp, body := ts.ask(http.DefaultClient, http.MethodPost, path)
		ts.wantStatus(405, resp, body)
		if resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow %q", path, resp.Header.Get("Allow"))
		}
	}
	resp, body = ts.ask(http.DefaultClient, http.MethodHead, "/api/v1/failures")
	ts.wantStatus(200, resp, body)
	resp, body = ts.get("/api/v1/reload", "Authorization", "Bearer "+testToken)
	ts.wantStatus(405, resp, body)
}

func TestRegistryListsEveryCode(t *testing.T) {
	ts := startServer(t, nil)
	_, body := ts.get("/api/v1/registry")
	var got struct{ Codes []registryEntry }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Codes) != len(sampleStore().codes) {
		t.Errorf("%d codes, want %d", len(got.Codes), len(sampleStore().codes))
	}
	for _, c := range got.Codes {
		if c.Code == "" || c.Title == "" || c.Severity == "" || c.Reasons == nil || c.LookAt == nil {
			t.Errorf("incomplete: %+v", c)
		}
	}
}

func TestFilters(t *testing.T) {
	ts := startServer(t, nil)
	for _, c := range []struct {
		query string
		want  int
	}{
		{"", 18}, {"?failed=1", 10}, {"?failed=0", 18}, {"?severity=client", 4}, {"?severity=error,warning,client", 14},
		{"?code=upstream.connect.refused", 2}, {"?code=upstream", 9}, {"?code=upstream.read-head-up", 2}, {"?code=client", 4},
		{"?saved=1", 3}, {"?saved=0", 18}, {"?saved=1&failed=1", 0}, {"?saved=1&upstream=blog", 0}, {"?site=blog.example", 2}, {"?site=nobody", 0}, {"?upstream=shop", 10}, {"?upstream=shop&failed=1", 5},
		{"?status=502", 7}, {"?status=5xx", 9}, {"?status=4xx", 2}, {"?status=499", 1}, {"?status=200", 5}, {"?status=2xx&failed=1", 1},
		{"?limit=3", 3}, {"?limit=500", 18},
	} {
		resp, body := ts.get("/api/v1/exchanges" + c.query)
		ts.wantStatus(200, resp, body)
		var got struct{ Exchanges []json.RawMessage }
		if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Exchanges) != c.want {
			t.Errorf("%s: %d exchanges (%v), want %d", c.query, len(got.Exchanges), err, c.want)
		}
	}
	for _, query := range []string{"?failed=maybe", "?saved=yes", "?code=upstream.conn", "?code=upstream.connect.refusd", "?status=5x", "?status=12", "?status=xx",
		"?limit=0", "?limit=501", "?limit=x", "?before=0", "?before=-1", "?severity=", "?severity=bad", "?what=1", "?site=a&site=b"} {
		resp, body := ts.get("/api/v1/exchanges" + query)
		ts.wantStatus(400, resp, body)
	}
	if _, body := ts.get("/api/v1/exchanges?code=upstream.connect.refusd"); !strings.Contains(body, "upstream.connect.refused") {
		t.Errorf("no suggestion: %s", body)
	}
	resp, body := ts.get("/api/v1/exchanges/short")
	ts.wantStatus(400, resp, body)
	resp, body = ts.get("/api/v1/exchanges/" + strings.ToUpper(sampleRecords()[1].ID.String()))
	ts.wantStatus(200, resp, body)
}

// TestCursorWalksThroughEverything: page by page, each exchange comes once, newest
// first.
func TestCursorWalksThroughEverything(t *testing.T) {
	ts := startServer(t, nil)
	var ids []string
	for path := "/api/v1/exchanges?limit=3"; ; {
		_, body := ts.get(path)
		var got struct {
			Exchanges []struct{ ID string }
			Next      string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		for _, x := range got.Exchanges {
			ids = append(ids, x.ID)
		}
		if got.Next == "" {
			break
		}
		path = "/api/v1/exchanges?limit=3&before=" + got.Next
	}
	all := sampleRecords()
	if len(ids) != len(all) {
		t.Fatalf("%d exchanges, want %d", len(ids), len(all))
	}
	for i, id := range ids {
		if want := all[len(all)-1-i].ID.String(); id != want {
			t.Errorf("place %d: %s, want %s", i, id, want)
		}
	}
}

func TestReload(t *testing.T) {
	var fail error
	entered, release := make(chan struct{}, 1), make(chan struct{}, 1)
	ts := startServer(t, func(o *Options) {
		o.Reload = func(ctx context.Context) error {
			entered <- struct{}{}
			<-release
			if ctx.Err() != nil {
				t.Error("the reload was called off")
			}
			return fail
		}
	})
	reload := func() (*http.Response, string) { return ts.ask(ts.socket, http.MethodPost, "/api/v1/reload") }
	release <- struct{}{}
	resp, body := reload()
	<-entered
	if ts.wantStatus(200, resp, body); body != "{\"ok\":true}\n" {
		t.Errorf("body %q", body)
	}

	fail = &ReloadError{Problems: []ReloadProblem{{"causey.yaml", 7, 3, "upstreams.shop: no servers"}}}
	release <- struct{}{}
	resp, body = reload()
	<-entered
	ts.wantStatus(422, resp, body)
	if !strings.Contains(body, `"problems":[{"file":"causey.yaml","line":7,"column":3,"message":"upstreams.shop: no servers"}]`) {
		t.Errorf("body %s", body)
	}

	fail = errReload
	done := make(chan struct{})
	go func() { defer close(done); _, _ = reload() }()
	<-entered
	resp, body = reload() // while the other is under way
	ts.wantStatus(409, resp, body)
	release <- struct{}{}
	<-done
}

// TestBounds: what a client may send is bounded, and a crowd at the address leaves
// the socket usable.
func TestBounds(t *testing.T) {
	ts := startServer(t, nil)
	long, err := http.NewRequest(http.MethodGet, ts.url+"/livez", nil)
	if err != nil {
		t.Fatal(err)
	}
	long.Header.Set("X-Long", strings.Repeat("x", headLimitBytes+8<<10))
	if resp, err := http.DefaultClient.Do(long); err == nil { // or the connection was closed on us while we wrote
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a long head is answered with %d", resp.StatusCode)
		}
	}
	for range connectionsMax + 10 {
		c, err := net.Dial("tcp", ts.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	resp, body := ts.ask(ts.socket, http.MethodGet, "/livez")
	ts.wantStatus(200, resp, body)
}
