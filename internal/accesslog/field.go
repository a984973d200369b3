// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"time"

	"causey/internal/phase"
	"causey/internal/record"
)

// Field documents one JSON field. docs/access-log.md is made from these.
type Field struct {
	Name string
	// Type is the JSON type.
	Type string
	// When says when the field is there: "always", or the condition.
	When string
	// Meaning is one or two sentences.
	Meaning string
}

// field is a Field together with its code: the table is the encoder. (For ordinary
// records ordinary.go does the same faster.)
type field[T any] struct {
	Field
	// has reports whether the field is written, nil for always. put appends the
	// value.
	has func(T) bool
	put func(dst []byte, v T) []byte
	key string // `,"name":`, filled at start
}

// line is what the fields of a line are made from.
type line struct {
	*record.Record
	stamp *stamp
}

const always = "always"

func appendMembers[T any](dst []byte, fields []field[T], v T) []byte {
	comma := 1 // to be left out before the first
	for i := range fields {
		f := &fields[i]
		if f.has != nil && !f.has(v) {
			continue
		}
		dst = append(dst, f.key[comma:]...)
		comma = 0
		dst = f.put(dst, v)
	}
	return dst
}

// Fields returns the fields of a line, of an entry of attempt_list, and of
// evidence, each in the order they are written.
func Fields() (line, attempt, evidence []Field) {
	return documented(fields), documented(attemptFields), documented(evidenceFields)
}

func documented[T any](fields []field[T]) []Field {
	out := make([]Field, len(fields))
	for i := range fields {
		out[i] = fields[i].Field
	}
	return out
}

// keyed fills the key of each field.
func keyed[T any](fields []field[T]) []field[T] {
	for i := range fields {
		fields[i].key = `,"` + fields[i].Name + `":`
	}
	return fields
}

// text returns the field of one of the record's texts: there when has says so,
// always if has is nil.
func text(t record.Text, f Field, has func(line) bool) field[line] {
	return field[line]{Field: f, has: has, put: func(dst []byte, l line) []byte {
		return appendString(dst, l.Text(t))
	}}
}

// cut returns the field that marks text t as cut.
func cut(t record.Text, name string) field[line] {
	return field[line]{
		Field: Field{name + "_cut", "boolean", "when cut", "true: `" + name + "` was longer than is kept."},
		has:   func(l line) bool { return l.TextCut(t) },
		put:   func(dst []byte, _ line) []byte { return append(dst, "true"...) },
	}
}

// sent reports whether the client sent text t.
func sent(t record.Text) func(line) bool {
	return func(l line) bool { return len(l.Text(t)) > 0 }
}

func failed(l line) bool { return l.Error != nil }

// listsAttempts: one attempt that went well is told by the fields of the line.
func listsAttempts(l line) bool {
	return l.AttemptLen > 1 || l.AttemptLen == 1 && (failed(l) || !l.Attempts[0].Failure.IsNone())
}

func integer[N int | int64 | uint8 | uint32](dst []byte, n N) []byte {
	return appendInt(dst, int64(n))
}

// quoted appends a short text of our own that needs no escapes.
func quoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// phaseKeys are `,"name":` for each phase.
var phaseKeys = func() (keys [phase.Count]phaseKey) {
	for i := range keys {
		keys[i].len = copy(keys[i].text[:], `,"`+phase.Phase(i).String()+`":`)
	}
	return keys
}()

// phaseKey has room for the longest name: sixteen bytes, because a copy of that
// fixed length is two instructions and one of any length is a call.
type phaseKey struct {
	text [16]byte
	len  int
}

func appendPhases(dst []byte, spent *[phase.Count]time.Duration) []byte {
	begin := len(dst)
	for i, d := range spent {
		if d >= 0 {
			k := &phaseKeys[i]
			end := len(dst) + k.len
			dst = append(dst, k.text[:]...)[:end]
			dst = appendMS(dst, d)
		}
	}
	if len(dst) == begin {
		dst = append(dst, '{')
	}
	dst[begin] = '{' // the first needs no comma
	return append(dst, '}')
}

func appendTrail(dst []byte, l line) []byte {
	dst = append(dst, '[')
	for i := range l.TrailLen {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = quoted(dst, l.Trail[i].String())
	}
	return append(dst, ']')
}

func appendSaved(dst []byte, l line) []byte {
	begin := len(dst)
	for i, name := range record.SavedMeans {
		if l.Saved&(1<<i) != 0 {
			dst = append(dst, ',')
			dst = quoted(dst, name)
		}
	}
	if len(dst) == begin {
		dst = append(dst, '[')
	}
	dst[begin] = '[' // the first needs no comma
	return append(dst, ']')
}

func appendAttempts(dst []byte, l line) []byte {
	dst = append(dst, '[')
	for i := range l.KeptAttempts() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		dst = appendMembers(dst, attemptFields, &l.Attempts[i])
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendEvidence(dst []byte, l line) []byte {
	dst = append(dst, '{')
	dst = appendMembers(dst, evidenceFields, newEvidence(l.Error))
	return append(dst, '}')
}
