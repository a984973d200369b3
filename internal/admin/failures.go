// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"net/http"
	"sort"
	"time"

	"causey/internal/failure"
)

// recentFailures is how many failures stand beside the counts.
const recentFailures = 20

// codeCount is what /api/v1/failures tells of one code.
type codeCount struct {
	Code         string `json:"code"`
	Title        string `json:"title"`
	Party        string `json:"party"`
	Phase        string `json:"phase"`
	Family       string `json:"family"`
	Severity     string `json:"severity"`
	Count        uint64 `json:"count"`
	First        string `json:"first"`
	Last         string `json:"last"`
	LastID       string `json:"last_id"`
	LastSite     string `json:"last_site"`
	LastUpstream string `json:"last_upstream"`
	LastServer   string `json:"last_server"`

	last time.Time
}

type failureSummary struct {
	Since string `json:"since"`
	// Exchanges counts all; Failed those of severity error and warning;
	// ClientFailed those that clients caused; Saved those of which the client saw
	// nothing.
	Exchanges    uint64          `json:"exchanges"`
	Failed       uint64          `json:"failed"`
	ClientFailed uint64          `json:"client_failed"`
	Saved        SavedCounts     `json:"saved"`
	Kept         kept            `json:"kept"`
	Codes        []codeCount     `json:"codes"`
	Recent       json.RawMessage `json:"recent"`
}

// failures counts by code, the code seen last coming first.
func (s *Server) failures(w http.ResponseWriter, _ *http.Request) {
	sum := s.opts.Store.summary()
	q := query{limit: recentFailures, severities: 1<<failure.SeverityError | 1<<failure.SeverityWarning}
	recent, _ := s.opts.Store.find(q)
	sum.Recent = appendRecords(nil, recent)
	writeJSON(w, sum)
}

func (s *Store) summary() failureSummary {
	k := s.kept()
	s.mu.RLock()
	defer s.mu.RUnlock()
	sum := failureSummary{
		Since: formatTime(s.started), Exchanges: s.exchanges, Failed: s.failed, ClientFailed: s.clientFailed,
		Saved: s.saved, Kept: k, Codes: []codeCount{},
	}
	for _, e := range failure.All() {
		if t := &s.codes[e.ID]; t.count > 0 {
			sum.Codes = append(sum.Codes, codeCount{
				Code: e.Name, Title: e.Title, Party: e.Code.Party.String(), Phase: e.Code.Phase.String(),
				Family: e.Family.String(), Severity: e.Severity.String(), Count: t.count,
				First: formatTime(t.first), Last: formatTime(t.last), last: t.last,
				LastID: t.newest.id.String(), LastSite: t.newest.site, LastUpstream: t.newest.upstream, LastServer: t.newest.server,
			})
		}
	}
	sort.SliceStable(sum.Codes, func(i, j int) bool { return sum.Codes[i].last.After(sum.Codes[j].last) })
	return sum
}

// registryEntry is one code with its texts.
type registryEntry struct {
	Code       string   `json:"code"`
	Title      string   `json:"title"`
	Meaning    string   `json:"meaning"`
	Reasons    []string `json:"reasons"`
	LookAt     []string `json:"look_at"`
	Party      string   `json:"party"`
	Phase      string   `json:"phase"`
	Kind       string   `json:"kind"`
	Family     string   `json:"family"`
	Severity   string   `json:"severity"`
	Status     int      `json:"status"`
	ProxyError string   `json:"proxy_error"`
	Retry      string   `json:"retry"`
}

func newRegistryEntry(e *failure.Entry) registryEntry {
	return registryEntry{
		Code: e.Name, Title: e.Title, Meaning: e.Meaning, Reasons: list(e.Reasons), LookAt: list(e.LookAt),
		Party: e.Code.Party.String(), Phase: e.Code.Phase.String(), Kind: e.Code.Kind.String(),
		Family: e.Family.String(), Severity: e.Severity.String(), Status: e.Status, ProxyError: e.ProxyError,
		Retry: e.Retry.String(),
	}
}

// list makes an absent list an empty one in JSON.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// registry lists every code there is.
func (s *Server) registry(w http.ResponseWriter, _ *http.Request) {
	all := failure.All()
	out := struct {
		Codes []registryEntry `json:"codes"`
	}{make([]registryEntry, len(all))}
	for i, e := range all {
		out.Codes[i] = newRegistryEntry(e)
	}
	writeJSON(w, out)
}
