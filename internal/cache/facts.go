// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"time"

	"causey/internal/wire"
)

// self is our name in fields that name a cache: Surrogate-Control, and what we say of
// ourselves to servers.
const self = "causey"

// facts is what the head of an answer says about keeping it. Its slices are parts of
// the head.
type facts struct {
	status int
	cc     directives
	// targeted reports that a field made for caches like this one (RFC 9213) has
	// replaced what Cache-Control and Expires say.
	targeted bool

	date, lastModified  time.Time // zero if missing or no date
	etag, modifiedField []byte
	expires             time.Time
	hasExpires          bool // an Expires that is no date is one in the past
	age                 time.Duration
	ageUnknown          bool
	setCookie           bool
	varies, varyAll     bool
	pragma              bool // no-cache
}

// read fills f from a head that was received at now.
func (f *facts) read(res *wire.Response, now time.Time) {
	*f = facts{status: res.Status}
	f.cc.reset()
	var expires, age, date []byte
	expiresLines, ageLines, surrogate, cdn := 0, 0, 0, 0
	for i := range res.Fields {
		v := res.Value(i)
		switch res.Fields[i].ID {
		case wire.CacheControl:
			f.cc.parse(v)
		case wire.CDNCacheControl:
			cdn++
		case wire.SurrogateControl:
			surrogate++
		case wire.Expires:
			expires = v
			expiresLines++
		case wire.Age:
			age = v
			ageLines++
		case wire.Date:
			date = v
		case wire.ETag:
			f.etag = v
		case wire.LastModified:
			f.modifiedField = v
		case wire.SetCookie:
			f.setCookie = true
		case wire.Vary:
			f.varies = f.varies || len(v) > 0
			f.varyAll = f.varyAll || listed(v, star)
		case wire.Pragma:
			f.pragma = f.pragma || listed(v, noCacheWord)
		}
	}
	f.date, _ = parseDate(date, now)
	f.lastModified, _ = parseDate(f.modifiedField, now)
	if f.lastModified.IsZero() {
		f.modifiedField = nil
	}
	if expiresLines > 0 {
		f.hasExpires = true
		if expiresLines == 1 {
			f.expires, _ = parseDate(expires, now)
		}
	}
	if ageLines > 0 {
		secs, ok := parseAge(age)
		f.age, f.ageUnknown = time.Duration(secs)*time.Second, !ok || ageLines > 1
	}
	if cdn+surrogate > 0 {
		f.readTargeted(res)
	}
}

var star, noCacheWord = []byte{'*'}, []byte("no-cache")

// readTargeted lets a field for caches like this one take the place of Cache-Control
// (RFC 9213 section 2.1): the first of the list that is there and can be read.
func (f *facts) readTargeted(res *wire.Response) {
	var joined []byte
	for i := range res.Fields {
		if res.Fields[i].ID == wire.CDNCacheControl {
			joined = append(append(joined, res.Value(i)...), ',')
		}
	}
	var d directives
	d.reset()
	if len(joined) > 0 && d.parseDictionary(joined[:len(joined)-1]) {
		f.cc, f.targeted = d, true
		return
	}
	d.reset()
	empty := d
	for i := range res.Fields {
		if res.Fields[i].ID == wire.SurrogateControl {
			d.parseSurrogate(res.Value(i))
		}
	}
	if d.set != empty.set || d.maxAge != absent {
		f.cc, f.targeted = d, true
	}
}

// parseAge reads an Age. It is one number; any other value leaves the age unknown,
// and an answer of unknown age is not fresh. "A cache encountering a message with a
// list-based Age field value SHOULD use the first member of the field value"
// (RFC 9111 section 5.1): we do, unless a member comes twice. Then two hops have said
// the same, or one line was joined with another, and the first says nothing.
func parseAge(b []byte) (secs int64, ok bool) {
	first, rest, isList := bytes.Cut(b, comma)
	secs, ok = seconds(bytes.TrimSpace(first))
	if !ok || !isList {
		return secs, ok
	}
	for len(rest) > 0 {
		var member []byte
		member, rest, _ = bytes.Cut(rest, comma)
		if n, ok := seconds(bytes.TrimSpace(member)); !ok || n == secs {
			return 0, false
		}
	}
	return secs, true
}

// initialAge is how old the answer was when it came (RFC 9111 section 4.2.3:
// corrected_initial_age).
func (f *facts) initialAge(asked, received time.Time) time.Duration {
	age := f.age + max(received.Sub(asked), 0)
	if !f.date.IsZero() {
		age = max(age, received.Sub(f.date))
	}
	return age
}
