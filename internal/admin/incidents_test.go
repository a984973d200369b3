// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"causey/internal/incident"
)

// incidentsAre fixed incidents; exchange 2 of the sample belongs to the first.
type incidentsAre []incident.Incident

func (l incidentsAre) Incidents() []incident.Incident { return l }

func (l incidentsAre) OfExchange(id string) string {
	if len(l) > 0 && id == sampleRecords()[1].ID.String() {
		return l[0].ID
	}
	return ""
}

// incidentsOf are incidents that change.
type incidentsOf func() incidentsAre

func (f incidentsOf) Incidents() []incident.Incident { return f() }

func (f incidentsOf) OfExchange(id string) string { return sampleIncidents(sampleStart).OfExchange(id) }

// sampleIncidents has one of each state, seen from a quarter of an hour after start.
func sampleIncidents(start time.Time) incidentsAre {
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	down := incident.Incident{ID: "20260309-a1", State: incident.Confirmed, Severity: incident.Critical, Opened: at(2), Updated: at(3), LastSeen: at(14),
		Upstreams: []string{"shop"}, Sites: []string{"shop.example"},
		Scope:  incident.Scope{Level: "server", Value: "app.internal:9000", Reach: "isolated", Says: "112 of 118 with server app.internal:9000 failed, 0 of 4120 with others"},
		Failed: 40, Saved: 72, Clients: 31, Unknown: 0.02, Sure: true, Title: "app.internal:9000: No program listens on the server's port",
		Ranked: []incident.Ranked{
			{Cause: "tcp.refused.down", Number: "F009", Title: "No program listens on the server's port", Confidence: 0.93, Score: 4.2, Evidence: []incident.Line{
				{Fact: "worked_before", Weight: 1.5, Says: "it had answered 4120 requests before"}, {Fact: "failing_for", Weight: 1, Says: "it has failed for 12 min"},
				{Fact: "all_fail", Weight: 0.7, Says: "112 of 118 attempts failed"},
				{Fact: "public", Weight: -0.3, Says: "the address is a public one"}, {Fact: "try_other_family", Weight: -0.2, Says: "it answers by its other address"}}},
			{Cause: "ops.restart", Number: "F101", Title: "The server was restarted", Confidence: 0.05, Score: 1.3, Evidence: []incident.Line{}}},
		Account: incident.Account{What: "Server refuses connections", Affected: "40 requests of visitors failed; 72 failures were kept from them, since another server or a later attempt answered.",
			Why:      "The machine answers, but the program that should serve your site is not listening there.",
			HowKnown: []string{"It had answered 4120 requests before.", "It has failed for 12 min."}, Against: []string{"The address is a public one."},
			Else: []incident.Other{{Cause: "ops.restart", Title: "The server was restarted", Ask: "Does it come back by itself within a minute?"}},
			Do:   []incident.Advice{{Stack: "any", Text: "Start the program again, and find out why it ended."}, {Stack: "systemd", Text: "`systemctl status NAME` shows the end."}}},
		Exemplars: []string{sampleRecords()[1].ID.String(), sampleRecords()[5].ID.String()}}
	path := incident.Incident{ID: "20260309-b2", State: incident.Suspected, Severity: incident.Major, Opened: at(9), Updated: at(9), LastSeen: at(14),
		Upstreams: []string{"shop"}, Sites: []string{"shop.example"}, Failed: 3, Clients: 1, Unknown: 0.3,
		Title:     `/<script>document.title="owned"</script>?token=secret at shop: A header that nobody can read`,
		Scope:     incident.Scope{Level: "client", Value: "203.0.113.25", Reach: "isolated", Says: "3 of 3 with client 203.0.113.25 failed, 0 of 40 with others"},
		Ranked:    []incident.Ranked{{Cause: "proto.bad_field", Number: "F060", Title: "A header that nobody can read", Confidence: 0.6, Evidence: []incident.Line{}}},
		Facts:     []incident.Fact{{Name: "one_client", Value: true, Says: "3 of 3 came from 203.0.113.25, asking for /cart?step=2"}},
		Account:   incident.Account{What: "Illegal header field \x1b[2J\u202e", Affected: "3 requests of visitors failed.", Why: "Probably: <b>the application</b> sends one."},
		Exemplars: []string{sampleRecords()[8].ID.String()}}
	unknown := incident.Incident{ID: "20260309-c3", State: incident.Open, Severity: incident.Minor, Opened: at(13), Updated: at(13), LastSeen: at(14),
		Upstreams: []string{"blog"}, Scope: incident.Scope{Level: "upstream", Value: "blog", Reach: "isolated"}, Failed: 1, Unknown: 0.7, Title: "blog: No answer in time",
		Account: incident.Account{What: "No answer in time", Affected: "1 request of a visitor failed.", Why: "No cause stands out yet."}}
	better := incident.Incident{ID: "20260309-d4", State: incident.Recovering, Severity: incident.Saved, Opened: at(10), Updated: at(13), LastSeen: at(12),
		Upstreams: []string{"tools"}, Scope: incident.Scope{Level: "upstream", Value: "tools", Reach: "isolated"}, Saved: 9, Title: "tools: The server was restarted",
		Account: incident.Account{What: "Server refuses connections", Affected: "No visitor noticed.", Why: "It is being restarted."}}
	over := incident.Incident{ID: "20260308-e5", State: incident.Closed, Severity: incident.Major, Opened: at(-200), Updated: at(-150), LastSeen: at(-152), Ended: at(-150),
		Upstreams: []string{"shop"}, Scope: incident.Scope{Level: "everything", Reach: "systemic"}, Failed: 900, Reopened: 1, Title: "The gateway: <i>The database is full</i>",
		Account: incident.Account{What: "Answered 500", Affected: "900 requests of visitors failed.", Why: "No cause stands out yet."}}
	return incidentsAre{down, path, unknown, better, over}
}

// past has one incident, whose exchange is known too.
type past struct{}

var pastIncident = incident.Incident{ID: "20250101-z9", Opened: sampleStart.AddDate(-1, 0, 0), Facts: []incident.Fact{{Name: "one_client"}}}

func (past) Before(_ context.Context, opened time.Time, limit int) ([]incident.Incident, error) {
	if limit < 1 || !pastIncident.Opened.Before(opened) {
		return nil, nil
	}
	return []incident.Incident{pastIncident}, nil
}

func (past) Recall(_ context.Context, id string) (incident.Incident, error) {
	switch id {
	case pastIncident.ID, "3f9k2m1q-00000000099":
		return pastIncident, nil
	case "broken":
		return incident.Incident{}, errors.New("the disk is gone")
	}
	return incident.Incident{}, ErrNoIncident
}

func (p past) Evidence(ctx context.Context, id string) (IncidentEvidence, error) {
	_, err := p.Recall(ctx, id)
	return IncidentEvidence{Snapshots: []json.RawMessage{[]byte(`{"state":"open"}`)}, Exchanges: []json.RawMessage{}}, err
}

// TestPastIncidents: what is not in memory is found all the same.
func TestPastIncidents(t *testing.T) {
	ts := startServer(t, nil)
	for path, want := range map[string]string{
		"?before=2026-01-01T00:00:00Z":        `"incidents":[{"id":"20250101-z9"`,
		"?before=2020-01-01T00:00:00%2B02:00": `"incidents":[]`,
		"/20250101-z9":                        `"one_client"`,
		"/3f9k2m1q-00000000099":               `"id":"20250101-z9"`,
		"/20250101-z9/evidence":               `{"snapshots":[{"state":"open"}],"exchanges":[]}`,
	} {
		if resp, body := ts.get("/api/v1/incidents" + path); resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
	for path, status := range map[string]int{"/broken": 503, "/none/evidence": 404, "/broken/evidence": 503, "?before=yesterday": 400, "?before=2026-01-01T00:00:00Z&open=1": 400} {
		resp, body := ts.get("/api/v1/incidents" + path)
		ts.wantStatus(status, resp, body)
	}
}

// TestIncidents: one is found by its id and by the reference id of one of its exchanges.
func TestIncidents(t *testing.T) {
	ts := startServer(t, nil)
	list := func(query string) (ids string) {
		resp, body := ts.get("/api/v1/incidents" + query)
		ts.wantStatus(200, resp, body)
		var answer struct{ Incidents []incident.Incident }
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		for _, i := range answer.Incidents {
			ids += i.ID[len(i.ID)-2:] + " "
		}
		return ids
	}
	for query, want := range map[string]string{"": "a1 b2 c3 d4 e5 ", "?open=1": "a1 b2 c3 d4 ", "?open=0&limit=1": "a1 "} {
		if got := list(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for _, bad := range []string{"?open=x", "?limit=0", "?limit=501", "?limit=1&limit=2", "?state=open"} {
		resp, body := ts.get("/api/v1/incidents" + bad)
		ts.wantStatus(400, resp, body)
	}
	for _, id := range []string{"20260309-a1", sampleRecords()[1].ID.String()} {
		if resp, body := ts.get("/api/v1/incidents/" + id); resp.StatusCode != 200 || !strings.Contains(body, `"id":"20260309-a1"`) {
			t.Errorf("%s: %s %s", id, resp.Status, body)
		}
	}
	if _, body := ts.get("/api/v1/incidents/20260309-b2"); !strings.Contains(body, `"one_client"`) {
		t.Errorf("an incident lacks its facts: %s", body)
	}
	if _, body := ts.get("/api/v1/incidents"); strings.Contains(body, `"one_client"`) {
		t.Error("the list has the facts of all")
	}
	resp, body := ts.get("/api/v1/incidents/none")
	ts.wantStatus(404, resp, body)
}

// TestIncidentStream: it begins with what is open, tells each change, and resumes.
func TestIncidentStream(t *testing.T) {
	log := &IncidentLog{}
	ts := startServer(t, func(o *Options) { o.Changes = log })
	change := func(id string) { log.Put(&incident.Incident{ID: id}) }
	next := func(from <-chan event, id string) event {
		t.Helper()
		e := ts.next(from, "incident")
		var i incident.Incident
		if err := json.Unmarshal([]byte(e.data), &i); err != nil || i.ID != id {
			t.Fatalf("%v: %+v, want %s", err, e, id)
		}
		return e
	}
	live, leave := ts.eventsOf("/api/v1/incidents/stream")
	if e := ts.next(live, "hello"); !strings.Contains(e.data, `"resumed":false`) {
		t.Errorf("hello says %s", e.data)
	}
	for _, id := range []string{"20260309-d4", "20260309-c3", "20260309-b2"} {
		if e := next(live, id); e.id != "" {
			t.Errorf("%s has the id %q: who resumes after it misses the rest", id, e.id)
		}
	}
	start := next(live, "20260309-a1").id
	change("one")
	last := next(live, "one").id
	leave()
	change("two")
	again, _ := ts.eventsOf("/api/v1/incidents/stream", "Last-Event-ID", last)
	if e := ts.next(again, "hello"); !strings.Contains(e.data, `"resumed":true`) {
		t.Errorf("hello says %s", e.data)
	}
	next(again, "two")
	begun, _ := ts.eventsOf("/api/v1/incidents/stream", "Last-Event-ID", start)
	ts.next(begun, "hello")
	next(begun, "one")

	// Too far back, of another run, of the future, nonsense: what is open is sent.
	for n := range changesKept {
		change(fmt.Sprint(n))
	}
	for _, id := range []string{start, "zzz-1", strings.TrimSuffix(last, "1") + "99999", "nonsense", ""} {
		from, _ := ts.eventsOf("/api/v1/incidents/stream", "Last-Event-ID", id)
		if e := ts.next(from, "hello"); !strings.Contains(e.data, `"resumed":false`) {
			t.Errorf("%q: hello says %s", id, e.data)
		}
		next(from, "20260309-d4")
	}
	resp, body := ts.get("/api/v1/incidents/stream?replay=1")
	ts.wantStatus(400, resp, body)
}

// TestIncidentStreamSkipsWhatIsTooMuch (I4).
func TestIncidentStreamSkipsWhatIsTooMuch(t *testing.T) {
	log := &IncidentLog{}
	f, _ := log.follow("r-", "", func() []incident.Incident { return nil })
	for n := range 2 * changesKept {
		log.Put(&incident.Incident{ID: fmt.Sprint(n)})
	}
	changes, skipped, more := f.read()
	if skipped != changesKept || len(changes) != streamBatch || changes[0].ID != fmt.Sprint(changesKept) || !more {
		t.Errorf("%d changes, %d skipped, more %t", len(changes), skipped, more)
	}
	for n := streamBatch; n < changesKept; n += streamBatch {
		changes, skipped, more = f.read()
	}
	if last := changes[len(changes)-1].ID; last != fmt.Sprint(2*changesKept-1) || skipped != 0 || more {
		t.Errorf("ends with %s, skipped %d, more %t", last, skipped, more)
	}
	f.close()
	if len(log.readers) != 0 {
		t.Error("the reader is still there")
	}
}
