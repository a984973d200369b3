// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// madeBy makes a file by SQL text, as another program or version would have.
func madeBy(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "causey.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEveryVersionOpens: a file of each version there ever was, with its rows. A new
// version brings its own testdata.
func TestEveryVersionOpens(t *testing.T) { // I6
	for version := 1; version <= len(migrations); version++ {
		text, err := os.ReadFile(fmt.Sprintf("testdata/v%d.sql", version))
		if err != nil {
			t.Errorf("a file of version %d as SQL text is wanted, with a row in each table: %v", version, err)
			continue
		}
		s, log := openAt(t, madeBy(t, string(text)))
		i, err := s.Incident(t.Context(), "i1")
		if err != nil || i.Opened != noon || !i.Closed.IsZero() || string(i.Body) != `{"n":1}` || i.Scope != "server" {
			t.Errorf("version %d: %+v %v", version, i, err)
		}
		for what, n := range map[string]int{
			"evidence":  len(must(s.Evidence(t.Context(), "i1"))),
			"exemplars": len(must(s.Exemplars(t.Context(), "i1"))),
			"rules":     len(must(s.Rules(t.Context()))),
			"overrides": len(must(s.Overrides(t.Context()))),
		} {
			if n != 1 {
				t.Errorf("version %d: %d %s", version, n, what)
			}
		}
		putIncident(t, s, incident("i2", noon))
		if log.String() != "" {
			t.Errorf("version %d: it says %s", version, log)
		}
	}
}

// TestMigration: steps that are missing are done in order, each whole or not at all.
func TestMigration(t *testing.T) { // I6
	db, err := sql.Open("sqlite", madeBy(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps := []string{`CREATE TABLE a (x)`, `INSERT INTO a VALUES (1); ALTER TABLE a ADD COLUMN y DEFAULT 2`, `INSERT INTO a VALUES (3, 4); NONSENSE`}
	if err := migrate(t.Context(), db, steps[:1]); err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), db, steps); err == nil || !strings.Contains(err.Error(), "migration to version 3") {
		t.Errorf("a step that fails: %v", err)
	}
	var version, rows, y int
	if err := db.QueryRow(`SELECT (SELECT user_version FROM pragma_user_version), count(*), max(y) FROM a`).Scan(&version, &rows, &y); err != nil {
		t.Fatal(err)
	}
	if version != 2 || rows != 1 || y != 2 {
		t.Errorf("version %d, %d rows, y %d", version, rows, y)
	}
	if err := migrate(t.Context(), db, steps[:2]); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
	if err := migrate(t.Context(), db, steps[:1]); !errors.Is(err, errNewer) {
		t.Errorf("a newer one: %v", err)
	}
}

// TestStrangeFilesAreSetAside: what this program cannot use is kept, whole and under
// another name, and a new file begins; the log has one line about it.
func TestStrangeFilesAreSetAside(t *testing.T) { // I5
	newer := fmt.Sprintf("PRAGMA journal_mode = wal; PRAGMA application_id = %d; PRAGMA user_version = %d; CREATE TABLE a (x)", applicationID, len(migrations)+1)
	for text, want := range map[string]string{
		newer:                               "a newer version wrote it",
		"CREATE TABLE a (x)":                "a database of another program",
		"PRAGMA application_id = 17":        "a database of another program",
		"PRAGMA user_version = 1; SELECT 1": "a database of another program",
	} {
		path := madeBy(t, text)
		before := must(os.ReadFile(path))
		s, log := openAt(t, path)
		putIncident(t, s, incident("i1", noon))
		aside := must(filepath.Glob(path + ".unusable-*"))
		if len(aside) != 1 || log.Count("set aside") != 1 || log.Count("\n") != 1 || !strings.Contains(log.String(), want) {
			t.Errorf("%s: kept as %q; it says %s", text, aside, log)
			continue
		}
		if string(must(os.ReadFile(aside[0]))) != string(before) {
			t.Errorf("%s: what was set aside is not what was there", text)
		}
		shut(t, s)
	}
}
