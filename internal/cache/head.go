// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"time"

	"causey/internal/wire"
)

// headMax bounds the bytes of a kept head. The codec bounds what it reads; this bounds
// what a head may grow to by being put together from several.
const headMax = 128 << 10

// headWriter writes the fields of a kept answer.
type headWriter struct {
	buf    []byte
	fields []wire.Field
}

func (w *headWriter) add(name, value []byte, id wire.FieldID) {
	start := uint32(len(w.buf))
	w.buf = append(w.buf, name...)
	nameEnd := uint32(len(w.buf))
	w.buf = append(w.buf, ": "...)
	valueStart := uint32(len(w.buf))
	w.buf = append(w.buf, value...)
	valueEnd := uint32(len(w.buf))
	w.buf = append(w.buf, "\r\n"...)
	w.fields = append(w.fields, wire.Field{
		NameSpan: wire.Span{Start: start, End: nameEnd}, ValueSpan: wire.Span{Start: valueStart, End: valueEnd},
		LineSpan: wire.Span{Start: start, End: uint32(len(w.buf))}, ID: id,
	})
}

// mayBeKept reports a field that a kept answer may have at all: none of this hop, none
// for one client. Age and Content-Length are kept as numbers.
func mayBeKept(id wire.FieldID) bool {
	switch id {
	case wire.ContentLength, wire.TransferEncoding, wire.Connection, wire.KeepAlive, wire.ProxyConnection, wire.TE,
		wire.Trailer, wire.Upgrade, wire.Age, wire.SetCookie, wire.ProxyAuthenticate, wire.ProxyAuthorization:
		return false
	}
	return true
}

// isKept reports whether a field of an answer is kept (RFC 9111 section 3.1).
func isKept(res *wire.Response, i int, f *facts) bool {
	field, name := &res.Fields[i], res.Name(i)
	return mayBeKept(field.ID) && !field.Hop && !wire.EqualFold(name, "proxy-authentication-info") &&
		!listed(f.cc.noCacheFields, name) && !listed(f.cc.privateFields, name)
}

// keep makes the head of o of an answer's, which was received at now.
func (o *object) keep(res *wire.Response, f *facts, now time.Time) {
	w := headWriter{buf: make([]byte, 0, len(res.Buf)+64), fields: make([]wire.Field, 0, len(res.Fields)+1)}
	o.setReason(&w, res.Bytes(res.ReasonSpan))
	for i := range res.Fields {
		if isKept(res, i, f) {
			w.add(res.Name(i), res.Value(i), res.Fields[i].ID)
		}
	}
	o.finishHead(&w, now)
}

func (o *object) setReason(w *headWriter, reason []byte) {
	w.buf = append(w.buf, reason...)
	o.reason = wire.Span{Start: 0, End: uint32(len(w.buf))}
}

// finishHead takes what w has written and finds in it what is used for validation.
// "A recipient with a clock that receives a response message without a Date header
// field MUST record the time it was received and append a corresponding Date header
// field" (RFC 9110 section 6.6.1).
func (o *object) finishHead(w *headWriter, now time.Time) {
	hasDate := false
	for i := range w.fields {
		hasDate = hasDate || w.fields[i].ID == wire.Date
	}
	if !hasDate {
		w.add([]byte("Date"), appendDate(nil, now), wire.Date)
	}
	o.head = wire.Head{Buf: w.buf, Fields: w.fields, Version: 11, ContentLength: -1}
	o.short = wire.Head{Buf: w.buf, Version: 11, ContentLength: -1}
	o.etag, o.modifiedField, o.modified = nil, nil, time.Time{}
	var date time.Time
	for i := range w.fields {
		v := o.head.Value(i)
		switch w.fields[i].ID {
		case wire.ETag:
			o.etag = v
		case wire.LastModified:
			if t, ok := parseDate(v, now); ok {
				o.modified, o.modifiedField = t, v
			}
		case wire.Date:
			date, _ = parseDate(v, now)
		}
		if inShort(w.fields[i].ID) {
			o.short.Fields = append(o.short.Fields, w.fields[i])
		}
	}
	if o.modified.IsZero() {
		o.modified = date
	}
	if o.modified.IsZero() {
		o.modified = now
	}
}

// inShort reports a field that a 304 repeats: those that a 200 would have had and that
// a recipient may need, and what speaks to caches or of them.
func inShort(id wire.FieldID) bool {
	switch id {
	case wire.CacheControl, wire.CDNCacheControl, wire.SurrogateControl, wire.ContentLocation, wire.Date, wire.ETag,
		wire.Expires, wire.LastModified, wire.Vary, wire.CacheStatus, wire.Via:
		return true
	}
	return false
}

// refreshHead makes the head of o of old's and of the 304 that confirmed it: "the cache
// MUST update the ... stored response with the header fields provided in the 304"
// (RFC 9111 section 3.2), but not with those that describe the body it has.
func (o *object) refreshHead(old *object, res *wire.Response, f *facts, now time.Time) bool {
	w := headWriter{buf: make([]byte, 0, len(old.head.Buf)+len(res.Buf)), fields: make([]wire.Field, 0, len(old.head.Fields)+8)}
	o.setReason(&w, old.head.Bytes(old.reason))
	for i := range old.head.Fields {
		// The old Date would make the answer as old as it was.
		if name := old.head.Name(i); old.head.Fields[i].ID != wire.Date && !replaces(res, name, f) {
			w.add(name, old.head.Value(i), old.head.Fields[i].ID)
		}
	}
	for i := range res.Fields {
		if isKept(res, i, f) && updates(res, i) {
			w.add(res.Name(i), res.Value(i), res.Fields[i].ID)
		}
	}
	if len(w.buf) > headMax {
		return false
	}
	o.finishHead(&w, now)
	return true
}

// replaces reports whether a 304 has a field of this name that takes the stored one's
// place.
func replaces(res *wire.Response, name []byte, f *facts) bool {
	for i := range res.Fields {
		if updates(res, i) && isKept(res, i, f) && bytes.EqualFold(res.Name(i), name) {
			return true
		}
	}
	return false
}

// updates reports whether field i of a 304 is one that may change a stored answer.
func updates(res *wire.Response, i int) bool {
	switch res.Fields[i].ID {
	case wire.ETag, wire.ContentRange:
		return false
	}
	name := res.Name(i)
	return !wire.EqualFold(name, "content-encoding") && !wire.EqualFold(name, "content-md5") &&
		!wire.EqualFold(name, "content-digest")
}
