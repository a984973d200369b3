// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"

	"causey/internal/incident"
)

// Incidents tells what is wrong with the sites, and what was.
type Incidents interface {
	// Incidents returns those that are kept, the open ones first.
	Incidents() []incident.Incident
	// OfExchange returns the id of the incident that an exchange belongs to, "" for none.
	OfExchange(id string) string
}

// incidents lists the incidents.
func (s *Server) incidents(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.Query()) > 0 {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: "There are no parameters here."})
		return
	}
	writeJSON(w, struct {
		Incidents []incident.Incident `json:"incidents"`
	}{s.opts.Incidents.Incidents()})
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
	writeProblem(w, problem{Status: http.StatusNotFound, Detail: "There is no incident " + id + ", and no exchange of that id belongs to one that is kept."})
}
