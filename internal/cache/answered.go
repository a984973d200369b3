// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/wire"
)

// This file is what a visit does with the server.

var (
	ifNoneMatchName, ifModifiedSinceName = "If-None-Match", "If-Modified-Since"
	capability                           = []byte(self + `="Surrogate/1.0"`)
)

// EditRequest implements exchange.CacheVisit. A request that validates asks about what
// is here, in place of what the client asked about: its own conditions and its range
// are seen to afterwards.
func (v *Visit) EditRequest(o *exchange.Out) {
	o.Add = append(o.Add, exchange.Added{Name: "Surrogate-Capability", Value: capability})
	if !v.validates && !v.refreshing {
		return
	}
	for _, id := range [...]wire.FieldID{wire.IfNoneMatch, wire.IfModifiedSince, wire.IfRange, wire.Range} {
		o.Skip[id] = true
	}
	if !v.validates {
		return
	}
	if len(v.o.etag) > 0 {
		o.Add = append(o.Add, exchange.Added{Name: ifNoneMatchName, Value: v.o.etag})
	}
	if len(v.o.modifiedField) > 0 {
		o.Add = append(o.Add, exchange.Added{Name: ifModifiedSinceName, Value: v.o.modifiedField})
	}
}

// Answered implements exchange.CacheVisit.
func (v *Visit) Answered(res *wire.Response, now time.Time) (serve bool) {
	v.upStatus = res.Status
	v.rule.trouble.over()
	switch {
	case v.result == record.CacheBypass:
		v.invalidate(res, now)
		return false
	case v.validates && res.Status == 304:
		v.confirm(res, now)
		v.endFill()
		return true
	case res.Status >= 500 && v.o != nil && v.o.standsIn(now):
		v.o.trouble.note(failure.None, now)
		v.standIn()
		return true
	case v.req.Method == wire.HEAD:
	case isPartial(res.Status):
		v.endFill()
	default:
		v.replace(res, now)
	}
	return false
}

// isPartial reports an answer to the client's own condition or range, which says nothing
// about what is here.
func isPartial(status int) bool {
	return status == 206 || status == 304 || status == 412 || status == 416
}

// Failed implements exchange.CacheVisit.
func (v *Visit) Failed(code failure.Code, now time.Time) (serve bool) {
	if v.o == nil || !v.o.standsIn(now) {
		return false
	}
	if isUnreachable(code) {
		v.rule.trouble.note(code, now)
	} else {
		v.o.trouble.note(code, now)
	}
	v.standIn()
	return true
}

// standIn serves what is here instead of an error.
func (v *Visit) standIn() {
	if !v.refreshing {
		v.result = record.CacheStale
	}
	v.endFill()
}

// confirm renews what is here by a 304 (RFC 9111 section 4.3.4). One that names another
// strong tag than we asked about is about something else, and renews nothing.
func (v *Visit) confirm(res *wire.Response, now time.Time) {
	if !v.refreshing {
		v.result = record.CacheRevalidated
	}
	old := v.o
	var f facts
	f.read(res, now)
	if len(f.etag) > 0 && !isWeak(f.etag) && string(f.etag) != string(old.etag) {
		return
	}
	o := &object{
		status: old.status, body: old.body, size: old.size, asked: v.asked,
		vary: old.vary, selecting: old.selecting, host: old.host, tags: old.tags,
	}
	if !o.refreshHead(old, res, &f, now) {
		return
	}
	age, unknown := f.age, f.ageUnknown
	merged := wire.Response{Head: o.head, Status: o.status}
	f.read(&merged, now)
	f.age, f.ageUnknown = age, unknown
	o.born = now.Add(-f.initialAge(v.asked, now))
	var ok bool
	if o.policy, ok = v.rule.opts.judge(&v.q, &f, now); !ok {
		v.forget()
		v.o = o
		return
	}
	v.o = o
	v.stored = v.store.put(v.key, o)
}

// replace begins to keep an answer that takes the place of what is here, or forgets
// that if the answer is not to be kept.
func (v *Visit) replace(res *wire.Response, now time.Time) {
	var f facts
	f.read(res, now)
	o := &object{status: res.Status, asked: v.asked}
	if !v.mayKeep(o, res, &f, now) {
		if res.Status < 500 {
			v.forget()
		}
		if v.fill != nil && res.Status < 500 {
			v.store.fills.pass(v.key, now)
		}
		v.endFill()
		return
	}
	v.store.fills.keeps(v.key)
	o.born = now.Add(-f.initialAge(v.asked, now))
	o.keep(res, &f, now)
	v.stored = true
	v.in = intake{o: o, expected: res.ContentLength, max: v.store.limits.Load().ObjectMax, store: v.store}
}

// forget drops what is here since an answer in its place is not kept, unless that is so
// only for who asked: the answer to somebody must not cost the others theirs.
func (v *Visit) forget() {
	if v.o != nil && !v.q.authorization && !v.q.cookie {
		v.store.drop(v.key, v.o)
	}
}

// mayKeep decides whether an answer is kept, and fills in o's policy, variant and
// stamps. I1, I2.
func (v *Visit) mayKeep(o *object, res *wire.Response, f *facts, now time.Time) bool {
	if res.Framing == wire.FramingClose || res.ContentLength > v.store.limits.Load().ObjectMax || len(res.Buf) > headMax {
		return false
	}
	var ok bool
	if o.policy, ok = v.rule.opts.judge(&v.q, f, now); !ok {
		return false
	}
	if f.varies {
		if o.vary, ok = varyNames(res); !ok {
			return false
		}
		if o.selecting = appendSelecting(nil, o.vary, v.req); len(o.selecting) > selectMax {
			return false
		}
		if v.q.cookie && listed(o.vary, cookieName) || variesByOurs(o.vary) {
			return false // a variant for one visitor
		}
	}
	v.mark(o, res)
	return true
}

var cookieName = []byte("cookie")

// variesByOurs reports names of fields that the server gets from us and not from the
// client: what they say does not stand in the request by which variants are told apart.
// X-Forwarded-Proto and -Host may be there, since scheme and host are part of the key.
func variesByOurs(names []byte) bool {
	for name := range bytes.SplitSeq(names, comma) {
		switch id := wire.LookupField(name); id {
		case wire.XForwardedProto, wire.XForwardedHost:
		case wire.Via, wire.XRequestID, wire.Traceparent, wire.Tracestate:
			return true
		default:
			if id.AboutClient() {
				return true
			}
		}
	}
	return false
}

// Keeps implements exchange.CacheVisit.
func (v *Visit) Keeps() bool { return v.in.o != nil }

// Write implements exchange.CacheVisit.
func (v *Visit) Write(piece []byte) {
	if v.in.o != nil && !v.in.write(piece) {
		v.giveUp()
		v.store.fills.pass(v.key, v.store.env.Now())
		v.endFill()
	}
}

// giveUp keeps nothing of an answer that was on its way in.
func (v *Visit) giveUp() {
	v.in.release()
	v.in.o = nil
	v.store.counts.abandoned.Add(1)
}

// Complete implements exchange.CacheVisit. I2.
func (v *Visit) Complete() {
	o := v.in.o
	if o == nil {
		return
	}
	v.in.release()
	v.in.o = nil
	if v.store.put(v.key, o) {
		v.store.counts.kept.Add(1)
	}
	v.endFill()
}
