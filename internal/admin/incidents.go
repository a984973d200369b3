// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"causey/internal/incident"
)

// Incidents tells what is wrong with the sites, and what was.
type Incidents interface {
	// Incidents returns those that are kept, the open ones first, and the newest first.
	Incidents() []incident.Incident
	// OfExchange returns the id of the incident that an exchange belongs to, "" for none.
	OfExchange(id string) string
}

// PastIncidents tells of those that are not in memory any more.
type PastIncidents interface {
	// Before returns those that were opened before a time, the newest first, of what outlives
	// a restart; Recall one of them, by its own id or that of an exchange that is kept of it,
	// or ErrNoIncident. Evidence is what is kept of one besides.
	Before(ctx context.Context, opened time.Time, limit int) ([]incident.Incident, error)
	Recall(ctx context.Context, id string) (incident.Incident, error)
	Evidence(ctx context.Context, id string) (IncidentEvidence, error)
}

// ErrNoIncident is returned for an incident that is not kept.
var ErrNoIncident = errors.New("there is no such incident")

// IncidentEvidence is the answer of /api/v1/incidents/{id}/evidence.
type IncidentEvidence struct {
	// Snapshots are the incident as it was told each time, the oldest first.
	Snapshots []json.RawMessage `json:"snapshots"`
	// Exchanges are some of those that failed, as the access log has them, the newest first.
	Exchanges []json.RawMessage `json:"exchanges"`
}

// IncidentList is the answer of /api/v1/incidents.
type IncidentList struct {
	// On says that incidents are looked for.
	On        bool                `json:"on"`
	Incidents []incident.Incident `json:"incidents"`
}

// incidentQuery selects incidents.
type incidentQuery struct {
	open   bool      // only those that are not closed
	before time.Time // that they were opened, zero for those that are in memory
	limit  int
}

func parseIncidentQuery(v url.Values) (q incidentQuery, err error) {
	q.limit = limitDefault
	for name, values := range v {
		if len(values) != 1 {
			return q, fmt.Errorf("%q was given more than once", name)
		}
		switch value := values[0]; name {
		case "open":
			if q.open, err = strconv.ParseBool(value); err != nil {
				return q, fmt.Errorf("open must be 1 or 0")
			}
		case "limit":
			if q.limit, err = parseLimit(value, limitMax); err != nil {
				return q, err
			}
		case "before":
			if q.before, err = time.Parse(time.RFC3339, value); err != nil {
				return q, fmt.Errorf("before must be a time such as 2026-03-09T14:02:00Z, not %q", value)
			}
		default:
			return q, fmt.Errorf("there is no parameter %q; there are open, before and limit", name)
		}
	}
	if q.open && !q.before.IsZero() {
		return q, errors.New("open and before do not go together: those that are open are in memory")
	}
	return q, nil
}

// incidents lists the incidents, without their facts, which are most of them.
func (s *Server) incidents(w http.ResponseWriter, r *http.Request) {
	q, err := parseIncidentQuery(r.URL.Query())
	if err != nil {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	all := s.opts.Incidents.Incidents()
	if !q.before.IsZero() {
		if all, err = s.opts.Past.Before(r.Context(), q.before, q.limit); err != nil {
			writeIncidentProblem(w, "", err)
			return
		}
	}
	found := []incident.Incident{}
	for _, i := range all {
		if len(found) < q.limit && (!q.open || i.State != incident.Closed) {
			i.Facts = nil
			found = append(found, i)
		}
	}
	writeJSON(w, IncidentList{s.opts.Diagnosing, found})
}

// incident tells one incident, by its own id or by that of an exchange that belongs to
// it.
func (s *Server) incident(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	of := s.opts.Incidents.OfExchange(id)
	for _, i := range s.opts.Incidents.Incidents() {
		if i.ID == id || i.ID == of {
			writeJSON(w, i)
			return
		}
	}
	i, err := s.opts.Past.Recall(r.Context(), id)
	if err != nil {
		writeIncidentProblem(w, id, err)
		return
	}
	writeJSON(w, i)
}

// incidentEvidence tells what is kept of one incident besides.
func (s *Server) incidentEvidence(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	e, err := s.opts.Past.Evidence(r.Context(), id)
	if err != nil {
		writeIncidentProblem(w, id, err)
		return
	}
	writeJSON(w, e)
}

func writeIncidentProblem(w http.ResponseWriter, id string, err error) {
	if errors.Is(err, ErrNoIncident) {
		writeProblem(w, problem{Status: http.StatusNotFound, Detail: "There is no incident " + strconv.Quote(id) + ", and no exchange of that id belongs to one that is kept."})
		return
	}
	writeProblem(w, problem{Status: http.StatusServiceUnavailable, Detail: "What is kept of incidents cannot be read: " + err.Error()})
}
