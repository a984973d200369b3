// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package record

// Trace is the place of an exchange in a distributed trace (W3C Trace Context).
// The zero value is none.
type Trace struct {
	// ID is the trace; not zero where there is one.
	ID [16]byte
	// Parent is the span of who asked, zero if the trace began here.
	Parent [8]byte
	// Span is the exchange's own. Its last byte is 0: see Part.
	Span [8]byte
	// Sampled says that the whole trace is to be kept. It is decided before the
	// request goes out, since servers are told.
	Sampled bool
}

// Exists reports whether the exchange belongs to a trace.
func (t *Trace) Exists() bool { return t.ID != [16]byte{} }

// Part returns the span of a part of the exchange: attempt n, counted from 1, or
// what package trace numbers from 255 down. Spans of parts are made from the
// exchange's, so that a record need not hold them; 56 random bits are left to tell
// exchanges apart within one trace.
func (t *Trace) Part(n uint8) [8]byte {
	s := t.Span
	s[7] = n
	return s
}
