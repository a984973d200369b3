// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package accesslog writes one line per exchange, from records.
//
// What it is: Encoder, which turns a record into a line of JSON or of Apache's
// combined format; and Sink, which takes batches of records and writes their
// lines to a file or stream behind a bounded buffer. The JSON fields are one
// table, read by the encoder, by the admin API and by docs/access-log.md.
//
// What it never does: it never makes its caller wait for a disk or a pipe, never
// writes part of a line, and never lets what a stranger sent break a line, the
// JSON, or the terminal of who reads it. It knows no clock: times come with the
// records.
//
// Invariants:
//
//	I1. Each record gives exactly one line: valid JSON with each key at most
//	    once, or one line of combined format, whatever bytes it holds.
//	I2. Encoding allocates nothing (an underlying error's text excepted).
//	I3. Consume returns without waiting for the output. A line that finds no room
//	    is dropped whole and counted.
//	I4. No line is mixed with another, not even around a failed write. After
//	    Reopen the old file ends with a whole line, if it still takes bytes, and
//	    gets no more.
//	I5. A field is never renamed or given another type; new ones may be added.
//
// Start reading with field_line.go, the table, then ordinary.go, which writes most
// lines, and sink.go.
package accesslog
