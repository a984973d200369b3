// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
)

// recall takes rules and decisions from a file that cannot be written over into memory, so
// that they have their effect all the same: that a disk is full must not put a server back
// into service. It takes what it can get, and leaves the history where it is.
func (d *database) recall(ctx context.Context, path string) {
	// A connection that has the file for itself needs no index of the log on the disk, but a
	// log that it may write. One that takes the file for immutable needs nothing, and does
	// not see the log.
	for _, way := range []struct{ name, setting string }{
		{fileURL(path) + "?mode=rw", "PRAGMA disk.locking_mode = exclusive;"},
		{fileURL(path) + "?immutable=1&mode=ro", ""},
	} {
		err := d.with(ctx, way.name, func(conn *sql.Conn) error {
			_, err := conn.ExecContext(ctx, way.setting+`
				INSERT OR REPLACE INTO main.rules SELECT * FROM disk.rules;
				INSERT OR REPLACE INTO main.server_overrides SELECT * FROM disk.server_overrides`)
			return err
		})
		if err == nil {
			d.recalled = true
			return
		}
	}
}

// copyTo writes the rows of memory to a file of this version that is open elsewhere too.
func (d *database) copyTo(ctx context.Context, path string) error {
	return d.with(ctx, fileURL(path), func(conn *sql.Conn) error {
		tx, err := conn.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		text := ""
		if d.recalled { // what was deleted meanwhile was deleted of the file's
			text = "DELETE FROM disk.rules; DELETE FROM disk.server_overrides;"
		}
		for _, table := range tables {
			text += "INSERT OR REPLACE INTO disk." + table + " SELECT * FROM main." + table + ";"
		}
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// with calls do with the connection of memory, to which the file called name is attached
// as disk.
func (d *database) with(ctx context.Context, name string, do func(*sql.Conn) error) error {
	conn, err := d.w.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "ATTACH ? AS disk", name); err != nil {
		return err
	}
	defer conn.ExecContext(ctx, "DETACH disk")
	return do(conn)
}
