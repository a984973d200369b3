// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"time"

	"causey/internal/exchange"
)

// Options are what an owner decides for a route.
type Options struct {
	// StaleIfError and StaleWhileRevalidate are for answers that do not say themselves
	// how long they may be used stale; 0 is not at all.
	StaleIfError, StaleWhileRevalidate time.Duration
	// DefaultTTL is the lifetime of answers of status 200 that say nothing, 0 for none.
	DefaultTTL time.Duration
	// BypassCookies are names of cookies, BypassHeaders of fields in lower case, whose
	// requests go to the server, and whose answers are not kept. A name of a cookie may
	// end in "*".
	BypassCookies, BypassHeaders []string
	// IgnoreQuery are names of query parameters that make no difference.
	IgnoreQuery []string
	// ObeyClients lets the Cache-Control of requests count.
	ObeyClients bool
}

// Rule is the cache of a route: the store that all routes share, and what holds for
// this one. It implements exchange.Cache.
type Rule struct {
	store *Store
	opts  Options
	// trouble is that of the route's servers.
	trouble trouble
}

// NewRule returns the cache of a route.
func NewRule(s *Store, o Options) *Rule { return &Rule{store: s, opts: o} }

// Visit implements exchange.Cache.
func (r *Rule) Visit(q exchange.CacheRequest) exchange.CacheVisit {
	v, _ := q.Again.(*Visit)
	v = r.newVisit(v)
	v.begin(q)
	return v
}

// newVisit returns a visit in the memory of an old one, if there is one.
func (r *Rule) newVisit(old *Visit) *Visit {
	if old == nil {
		old = &Visit{canceled: make(chan struct{}, 1)}
	}
	old.reset(r)
	return old
}
