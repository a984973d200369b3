// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// Files that SQLite keeps beside its own, while it is open or after a crash.
const (
	walSuffix = "-wal"
	shmSuffix = "-shm"
)

const (
	// checkFor bounds the look through a file at its opening. What it does not reach is
	// found when it is read.
	checkFor = 250 * time.Millisecond
	readers  = 2
)

// errDamaged is of a file that SQLite's own check found wrong.
var errDamaged = errors.New("it is damaged")

// database is an open one. r reads and w writes; in memory they are the same.
type database struct {
	w, r *sql.DB
	file string // "" for memory
	// recalled says that memory has the rules and decisions of the file it stands in for.
	recalled bool
}

// Settings of connections. FULL, in a WAL, is a sync at each commit, without which a power
// failure could take what was acknowledged (I1); batches make that cheap. A second
// process is waited for (I7). auto_vacuum has its effect when a file is made.
const (
	settings = "_busy_timeout=5000&_auto_vacuum=incremental&_synchronous=full&_txlock=immediate&_defensive=1&_dqs=0&_error_rc=1" +
		"&_pragma=cache_size(-1024)"
	writing = "&_journal_mode=wal&_pragma=journal_size_limit(4194304)"
	reading = "&_query_only=1"
)

func openDB(name, more string, connections int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", name+"?"+settings+more)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// openFile opens the file at path, or makes it, and brings it to the newest version.
func openFile(ctx context.Context, path string) (*database, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// SQLite would make it with the rights that the umask leaves. Only one that is not
	// there is opened here: closing any other would drop SQLite's locks on it.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		f.Close()
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	name := fileURL(path)
	w, err := openDB(name, writing, 1)
	if err != nil {
		return nil, err
	}
	r, err := openDB(name, reading, readers)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	d := &database{w: w, r: r, file: path}
	if err := d.prepare(ctx); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// openMemory makes a database in memory. Its one connection is the database.
func openMemory(ctx context.Context) (*database, error) {
	db, err := openDB("file::memory:", "", 1)
	if err != nil {
		return nil, err
	}
	return &database{w: db, r: db}, migrate(ctx, db, migrations)
}

// prepare looks through a file as far as it gets, and migrates it. Before it is known to be
// ours only r looks at it, which changes nothing (I5).
func (d *database) prepare(ctx context.Context) error {
	if _, err := versionOf(ctx, d.r, len(migrations)); err != nil {
		return err
	}
	checking, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	if err := d.check(checking); err != nil && checking.Err() == nil {
		return err
	}
	return migrate(ctx, d.w, migrations)
}

// check asks SQLite whether the file is sound.
func (d *database) check(ctx context.Context) error {
	var said string
	if err := d.w.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, said)
	}
	return nil
}

// close closes the connections, w last: the last one cleans up its log.
func (d *database) close() error {
	if d.r == d.w {
		return d.w.Close()
	}
	return errors.Join(d.r.Close(), d.w.Close())
}

// setAside renames a file and what belongs to it, and returns its new name.
func setAside(path string, now time.Time) (string, error) {
	base := path + ".unusable-" + now.UTC().Format("20060102T150405Z")
	aside := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); err != nil {
			break
		}
		aside = fmt.Sprintf("%s-%d", base, n)
	}
	if err := os.Rename(path, aside); err != nil {
		return "", err
	}
	for _, suffix := range []string{walSuffix, shmSuffix} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return aside, err
		}
	}
	return aside, nil
}
