// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package store keeps what has to outlive a restart: incidents with their evidence and
// examples, rules, and what the owner decided about servers. It is one SQLite file.
//
// What it is: Store, which takes rows into a bounded queue and has one goroutine that
// commits them in batches; and reads beside it, from connections of their own. Rows are
// plain structs whose body is JSON that only their owner understands.
//
// What it never does: it is not called on the data path, makes nobody wait for a disk
// who did not ask to, never keeps a gateway from starting, and knows nothing of causes.
//
// Invariants:
//
//	I1. A write that was acknowledged without an error is on the disk: it survives
//	    kill -9 and a power failure.
//	I2. Each write that was taken is acknowledged exactly once: without an error, or with
//	    one that says why it may be lost. One that is not taken is counted.
//	I3. Memory is bounded: the queue by rows and bytes, a store without a file by bytes.
//	I4. What cannot be written (full disk, read-only directory) is said once, kept, tried
//	    again, and said again when it works.
//	I5. A file that is damaged, strange or of a newer version is set aside, never
//	    deleted or overwritten.
//	I6. A file of any older version opens with all its rows.
//	I7. Two processes may have the file open, as in an upgrade.
//
// Start reading with store.go, then writer.go; schema.go has the tables.
package store
