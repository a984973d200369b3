// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"time"

	"causey/internal/wire"
)

// question is what a request's head says about the cache. Fields are remembered by
// their index, since the bytes of a head may move.
type question struct {
	cc directives
	// noStore forbids to keep the answer. authorization: the client says who it is, by
	// Authorization or a certificate.
	noStore, cookie, authorization bool
	// ifNoneMatch and so on are indexes of fields, -1 for none.
	ifNoneMatch, ifModifiedSince, ranged, ifRange int
	// precondition: it is about the state of the resource, which only the server knows.
	precondition bool
	// bypass: the owner, or what is asked, leaves the cache out of it.
	bypass bool
}

// read fills q.
func (q *question) read(o *Options, req *wire.Request) {
	*q = question{ifNoneMatch: -1, ifModifiedSince: -1, ranged: -1, ifRange: -1}
	q.cc.reset()
	hasControl, pragma := false, false
	for i := range req.Fields {
		switch req.Fields[i].ID {
		case wire.CacheControl:
			hasControl = true
			if o.ObeyClients {
				q.cc.parse(req.Value(i))
			}
		case wire.Pragma:
			pragma = pragma || o.ObeyClients && listed(req.Value(i), noCacheWord)
		case wire.Cookie:
			q.cookie = true
			q.bypass = q.bypass || hasCookie(o.BypassCookies, req.Value(i))
		case wire.Authorization:
			q.authorization = true
		case wire.IfNoneMatch:
			q.ifNoneMatch = i
		case wire.IfModifiedSince:
			q.ifModifiedSince = i
		case wire.IfMatch, wire.IfUnmodifiedSince:
			q.precondition = true
		case wire.Range:
			q.ranged = i
		case wire.IfRange:
			q.ifRange = i
		}
		if len(o.BypassHeaders) > 0 {
			q.bypass = q.bypass || o.bypassesHeader(req.Name(i))
		}
	}
	if pragma && !hasControl { // RFC 9111 section 5.4
		q.cc.set |= noCache
	}
	q.noStore = q.cc.has(noStore)
	q.bypass = q.bypass || q.noStore || q.precondition || req.HasBody() || req.Upgrade
}

func (o *Options) bypassesHeader(name []byte) bool {
	for _, h := range o.BypassHeaders {
		if wire.EqualFold(name, h) {
			return true
		}
	}
	return false
}

// hasCookie reports whether a Cookie field has one of the listed cookies.
func hasCookie(names []string, field []byte) bool {
	if len(names) == 0 {
		return false
	}
	for len(field) > 0 {
		var pair []byte
		pair, field, _ = bytes.Cut(field, []byte{';'})
		name, _, _ := bytes.Cut(pair, []byte{'='})
		if matchesPattern(names, bytes.TrimSpace(name)) {
			return true
		}
	}
	return false
}

// use is how an answer may be used for a request.
type use uint8

const (
	mustAsk     use = iota
	fresh           // as it is
	staleAsk        // stale, while it is asked for anew
	staleAgreed     // stale, and the client agreed to that
)

// use decides how o may be used for q at now (RFC 9111 section 4).
func (o *object) use(q *question, now time.Time) use {
	left, age := o.left(now), o.age(now)
	cc := &q.cc
	switch {
	case o.policy.noCache, cc.has(noCache):
		return mustAsk
	case cc.maxAge != absent && age > time.Duration(cc.maxAge)*time.Second:
		return mustAsk
	case cc.minFresh != absent:
		if left < time.Duration(cc.minFresh)*time.Second {
			return mustAsk
		}
		return fresh
	case left > 0:
		return fresh
	case -left <= o.policy.whileRevalidate && o.policy.whileRevalidate > 0:
		return staleAsk
	case o.policy.strict:
		return mustAsk
	case cc.has(anyStale), cc.maxStale != absent && -left <= time.Duration(cc.maxStale)*time.Second:
		return staleAgreed
	}
	return mustAsk
}

// standsIn reports whether o may be used instead of an error. I6.
func (o *object) standsIn(now time.Time) bool {
	return o.policy.ifError > 0 && -o.left(now) <= o.policy.ifError
}

// isNotModified reports whether the client has what o is (RFC 9110 section 13.2.2): by
// its tag if it names any, else by its date.
func (o *object) isNotModified(q *question, req *wire.Request, now time.Time) bool {
	if o.status != 200 {
		return false
	}
	if i := q.ifNoneMatch; i >= 0 {
		v := req.Value(i)
		return bytes.Equal(v, star) || matchesAny(v, o.etag)
	}
	if i := q.ifModifiedSince; i >= 0 {
		since, ok := parseDate(req.Value(i), now)
		return ok && !o.modified.After(since)
	}
	return false
}

// allowsRange reports whether an If-Range lets a part of o be sent (RFC 9110 section
// 13.1.5): it has to be the very same body.
func (o *object) allowsRange(q *question, req *wire.Request) bool {
	if q.ifRange < 0 {
		return true
	}
	v := req.Value(q.ifRange)
	if len(v) > 0 && (v[0] == '"' || v[0] == 'W') {
		return len(o.etag) > 0 && !isWeak(o.etag) && !isWeak(v) && bytes.Equal(v, o.etag)
	}
	return len(o.modifiedField) > 0 && bytes.Equal(v, o.modifiedField)
}
