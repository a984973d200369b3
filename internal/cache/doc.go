// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package cache is a shared HTTP cache (RFC 9111): what may be kept, for how long
// it is fresh, when a stale answer may stand in, and where answers are kept.
//
// What it is: the rules, as functions of heads and times; a store of bounded size in
// memory, and one on disk if it is wanted; and the Visit, which is one exchange's
// way through both. A Rule is a route's share of it and implements exchange.Cache.
//
// What it never does: it asks no server and sends nothing, the exchange does; it
// waits only in Visit.Wait; it knows no clock but the one it is given.
//
// Invariants:
//
//	I1. An answer with Set-Cookie, one that is private, and one of status 500 and
//	    above is never kept.
//	I2. An answer is kept whole or not at all: one that was cut, or whose end the
//	    wire does not tell, never enters the store.
//	I3. Nothing a client does makes the cache grow beyond its bounds: bytes kept,
//	    bytes on the way in, variants of a key, waiters, refreshes, marks.
//	I4. An answer that was asked for before its key, tag or host was purged is not
//	    used after the purge, whichever came first to the store.
//	I5. What lies on disk is believed only if its checksum is right and each part is
//	    within its bounds.
//	I6. A stale answer stands in only where neither the answer nor the owner forbids
//	    it, and its age is always told.
//
// Start reading with Visit.Step, then judge in storable.go; store.go keeps.
//
// Decisions: docs/adr/0015.
package cache
