// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"encoding/binary"
	"time"

	"causey/internal/record"
)

// The layouts of whole seconds; JSON adds the milliseconds and the Z.
const (
	layoutJSON     = "2006-01-02T15:04:05"
	layoutCombined = "02/Jan/2006:15:04:05 +0000"
)

// stamp formats times, and remembers the last second: records of one batch lie
// close together, and a calendar date costs more than the rest of the field.
type stamp struct {
	layout string
	second int64
	text   []byte
}

func newStamp(layout string) *stamp {
	s := &stamp{layout: layout}
	s.text = time.Unix(0, 0).UTC().AppendFormat(nil, layout)
	return s
}

// append appends the whole second of t, in UTC.
func (s *stamp) append(dst []byte, t time.Time) []byte {
	if sec := t.Unix(); sec != s.second {
		s.second = sec
		s.text = t.UTC().AppendFormat(s.text[:0], s.layout)
	}
	return append(dst, s.text...)
}

// appendMilli appends t as RFC 3339 in UTC with milliseconds, quoted.
func (s *stamp) appendMilli(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = s.append(dst, t)
	dst = binary.LittleEndian.AppendUint32(dst, thousandths[t.Nanosecond()/1e6])
	return append(dst, 'Z', '"')
}

// idTail is how many characters at the end of an ID idText writes anew each time.
const idTail = 4

// idText formats IDs, and remembers what the last one began with: that stays the
// same for a million exchanges of one run.
type idText struct {
	last record.ID // its Seq without the bits of the tail
	stem [record.IDLen - idTail]byte
}

func newIDText() *idText {
	t := new(idText)
	t.remember(record.ID{})
	return t
}

func (t *idText) remember(stem record.ID) {
	t.last = stem
	copy(t.stem[:], stem.Append(nil))
}

// append appends what id.Append does.
func (t *idText) append(dst []byte, id record.ID) []byte {
	n := id.Seq
	id.Seq &^= 1<<(5*idTail) - 1
	if id != t.last {
		t.remember(id)
	}
	dst = append(dst, t.stem[:]...)
	return append(dst, idDigits[n>>15&31], idDigits[n>>10&31], idDigits[n>>5&31], idDigits[n&31])
}

// idDigits are the characters of an ID, five bits each.
var idDigits = func() (d [32]byte) {
	for i := range d {
		d[i] = record.ID{Seq: uint64(i)}.String()[record.IDLen-1]
	}
	return d
}()
