// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// eventsKept bounds the events that are kept, and with them an answer.
const eventsKept = 256

// Event tells of one change of a server's state, or of a whole upstream.
type Event struct {
	// Number counts the events since the start, 1 for the first.
	Number   uint64 `json:"number"`
	Time     Moment `json:"time"`
	Upstream string `json:"upstream"`
	// Server is "" where the event is about the whole upstream.
	Server string `json:"server"`
	// From and To are states, both the same or both "" where none changed.
	From string `json:"from"`
	To   string `json:"to"`
	// Reason says why in words that follow the server's name.
	Reason string `json:"reason"`
}

// EventLog keeps the newest events. Its zero value is empty and ready; it is safe for
// concurrent use.
type EventLog struct {
	mu   sync.Mutex
	last uint64
	ring [eventsKept]Event
}

// Put keeps e in place of the oldest one, and numbers it.
func (l *EventLog) Put(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	e.Number = l.last
	l.ring[l.last%eventsKept] = e
}

// find returns the newest events that q wants, newest first.
func (l *EventLog) find(q *eventQuery) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []Event{}
	for n := l.last; n > 0 && n+eventsKept > l.last && len(found) < q.limit; n-- {
		e := &l.ring[n%eventsKept]
		if (q.upstream == "" || e.Upstream == q.upstream) && (q.server == "" || e.Server == q.server) && n > q.after {
			found = append(found, *e)
		}
	}
	return found
}

// eventQuery selects events. An empty text does not restrict.
type eventQuery struct {
	upstream, server string
	// after is the number that those wanted lie above.
	after uint64
	limit int
}

func parseEventQuery(v url.Values) (*eventQuery, error) {
	q := &eventQuery{limit: limitDefault}
	for name, values := range v {
		if len(values) != 1 {
			return nil, fmt.Errorf("%q was given more than once", name)
		}
		switch value := values[0]; name {
		case "upstream":
			q.upstream = value
		case "server":
			q.server = value
		case "after":
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("after must be the number of an event")
			}
			q.after = n
		case "limit":
			n, err := parseLimit(value, eventsKept)
			if err != nil {
				return nil, err
			}
			q.limit = n
		default:
			return nil, fmt.Errorf("there is no parameter %q; there are upstream, server, after and limit", name)
		}
	}
	return q, nil
}

// events lists the newest events, newest first.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	q, err := parseEventQuery(r.URL.Query())
	if err != nil {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	writeJSON(w, struct {
		Events []Event `json:"events"`
	}{s.opts.Events.find(q)})
}
