// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"slices"
	"time"

	"causey/internal/wire"
)

// tagsMax bounds the tags of an answer, tagMax the length of one. Further ones do not
// count; RFC 9875 section 2 asks for 128 groups of 32 characters at least.
const (
	tagsMax = 128
	tagMax  = 256
)

// mark notes in an answer which stamps may end it: those of its host and its tags.
func (v *Visit) mark(o *object, res *wire.Response) {
	host := hostWithoutPort(v.req.Bytes(v.req.HostSpan))
	sum, scratch := v.store.seed.hash(kindHost, appendLower(nil, host), nil)
	o.host = sum.slot()
	v.eachTag(res, wire.CacheGroups, func(tag []byte) {
		if len(o.tags) < tagsMax && len(tag) <= tagMax {
			sum, scratch = v.store.seed.hash(kindTag, tag, scratch)
			o.tags = append(o.tags, sum.slot())
		}
	})
}

// eachTag calls f with each tag of an answer: the strings of the field called groups,
// which is Cache-Groups or Cache-Group-Invalidation (RFC 9875), and, of an answer that
// may be kept, the words of Cache-Tag and Surrogate-Key, which others have for the same.
func (v *Visit) eachTag(res *wire.Response, groups wire.FieldID, f func(tag []byte)) {
	for i := range res.Fields {
		id := res.Fields[i].ID
		switch {
		case id == groups:
			eachString(res.Value(i), f)
		case groups != wire.CacheGroups:
		case id == wire.CacheTag:
			for tag := range bytes.SplitSeq(res.Value(i), comma) {
				f(bytes.TrimSpace(tag))
			}
		case id == wire.SurrogateKey:
			for tag := range bytes.FieldsSeq(res.Value(i)) {
				f(tag)
			}
		}
	}
}

// invalidate forgets what an unsafe request has changed: "A cache MUST invalidate the
// target URI when it receives a non-error status code in response to an unsafe request
// method", and may do so with those in Location and Content-Location if they are of the
// same origin (RFC 9111 section 4.4).
func (v *Visit) invalidate(res *wire.Response, now time.Time) {
	if v.req.Method.Safe() || res.Status < 200 || res.Status >= 400 {
		return
	}
	v.store.purgeKey(v.key, now)
	for i := range res.Fields {
		if id := res.Fields[i].ID; id == wire.Location || id == wire.ContentLocation {
			v.invalidateTarget(res.Value(i), now)
		}
	}
	v.eachTag(res, wire.CacheGroupInvalidation, func(tag []byte) {
		v.store.stampTag(tag, now)
		v.store.afterPurge()
	})
}

// invalidateTarget forgets another target of the same origin, given as a reference.
// Only absolute paths and whole URIs are followed; a relative reference is rare here,
// and leaving it is allowed.
func (v *Visit) invalidateTarget(ref []byte, now time.Time) {
	origin := v.origin()
	path, _ := bytes.CutPrefix(ref, origin)
	if len(path) == 0 || path[0] != '/' || bytes.HasPrefix(path, []byte("//")) {
		return
	}
	path, _, _ = bytes.Cut(path, []byte{'#'})
	key, _ := v.store.seed.hash(kindKey, v.rule.opts.appendTarget(slices.Clone(origin), path), nil)
	v.store.purgeKey(key, now)
}

// origin is the front of the key's text, scheme and host.
func (v *Visit) origin() []byte {
	i := bytes.Index(v.text, []byte("://")) + len("://")
	j := bytes.IndexByte(v.text[i:], '/')
	return v.text[:i+j]
}

// hostWithoutPort returns a host as a purge by host names it.
func hostWithoutPort(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}
