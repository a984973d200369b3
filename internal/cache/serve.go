// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"strconv"
	"time"

	"causey/internal/exchange"
	"causey/internal/record"
	"causey/internal/wire"
)

// This file is what a visit sends of an answer that is here.

// MakeAnswer implements exchange.CacheVisit.
func (v *Visit) MakeAnswer(out *exchange.Out, now time.Time) {
	o := v.o
	*out = exchange.Out{Status: o.status, Head: &o.head, Reason: o.reason, Add: out.Add[:0]}
	v.values = v.values[:0]
	v.part, v.pos = span{0, o.size}, 0
	// "a cache MUST generate an Age header field" (RFC 9111 section 4). I6.
	v.add(out, "Age", func(b []byte) []byte { return strconv.AppendInt(b, int64(o.age(now)/time.Second), 10) })
	if o.isNotModified(&v.q, v.req, now) {
		out.Status, out.Head, out.Reason, out.NoBody = 304, &o.short, wire.Span{}, true
		return
	}
	v.choosePart(out)
	out.Framing = wire.FramingLength
	out.NoBody = v.req.Method == wire.HEAD || v.part.from == v.part.end
	if out.Status != 204 {
		v.add(out, "Content-Length", func(b []byte) []byte { return strconv.AppendInt(b, v.part.end-v.part.from, 10) })
	}
	v.pos = v.part.from
}

// choosePart sees to a range of what is here (RFC 9110 section 14.2: of GET only).
func (v *Visit) choosePart(out *exchange.Out) {
	o := v.o
	if v.q.ranged < 0 || v.req.Method != wire.GET || o.status != 200 || !o.allowsRange(&v.q, v.req) {
		return
	}
	part, outcome := resolveRange(v.req.Value(v.q.ranged), o.size)
	if outcome == wholeBody {
		return
	}
	out.Reason = wire.Span{}
	if v.part = part; outcome == notSatisfiable {
		v.part = span{}
		out.Status, out.Head = 416, &o.short
	} else {
		out.Status = 206
	}
	out.Skip[wire.ContentRange] = true
	v.add(out, "Content-Range", func(b []byte) []byte {
		b = append(b, "bytes "...)
		if outcome == notSatisfiable {
			b = append(b, '*')
		} else {
			b = strconv.AppendInt(b, part.from, 10)
			b = append(b, '-')
			b = strconv.AppendInt(b, part.end-1, 10)
		}
		return strconv.AppendInt(append(b, '/'), o.size, 10)
	})
}

// add appends a field whose value is built in the visit's own space.
func (v *Visit) add(out *exchange.Out, name string, build func([]byte) []byte) {
	from := len(v.values)
	v.values = build(v.values)
	out.Add = append(out.Add, exchange.Added{Name: name, Value: v.values[from:len(v.values):len(v.values)]})
}

// Piece implements exchange.CacheVisit.
func (v *Visit) Piece() []byte {
	if v.pos >= v.part.end {
		return nil
	}
	p := v.o.bodyAt(v.pos)
	if rest := v.part.end - v.pos; int64(len(p)) > rest {
		p = p[:rest]
	}
	v.pos += int64(len(p))
	return p
}

// AppendStatus implements exchange.CacheVisit, by RFC 9211.
func (v *Visit) AppendStatus(b []byte, now time.Time) []byte {
	switch {
	case v.forwarded == "":
		b = append(b, "; hit"...)
	default:
		b = append(append(b, "; fwd="...), v.forwarded...)
		if v.upStatus != 0 {
			b = strconv.AppendInt(append(b, "; fwd-status="...), int64(v.upStatus), 10)
		}
		if v.stored {
			b = append(b, "; stored"...)
		}
	}
	if v.result == record.CacheCollapsed {
		b = append(b, "; collapsed"...)
	}
	if v.o != nil && v.served() {
		// "a sender should use a negative value for a stale response" (section 2.6)
		b = strconv.AppendInt(append(b, "; ttl="...), int64(v.o.left(now)/time.Second), 10)
	}
	return b
}

// served reports that what is here was sent.
func (v *Visit) served() bool {
	switch v.result {
	case record.CacheHit, record.CacheCollapsed, record.CacheRevalidated, record.CacheStale:
		return true
	}
	return false
}
