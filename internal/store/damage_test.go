// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// filled makes a file with some incidents and returns its path and content.
func filled(t *testing.T) (path string, whole []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "causey.db")
	s, _ := openAt(t, path)
	for n := range 200 {
		i := incident(fmt.Sprint("i", n), noon.Add(time.Duration(n)*time.Second))
		i.Body = []byte(`"` + strings.Repeat(fmt.Sprint(n), 100) + `"`)
		if err := s.PutIncident(i, nil); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, s)
	return path, must(os.ReadFile(path))
}

// survives opens a damaged file, reads all and writes, and demands that the store works
// and that what it could not use is whole under another name.
func survives(t *testing.T, what string, damaged []byte) (replaced bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "causey.db")
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	s, log := openAt(t, path)
	defer shut(t, s)
	s.Incidents(t.Context(), Filter{})
	putIncident(t, s, incident("new", noon.Add(time.Hour)))
	if got, err := s.Incident(t.Context(), "new"); err != nil || got.ID != "new" {
		t.Errorf("%s: %+v %v", what, got, err)
	}
	if s.Stats().File == "" {
		t.Errorf("%s: it is not in a file; it says %s", what, log)
	}
	aside := must(filepath.Glob(path + ".unusable-*"))
	if said := log.Count("set aside"); said != len(aside) || said > 1 {
		t.Errorf("%s: kept as %q; it says %s", what, aside, log)
	}
	return len(aside) > 0
}

// TestDamaged: a file with wrong bytes anywhere, or cut anywhere, never stops a store
// from working; most damage is found.
func TestDamaged(t *testing.T) { // I5
	_, whole := filled(t)
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	replaced := 0
	for round := range 40 {
		damaged := append([]byte(nil), whole...)
		for range 1 + round%20 {
			at := random.IntN(len(damaged))
			n := min(1+random.IntN(64), len(damaged)-at)
			for k := range n {
				damaged[at+k] ^= byte(1 + random.IntN(255))
			}
		}
		if survives(t, fmt.Sprintf("round %d", round), damaged) {
			replaced++
		}
	}
	if replaced < 10 {
		t.Errorf("of 40 damaged files %d were found out", replaced)
	}
	for _, size := range []int{16, 99, 100, 512, 4095, 4096, 4097, len(whole) / 2, len(whole) - 4096} {
		if !survives(t, fmt.Sprintf("cut at %d", size), whole[:size]) {
			t.Errorf("cut at %d: not found out", size)
		}
	}
	for _, size := range []int{0, 1, len(whole) - 1} { // nothing, or nothing that was in use
		survives(t, fmt.Sprintf("cut at %d", size), whole[:size])
	}
}

// TestDamagedInUse: damage that comes while the file is open is found by a reader or the
// writer, and the store goes on with a new file; what was to be written is in it.
func TestDamagedInUse(t *testing.T) { // I5
	path, whole := filled(t)
	s, log := openAt(t, path)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Not closed before the store is: that would drop the locks of this process.
	t.Cleanup(func() { f.Close() })
	for at := 4096; at < len(whole); at += 4096 {
		if _, err := f.WriteAt([]byte("this was a page of a table or of an index"), int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(patience); log.Count("set aside") == 0; time.Sleep(time.Millisecond) {
		s.Incidents(t.Context(), Filter{})
		s.PutIncident(incident("new", noon), nil)
		if time.Now().After(deadline) {
			t.Fatal("not found out")
		}
	}
	putIncident(t, s, incident("later", noon))
	if got := ids(t, s, Filter{}); got != "later new" {
		t.Errorf("the new file has %q", got)
	}
}
