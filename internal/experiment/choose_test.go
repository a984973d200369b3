// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"net/netip"
	"testing"

	"causey/internal/cause"
	"causey/internal/failure"
	"causey/internal/sensor"
)

func code(t *testing.T, name string) failure.Code {
	c, ok := failure.ParseCode(name)
	if !ok {
		t.Fatalf("there is no failure %s", name)
	}
	return c
}

// is are truths that were seen, or with "!" seen not to be.
func is(facts ...string) cause.Facts {
	f := cause.Facts{}
	for _, name := range facts {
		if name[0] == '!' {
			f[name[1:]] = cause.Value{}
		} else {
			f[name] = cause.Value{True: true}
		}
	}
	return f
}

// idle is a Runner that chooses only when it is told.
func (r *rig) idle() *Runner {
	run := New(r.o)
	run.Close()
	run.of(&r.d)
	return run
}

// What is tried first, by the catalogue as it is.
func TestChoice(t *testing.T) {
	for _, c := range []struct {
		name  string
		mode  sensor.Mode
		code  string
		facts cause.Facts
		want  string
	}{
		{"refused", sensor.ModeConnect, "upstream.connect.refused", is("instant", "all_fail", "!named", "!unix", "worked_before", "!loopback"), "try_connect"},
		{"refused, but it opens now", sensor.ModeConnect, "upstream.connect.refused", is("instant", "worked_before", "!unix", "try_connect"), "try_idle"},
		{"unheard", sensor.ModeUnheard, "upstream.connect.timeout", is("silent", "all_fail", "!loopback", "!unix"), "try_ping"},
		{"all at once is silent", sensor.ModeSilent, "upstream.await-head.timeout", is("silent", "request_acked", "all_fail", "worked_before", "stalled", "!completing", "many_paths"), "try_root"},
		{"it never answered", sensor.ModeClosed, "upstream.await-head.closed", is("instant", "all_fail", "!over_tls", "!worked_before"), "try_idle"},
		{"one page breaks it", sensor.ModeClosed, "upstream.await-head.reset", is("one_path", "path_always"), "try_root"},
		{"handshake", sensor.ModeHandshake, "upstream.up-handshake.alert", is("over_tls", "all_fail", "!worked_before"), "try_sni"},
		{"no TLS", sensor.ModeHandshake, "upstream.up-handshake.not-tls", is("over_tls", "all_fail", "!worked_before", "!try_proxy_header"), "try_plain"},
		{"no name", sensor.ModeResolve, "upstream.resolve.nxdomain", is("named", "all_fail"), "try_resolve"},
		{"sure already", sensor.ModeConnect, "upstream.connect.refused", is("worked_before", "all_fail", "in_flight_died", "!unix", "!try_connect"), "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			p := at(netip.MustParseAddrPort("10.0.0.3:80"))
			p.TLS = c.facts["over_tls"].True
			if c.facts["named"].True {
				p.Host = "app.example"
			}
			r.servers(p)
			r.d.Mode, r.d.Facts, r.d.Symptom = c.mode, c.facts, cause.Symptom{Codes: []failure.Code{code(t, c.code)}}
			got := "nothing"
			run := r.idle()
			for fact := range c.facts { // what was tried is fresh
				if cause.LookupFact(fact) == nil {
					t.Fatalf("there is no fact %s", fact)
				}
				run.cases[r.d.Key].outcomes[fact] = outcome{at: r.o.Now()}
			}
			if x, _ := run.choose(&r.d); x != nil {
				got = x.fact
			}
			if got != c.want {
				t.Errorf("%s is tried, want %s", got, c.want)
			}
		})
	}
}

// The owner has to allow it.
func TestNeighboursAreOptional(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		r := newRig(t)
		r.may.Neighbours = allowed
		r.servers(at(netip.MustParseAddrPort("10.0.0.3:80")))
		r.d.Mode, r.d.Facts = sensor.ModeUnheard, is("silent", "all_fail", "!loopback", "!unix")
		r.d.Symptom.Codes = []failure.Code{code(t, "upstream.connect.timeout")}
		x, _ := r.idle().choose(&r.d)
		if x == nil || (x.fact == neighbours) != allowed {
			t.Errorf("allowed %v: %v", allowed, x)
		}
	}
}

// I2.
func TestPoisonIsNotRepeated(t *testing.T) {
	r := newRig(t)
	r.servers(at(netip.MustParseAddrPort("10.0.0.3:80")), at(netip.MustParseAddrPort("10.0.0.4:80")))
	r.d.Mode, r.d.Facts = sensor.ModeClosed, is("one_path", "path_always")
	r.d.Symptom.Codes = []failure.Code{code(t, "upstream.await-head.reset")}
	ranking := r.o.Catalogue.Rank(r.d.Symptom, r.d.Facts)
	if !isPoisoned(&ranking) {
		t.Fatal("no poison is suspected")
	}
	for _, root := range []bool{false, true} {
		r.d.Wanted.Root = root
		s := newSubject(&r.o, &r.d)
		for i := range experiments {
			x := &experiments[i]
			want := x.asks == noPath || x.asks == rootPath && !root
			if got := x.mayAsk(s, true); got != want {
				t.Errorf("%s with / failing %v: %v, want %v", x.fact, root, got, want)
			}
			if !x.mayAsk(s, false) {
				t.Errorf("%s is not allowed without suspicion", x.fact)
			}
		}
	}
	run := r.idle()
	if x, _ := run.choose(&r.d); x == nil || x.asks != noPath {
		t.Errorf("chosen: %v", x)
	}
}

// Every experiment is about a fact that the catalogue weighs, and each fact of one has
// its experiment but for the one that needs an address from the owner.
func TestTableIsWhole(t *testing.T) {
	tried := map[string]bool{"try_past_cdn": true}
	for _, x := range experiments {
		if cause.LookupFact(x.fact) == nil {
			t.Errorf("there is no fact %s", x.fact)
		}
		tried[x.fact] = true
	}
	for _, f := range cause.AllFacts() {
		if len(f.Name) > 4 && f.Name[:4] == "try_" && !tried[f.Name] {
			t.Errorf("nothing finds out %s", f.Name)
		}
	}
}
