// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"causey/internal/incident"
)

// Incidents tells what is wrong with the sites, and what was.
type Incidents interface {
	// Incidents returns those that are kept, the open ones first, and the newest first.
	Incidents() []incident.Incident
	// OfExchange returns the id of the incident that an exchange belongs to, "" for none.
	OfExchange(id string) string
}

// IncidentList is the answer of /api/v1/incidents.
type IncidentList struct {
	// On says that incidents are looked for.
	On        bool                `json:"on"`
	Incidents []incident.Incident `json:"incidents"`
}

// incidentQuery selects incidents.
type incidentQuery struct {
	open  bool // only those that are not closed
	limit int
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
		default:
			return q, fmt.Errorf("there is no parameter %q; there are open and limit", name)
		}
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
	found := []incident.Incident{}
	for _, i := range s.opts.Incidents.Incidents() {
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
	writeProblem(w, problem{Status: http.StatusNotFound, Detail: "There is no incident " + strconv.Quote(id) + ", and no exchange of that id belongs to one that is kept."})
}
