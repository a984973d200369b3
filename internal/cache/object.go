// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"time"

	"causey/internal/wire"
)

// object is one kept answer. Nothing of it changes once it is in the store, except
// what it remembers of a server that failed.
type object struct {
	status int
	reason wire.Span
	// head has the fields that are sent again, and nothing else: those of this hop, Age
	// and Content-Length are made anew. short has those of a 304 (RFC 9110 section
	// 15.4.5).
	head, short wire.Head
	body        [][]byte
	size        int64 // of the body

	// asked is when it was asked for; born is when it was made, by its Age and Date:
	// its age is the time since then (RFC 9111 section 4.2.3).
	asked, born time.Time
	policy      policy
	etag        []byte // a part of head.Buf, as modifiedField
	// modified is what If-Modified-Since is compared with: Last-Modified, else Date,
	// else when it came (section 4.3.2).
	modifiedField []byte
	modified      time.Time
	// vary lists the names that choose this variant, selecting what the request had.
	vary, selecting []byte
	// host and tags are the slots of the stamps that may end it.
	host uint32
	tags []uint32

	trouble trouble
}

// age is how old the answer is.
func (o *object) age(now time.Time) time.Duration { return max(now.Sub(o.born), 0) }

// left is how long it is fresh yet, negative once it is stale.
func (o *object) left(now time.Time) time.Duration { return o.policy.lifetime - o.age(now) }

// objectOverhead is what an object costs beside its bytes: itself, its entry in the
// store and the places of its fields.
const objectOverhead = 1 << 10

// cost is how many bytes o takes in memory.
func (o *object) cost() int64 {
	n := o.size + int64(cap(o.head.Buf)) + int64(len(o.vary)+len(o.selecting)) + objectOverhead
	return n + int64(len(o.head.Fields)+len(o.short.Fields))*32
}

// matches reports whether o is the variant that req asks for. scratch is returned with
// what was used of it.
func (o *object) matches(req *wire.Request, scratch []byte) (is bool, _ []byte) {
	if len(o.vary) == 0 {
		return true, scratch
	}
	scratch = appendSelecting(scratch[:0], o.vary, req)
	return string(scratch) == string(o.selecting), scratch
}

// bodyAt returns the bytes of the body from a position on, up to the end of the chunk
// they are in.
func (o *object) bodyAt(pos int64) []byte {
	for _, c := range o.body {
		if pos < int64(len(c)) {
			return c[pos:]
		}
		pos -= int64(len(c))
	}
	return nil
}
