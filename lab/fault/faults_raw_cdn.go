// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"causey/lab/origin"
	"causey/lab/real"
)

func init() { lists = append(lists, rawCDN) }

// cloudflare is what every answer of that edge has; the end of the ray names its city.
const cloudflare = "Server: cloudflare\nCF-Ray: 9a41c7d2be5f3a08-FRA"

// throughCloudflare is what the edge adds to the requests of visitors, who speak TLS with it.
var throughCloudflare = []string{"CDN-Loop: cloudflare; loops=1", "CF-Ray: 9a41c7d2be5f3a08-FRA",
	"CF-Connecting-IP: 203.0.113.9", `CF-Visitor: {"scheme":"https"}`, "X-Forwarded-Proto: https"}

var rawCDN = []*Fault{
	{Cause: "cdn.ssl_mode", Means: Emulated, Scope: "site", Set: setFlexible, Twins: []string{"req.proto_loop"},
		Why: "the edge in the mode Flexible says https and speaks http, as one does whose word the application does not hear"},
	{Cause: "cdn.timeout", Means: Emulated, Scope: "path", Set: setEdgeTimeout, Break: later, Mend: back,
		Twins: []string{"tmo.inverted"},
		Why:   "an edge is told from another timer in front by the length of its patience, which is shortened here"},
	edgeSays("cdn.520", "520", 520, ""),
	edgeSays("cdn.origin_blocks_cdn", "521", 521, "").orElse(whyUnreached, "cdn.origin_ip_changed"),
	edgeSays("cdn.origin_ip_changed", "523", 523, "").orElse(whyUnreached, "cdn.origin_blocks_cdn"),
	edgeSays("cdn.timeout", "524", 524, ""),
	edgeSays("cdn.ssl_mode", "525", 525, ""),
	edgeSays("cdn.ssl_mode", "526", 526, ""),
	edgeSays("cdn.dns", "1016", 530, "1016"),
	edgeSays("cdn.tunnel", "1033", 530, "1033"),
	rebuilt{cause: "cdn.tunnel", name: "502", scope: "upstream", means: Emulated, befalls: anyAsked, usual: cloudflare,
		status: 502, fields: `CF-Cloudflared-Response-Meta: {"src":"cloudflared"}` + "\nContent-Type: text/html",
		body: "<html><body>Unable to reach the origin service. The service may be down or it may not be responding to traffic " +
			"from cloudflared</body></html>"}.fault(),
	{Cause: "cdn.edge_incident", Means: Emulated, Scope: "network", Set: setEdgeIncident, Break: later, Mend: back},
	{Cause: "cdn.one_client_to_origin", Means: Real, Scope: "upstream", Set: setOneClient, Twins: []string{"cap.app_limit"},
		Why: "a server that refuses does not say whether it counts clients or requests"},
	{Cause: "cdn.cached_error", Means: Emulated, Scope: "path", Set: setCachedError, Break: later, Mend: back},
}

// edgeSays is a fault of a server that is reached through an edge, which cannot reach it and says so in its own words: the
// code is in the text, and in a field where it is more than the status.
func edgeSays(cause, name string, status int, code string) *Fault {
	fields := "Content-Type: text/plain; charset=UTF-8"
	if code != "" {
		fields += "\nCF-Error-Type: " + code + "\nCF-Error-Origin: edge"
	}
	return rebuilt{cause: cause, name: name, scope: "upstream", means: Emulated, befalls: anyAsked, usual: cloudflare,
		status: status, fields: fields, body: "error code: " + name}.fault()
}

const whyUnreached = "the edge says that it did not reach the server; whether that has moved or refuses the edge is known there"

// setFlexible has an edge that speaks plain HTTP with us although visitors speak TLS with it, and an application that
// redirects whoever comes without TLS.
func setFlexible(s *Stage) error {
	p, err := s.proxied("listen ADDR; if ($scheme = http) { return 301 https://$http_host$request_uri; }", real.NginxOptions{})
	if err != nil {
		return err
	}
	s.everyone(throughCloudflare...)
	s.Config = behind("http://" + p.Addr())
	return nil
}

// setEdgeTimeout has an edge that leaves after 5 s (for its 100 or 120 s) and a search that takes 8 s.
func setEdgeTimeout(s *Stage) error {
	r, err := s.raw(origin.Options{})
	if err != nil {
		return err
	}
	s.everyone(throughCloudflare...)
	s.Visitors.Patience = 5 * time.Second
	s.Config = behind("http://" + r.Addr())
	s.breaks, s.mends = func() error { return r.fall(slowSearch("/slow?ms=8000")) }, r.recover
	return nil
}

// setEdgeIncident has two sites whose servers are reached through the same edge, which fails for both by itself.
func setEdgeIncident(s *Stage) error {
	var ill atomic.Bool
	edge := rebuilt{befalls: anyAsked, usual: cloudflare, status: http.StatusBadGateway, fields: "Content-Type: text/html",
		body: "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n" +
			"<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"}.handler(&ill)
	return s.twoSites(edge, edge, &ill)
}

// setOneClient has nginx allow each visitor 15 requests a second, and take the gateway for one.
func setOneClient(s *Stage) error {
	r, err := s.raw(origin.Options{})
	if err != nil {
		return err
	}
	p, err := s.nginx("limit_req_zone $binary_remote_addr zone=visitors:1m rate=15r/s;\n"+
		"server { listen ADDR; location / { limit_req zone=visitors burst=5 nodelay; "+proxyTo(r.Addr())+" } }", real.NginxOptions{})
	if err != nil {
		return err
	}
	s.Config = behind("http://" + p.Addr())
	return nil
}

// edgeCache is a cache before a server that is ill for a moment: it keeps the errors that it was told then.
type edgeCache struct {
	mu   sync.Mutex
	till time.Time            // when the server is well again
	kept map[string]time.Time // by path: when the error was kept
}

// illFor is how long the server is ill; the errors are kept for longer than any stage lives.
const illFor = 1500 * time.Millisecond

func (c *edgeCache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	kept, hit := c.kept[r.URL.RequestURI()]
	ill := time.Now().Before(c.till)
	if ill && !hit && r.Method == http.MethodGet {
		c.kept[r.URL.RequestURI()] = time.Now()
	}
	c.mu.Unlock()
	switch {
	case hit:
		w.Header().Set("Age", strconv.Itoa(int(time.Since(kept).Seconds())))
		w.Header().Set("X-Cache", "HIT")
	case ill:
		w.Header().Set("X-Cache", "MISS")
	default:
		w.Header().Set("X-Cache", "MISS")
		shopPage(w, r)
		return
	}
	refuse(w, http.StatusServiceUnavailable, "Via: 1.1 varnish\nContent-Type: text/html",
		"<h1>Error 503 Backend fetch failed</h1>")
}

func setCachedError(s *Stage) error {
	c := &edgeCache{kept: map[string]time.Time{}}
	addr, err := s.app(c)
	if err != nil {
		return err
	}
	s.Config = behind("http://" + addr)
	s.breaks = func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.till = time.Now().Add(illFor)
		return nil
	}
	s.mends = func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.till = time.Time{}
		clear(c.kept)
		return nil
	}
	return nil
}
