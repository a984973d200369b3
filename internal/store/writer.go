// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"time"
)

// How long it takes until it is tried again after a failure: doubling.
const (
	pauseLeast = time.Second
	pauseMost  = 30 * time.Second
)

// writer is the state of the goroutine that alone writes.
//
// A file that cannot be opened is stood in for by memory, whose rows go to it once it can.
// Where an open file cannot be written, what is to be written stays in the queue, and the
// file can still be read.
type writer struct {
	*Store
	// failing is why nothing reaches the disk, nil if it does.
	failing error
	pause   time.Duration
	retry   <-chan time.Time
}

// begin opens what there is to open.
func (w *writer) begin() {
	if w.opts.Path != "" {
		db, err := w.openFile()
		if err == nil {
			w.use(db)
			return
		}
		w.fail(err)
	}
	w.useMemory()
}

// use makes db the one that is written and read.
func (w *writer) use(db *database) {
	old := w.db.Swap(db)
	if old != nil {
		if err := old.close(); err != nil {
			w.opts.Logger.Debug("a database of the store was not closed in order", "file", old.file, "error", err)
		}
	}
	w.measure()
	w.count()
}

// useMemory makes a database in memory, with what can be read of the file.
func (w *writer) useMemory() {
	db, err := openMemory(w.life)
	if err == nil && w.opts.Path != "" {
		db.recall(w.life, w.opts.Path)
	}
	if err != nil { // each write and each read says it again
		w.opts.Logger.Error("the store cannot even work in memory: nothing is kept", "error", err)
	}
	w.use(db)
}

// openFile opens the file, and a new one if that one cannot be used (I5).
func (w *writer) openFile() (*database, error) {
	db, err := openFile(w.life, w.opts.Path)
	if err == nil || blameFor(err) == onPlace { // no row is written yet: what is wrong is the file
		return db, err
	}
	return w.beginAnew(err)
}

// beginAnew sets aside the file, which is closed, and opens a new one.
func (w *writer) beginAnew(why error) (*database, error) {
	aside, err := setAside(w.opts.Path, w.opts.Now())
	if err != nil {
		return nil, fmt.Errorf("%w; and it cannot be set aside: %w", why, err)
	}
	w.opts.Logger.Error("the store's file cannot be used and was set aside; a new one begins, without earlier incidents, rules and decisions about servers",
		"file", w.opts.Path, "error", why, "kept_as", aside)
	return openFile(w.life, w.opts.Path)
}

func (w *writer) run() {
	defer close(w.done)
	tidy := w.opts.After(tidyEvery)
	for {
		select {
		case <-w.queue.wake:
			w.write()
			if w.isFull() {
				tidy = w.opts.After(0)
			}
		case <-w.retry:
			w.again()
		case <-tidy:
			tidy = w.opts.After(w.tidy())
		case <-w.suspect:
			w.examine()
		case <-w.quit:
			w.finish()
			return
		}
	}
}

// write commits what waits. While the file cannot be written it says so to those who wait.
func (w *writer) write() {
	if w.failing != nil && w.db.Load().file != "" {
		tell(w.queue.untold(), w.volatile())
		return
	}
	w.attempt()
}

// attempt commits batches until none is left, and reports whether it came so far.
func (w *writer) attempt() bool {
	for replaced := false; ; {
		batch := w.queue.take()
		if len(batch) == 0 {
			w.measure()
			return true
		}
		err := w.commit(batch)
		if err == nil {
			w.acknowledge(batch)
			continue
		}
		w.queue.putBack(batch)
		if blameFor(err) == onFile && !replaced {
			replaced = true
			w.replace(err)
			continue
		}
		w.fail(err)
		tell(w.queue.untold(), w.volatile())
		return false
	}
}

// commit writes a batch in one transaction. A write that is wrong in itself does not
// keep the others from it.
func (w *writer) commit(batch []*write) error {
	tx, err := w.db.Load().w.BeginTx(w.life, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, one := range batch {
		one.err = nil
		for _, st := range one.statements {
			if _, err := tx.ExecContext(w.life, st.text, st.args...); err != nil {
				if blameFor(err) != onRow {
					return err
				}
				one.err = err
				break
			}
		}
	}
	return tx.Commit()
}

// acknowledge tells those who wait what became of a batch that was committed.
func (w *writer) acknowledge(batch []*write) {
	kept := w.volatile()
	for _, one := range batch {
		err := kept
		if one.err != nil {
			err = one.err
			w.failures.Add(1)
			w.opts.Logger.Error("a bug in the store: a row cannot be written and is lost", "key", one.key, "error", err)
		} else {
			w.written.Add(1)
		}
		tell(one.done, err)
		one.done = nil
	}
}

// volatile is what is told of writes that are in memory, nil where they are on the disk.
func (w *writer) volatile() error {
	switch {
	case w.failing != nil:
		return fmt.Errorf("%w: %w", ErrVolatile, w.failing)
	case w.opts.Path == "":
		return fmt.Errorf("%w: %w", ErrVolatile, errNoFile)
	}
	return nil
}

func tell(all []func(error), err error) {
	for _, done := range all {
		done(err)
	}
}

// fail notes that nothing reaches the disk, and says so the first time (I4).
func (w *writer) fail(err error) {
	w.failures.Add(1)
	w.mu.Lock()
	first := w.degraded.IsZero()
	if first {
		w.degraded = w.opts.Now()
	}
	w.reason = err
	w.mu.Unlock()
	if first {
		w.opts.Logger.Error("the store cannot be written: incidents and decisions are kept in memory until it can, as far as there is room",
			"file", w.opts.Path, "error", err)
	}
	w.failing = err
	w.pause = min(max(2*w.pause, pauseLeast), pauseMost)
	w.retry = w.opts.After(w.pause)
}

// again tries whether the disk can be written by now.
func (w *writer) again() {
	if w.db.Load().file == "" && !w.moveToFile() {
		return
	}
	w.failing = nil // what is committed now is on the disk
	if !w.attempt() {
		return
	}
	_, dropped := w.queue.stats()
	w.mu.Lock()
	since := w.degraded
	w.degraded, w.reason = time.Time{}, nil
	w.mu.Unlock()
	w.pause, w.retry = 0, nil
	w.opts.Logger.Info("the store can be written again; what was kept is in it", "file", w.opts.Path,
		"after", w.opts.Now().Sub(since).Round(time.Second), "dropped", dropped)
}

// moveToFile opens the file and takes the rows along that memory has.
func (w *writer) moveToFile() bool {
	db, err := w.openFile()
	if err == nil {
		if err = w.db.Load().copyTo(w.life, db.file); err == nil {
			w.use(db)
			return true
		}
		db.close()
	}
	w.fail(err)
	return false
}

// replace sets a file aside that turned out to be damaged while in use, and goes on with a
// new one.
func (w *writer) replace(why error) {
	w.db.Load().close()
	db, err := w.beginAnew(why)
	if err == nil {
		w.use(db)
		return
	}
	w.fail(err)
	w.useMemory()
}

// examine looks whether the file is what a reader takes it for.
func (w *writer) examine() {
	db := w.db.Load()
	if db.file == "" {
		return
	}
	if err := db.check(w.life); err != nil && blameFor(err) == onFile {
		w.replace(err)
	}
}

// finish writes what can be written and closes the database.
func (w *writer) finish() {
	if w.failing != nil {
		w.again()
	} else {
		w.attempt()
	}
	if waiting, _ := w.queue.stats(); waiting > 0 {
		w.opts.Logger.Error("the store ends and could not write everything: that is lost", "writes", waiting, "error", w.failing)
	}
	if err := w.db.Load().close(); err != nil {
		w.opts.Logger.Warn("the store's file was not closed in order", "file", w.opts.Path, "error", err)
	}
}
