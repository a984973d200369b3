// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/internal/accesslog"
	"causey/internal/incident"
	"causey/internal/testkit"
)

// sampleAdmin answers with the golden answers of the admin side.
func sampleAdmin(t *testing.T) *adminSide {
	t.Helper()
	read := func(name string) []byte {
		body, err := os.ReadFile(filepath.Join("..", "..", "internal", "admin", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	var list struct{ Incidents []json.RawMessage }
	if err := json.Unmarshal(read("incidents.json"), &list); err != nil {
		t.Fatal(err)
	}
	return answering(t, func(w http.ResponseWriter, r *http.Request) {
		if before := r.URL.Query().Get("before"); before != "" { // the newest are not before
			_, _ = fmt.Fprintf(w, `{"on":true,"incidents":[{"id":"before-%s","state":"closed"}]}`, before)
			return
		}
		name := map[string]string{"incidents": "incidents.json", "upstreams": "upstreams.json",
			"zvebn63p-00000000002": "exchange-refused.json", "zvebn63p-00000000006": "exchange-reused.json", "zvebn63p-00000000009": "exchange-hostile.json",
		}[filepath.Base(r.URL.Path)]
		if name != "" {
			_, _ = w.Write(read(name))
			return
		}
		if strings.HasSuffix(r.URL.Path, "/20260309-b2") {
			_, _ = w.Write(read("incident.json")) // it has facts, those of the list have not
			return
		}
		for _, i := range list.Incidents {
			if bytes.Contains(i, []byte(`"id": "`+filepath.Base(r.URL.Path)+`"`)) {
				_, _ = w.Write(i)
				return
			}
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"status":404,"detail":"There is no incident \u001b[2J"}`)
	})
}

func sampleIncidents(t *testing.T) []incident.Incident {
	t.Helper()
	a := sampleAdmin(t)
	body, err := a.answer(t.Context(), incidentsPath(true))
	if err != nil {
		t.Fatal(err)
	}
	list, err := decodeIncidents(body)
	if err != nil || len(list) != 5 {
		t.Fatalf("%d incidents, %v", len(list), err)
	}
	return list
}

var sampleNow = time.Date(2026, 3, 9, 14, 15, 0, 0, time.UTC)

// wantGolden compares got with a file of testdata, and wants no character that a terminal obeys.
func wantGolden(t *testing.T, name, got string) {
	t.Helper()
	testkit.Golden(t, filepath.Join("testdata", name), []byte(got))
	if i := strings.IndexFunc(got, func(r rune) bool { return r < 0x20 && r != '\n' || r == 0x9b || r == 0x202e }); i >= 0 {
		t.Errorf("at %d: %q", i, got)
	}
}

// TestIncidents writes the golden answers of the admin side for people.
func TestIncidents(t *testing.T) {
	list := sampleIncidents(t)
	var table bytes.Buffer
	if err := writeIncidents(&table, list, sampleNow); err != nil {
		t.Fatal(err)
	}
	wantGolden(t, "incidents.table", table.String())
	for _, n := range []int{0, 1, 4} {
		var page strings.Builder
		if err := tellIncident(&page, &list[n], sampleNow); err != nil {
			t.Fatal(err)
		}
		wantGolden(t, "incident-"+list[n].ID[9:]+".story", page.String())
	}
	var none bytes.Buffer
	if err := writeIncidents(&none, nil, sampleNow); err != nil || none.String() != "Nothing is wrong.\n" {
		t.Errorf("%q %v", none.String(), err)
	}
}

// TestWhy: the worst comes first, and the exit code says whether anything is wrong.
func TestWhy(t *testing.T) {
	list := sampleIncidents(t)
	for _, c := range []struct {
		name  string
		list  []incident.Incident
		wrong bool
		want  []string
	}{
		{"all", list, true, []string{"No program listens on the server's port, for 13 min. 40 requests", "What to do first: Start the program", "are 2 other incidents", "show 20260309-a1"}},
		{"major before minor", list[1:3], true, []string{"A header that nobody can read", "is 1 other incident"}},
		{"recovering", list[3:], false, []string{"Nothing fails any more. Until 3 min ago it did: tools"}},
		{"over", list[4:], false, []string{"Nothing is wrong. The last time something was, it ended 3 h ago: The gateway"}},
		{"none", nil, false, []string{"nothing was since the gateway started"}},
	} {
		said, wrong := why(c.list, sampleNow)
		for _, want := range c.want {
			if !strings.Contains(said, want) || wrong != c.wrong {
				t.Errorf("%s: wrong %t, %s; it lacks %q", c.name, wrong, said, want)
			}
		}
	}
}

// TestIncidentCommands asks an admin side.
func TestIncidentCommands(t *testing.T) {
	a := sampleAdmin(t)
	at := []string{"--admin", a.at.address}
	run := func(args ...string) (int, string, string) { return causey(append(args, at...)...) }
	if code, stdout, _ := run("why"); code != exitProblem || !strings.Contains(stdout, "No program listens") {
		t.Errorf("why: exit %d, %s", code, stdout)
	}
	if code, stdout, _ := run("incidents", "--all"); code != exitOK || !strings.HasPrefix(stdout, "ID ") || !strings.Contains(stdout, "20260308-e5") {
		t.Errorf("incidents: exit %d, %s", code, stdout)
	}
	if code, stdout, _ := run("incidents", "--before", "2026-03-01T12:00:00+02:00"); code != exitOK || !strings.Contains(stdout, "before-2026-03-01T10:00:00Z") {
		t.Errorf("incidents --before: exit %d, %s", code, stdout)
	}
	if code, _, stderr := run("incidents", "--before", "yesterday"); code != exitUsage || !strings.Contains(stderr, "want a day such as") {
		t.Errorf("incidents --before: exit %d, %s", code, stderr)
	}
	if code, stdout, _ := run("incidents", "--json"); code != exitOK || !json.Valid([]byte(stdout)) {
		t.Errorf("incidents --json: exit %d, %s", code, stdout)
	}
	if code, stdout, _ := run("incidents", "show", "20260309-A1"); code != exitOK || !strings.Contains(stdout, "causey explain tcp.refused.down") {
		t.Errorf("show: exit %d, %s", code, stdout)
	}
	if code, stdout, _ := run("incidents", "show", "--json", "20260309-a1"); code != exitOK || !json.Valid([]byte(stdout)) {
		t.Errorf("show --json: exit %d, %s", code, stdout)
	}
	if code, _, stderr := run("incidents", "show", "none"); code != exitProblem || stderr != "causey: There is no incident \\x1b[2J\n" {
		t.Errorf("show none: exit %d, %q", code, stderr)
	}
	if code, stdout, _ := run("explain", "zvebn63p-00000000002"); code != exitOK || !strings.Contains(stdout, "Incident  20260309-a1: app.internal:9000: No program listens") {
		t.Errorf("explain: exit %d, %s", code, stdout)
	}
	off := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"on":false,"incidents":[]}`) })
	for _, command := range []string{"why", "incidents"} {
		if code, stdout, stderr := causey(command, "--admin", off.at.address); code != exitProblem || stdout != "" || !strings.Contains(stderr, "the diagnosis is off") {
			t.Errorf("%s without diagnosis: exit %d, %s%s", command, code, stdout, stderr)
		}
	}
	for _, args := range [][]string{{"why", "not"}, {"incidents", "shwo"}, {"incidents", "show"}, {"incidents", "bundle", "a", "b"}} {
		if code, _, stderr := run(args...); code != exitUsage {
			t.Errorf("%q: exit %d, %s", args, code, stderr)
		}
	}
}

// TestBundle: what is private is not in it, and what a hoster needs is.
func TestBundle(t *testing.T) {
	a := sampleAdmin(t)
	all := ""
	for _, id := range []string{"20260309-a1", "20260309-b2"} {
		_, i, err := a.incident(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		p, err := a.bundle(t.Context(), i, sampleNow)
		if err != nil {
			t.Fatal(err)
		}
		wantGolden(t, "bundle-"+id[9:]+".evidence", p.String())
		all += p.String()
	}
	for _, private := range []string{"203.0.113.25", "secret", "step=2", "Cookie", "Mozilla", "first_bytes", "onerror", "fe80::1"} {
		if strings.Contains(all, private) {
			t.Errorf("it has %q", private)
		}
	}
	for _, needed := range []string{"203.0.113.0/24", "10.0.0.4:9000", "errno=ECONNREFUSED", "2026-03-09 14:02:00 UTC", "+1.5", "/checkout?..."} {
		if !strings.Contains(all, needed) {
			t.Errorf("it lacks %q", needed)
		}
	}
	fields := map[string]bool{}
	_, _, known := accesslog.Fields()
	for _, f := range known {
		fields[f.Name] = true
	}
	for _, name := range evidenceTold {
		if !fields[name] {
			t.Errorf("there is no evidence %q", name)
		}
	}
}

func TestRedact(t *testing.T) {
	r := redactor{servers: map[netip.Addr]bool{}}
	for _, name := range []string{"10.0.0.4:9000", "[2001:db8::7]:80", "https://192.0.2.9:8443", "unix:/run/a.sock", "app.internal:80"} {
		r.addServer(name)
	}
	for text, want := range map[string]string{
		"from 203.0.113.25 to 10.0.0.4:9000":              "from 203.0.113.0/24 to 10.0.0.4:9000",
		"2001:db8:1:2::3, [2001:db8::7]:80 and 192.0.2.9": "2001:db8:1::/48, [2001:db8::7]:80 and 192.0.2.9",
		"::ffff:203.0.113.25 fe80::1%eth0":                "203.0.113.0/24 fe80::/48",
		"203.0.113.0/24 2001:db8:1::/48 203.0.113.7/24":   "203.0.113.0/24 2001:db8:1::/48 203.0.113.0/24",
		"at 14:02:00, 1.2.3 and ::1":                      "at 14:02:00, 1.2.3 and ::1",
		"GET /a/b?token=x&y=1, is it? Yes":                "GET /a/b?..., is it? Yes",
		"http://h.example/?q=1 \"/x?y\"":                  "http://h.example/?... \"/x?...\"",
	} {
		if got := r.redact(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
