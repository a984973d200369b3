// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"
	"strings"
	"testing"
)

func TestHost(t *testing.T) { // I2
	ts := startServer(t, nil)
	for _, host := range []string{"localhost", "LocalHost:8081", "127.0.0.1", "127.0.0.1:1", "127.8.9.1:80", "[::1]", "[::1]:8081", "[::ffff:127.0.0.1]:80"} {
		resp, body := ts.get("/livez", "Host", host)
		ts.wantStatus(200, resp, body)
	}
	for _, host := range []string{"shop.example", "localhost.evil.example", "localhost.", "127.0.0.1.evil.example:8081", "evil.example:127",
		"10.0.0.1", "0.0.0.0:8081", "[::]:8081", "192.168.1.1:8081", "2130706433", "0177.0.0.1", "localhost:80:80", "admin@localhost", "[localhost]x"} {
		for _, path := range []string{"/livez", "/", "/metrics", "/api/v1/failures/stream", "/nothing"} {
			resp, body := ts.get(path, "Host", host)
			// net/http itself refuses what is no host at all.
			if resp.StatusCode == http.StatusBadRequest && !strings.Contains(body, "{") {
				continue
			}
			ts.wantStatus(421, resp, body)
		}
		resp, body := ts.ask(ts.socket, http.MethodPost, "/api/v1/reload", "Host", host)
		if resp.StatusCode/100 != 4 {
			t.Errorf("reload for host %s: %d %s", host, resp.StatusCode, body)
		}
	}
}

func TestOrigin(t *testing.T) { // I2
	ts := startServer(t, nil)
	own := ts.url
	for _, fields := range [][]string{
		{}, {"Origin", own}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", own, "Sec-Fetch-Site", "same-origin"},
	} {
		resp, body := ts.get("/api/v1/failures", fields...)
		ts.wantStatus(200, resp, body)
		resp, body = ts.ask(http.DefaultClient, http.MethodPost, "/api/v1/reload", append(fields, "Authorization", "Bearer "+testToken)...)
		ts.wantStatus(200, resp, body)
	}
	for _, fields := range [][]string{
		{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Origin", ""}, {"Origin", "http://localhost:3000"}, {"Origin", "https" + own[4:]},
		{"Origin", own + ".evil.example"}, {"Origin", own, "Origin", "http://evil.example"},
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"},
		{"Origin", own, "Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"},
	} {
		for _, path := range []string{"/", "/api/v1/failures", "/api/v1/failures/stream", "/metrics", "/page.js"} {
			resp, body := ts.get(path, fields...)
			ts.wantStatus(403, resp, body)
		}
		resp, body := ts.ask(http.DefaultClient, http.MethodPost, "/api/v1/reload", append(fields, "Authorization", "Bearer "+testToken)...)
		ts.wantStatus(403, resp, body)
	}
	link := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	resp, body := ts.get("/", link...)
	ts.wantStatus(200, resp, body)
	resp, body = ts.get("/api/v1/failures", link...)
	ts.wantStatus(403, resp, body)
	resp, body = ts.get("/", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe")
	ts.wantStatus(403, resp, body)
}

func TestWhoMayChangeThings(t *testing.T) { // I3
	withToken := startServer(t, nil)
	without := startServer(t, func(o *Options) { o.Token = "" })
	closed := []struct{ method, path string }{
		{http.MethodPost, "/api/v1/reload"}, {http.MethodGet, "/debug/pprof/"}, {http.MethodGet, "/debug/pprof/heap"},
		{http.MethodGet, "/debug/pprof/cmdline"}, {http.MethodGet, "/debug/pprof/profile?seconds=1"},
	}
	for _, c := range closed {
		for _, fields := range [][]string{nil, {"Authorization", ""}, {"Authorization", "Bearer "}, {"Authorization", "Bearer wrong"},
			{"Authorization", testToken}, {"Authorization", "Basic " + testToken}, {"Authorization", "Bearer " + testToken + "x"}} {
			resp, body := withToken.ask(http.DefaultClient, c.method, c.path, fields...)
			withToken.wantStatus(401, resp, body)
			resp, body = without.ask(http.DefaultClient, c.method, c.path, fields...)
			without.wantStatus(403, resp, body)
		}
		if strings.Contains(c.path, "seconds") {
			continue // it would take one
		}
		resp, body := withToken.ask(http.DefaultClient, c.method, c.path, "Authorization", "Bearer "+testToken)
		withToken.wantStatus(200, resp, body)
		resp, body = without.ask(without.socket, c.method, c.path)
		without.wantStatus(200, resp, body)
	}
	resp, body := without.ask(without.socket, http.MethodGet, "/debug/pprof/profile?seconds=9999")
	without.wantStatus(400, resp, body)
	if _, err := New(Options{Token: "short"}); err == nil {
		t.Error("a token of five characters is accepted")
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	ts := startServer(t, nil)
	for _, path := range []string{"/", "/page.js", "/page.css", "/api/v1/exchanges", "/nothing", "/livez", "/metrics"} {
		resp, _ := ts.get(path)
		for name, want := range map[string]string{
			"Content-Security-Policy": contentPolicy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may be read by other origins", path)
		}
	}
}
