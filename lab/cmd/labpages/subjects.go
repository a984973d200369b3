// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"

	"causey/lab/real"
)

// The requests that most relays answer with a page of their own: nobody listens, the server closes without an answer,
// it answers garbage, it never answers; and what is refused before anybody is asked.
var (
	closed  = shot{name: "closed", path: "/lab/close", status: 502}
	garbage = shot{name: "garbage", path: "/lab/status-alpha", status: 502}
	refused = shot{name: "refused", path: "/dead/", status: 502}
	stalled = shot{name: "stalled", path: "/lab/stall", status: 504}
	// badLine and longHead are wrong as requests.
	badLine  = shot{name: "bad-request", raw: "GET /\x01 NONSENSE\r\n\r\n", status: 400}
	noHost   = shot{name: "no-host", raw: "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", status: 400}
	longHead = shot{name: "long-head", status: 431,
		raw: "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nX-Long: " + strings.Repeat("a", 200_000) + "\r\n\r\n"}
	longBody = shot{name: "long-body", status: 413,
		raw: "POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 9000000\r\n\r\n"}
)

// with returns the shot for a program that answers it with another status.
func (s shot) with(status int) shot { s.status = status; return s }

// apart returns the shot as one that no mark may be made from.
func (s shot) apart() shot { s.held = true; return s }

// at returns the shot for another path.
func (s shot) at(path string) shot { s.path = path; return s }

// subjects are all that can be captured: proxies first, then applications and what runs them.
func subjects() []subject { return append(proxies(), applications()...) }

func proxies() []subject {
	return append([]subject{
		{
			product: "nginx", title: "nginx", version: []string{"/usr/sbin/nginx", "-v"},
			program: real.Program{Programs: []string{"nginx"}, Package: "nginx-light",
				Args: []string{"-p", "{{.Dir}}", "-c", "{{.Dir}}/nginx.conf", "-e", "stderr"}},
			confs: map[string]string{"nginx.conf": "nginx.conf"},
			shots: []shot{refused, closed, stalled.apart(), longBody, badLine, longHead.with(400), {name: "missing", path: "/files/no", status: 404},
				{name: "no-certificate", path: "/own/496", status: 400},
				{name: "own", path: "/own/500", status: 500}, {name: "own", path: "/own/503", status: 503}, {name: "own", path: "/own/429", status: 429, held: true}},
		},
		{
			product: "haproxy", title: "HAProxy", version: []string{"/usr/sbin/haproxy", "-v"},
			program: real.Program{Programs: []string{"haproxy"}, Package: "haproxy", Args: []string{"-db", "-f", "{{.Dir}}/haproxy.cfg"}},
			confs:   map[string]string{"haproxy.cfg": "haproxy.cfg"},
			shots: []shot{refused.with(503), closed, garbage, stalled.apart(), badLine, {name: "denied", path: "/denied", status: 403},
				{name: "returned", path: "/own/500", status: 500}, {name: "rate", path: "/own/429", status: 429, held: true}},
		},
		{
			product: "apache-httpd", title: "Apache httpd", version: []string{"/usr/sbin/apache2", "-v"},
			program: real.Program{Programs: []string{"apache2"}, Package: "apache2",
				Args: []string{"-d", "{{.Dir}}", "-f", "{{.Dir}}/httpd.conf", "-D", "FOREGROUND"}},
			confs: map[string]string{"httpd.conf": "httpd.conf", "files/keep": "empty"},
			shots: []shot{refused.with(503), closed, stalled.with(502).apart(), longBody, badLine, longHead.with(400), {name: "missing", path: "/no", status: 404, held: true},
				{name: "gateway", path: "/gateway", status: 500}, {name: "cgi", path: "/cgi", status: 500}},
		},
		{
			product: "varnish", title: "Varnish", version: []string{"/usr/sbin/varnishd", "-V"},
			program: real.Program{Programs: []string{"varnishd"}, Package: "varnish",
				Args: []string{"-F", "-j", "none", "-n", "{{.Dir}}/work", "-a", "{{.Addr}}", "-f", "{{.Dir}}/default.vcl", "-s", "malloc,16m"}},
			confs: map[string]string{"default.vcl": "default.vcl", "work/keep": "empty"},
			shots: []shot{refused.with(503), closed.with(503), stalled.with(503).apart(), {name: "synth", path: "/own/403", status: 403},
				{name: "restarts", path: "/own/restart", status: 503}},
		},
		{
			product: "squid", title: "Squid", version: []string{"/usr/sbin/squid", "-v"},
			program: real.Program{Programs: []string{"squid"}, Package: "squid", Args: []string{"-N", "-f", "{{.Dir}}/squid.conf"}},
			confs:   map[string]string{"squid.conf": "squid.conf"},
			shots: []shot{refused, closed, garbage, stalled.apart(), badLine, {name: "denied", path: "/denied", status: 403},
				longHead, {name: "no-peer", path: "/unresolved", status: 502}},
		},
		{
			product: "trafficserver", title: "Apache Traffic Server", version: []string{"/usr/bin/traffic_server", "-V"},
			program: real.Program{Programs: []string{"/usr/bin/traffic_server"}, Package: "trafficserver",
				Args: []string{"--bind_stdout", "{{.Log}}", "--bind_stderr", "{{.Log}}"}, Env: []string{"TS_ROOT={{.Dir}}"}},
			confs: map[string]string{"etc/records.config": "records.config", "etc/remap.config": "remap.config", "etc/storage.config": "storage.config",
				"etc/ip_allow.yaml": "ip_allow.yaml", "runroot.yaml": "runroot.yaml",
				"run/keep": "empty", "logs/keep": "empty", "cache/keep": "empty", "etc/ssl_multicert.config": "empty", "etc/plugin.config": "empty"},
			shots: []shot{refused, closed, garbage.apart(), stalled, noHost, {name: "unmapped", path: "/unmapped", status: 404},
				{name: "unresolved", path: "/unresolved/", status: 500}},
		},
		{
			product: "lighttpd", title: "lighttpd", version: []string{"/usr/sbin/lighttpd", "-v"},
			program: real.Program{Programs: []string{"lighttpd"}, Package: "lighttpd", Args: []string{"-D", "-f", "{{.Dir}}/lighttpd.conf"}},
			confs:   map[string]string{"lighttpd.conf": "lighttpd.conf", "files/index.html": "empty"},
			shots: []shot{refused.with(503), closed.with(500), stalled.apart(), badLine, longBody, longHead,
				{name: "missing", path: "/files/no", status: 404}},
		},
	}, goProxies()...)
}

func goProxies() []subject {
	return []subject{
		{
			product: "caddy", title: "Caddy", version: []string{"caddy", "version"},
			program: real.Program{Programs: []string{"caddy"}, Package: "caddy",
				Args: []string{"run", "--config", "{{.Dir}}/Caddyfile", "--adapter", "caddyfile"}},
			confs: map[string]string{"Caddyfile": "Caddyfile"},
			shots: []shot{refused, closed, stalled, {name: "none", path: "/none/", status: 503}, {name: "missing", path: "/files/no", status: 404},
				{name: "failing", path: "/own/500", status: 500}},
		},
		{
			product: "h2o", title: "H2O", version: []string{"/usr/bin/h2o", "-v"},
			program: real.Program{Programs: []string{"h2o"}, Package: "h2o", Args: []string{"-c", "{{.Dir}}/h2o.conf"}},
			confs:   map[string]string{"h2o.conf": "h2o.conf", "files/keep": "empty"},
			shots:   []shot{refused, closed, garbage, stalled.with(502), {name: "missing", path: "/files/no", status: 404, held: true}},
		},
		{
			product: "nghttpx", title: "nghttpx", version: []string{"/usr/sbin/nghttpx", "-v"},
			program: real.Program{Programs: []string{"nghttpx"}, Package: "nghttp2-proxy", Args: []string{
				"--conf={{.Dir}}/nghttpx.conf", "--workers=1", "--frontend={{.Host}},{{.Port}};no-tls", "--backend={{.Data.OriginHost}},{{.Data.OriginPort}}",
				"--backend={{.Data.DeadHost}},{{.Data.DeadPort}};/dead/", "--backend-read-timeout=1s"}},
			confs: map[string]string{"nghttpx.conf": "empty"},
			shots: []shot{refused, closed, garbage, stalled.apart(), badLine},
		},
		{
			product: "go-http", title: "Go",
			inside: func(b behind) *httptest.Server {
				return httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(b.choose(r.In.URL.Path)) }})
			},
			shots: []shot{refused, closed, garbage.apart(), badLine},
		},
	}
}

// choose is the route of the proxies that are made of Go.
func (b behind) choose(path string) *url.URL {
	if strings.HasPrefix(path, "/dead/") {
		return b.DeadURL()
	}
	return b.OriginURL()
}
