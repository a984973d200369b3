// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import "net/http"

// Upstream is a group of servers. The gateway fills it, except where a field says
// otherwise.
type Upstream struct {
	Name    string           `json:"name"`
	Servers []UpstreamServer `json:"servers"`
}

// UpstreamServer is one server of an upstream.
type UpstreamServer struct {
	// Name is the server as configured.
	Name string `json:"name"`
	// Addresses are what it is dialled at now: one for an address, all that are
	// known for a name, the path for a unix socket.
	Addresses []string `json:"addresses"`
	// ResolvedAt is when the name was looked up (RFC 3339) and TTLSeconds how long
	// that answer holds; empty and 0 for a server given by address.
	ResolvedAt  string      `json:"resolved_at"`
	TTLSeconds  int         `json:"ttl_seconds"`
	Connections Connections `json:"connections"`
	// Attempts and Failures count attempts since start, and LastFailure tells the
	// newest that failed. They are filled from the records.
	Attempts    uint64       `json:"attempts"`
	Failures    uint64       `json:"failures"`
	LastFailure *LastFailure `json:"last_failure"`
}

// Connections counts the connections to a server.
type Connections struct {
	Active int `json:"active"`
	Idle   int `json:"idle"`
}

// LastFailure names a failed attempt.
type LastFailure struct {
	Code string `json:"code"`
	Time string `json:"time"`
	ID   string `json:"id"`
}

// upstreams shows every configured server with what its attempts came to.
func (s *Server) upstreams(w http.ResponseWriter, _ *http.Request) {
	ups := s.opts.Upstreams()
	s.opts.Store.addAttempts(ups)
	writeJSON(w, struct {
		Upstreams []Upstream `json:"upstreams"`
	}{ups})
}

func (s *Store) addAttempts(ups []Upstream) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := range ups {
		for j := range ups[i].Servers {
			srv := &ups[i].Servers[j]
			srv.Addresses = list(srv.Addresses)
			t := s.server[serverName{ups[i].Name, srv.Name}]
			if t == nil {
				continue
			}
			srv.Attempts, srv.Failures = t.attempts, t.failures
			if t.failures > 0 {
				srv.LastFailure = &LastFailure{Code: t.code.String(), Time: formatTime(t.last), ID: t.id.String()}
			}
		}
	}
}
