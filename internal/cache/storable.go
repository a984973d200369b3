// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"time"
)

// policy is what an answer and its owner allow with it once it is kept.
type policy struct {
	// lifetime is how old it may be and still be fresh.
	lifetime time.Duration
	// whileRevalidate and ifError are how long beyond its lifetime it may be used
	// while it is asked for anew, and instead of an error; 0 for not at all.
	whileRevalidate, ifError time.Duration
	// noCache forbids any use without asking; strict any use once it is stale.
	noCache, strict bool
	// shared says that the answer to one who authorized itself may be another's too
	// (RFC 9111 section 3.5).
	shared bool
}

// heuristicMax bounds a lifetime that nobody gave. Squid has three days, Varnish and
// nginx have no heuristic.
const heuristicMax = 24 * time.Hour

// judge decides whether an answer may be kept (RFC 9111 section 3), and how it may be
// used then. I1.
func (o *Options) judge(q *question, f *facts, received time.Time) (p policy, ok bool) {
	cc := &f.cc
	understands := cc.has(mustUnderstand) && understood(f.status)
	p.noCache = cc.has(noCache)
	p.strict = cc.has(mustRevalidate) || cc.has(proxyRevalidate)
	p.shared = cc.has(public) || cc.has(mustRevalidate) || cc.sMaxAge != absent || f.targeted && cc.maxAge != absent
	switch {
	case !keptStatus(f.status), f.varyAll,
		cc.has(noStore) && !understands, // section 5.2.2.3: must-understand overrides it
		cc.has(mustUnderstand) && !understands,
		cc.has(private),
		f.setCookie && !listed(cc.noCacheFields, setCookieName) && !listed(cc.privateFields, setCookieName),
		q.noStore,
		q.authorization && !p.shared:
		return p, false
	}
	var explicit bool
	p.lifetime, explicit = o.lifetime(q, f, received)
	if !explicit && !heuristicStatus(f.status) && !cc.has(public) {
		return p, false
	}
	// A cookie may have made the answer one person's. That it is for everybody has to
	// be said then: by a lifetime, or as public.
	if q.cookie && !cc.has(public) && (!explicit || p.lifetime <= 0 || p.noCache) {
		return p, false
	}
	o.allowStale(&p, f)
	useful := p.lifetime > 0 || p.ifError > 0 || p.whileRevalidate > 0 || f.canBeValidated()
	return p, useful
}

var setCookieName = []byte("set-cookie")

// allowStale fills in where p may be used stale (RFC 9111 section 4.2.4, RFC 5861).
// What the answer says goes before what the owner has set for answers that say
// nothing. "s-maxage" forbids as proxy-revalidate does, unless the answer itself says
// beside it for how long it may be stale.
func (o *Options) allowStale(p *policy, f *facts) {
	if p.noCache || p.strict {
		return
	}
	owner := f.cc.sMaxAge == absent
	p.whileRevalidate = window(f.cc.whileRevalidate, o.StaleWhileRevalidate, owner)
	p.ifError = window(f.cc.ifError, o.StaleIfError, owner)
}

func window(secs int64, fallback time.Duration, mayFallBack bool) time.Duration {
	switch {
	case secs != absent:
		return time.Duration(secs) * time.Second
	case mayFallBack:
		return fallback
	}
	return 0
}

// lifetime is the freshness lifetime (RFC 9111 section 4.2.1); explicit reports that
// the answer says it itself.
func (o *Options) lifetime(q *question, f *facts, received time.Time) (d time.Duration, explicit bool) {
	cc := &f.cc
	switch {
	case cc.sMaxAge != absent:
		d, explicit = time.Duration(cc.sMaxAge)*time.Second, true
	case cc.maxAge != absent:
		d, explicit = time.Duration(cc.maxAge)*time.Second, true
	case f.targeted: // its silence on lifetimes is not filled by fields it replaced
	case f.hasExpires:
		date := f.date
		if date.IsZero() {
			date = received
		}
		return f.known(max(f.expires.Sub(date), 0)), true
	}
	switch {
	case explicit:
		return f.known(d), true
	case f.pragma || q.cookie:
		return 0, false
	case o.DefaultTTL > 0 && f.status == 200:
		return f.known(o.DefaultTTL), false
	case !f.lastModified.IsZero() && (heuristicStatus(f.status) || cc.has(public)):
		from := f.date
		if from.IsZero() {
			from = received
		}
		// "a typical setting of this fraction might be 10%" (section 4.2.2)
		return f.known(min(max(from.Sub(f.lastModified)/10, 0), heuristicMax)), false
	}
	return 0, false
}

// known is d, unless nobody knows how much of it is over.
func (f *facts) known(d time.Duration) time.Duration {
	if f.ageUnknown {
		return 0
	}
	return d
}

func (f *facts) canBeValidated() bool { return len(f.etag) > 0 || len(f.modifiedField) > 0 }

// keptStatus reports a status whose answers may be kept if they say so. Errors of
// servers are never kept: they would outlive their cause. Parts are not kept, since
// nothing here puts them together.
func keptStatus(status int) bool {
	return status >= 200 && status < 500 && status != 206 && status != 304
}

// heuristicStatus reports a status that is "heuristically cacheable" (RFC 9110
// section 15.1), of those that are kept.
func heuristicStatus(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308, 404, 405, 410, 414:
		return true
	}
	return false
}

// understood reports a status whose rules for caches we know and follow (RFC 9111
// section 5.2.2.3).
func understood(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409,
		410, 411, 412, 413, 414, 415, 417, 421, 422, 426, 428, 429, 431, 451:
		return true
	}
	return false
}
