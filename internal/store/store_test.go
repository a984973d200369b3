// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"causey/internal/testkit"
)

const patience = 20 * time.Second

var noon = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)

// today is the clock of tests that are not about time.
func today() time.Time { return noon.Add(5 * time.Minute) }

// soon is a clock for which every wait is short.
func soon(d time.Duration) <-chan time.Time { return time.After(min(d, 20*time.Millisecond)) }

// never is a clock that no wait ends of.
func never(time.Duration) <-chan time.Time { return nil }

func openAt(t *testing.T, path string) (*Store, *testkit.Log) {
	t.Helper()
	log := &testkit.Log{}
	s := Open(Options{Path: path, Now: today, After: soon, Logger: slog.New(slog.NewTextHandler(log, nil))})
	t.Cleanup(func() { shut(t, s) })
	return s, log
}

func shut(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// result waits for what put acknowledges.
func result(t *testing.T, put func(done func(error)) error) error {
	t.Helper()
	got := make(chan error, 2)
	if err := put(func(err error) { got <- err }); err != nil {
		return err
	}
	select {
	case err := <-got:
		return err
	case <-time.After(patience):
		t.Fatal("no acknowledgement")
		return nil
	}
}

// kept demands that what put puts is on the disk.
func kept(t *testing.T, put func(done func(error)) error) {
	t.Helper()
	if err := result(t, put); err != nil {
		t.Fatalf("not kept: %v", err)
	}
}

func incident(id string, opened time.Time) Incident {
	return Incident{ID: id, State: "open", Severity: "major", Cause: "tcp.refused.down", Site: "shop.example", Upstream: "shop", Scope: "server",
		Opened: opened, Updated: opened, Body: []byte(`{"n":1}`)}
}

func putIncident(t *testing.T, s *Store, i Incident) {
	t.Helper()
	kept(t, func(done func(error)) error { return s.PutIncident(i, done) })
}

// ids lists the incidents that f wants.
func ids(t *testing.T, s *Store, f Filter) string {
	t.Helper()
	list, err := s.Incidents(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range list {
		all = append(all, i.ID)
	}
	return strings.Join(all, " ")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestEverythingIsKept: what was acknowledged is there for the next run, each column of
// it, and for nobody else to read.
func TestEverythingIsKept(t *testing.T) { // I1
	path := filepath.Join(t.TempDir(), "a state? #1", "causey.db") // made when it is needed
	s, _ := openAt(t, path)
	i := incident("i1", noon)
	i.State, i.Updated, i.Closed = "closed", noon.Add(time.Minute), noon.Add(2*time.Minute)
	e := Evidence{Incident: "i1", At: noon.Add(time.Millisecond), Body: []byte(`["<ü>"]`)}
	x := Exemplar{Exchange: "x1", Incident: "i1", At: noon, Failure: "upstream.connect.refused", Body: []byte(`{}`)}
	r := Rule{ID: "r1", Kind: "block", Subject: "192.0.2.0/24", Reason: "flood", Created: noon, Expires: noon.Add(time.Hour), Body: []byte(`{}`)}
	stays := Rule{ID: "r2", Kind: "allow", Subject: "192.0.2.1", Created: noon.Add(time.Hour), Body: []byte(`{}`)}
	over := Rule{ID: "r3", Kind: "allow", Subject: "192.0.2.2", Created: noon, Expires: noon, Body: []byte(`{}`)}
	o := Override{Upstream: "shop", Server: "unix:/run/a", State: "drain", Reason: "new disk", Set: noon}
	gone := Override{Upstream: "shop", Server: "b:1", State: "maintenance", Set: noon, Expires: noon.Add(time.Hour)}
	for _, put := range []func(func(error)) error{
		func(done func(error)) error { return s.PutIncident(i, done) },
		func(done func(error)) error { return s.AddEvidence(e, done) },
		func(done func(error)) error { return s.PutExemplar(x, done) },
		func(done func(error)) error { return s.PutRule(r, done) },
		func(done func(error)) error { return s.PutRule(stays, done) },
		func(done func(error)) error { return s.PutRule(over, done) },
		func(done func(error)) error { return s.PutOverride(o, done) },
		func(done func(error)) error { return s.PutOverride(gone, done) },
		func(done func(error)) error { return s.DeleteOverride("shop", "b:1", done) },
	} {
		kept(t, put)
	}
	var settings string // what a power failure would show, and what no later setting mends
	if err := s.db.Load().w.QueryRow(`SELECT synchronous || ' ' || journal_mode || ' ' || auto_vacuum
		FROM pragma_synchronous, pragma_journal_mode, pragma_auto_vacuum`).Scan(&settings); err != nil || settings != "2 wal 2" {
		t.Errorf("synchronous, journal_mode and auto_vacuum are %q: %v", settings, err)
	}
	for _, name := range []string{path, path + walSuffix, path + shmSuffix} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v %v", info, err)
	}
	shut(t, s)
	if left := must(filepath.Glob(filepath.Join(filepath.Dir(path), "*"))); len(left) != 1 {
		t.Errorf("after an end in order there are %q", left)
	}

	s, log := openAt(t, path)
	for what, pair := range map[string][2]any{
		"incident":          {must(s.Incident(t.Context(), "i1")), i},
		"incident of an id": {must(s.IncidentOf(t.Context(), "x1")), i},
		"evidence":          {must(s.Evidence(t.Context(), "i1")), []Evidence{e}},
		"exemplars":         {must(s.Exemplars(t.Context(), "i1")), []Exemplar{x}},
		"rules":             {must(s.Rules(t.Context())), []Rule{r, stays}},
		"overrides":         {must(s.Overrides(t.Context())), []Override{o}},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: %+v, want %+v", what, pair[0], pair[1])
		}
	}
	kept(t, func(done func(error)) error { return s.DeleteRule("r2", done) })
	if list := must(s.Rules(t.Context())); len(list) != 1 || list[0].ID != "r1" {
		t.Errorf("after one was deleted: %+v", list)
	}
	if log.String() != "" {
		t.Errorf("it says %s", log)
	}
}

// TestIncidentsAreFound by state, by page, newest first; and what is not there is said so.
func TestIncidentsAreFound(t *testing.T) {
	s, _ := openAt(t, filepath.Join(t.TempDir(), "causey.db"))
	for n, state := range []string{"open", "closed", "open", "suspected"} {
		i := incident(fmt.Sprint("i", n), noon.Add(time.Duration(n)*time.Hour))
		i.State = state
		putIncident(t, s, i)
	}
	for _, c := range []struct {
		f    Filter
		want string
	}{
		{Filter{}, "i3 i2 i1 i0"},
		{Filter{Limit: 2}, "i3 i2"},
		{Filter{Limit: 2, Before: noon.Add(2 * time.Hour)}, "i1 i0"},
		{Filter{States: []string{"open"}}, "i2 i0"},
		{Filter{States: []string{"open", "suspected"}, Limit: 2}, "i3 i2"},
		{Filter{States: []string{"other"}}, ""},
	} {
		if got := ids(t, s, c.f); got != c.want {
			t.Errorf("%+v: %q, want %q", c.f, got, c.want)
		}
	}
	if _, err := s.Incident(t.Context(), "no"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if _, err := s.IncidentOf(t.Context(), "no"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

// TestRefused: what no file should have is not taken, and its done is not called.
func TestRefused(t *testing.T) {
	s, _ := openAt(t, "")
	done := func(error) { t.Error("done was called") }
	long := incident("i", noon)
	long.Body = append(append([]byte(`"`), bytes.Repeat([]byte("x"), bodyMost)...), '"')
	odd := incident("i", noon)
	odd.Body = []byte(`{"n":`)
	for what, err := range map[string]error{
		"no id":          s.PutIncident(incident("", noon), done),
		"a long body":    s.PutIncident(long, done),
		"no JSON":        s.PutIncident(odd, done),
		"no incident":    s.AddEvidence(Evidence{Body: []byte("1")}, done),
		"no exchange":    s.PutExemplar(Exemplar{Incident: "i", Body: []byte("1")}, done),
		"no rule's kind": s.PutRule(Rule{ID: "r", Body: []byte("1")}, done),
		"no server":      s.PutOverride(Override{Upstream: "u"}, done),
	} {
		if err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	shut(t, s)
	if err := s.PutIncident(incident("i", noon), done); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// TestWithoutFile: a store without a file works, within its bound, and says of each
// write that it is not on the disk.
func TestWithoutFile(t *testing.T) { // I2
	s, log := openAt(t, "")
	err := result(t, func(done func(error)) error { return s.PutIncident(incident("i1", noon), done) })
	if !errors.Is(err, ErrVolatile) || !errors.Is(err, errNoFile) {
		t.Errorf("acknowledged with %v", err)
	}
	if got := ids(t, s, Filter{}); got != "i1" {
		t.Errorf("it has %q", got)
	}
	if st := s.Stats(); st.File != "" || st.Bytes == 0 || st.Written != 1 || st.Failures != 0 || !st.Degraded.IsZero() {
		t.Errorf("%+v", st)
	}
	if log.String() != "" {
		t.Errorf("it says %s", log)
	}
}

// TestOneBadRow: a row that the tables refuse is told to whoever wrote it, and those in
// the same batch are kept.
func TestOneBadRow(t *testing.T) { // I2
	s, log := openAt(t, filepath.Join(t.TempDir(), "causey.db"))
	var results [3]error
	var waiting sync.WaitGroup
	for n, opened := range []time.Time{noon, {}, noon} { // opened_at is NOT NULL
		waiting.Add(1)
		if err := s.PutIncident(incident(fmt.Sprint("i", n), opened), func(err error) { results[n] = err; waiting.Done() }); err != nil {
			t.Fatal(err)
		}
	}
	waiting.Wait()
	if results[0] != nil || results[1] == nil || results[2] != nil || ids(t, s, Filter{}) != "i0 i2" {
		t.Errorf("%v; there are %q", results, ids(t, s, Filter{}))
	}
	if log.Count("cannot be written and is lost") != 1 {
		t.Errorf("it says %s", log)
	}
}

// TestCloseEndsEverything: what waits is written, and no goroutine is left. A second
// end is none.
func TestCloseEndsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "causey.db")
	before := runtime.NumGoroutine()
	s, _ := openAt(t, path)
	for n := range 3 * batchMost {
		if err := s.PutIncident(incident(fmt.Sprint("i", n), noon), nil); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, s)
	shut(t, s)
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
	s, _ = openAt(t, path)
	if n := s.Stats().Rows.Incidents; n != 3*batchMost {
		t.Errorf("%d are there", n)
	}
}
