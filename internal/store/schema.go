// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// applicationID marks a file as ours: "Csey".
const applicationID = 0x43736579

// migrations lead from one version of the schema to the next; the first makes version 1.
// They are never changed, only added to. During an upgrade the old process goes on
// writing by its own version, so a migration may add tables and columns with defaults,
// and must not remove or rename what that one uses.
//
// Times are milliseconds since 1970, NULL for none.
var migrations = []string{
	`CREATE TABLE incidents (
		id TEXT PRIMARY KEY, state TEXT NOT NULL, severity TEXT NOT NULL, cause TEXT NOT NULL,
		site TEXT NOT NULL, upstream TEXT NOT NULL, scope TEXT NOT NULL,
		opened_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, closed_at INTEGER, body TEXT NOT NULL) STRICT;
	CREATE INDEX incidents_opened ON incidents (opened_at);
	CREATE INDEX incidents_updated ON incidents (updated_at);
	CREATE TABLE evidence (
		incident_id TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (incident_id, at)) STRICT;
	CREATE INDEX evidence_at ON evidence (at);
	CREATE TABLE exemplars (
		exchange_id TEXT PRIMARY KEY, incident_id TEXT NOT NULL, at INTEGER NOT NULL,
		failure TEXT NOT NULL, body TEXT NOT NULL) STRICT;
	CREATE INDEX exemplars_incident ON exemplars (incident_id, at);
	CREATE INDEX exemplars_at ON exemplars (at);
	CREATE TABLE rules (
		id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL,
		created_at INTEGER NOT NULL, expires_at INTEGER, body TEXT NOT NULL) STRICT;
	CREATE TABLE server_overrides (
		upstream TEXT NOT NULL, server TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
		set_at INTEGER NOT NULL, expires_at INTEGER, PRIMARY KEY (upstream, server)) STRICT;`,
}

// tables are those of the newest version.
var tables = [...]string{"incidents", "evidence", "exemplars", "rules", "server_overrides"}

// Why a file that SQLite can read is none of ours.
var (
	errForeign = errors.New("it is a database of another program")
	errNewer   = errors.New("a newer version wrote it")
)

// versionOf returns the version of a file, 0 for a new one, and errForeign or errNewer
// for one that is not to be touched.
func versionOf(ctx context.Context, db *sql.DB, newest int) (version int, err error) {
	var app, objects int
	err = db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&app, &version, &objects)
	switch {
	case err != nil:
		return 0, err
	case app != applicationID && (app != 0 || version != 0 || objects != 0):
		return 0, errForeign
	case version > newest:
		return 0, fmt.Errorf("%w: version %d, this is a program for version %d", errNewer, version, newest)
	}
	return version, nil
}

// migrate brings db to the version of the last of steps. Each step is done whole or
// not at all.
func migrate(ctx context.Context, db *sql.DB, steps []string) error {
	version, err := versionOf(ctx, db, len(steps))
	for err == nil && version < len(steps) {
		version, err = step(ctx, db, steps)
	}
	return err
}

// step does the next migration and returns the version that is then there. Another
// process may have been faster.
func step(ctx context.Context, db *sql.DB, steps []string) (version int, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	if version >= len(steps) {
		return version, nil
	}
	text := fmt.Sprintf("%s; PRAGMA user_version = %d; PRAGMA application_id = %d", steps[version], version+1, applicationID)
	if _, err := tx.ExecContext(ctx, text); err != nil {
		return 0, fmt.Errorf("migration to version %d: %w", version+1, err)
	}
	return version + 1, tx.Commit()
}
