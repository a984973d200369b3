// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"

	"causey/internal/upstream"
)

// Upstream is a group of servers. The gateway fills it, except where a field says
// otherwise.
type Upstream struct {
	Name string `json:"name"`
	// Held is how many requests wait in line for a server now, of HeldMost that may.
	Held     int `json:"held"`
	HeldMost int `json:"held_most"`
	// Recent is what came within the last seconds.
	Recent RecentRequests `json:"recent"`
	// AllAsked says that so many servers are left out by checks and statistics that all
	// are asked that can be reached.
	AllAsked bool `json:"all_asked"`
	// Saved counts exchanges since start. It is filled from the records.
	Saved   SavedCounts      `json:"saved"`
	Servers []UpstreamServer `json:"servers"`
	// Sources are where servers are found that the configuration does not list.
	Sources []UpstreamSource `json:"sources"`
}

// RecentRequests counts the requests of the last five to ten seconds.
type RecentRequests struct {
	Requests int `json:"requests"`
	// Repeated of them were sent once more, of Repeatable that might have been.
	Repeated   int `json:"repeated"`
	Repeatable int `json:"repeatable"`
}

// UpstreamServer is one server of an upstream.
type UpstreamServer struct {
	// Name is the server as configured.
	Name string `json:"name"`
	// State is what it is good for, since Since; Reason says why in words that follow
	// its name, "" if nothing happened since it became a member. ByHand says that the
	// owner set the state.
	State  upstream.State `json:"state"`
	Since  Moment         `json:"since"`
	Reason string         `json:"reason"`
	ByHand bool           `json:"by_hand"`
	// Weight, Priority and Zone are its part in the upstream.
	Weight   uint32 `json:"weight"`
	Priority int    `json:"priority"`
	Zone     string `json:"zone"`
	// Share is which part of its full share of requests it takes, below 1 while it
	// begins slowly.
	Share float64 `json:"share"`
	// LatencyMS is the average time until its answers begin, 0 before the first.
	LatencyMS float64 `json:"latency_ms"`
	// Waiting requests are sent whole and have no answer yet.
	Waiting int `json:"waiting"`
	// Recent counts its last results, up to 64, none if the newest is older than ten
	// seconds.
	Recent RecentResults `json:"recent"`
	// Ejections counts those of late; each makes the next one longer.
	Ejections int `json:"ejections"`
	// Check is the newest result of its health check, nil if there was none.
	Check *ServerCheck `json:"check"`
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

// RecentResults counts answers, and attempts that failed or were answered with an
// error of the server.
type RecentResults struct {
	Good int `json:"good"`
	Bad  int `json:"bad"`
}

// ServerCheck is the result of a health check.
type ServerCheck struct {
	At   Moment `json:"at"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
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

// InService reports whether visitors' requests go to the server.
func (s *UpstreamServer) InService() bool {
	return s.State == upstream.Up || s.State == upstream.Returning
}

// upstreams shows every configured server with what its attempts came to.
func (s *Server) upstreams(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, struct {
		Upstreams []Upstream `json:"upstreams"`
	}{s.upstreamsNow()})
}

func (s *Server) upstreamsNow() []Upstream {
	ups := s.opts.Upstreams()
	s.opts.Store.addCounts(ups)
	return ups
}

// addCounts adds what the records tell of ups.
func (s *Store) addCounts(ups []Upstream) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := range ups {
		if n := s.savedBy[ups[i].Name]; n != nil {
			ups[i].Saved = *n
		}
		if ups[i].Sources == nil {
			ups[i].Sources = []UpstreamSource{}
		}
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
