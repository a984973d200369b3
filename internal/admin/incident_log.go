// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"causey/internal/incident"
)

// changesKept bounds the changes of incidents that wait for readers.
const changesKept = 256

// IncidentLog keeps the newest changes of incidents for those who follow them. Its zero
// value is empty and ready; it is safe for concurrent use.
type IncidentLog struct {
	mu      sync.Mutex
	last    uint64 // number of the newest change, 1 for the first
	ring    [changesKept]incident.Incident
	readers readers
}

// Put keeps i in place of the oldest change, without its facts, and wakes the readers.
func (l *IncidentLog) Put(i *incident.Incident) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	at := &l.ring[l.last%changesKept]
	*at = *i
	at.Facts = nil
	l.readers.wake()
}

// incidentFeed sends incidents as they change: first those that are open, unless it goes
// on where its client was.
type incidentFeed struct {
	log   *IncidentLog
	run   string              // what ids of this run of the gateway begin with
	next  uint64              // number of the last change that was sent
	first []incident.Incident // to be sent before the changes
	woken chan struct{}
}

// follow returns a feed that goes on after the change called after, or if that is not kept
// begins with what open returns.
func (l *IncidentLog) follow(run, after string, open func() []incident.Incident) (f *incidentFeed, resumed bool) {
	l.mu.Lock()
	if l.readers == nil {
		l.readers = readers{}
	}
	f = &incidentFeed{log: l, run: run, next: l.last, woken: l.readers.add()}
	if number, ours := strings.CutPrefix(after, run); ours {
		n, err := strconv.ParseUint(number, 10, 64)
		if resumed = err == nil && n <= l.last && n+changesKept >= l.last; resumed {
			f.next = n
		}
	}
	l.mu.Unlock()
	if !resumed { // what changes from now on comes twice at worst
		f.first = open()
	}
	return f, resumed
}

func (f *incidentFeed) wakes() chan struct{} { return f.woken }

func (f *incidentFeed) close() {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	delete(f.log.readers, f.woken)
}

func (f *incidentFeed) send(out *eventWriter) (more bool) {
	n := min(len(f.first), streamBatch)
	for i := range f.first[:n] {
		id := ""
		if i+1 == len(f.first) { // who breaks off before has to begin anew
			id = f.run + strconv.FormatUint(f.next, 10)
		}
		out.incident(id, &f.first[i])
	}
	if f.first = f.first[n:]; n > 0 {
		return true
	}
	changes, skipped, more := f.read()
	out.dropped(skipped)
	for i := range changes {
		number := f.next - uint64(len(changes)-1-i)
		out.incident(f.run+strconv.FormatUint(number, 10), &changes[i])
	}
	return more
}

// read returns the next changes, oldest first, and how many were missed.
func (f *incidentFeed) read() (changes []incident.Incident, skipped uint64, more bool) {
	l := f.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last-f.next > changesKept {
		skipped = l.last - f.next - changesKept
		f.next += skipped
	}
	for ; f.next < l.last && len(changes) < streamBatch; f.next++ {
		changes = append(changes, l.ring[(f.next+1)%changesKept])
	}
	return changes, skipped, f.next < l.last
}

// incident writes an event with an id, or without one.
func (o *eventWriter) incident(id string, i *incident.Incident) {
	if id != "" {
		o.buf = append(o.buf, "id: "+id+"\n"...)
	}
	o.buf = append(o.buf, "event: incident\ndata: "...)
	o.buf = appendJSON(o.buf, i)
	o.buf = append(o.buf, "\n\n"...)
}

// incidentStream sends incidents as they change, as server-sent events.
func (s *Server) incidentStream(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.Query()) > 0 {
		writeProblem(w, problem{Status: http.StatusBadRequest, Detail: "There are no parameters here."})
		return
	}
	s.sendEvents(w, r, func() (feed, bool) {
		run := strconv.FormatInt(s.opts.Store.started.UnixMilli(), 36) + "-"
		return s.opts.Changes.follow(run, r.Header.Get("Last-Event-ID"), s.openIncidents)
	})
}

// openIncidents returns those that are not closed, the oldest first.
func (s *Server) openIncidents() []incident.Incident {
	var open []incident.Incident
	for _, i := range slices.Backward(s.opts.Incidents.Incidents()) {
		if i.Facts = nil; i.State != incident.Closed {
			open = append(open, i)
		}
	}
	return open
}
