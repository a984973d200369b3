// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import "time"

// entry is what is known of one name. It is guarded by Resolver.mu.
type entry struct {
	// answer is the last good one; it has no addresses if there is none.
	answer Answer
	// failure is how the last lookup failed, nil if it did not. It counts until
	// failureUntil.
	failure      *Error
	failureUntil time.Time
	// askedAt is when the last lookup ended.
	askedAt time.Time
	// forgotten: ask again as soon as ForgetEvery allows.
	forgotten bool
	// running is the lookup under way, nil if there is none.
	running *lookup
	// used is when somebody last wanted the name.
	used time.Time
}

// current returns what can be said without asking; ok is false if it is time to
// ask.
func (e *entry) current(now time.Time, cfg *Config) (a Answer, err *Error, ok bool) {
	if e.forgotten && now.Sub(e.askedAt) >= cfg.ForgetEvery {
		return Answer{}, nil, false
	}
	switch {
	case e.failure != nil && now.Before(e.failureUntil):
		if a = e.stale(now, cfg); len(a.Addrs) > 0 {
			return a, nil, true
		}
		return Answer{}, e.failure, true
	case len(e.answer.Addrs) > 0 && now.Before(e.answer.Expires):
		a = e.answer
		a.Source = SourceCache
		return a, nil, true
	}
	return Answer{}, nil, false
}

// stale returns the last good answer as a stale one, without addresses if there
// is none that may still be served (I5).
func (e *entry) stale(now time.Time, cfg *Config) Answer {
	if len(e.answer.Addrs) == 0 || now.Sub(e.answer.Expires) > cfg.MaxStale {
		return Answer{}
	}
	a := e.answer
	a.Source, a.Stale, a.StaleReason = SourceCache, true, e.failure
	return a
}

// settle takes the result of the lookup that was running and returns what its
// callers get.
func (e *entry) settle(res result, cfg *Config) result {
	now := cfg.Now()
	e.running = nil
	if res.err != nil && res.err.Kind == Canceled {
		return res // the resolver was closed: nothing was learned
	}
	e.askedAt, e.forgotten = now, false
	if res.err == nil {
		e.answer, e.failure = res.answer, nil
		return res
	}
	e.failure, e.failureUntil = res.err, now.Add(res.ttl)
	if res.err.Kind.denies() {
		e.answer = Answer{}
		return res
	}
	if a := e.stale(now, cfg); len(a.Addrs) > 0 {
		return result{answer: a}
	}
	return res
}

// evict makes room for one name: that which was not used for longest goes. It
// returns false if all of them are being asked for. The walk over all entries is
// paid only by a configuration with more names than MaxNames.
func (r *Resolver) evict() bool {
	victim, found := "", false
	for key, e := range r.entries {
		if e.running == nil && (!found || e.used.Before(r.entries[victim].used)) {
			victim, found = key, true
		}
	}
	if found {
		delete(r.entries, victim)
	}
	return found
}
