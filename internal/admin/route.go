// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
	"time"
)

// route is one thing that is served. docs/admin-api.md lists them all.
type route struct {
	method, pattern string
	// closed: only by the socket or with the token (I3).
	closed bool
	handle http.HandlerFunc
}

// serversPattern is where the servers of an upstream are set.
const serversPattern = "/api/v1/upstreams/{upstream}/servers"

func (s *Server) routes() []route {
	routes := []route{
		{"GET", "/{$}", false, asset("index.html", "text/html; charset=utf-8")},
		{"GET", "/page.css", false, asset("page.css", "text/css; charset=utf-8")},
		{"GET", "/page.js", false, asset("page.js", "text/javascript; charset=utf-8")},
		{"GET", "/servers.js", false, asset("servers.js", "text/javascript; charset=utf-8")},
		{"GET", "/incidents.js", false, asset("incidents.js", "text/javascript; charset=utf-8")},
		{"GET", "/livez", false, s.live},
		{"GET", "/healthz", false, s.live},
		{"GET", "/readyz", false, s.ready},
		{"GET", "/api/v1/exchanges", false, s.exchanges},
		{"GET", "/api/v1/exchanges/{id}", false, s.exchange},
		{"GET", "/api/v1/failures", false, s.failures},
		{"GET", "/api/v1/failures/stream", false, s.stream},
		{"GET", "/api/v1/incidents", false, s.incidents},
		{"GET", "/api/v1/incidents/stream", false, s.incidentStream},
		{"GET", "/api/v1/incidents/{id}", false, s.incident},
		{"GET", "/api/v1/incidents/{id}/evidence", false, s.incidentEvidence},
		{"GET", "/api/v1/upstreams", false, s.upstreams},
		{"POST", "/api/v1/upstreams/{upstream}/servers/{server}/state", true, s.decide},
		{"GET", "/api/v1/events", false, s.events},
		{"PUT", serversPattern, true, s.setServers},
		{"DELETE", serversPattern, true, s.resetServers},
		{"GET", "/api/v1/certificates", false, s.certificates},
		{"GET", "/api/v1/cache", false, s.cache},
		{"POST", "/api/v1/cache/purge", true, s.purge},
		{"GET", "/api/v1/registry", false, s.registry},
		{"GET", "/api/v1/config", false, s.config},
		{"GET", "/api/v1/version", false, s.version},
		{"POST", "/api/v1/reload", true, s.reload},
		{"POST", "/api/v1/upgrade", true, s.upgrade},
		{"GET", "/debug/pprof/", true, s.profile(pprof.Index)},
		{"GET", "/debug/pprof/cmdline", true, s.profile(pprof.Cmdline)},
		{"GET", "/debug/pprof/profile", true, s.profile(pprof.Profile)},
		{"GET", "/debug/pprof/symbol", true, s.profile(pprof.Symbol)},
		{"GET", "/debug/pprof/trace", true, s.profile(pprof.Trace)},
	}
	if s.opts.Metrics != nil {
		routes = append(routes, route{"GET", "/metrics", false, s.opts.Metrics.ServeHTTP})
	}
	return routes
}

// handler returns everything that is served on one listener.
func (s *Server) handler(viaSocket bool) http.Handler {
	mux := http.NewServeMux()
	byPattern := map[string][]route{}
	for _, r := range s.routes() {
		if r.closed && !viaSocket {
			r.handle = s.needsToken(r.handle)
		}
		byPattern[r.pattern] = append(byPattern[r.pattern], r)
	}
	for pattern, routes := range byPattern {
		mux.HandleFunc(pattern, byMethod(routes))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, problem{Status: http.StatusNotFound, Detail: "There is nothing here; docs/admin-api.md lists what there is."})
	})
	return s.guard(http.NewCrossOriginProtection().Handler(mux))
}

// byMethod chooses among the routes of one pattern, and answers other methods with 405.
// GET includes HEAD.
func byMethod(routes []route) http.HandlerFunc {
	var allowed []string
	for _, r := range routes {
		if allowed = append(allowed, r.method); r.method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	allow := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, req *http.Request) {
		for _, r := range routes {
			if req.Method == r.method || req.Method == http.MethodHead && r.method == http.MethodGet {
				r.handle(w, req)
				return
			}
		}
		w.Header().Set("Allow", allow)
		writeProblem(w, problem{Status: http.StatusMethodNotAllowed, Detail: "Use " + allow + " here."})
	}
}

// profile lets a profile take the time it was asked for, within bounds.
func (s *Server) profile(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if v := r.FormValue("seconds"); v != "" {
			if n, err := strconv.Atoi(v); err != nil || n < 1 || n > profileSecondsMax {
				writeProblem(w, problem{Status: http.StatusBadRequest,
					Detail: "seconds must be a number from 1 to " + strconv.Itoa(profileSecondsMax) + "."})
				return
			}
		}
		extend(w, s.opts.Now().Add(2*profileSecondsMax*time.Second))
		h(w, r)
	}
}
