// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package record

// Cache says what the cache did for an exchange.
type Cache uint8

// What it did.
const (
	// CacheNone: the route has no cache, or the exchange did not get that far.
	CacheNone Cache = iota
	// CacheHit: the answer was there, and fresh.
	CacheHit
	// CacheCollapsed: it was there after a wait for another request that asked for it.
	CacheCollapsed
	// CacheRevalidated: it was there, and the server said that it still holds.
	CacheRevalidated
	// CacheStale: it was there, was no longer fresh, and stood in: while it is asked
	// for anew, or for a failure, which Record.Hidden names.
	CacheStale
	// CacheMiss: there was none, so the server was asked.
	CacheMiss
	// CacheExpired: there was one that is no longer good; the server gave another.
	CacheExpired
	// CacheBypass: the request is none that a cache may answer.
	CacheBypass
	// CacheRefresh: no client waits; the cache asks for an answer that was served stale.
	CacheRefresh

	// CacheCount is the number of values.
	CacheCount = int(CacheRefresh) + 1
)

var cacheNames = [CacheCount]string{"", "hit", "collapsed", "revalidated", "stale", "miss", "expired", "bypass", "refresh"}

// String returns the stable name used in logs and API, "" for none.
func (c Cache) String() string { return cacheNames[c] }
