// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// openedAt opens a store whose clock the test sets, in nanoseconds since 1970, and which
// is never tidied by itself.
func openedAt(t *testing.T, o Options) (*Store, *atomic.Int64) {
	t.Helper()
	now := &atomic.Int64{}
	now.Store(noon.UnixNano())
	o.Now = func() time.Time { return time.Unix(0, now.Load()) }
	if o.After == nil {
		o.After = soon
	}
	o.Logger = slog.New(slog.DiscardHandler)
	s := Open(o)
	t.Cleanup(func() { shut(t, s) })
	return s, now
}

func addAll(t *testing.T, s *Store, id string, at time.Time) {
	t.Helper()
	putIncident(t, s, incident(id, at))
	kept(t, func(done func(error)) error {
		return s.AddEvidence(Evidence{Incident: id, At: at, Body: []byte("1")}, done)
	})
	kept(t, func(done func(error)) error {
		return s.PutExemplar(Exemplar{Exchange: "x" + id, Incident: id, At: at, Body: []byte("1")}, done)
	})
}

// TestOldRowsGo, each kind after its time; decisions about servers stay.
func TestOldRowsGo(t *testing.T) {
	s, now := openedAt(t, Options{Path: filepath.Join(t.TempDir(), "causey.db")})
	for n := range 3 * tidyIncidents {
		addAll(t, s, fmt.Sprint("i", n), noon.Add(time.Duration(n)*time.Second))
	}
	addAll(t, s, "late", noon.Add(exemplarsFor))
	kept(t, func(done func(error)) error {
		return s.PutRule(Rule{ID: "r", Kind: "block", Created: noon, Expires: noon.Add(time.Hour), Body: []byte("1")}, done)
	})
	kept(t, func(done func(error)) error {
		return s.PutOverride(Override{Upstream: "u", Server: "a:1", State: "drain", Set: noon, Expires: noon.Add(time.Hour)}, done)
	})
	all := int64(3*tidyIncidents + 1)
	for _, c := range []struct {
		after time.Duration
		want  Rows
	}{
		{time.Minute, Rows{all, all, all, 1, 1}},
		{2 * time.Hour, Rows{all, all, all, 0, 1}},
		{exemplarsFor + time.Hour, Rows{all, all, 1, 0, 1}},
		{incidentsFor + time.Hour, Rows{1, 1, 0, 0, 1}},
		{incidentsFor + exemplarsFor + time.Hour, Rows{0, 0, 0, 0, 1}},
	} {
		now.Store(noon.Add(c.after).UnixNano())
		eventually(t, fmt.Sprintf("after %v there are %+v", c.after, c.want), func() bool { return s.Stats().Rows == c.want })
	}
}

// TestOneIncidentIsBounded: of very many snapshots of one incident the first and the
// newest stay, of its exchanges the newest; those of others are left alone.
func TestOneIncidentIsBounded(t *testing.T) { // I3
	s, _ := openedAt(t, Options{Path: filepath.Join(t.TempDir(), "causey.db"), After: never})
	addAll(t, s, "other", noon)
	for n := range 3 * exemplarsMost {
		at := noon.Add(time.Duration(n) * time.Second)
		s.AddEvidence(Evidence{Incident: "i", At: at, Body: []byte(fmt.Sprint(n))}, nil)
		s.PutExemplar(Exemplar{Exchange: fmt.Sprint(n), Incident: "i", At: at, Body: []byte("1")}, nil)
	}
	addAll(t, s, "last", noon)
	evidence, exemplars := must(s.Evidence(t.Context(), "i")), must(s.Exemplars(t.Context(), "i"))
	if len(evidence) != evidenceMost || string(evidence[0].Body) != "0" || string(evidence[1].Body) != fmt.Sprint(3*exemplarsMost-evidenceMost+1) {
		t.Errorf("%d snapshots, the first %s and %s", len(evidence), evidence[0].Body, evidence[1].Body)
	}
	if len(exemplars) != exemplarsMost || exemplars[0].Exchange != fmt.Sprint(3*exemplarsMost-1) {
		t.Errorf("%d exchanges, the newest %s", len(exemplars), exemplars[0].Exchange)
	}
	if len(must(s.Evidence(t.Context(), "other"))) != 1 || len(must(s.Exemplars(t.Context(), "other"))) != 1 {
		t.Error("another incident has lost something")
	}
}

// TestBytesAreBounded: a store that grows beyond its bytes loses its oldest rows,
// exchanges and evidence before incidents, and the file shrinks. In memory it is the same.
func TestBytesAreBounded(t *testing.T) { // I3
	const most = 512 << 10
	for _, path := range []string{filepath.Join(t.TempDir(), "causey.db"), ""} {
		s, _ := openedAt(t, Options{Path: path, BytesMost: most})
		long := []byte(`"` + strings.Repeat("x", 8<<10) + `"`)
		settled := func() bool {
			st := s.Stats()
			return st.Waiting == 0 && s.used.Load() <= most
		}
		for n := range 200 {
			at := noon.Add(time.Duration(n) * time.Second)
			s.PutIncident(incident(fmt.Sprint("i", n), at), nil)
			s.PutExemplar(Exemplar{Exchange: fmt.Sprint("x", n), Incident: fmt.Sprint("i", n), At: at, Body: long}, nil)
		}
		eventually(t, "settled", settled)
		if n := len(must(s.Incidents(t.Context(), Filter{}))); n != 200 {
			t.Errorf("%q: %d incidents, though there were exchanges to delete", path, n)
		}
		if _, err := s.IncidentOf(t.Context(), "x199"); err != nil {
			t.Errorf("%q: the newest exchange: %v", path, err)
		}
		for n := range 200 {
			i := incident(fmt.Sprint("long", n), noon.Add(time.Duration(n)*time.Hour))
			i.Body = long
			s.PutIncident(i, nil)
		}
		eventually(t, "settled again", settled)
		list := must(s.Incidents(t.Context(), Filter{}))
		if len(list) < 20 || list[0].ID != "long199" || list[len(list)-1].ID == "i0" {
			t.Errorf("%q: %d incidents are left, from %s to %s", path, len(list), list[0].ID, list[len(list)-1].ID)
		}
		if path != "" {
			eventually(t, "the file is small, and so is its log", func() bool { return s.Stats().Bytes < most+walBytes })
			shut(t, s)
			if n := s.Stats().Bytes; n > most {
				t.Errorf("the file has %d bytes", n)
			}
		}
	}
}
