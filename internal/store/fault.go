// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// blame says what an error is about, and so what is done about it.
type blame uint8

const (
	// onPlace is about the disk, the directory or a lock: later it may work.
	onPlace blame = iota
	// onFile is about the content of the file: it is set aside.
	onFile
	// onRow is about one write, and would be the same again.
	onRow
)

func blameFor(err error) blame {
	if errors.Is(err, errForeign) || errors.Is(err, errNewer) || errors.Is(err, errDamaged) {
		return onFile
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return onPlace
	}
	switch e.Code() & 0xff { // the rest says more of the same
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return onFile
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
		return onRow
	}
	return onPlace
}
