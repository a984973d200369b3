// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"encoding/binary"
	"time"
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
