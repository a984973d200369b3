// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import "causey/internal/record"

// Format is how a line looks.
type Format uint8

// The formats.
const (
	// JSON: one object per line, the fields of Fields in that order.
	JSON Format = iota
	// Combined: Apache's combined format, for tools that read nothing else. It
	// has no room for a failure.
	Combined
)

// ParseFormat returns the format called name: "json" or "combined".
func ParseFormat(name string) (Format, bool) {
	switch name {
	case "json":
		return JSON, true
	case "combined":
		return Combined, true
	}
	return 0, false
}

// Encoder turns records into text. It remembers the last second and the last ID it
// wrote, so it belongs to one goroutine.
type Encoder struct {
	stamp *stamp
	id    *idText // nil unless the format is JSON
	line  func(*Encoder, []byte, *record.Record) []byte
}

// NewEncoder returns an encoder of lines in format f.
func NewEncoder(f Format) *Encoder {
	if f == Combined {
		return &Encoder{stamp: newStamp(layoutCombined), line: (*Encoder).appendCombined}
	}
	return &Encoder{stamp: newStamp(layoutJSON), id: newIDText(), line: (*Encoder).appendJSON}
}

// AppendLine appends the line of r with its line feed.
func (e *Encoder) AppendLine(dst []byte, r *record.Record) []byte {
	return append(e.line(e, dst, r), '\n')
}

func (e *Encoder) appendJSON(dst []byte, r *record.Record) []byte {
	dst = append(dst, '{')
	dst = e.AppendMembers(dst, r)
	return append(dst, '}')
}

// AppendMembers appends the JSON fields of r as `"time":…,"id":…` without the
// braces, so that the admin API can add fields of its own. The encoder must be of
// format JSON.
func (e *Encoder) AppendMembers(dst []byte, r *record.Record) []byte {
	if isOrdinary(r) {
		return e.appendOrdinary(dst, r)
	}
	return appendMembers(dst, fields, line{r, e.stamp})
}

// appendCombined writes `client - - [time] "request" status bytes "referer"
// "user-agent"`; a dash stands for what is not known, and 000 for a status if
// nothing was answered, as in nginx.
func (e *Encoder) appendCombined(dst []byte, r *record.Record) []byte {
	if r.Client.IsValid() {
		dst = r.Client.WithZone("").AppendTo(dst)
	} else {
		dst = append(dst, '-')
	}
	dst = append(dst, " - - ["...)
	dst = e.stamp.append(dst, r.Start)
	dst = append(dst, `] "`...)
	dst = appendRequestLine(dst, r)
	dst = append(dst, `" `...)
	if r.Status < 100 {
		dst = append(dst, "000"...)
	} else {
		dst = appendInt(dst, int64(r.Status))
	}
	dst = append(dst, ' ')
	if r.BodyOut > 0 {
		dst = appendInt(dst, r.BodyOut)
	} else {
		dst = append(dst, '-')
	}
	for _, t := range [...]record.Text{record.Referer, record.UserAgent} {
		dst = append(dst, ` "`...)
		if b := r.Text(t); len(b) > 0 {
			dst = appendCombined(dst, b)
		} else {
			dst = append(dst, '-')
		}
		dst = append(dst, '"')
	}
	return dst
}

// appendRequestLine puts the request line together again from what was kept, "-"
// if no head was read.
func appendRequestLine(dst []byte, r *record.Record) []byte {
	if len(r.Text(record.Method)) == 0 {
		return append(dst, '-')
	}
	dst = appendCombined(dst, r.Text(record.Method))
	dst = append(dst, ' ')
	dst = appendCombined(dst, r.Text(record.Target))
	if r.Version != 0 {
		dst = append(dst, " HTTP/"...)
		dst = appendVersion(dst, r.Version)
	}
	return dst
}

// appendVersion appends "1.0", "1.1", "2", and nothing for 0.
func appendVersion(dst []byte, v uint8) []byte {
	switch {
	case v == 0:
		return dst
	case v < 20:
		return append(dst, '0'+v/10, '.', '0'+v%10)
	}
	return appendInt(dst, int64(v/10))
}
