// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/json"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/internal/admin"
	"causey/internal/experiment"
	"causey/internal/incident"
	"causey/internal/sensor"
	"causey/internal/upstream"
)

// deadPort is an address where nobody listens.
func deadPort(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// eager is plain without patience: what fails does so at once.
var eager = strings.Replace(plain, `servers: ["ORIGIN"]`, `servers: ["ORIGIN"], hold: 0`, 1)

// TestExperimentsAreEvidence: a server that refuses all at once is asked once more, and
// what comes out stands in the incident.
func TestExperimentsAreEvidence(t *testing.T) {
	s := httptest.NewServer(&patient{name: "a"})
	dead := s.Listener.Addr().String()
	g, _ := gatewayFor(t, eager, "ORIGIN", dead)
	for range 5 {
		ask(t, g.Addrs()[0])
	}
	s.Close()
	eventually(t, "the evidence of an experiment", func() bool {
		ask(t, g.Addrs()[0])
		for _, i := range g.diagnosis.book.Incidents() {
			for _, r := range i.Ranked {
				for _, l := range r.Evidence {
					if l.Fact == "try_connect" && l.Says == "a fresh connection to "+dead+" did not open: it was refused" {
						return true
					}
				}
			}
		}
		return false
	})
	counts := g.snapshot().Experiments
	if i := slices.IndexFunc(counts, func(c experiment.Count) bool { return c.Experiment == "connect" }); i < 0 || counts[i].No != 1 {
		t.Errorf("counted: %+v", counts)
	}
}

// TestIncidentsAreKept: the store has an incident with its evidence, by its id and by that of
// a visitor's exchange.
func TestIncidentsAreKept(t *testing.T) {
	g, _ := gatewayFor(t, eager, "ORIGIN", deadPort(t))
	var id, exchange string
	eventually(t, "the evidence of an incident is kept", func() bool {
		ask(t, g.Addrs()[0])
		for _, i := range g.diagnosis.book.Incidents() {
			e, err := g.diagnosis.Evidence(t.Context(), i.ID)
			if err != nil || len(e.Snapshots) == 0 || len(e.Exchanges) == 0 {
				continue
			}
			var snapshot incident.Incident
			var line struct {
				ID, Failure string
			}
			must(t, json.Unmarshal(e.Snapshots[0], &snapshot))
			must(t, json.Unmarshal(e.Exchanges[0], &line))
			if snapshot.ID != i.ID || len(snapshot.Facts) == 0 {
				t.Fatalf("the snapshot is %s", e.Snapshots[0])
			}
			id, exchange = i.ID, line.ID
			return true
		}
		return false
	})
	for _, name := range []string{id, exchange} {
		if i, err := g.diagnosis.Recall(t.Context(), name); err != nil || i.ID != id {
			t.Errorf("%s leads to %q, %v", name, i.ID, err)
		}
	}
	if list, err := g.diagnosis.Before(t.Context(), time.Now().Add(time.Hour), 5); err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("kept are %+v, %v", list, err)
	}
	if _, err := g.diagnosis.Recall(t.Context(), "none"); !errors.Is(err, admin.ErrNoIncident) {
		t.Errorf("one that never was: %v", err)
	}
}

// TestDiagnosisOff: nothing is watched, although it fails.
func TestDiagnosisOff(t *testing.T) {
	g, _ := gatewayFor(t, eager+"diagnosis: off\n", "ORIGIN", deadPort(t))
	for range 5 {
		ask(t, g.Addrs()[0])
	}
	g.Stop(nil) // every record was read
	g.diagnosis.sensor.Each(func(c *sensor.Case) { t.Errorf("a case: %+v", c.Key) })
	if list := g.diagnosis.book.Incidents(); len(list) > 0 {
		t.Errorf("incidents: %+v", list)
	}
}

// TestMayTry: what is allowed follows reloads, and ends with the gateway.
func TestMayTry(t *testing.T) {
	g, load := gatewayFor(t, plain, "ORIGIN", origin(t, "a"))
	want := func(why string, may experiment.Allowed) {
		t.Helper()
		if got := g.mayTry(); got != may {
			t.Errorf("%s: %+v, want %+v", why, got, may)
		}
	}
	want("the default", experiment.Allowed{Experiments: true})
	load(plain + "diagnosis: {experiments: off, neighbour_ports: on}\n")
	must(t, g.Reload(t.Context()))
	want("switched off", experiment.Allowed{Neighbours: true})
	load(plain + "diagnosis: {neighbour_ports: on}\n")
	must(t, g.Reload(t.Context()))
	want("switched on", experiment.Allowed{Experiments: true, Neighbours: true})
	g.Stop(nil)
	want("stopped", experiment.Allowed{})
}

// TestTried: experiments reach servers as requests do.
func TestTried(t *testing.T) {
	g, _ := gatewayFor(t, plain[:strings.Index(plain, "upstreams:")]+`
upstreams:
  u: {servers: ["ORIGIN"]}
  inside: {servers: ["ORIGIN"], host_header: inside.example, proxy_protocol: v2}
  own: {servers: ["https://ORIGIN"], host_header: server, tls: {server_name: b.example}}
`, "ORIGIN", origin(t, "a"))
	byName := map[string]experiment.Upstream{}
	for _, u := range g.tried() {
		if len(u.Servers()) != 1 || len(u.Describe().Servers) != 1 || u.Limits.HeadBytes == 0 {
			t.Errorf("%s: %+v", u.Name, u)
		}
		byName[u.Name] = u
	}
	if u := byName["u"]; u.Host != "" || u.HostOfServer || u.Proxy != upstream.ProxyOff {
		t.Errorf("%+v", u)
	}
	if u := byName["inside"]; u.Host != "inside.example" || u.HostOfServer || u.Proxy != upstream.ProxyV2 {
		t.Errorf("%+v", u)
	}
	if u := byName["own"]; u.Host != "" || !u.HostOfServer || u.TLS.ServerName != "b.example" || !u.Servers()[0].TLS {
		t.Errorf("%+v", u)
	}
}
