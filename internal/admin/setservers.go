// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"errors"
	"io"
	"net/http"
)

// serversLimitBytes bounds a list of servers, as that of a configuration is bounded.
const serversLimitBytes = 1 << 20

// Why servers cannot be set.
var (
	ErrNoUpstream = errors.New("no upstream has this name")
	ErrNotByAPI   = errors.New("the servers of this upstream come from the configuration; discover: {api: true} lets them be set here")
)

// UpstreamSource is a place where servers of an upstream are found.
type UpstreamSource struct {
	// Source says which: "dns app:3000", "file /etc/app.yaml", "docker unix:///…", "api".
	Source  string `json:"source"`
	Servers int    `json:"servers"`
	// Problem is why it cannot be looked at, or what is in doubt there; "" if nothing
	// is. What was found before stays in use.
	Problem string `json:"problem"`
	// LookedAt and ChangedAt are "" where that has not happened yet.
	LookedAt  Moment `json:"looked_at"`
	ChangedAt Moment `json:"changed_at"`
}

// setServers makes the list that was sent the servers of an upstream.
func (s *Server) setServers(w http.ResponseWriter, r *http.Request) {
	list, err := io.ReadAll(http.MaxBytesReader(w, r.Body, serversLimitBytes))
	if err != nil {
		writeProblem(w, problem{Status: http.StatusRequestEntityTooLarge, Detail: "The list could not be read, or is longer than 1 MiB."})
		return
	}
	s.changeServers(w, r, list)
}

// resetServers gives an upstream the servers of its configuration again.
func (s *Server) resetServers(w http.ResponseWriter, r *http.Request) { s.changeServers(w, r, nil) }

func (s *Server) changeServers(w http.ResponseWriter, r *http.Request, list []byte) {
	name := r.PathValue("upstream")
	err := ErrNoUpstream
	if s.opts.SetServers != nil {
		err = s.opts.SetServers(name, list)
	}
	s.opts.Logger.Info("admin: servers set", "peer", r.RemoteAddr, "upstream", name, "error", err)
	var re *ReloadError
	switch {
	case err == nil:
		s.upstream(w, name)
	case errors.Is(err, ErrNoUpstream):
		writeProblem(w, problem{Status: http.StatusNotFound, Detail: "There is no upstream of this name; GET /api/v1/upstreams lists them."})
	case errors.As(err, &re):
		writeProblem(w, problem{Status: http.StatusUnprocessableEntity, Detail: "The list was refused; the servers are as they were.", Problems: re.Problems})
	default:
		writeProblem(w, problem{Status: http.StatusConflict, Detail: err.Error() + "."})
	}
}

// upstream shows one upstream.
func (s *Server) upstream(w http.ResponseWriter, name string) {
	ups := s.opts.Upstreams()
	s.opts.Store.addCounts(ups)
	for i := range ups {
		if ups[i].Name == name {
			writeJSON(w, ups[i])
			return
		}
	}
	writeProblem(w, problem{Status: http.StatusNotFound, Detail: "A reload has removed the upstream meanwhile."})
}
