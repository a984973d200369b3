// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
)

// handler returns everything that is served on one listener.
func (s *Server) handler(viaSocket bool) http.Handler {
	mux := http.NewServeMux()
	get := func(pattern string, h http.HandlerFunc) {
		mux.HandleFunc(pattern, only(http.MethodGet, h))
	}
	get("/livez", s.live)
	get("/healthz", s.live)
	get("/readyz", s.ready)
	if s.opts.Metrics != nil {
		get("/metrics", s.opts.Metrics.ServeHTTP)
	}
	get("/api/v1/exchanges", s.exchanges)
	get("/api/v1/exchanges/{id}", s.exchange)
	get("/api/v1/failures", s.failures)
	get("/api/v1/failures/stream", s.stream)
	get("/api/v1/upstreams", s.upstreams)
	get("/api/v1/registry", s.registry)
	get("/api/v1/config", s.config)
	get("/api/v1/version", s.version)
	mux.HandleFunc("/api/v1/reload", only(http.MethodPost, s.privileged(viaSocket, s.reload)))
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/":        pprof.Index,
		"/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol":  pprof.Symbol,
		"/debug/pprof/trace":   pprof.Trace,
	} {
		get(path, s.privileged(viaSocket, s.profile(h)))
	}
	get("/{$}", asset("index.html", "text/html; charset=utf-8"))
	get("/page.css", asset("page.css", "text/css; charset=utf-8"))
	get("/page.js", asset("page.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, problem{Status: http.StatusNotFound, Detail: "There is nothing here; docs/admin-api.md lists what there is."})
	})
	return s.guard(http.NewCrossOriginProtection().Handler(mux))
}

// only answers other methods than the given one with 405. GET includes HEAD.
func only(method string, h http.HandlerFunc) http.HandlerFunc {
	allow := method
	if method == http.MethodGet {
		allow = "GET, HEAD"
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method && !(r.Method == http.MethodHead && method == http.MethodGet) {
			w.Header().Set("Allow", allow)
			writeProblem(w, problem{Status: http.StatusMethodNotAllowed, Detail: "Use " + allow + " here."})
			return
		}
		h(w, r)
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
		extend(w, s.opts.Now().Add(profileSecondsMax*2*1e9))
		if strings.HasSuffix(r.URL.Path, "/") || r.URL.Path == "/debug/pprof" {
			w.Header().Del("Content-Security-Policy") // the index of profiles has inline style
		}
		h(w, r)
	}
}
