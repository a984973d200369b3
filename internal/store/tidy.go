// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"math"
	"os"
	"time"
)

// How long and how many rows are kept.
const (
	incidentsFor  = 400 * 24 * time.Hour
	evidenceFor   = incidentsFor
	exemplarsFor  = 30 * 24 * time.Hour
	evidenceMost  = 32 // of an incident
	exemplarsMost = 64 // of an incident
)

// Tidying is done in steps, so that nobody waits long behind one.
const (
	tidyEvery     = time.Minute
	tidyPause     = 50 * time.Millisecond
	tidyRows      = 200
	tidyIncidents = 20
	tidyFull      = 10 // rows, where it is for want of room
	tidyPages     = 256
	// walBytes is how long the log may be that stays.
	walBytes = 1 << 20
)

// isFull reports more bytes than are wanted.
func (w *writer) isFull() bool {
	most := w.opts.BytesMost
	if most == 0 {
		most = fileBytesMost
	}
	if w.db.Load().file == "" {
		most = min(most, memoryBytesMost)
	}
	return w.used.Load() > most
}

// tidy does one step of deleting what is too old or too much, and returns when the next
// one is due.
func (w *writer) tidy() time.Duration {
	if w.failing != nil && w.db.Load().file != "" {
		return tidyEvery
	}
	before := w.used.Load()
	more, err := w.tidyStep()
	if err == nil {
		var free bool
		free, err = w.vacuum()
		more = more || free
	}
	if err != nil {
		if blameFor(err) == onFile {
			w.replace(err)
		} else {
			w.opts.Logger.Warn("old rows of the store could not be deleted; it is tried again", "file", w.opts.Path, "error", err)
		}
		return tidyEvery
	}
	w.measure()
	if more || w.isFull() && w.used.Load() < before {
		return tidyPause
	}
	w.shorten()
	w.count()
	return tidyEvery
}

// shorten takes a long log into the file. SQLite does so by itself, and leaves the log as
// long as it is until it begins anew.
func (w *writer) shorten() {
	db := w.db.Load()
	if db.file == "" {
		return
	}
	if info, err := os.Stat(db.file + walSuffix); err != nil || info.Size() < walBytes {
		return
	}
	if _, err := db.w.ExecContext(w.life, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		w.opts.Logger.Debug("the store's log could not be shortened; it is tried again", "file", db.file, "error", err)
	}
}

// tidyStep deletes some rows and reports whether there are more of that kind.
func (w *writer) tidyStep() (more bool, err error) {
	now := w.opts.Now()
	tx, err := w.db.Load().w.BeginTx(w.life, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	deleted := func(most int64, text string, args ...any) bool {
		if err != nil {
			return false
		}
		result, failed := tx.ExecContext(w.life, text, args...)
		if err = failed; err != nil {
			return false
		}
		n, _ := result.RowsAffected()
		more = more || n >= most
		return n > 0
	}
	exemplars, evidence, incidents := now.Add(-exemplarsFor).UnixMilli(), now.Add(-evidenceFor).UnixMilli(), now.Add(-incidentsFor).UnixMilli()
	rows, some := int64(tidyRows), false
	full := w.isFull()
	if full {
		rows, exemplars, evidence = tidyFull, math.MaxInt64, math.MaxInt64
	}
	some = deleted(rows, `DELETE FROM exemplars WHERE rowid IN (SELECT rowid FROM exemplars WHERE at < ? ORDER BY at LIMIT ?)`, exemplars, rows)
	some = deleted(rows, `DELETE FROM evidence WHERE rowid IN (SELECT rowid FROM evidence WHERE at < ? ORDER BY at LIMIT ?)`, evidence, rows) || some
	rows = tidyIncidents
	if full && !some {
		rows, incidents = tidyFull, math.MaxInt64
	}
	const old = ` IN (SELECT id FROM incidents WHERE updated_at < ? ORDER BY updated_at LIMIT ?)`
	deleted(math.MaxInt64, `DELETE FROM exemplars WHERE incident_id`+old, incidents, rows)
	deleted(math.MaxInt64, `DELETE FROM evidence WHERE incident_id`+old, incidents, rows)
	deleted(rows, `DELETE FROM incidents WHERE id`+old, incidents, rows)
	deleted(math.MaxInt64, `DELETE FROM rules WHERE expires_at <= ?`, now.UnixMilli())
	if err != nil {
		return false, err
	}
	return more && !full, tx.Commit() // one that is full says so itself
}

// vacuum gives some free pages back to the file system and reports whether there are more.
func (w *writer) vacuum() (more bool, err error) {
	rows, err := w.db.Load().w.QueryContext(w.life, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", tidyPages))
	if err != nil {
		return false, err
	}
	defer rows.Close()
	pages := 0
	for rows.Next() { // each frees one
		pages++
	}
	return pages >= tidyPages, rows.Err()
}

// measure finds out how much the rows take.
func (w *writer) measure() {
	var bytes int64
	err := w.db.Load().w.QueryRowContext(w.life, `SELECT (page_count - freelist_count) * page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&bytes)
	if err == nil {
		w.used.Store(bytes)
	}
}

// count counts the rows.
func (w *writer) count() {
	var r Rows
	err := w.db.Load().r.QueryRowContext(w.life, `SELECT (SELECT count(*) FROM incidents), (SELECT count(*) FROM evidence),
		(SELECT count(*) FROM exemplars), (SELECT count(*) FROM rules), (SELECT count(*) FROM server_overrides)`).
		Scan(&r.Incidents, &r.Evidence, &r.Exemplars, &r.Rules, &r.Overrides)
	if err != nil {
		return // who reads rows says so
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rows = r
}
