// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/wire"
)

// Visit is one exchange's way through the cache. It implements exchange.CacheVisit.
type Visit struct {
	rule  *Rule
	store *Store
	req   *wire.Request
	q     question

	key id
	// text is what key is the hash of; selecting is scratch space.
	text, selecting []byte

	// o is the answer that is here, nil for none.
	o *object
	// fill is what others wait for while we ask, nil if nobody does; waits is what we
	// wait for.
	fill, waits *fill
	// waited reports that we have waited, inVain that it was too long.
	waited, inVain bool
	canceled       chan struct{}
	// asked is when the server was asked, of validates whether o still holds.
	asked      time.Time
	validates  bool
	refreshing bool
	wants      bool // a refresh
	in         intake

	result record.Cache
	hidden failure.Code
	// forwarded is why the server was asked, as RFC 9211 section 2.2 names it;
	// upStatus is what it answered.
	forwarded string
	upStatus  int
	stored    bool

	// What is sent of o.
	part   span
	pos    int64
	values []byte // of added fields
}

func (v *Visit) reset(r *Rule) {
	*v = Visit{rule: r, store: r.store, canceled: v.canceled, text: v.text, selecting: v.selecting, values: v.values}
	select {
	case <-v.canceled:
	default:
	}
}

// begin looks at the request.
func (v *Visit) begin(r exchange.CacheRequest) {
	v.req = r.Head
	v.q.read(&v.rule.opts, r.Head)
	v.q.authorization = v.q.authorization || r.Identified
	v.identify(r.Secure)
}

func (v *Visit) identify(secure bool) {
	host, target := v.req.Bytes(v.req.HostSpan), v.req.Bytes(v.req.PathSpan)
	v.text = v.rule.opts.appendKey(v.text[:0], secure, host, target)
	v.key, v.selecting = v.store.seed.hash(kindKey, v.text, v.selecting)
}

// Step implements exchange.CacheVisit.
func (v *Visit) Step(now time.Time) exchange.CacheStep {
	switch {
	case v.refreshing:
		return v.ask(now, "stale")
	case v.req.Method != wire.GET && v.req.Method != wire.HEAD:
		v.result = record.CacheBypass
		return v.ask(now, "method")
	case v.q.bypass:
		v.result = record.CacheBypass
		return v.ask(now, "bypass")
	}
	var others bool
	v.o, others = v.store.find(v.key, v)
	if v.o != nil && v.q.authorization && !v.o.policy.shared {
		v.o = nil // it is for others
	}
	if v.o != nil {
		if step, done := v.tryUse(now); done {
			return step
		}
	}
	v.result = record.CacheMiss
	if v.q.cc.has(onlyIfCached) {
		v.forwarded = "miss"
		return exchange.CacheRefuse
	}
	why := "uri-miss"
	switch {
	case v.o != nil && v.o.left(now) > 0:
		v.result, why = record.CacheExpired, "request"
	case v.o != nil:
		v.result, why = record.CacheExpired, "stale"
	case others:
		why = "vary-miss"
	}
	return v.askOrWait(now, why)
}

// tryUse serves what is here if that is allowed.
func (v *Visit) tryUse(now time.Time) (step exchange.CacheStep, done bool) {
	switch v.o.use(&v.q, now) {
	case fresh:
		v.result = record.CacheHit
		if v.waited {
			v.result = record.CacheCollapsed
		}
	case staleAgreed:
		v.result = record.CacheStale
	case staleAsk:
		v.result = record.CacheStale
		if code, is := v.trouble(now); is {
			v.hidden = code
		} else if v.req.Method == wire.GET {
			v.fill = v.store.fills.lead(v.key)
			v.wants = v.fill != nil
		}
	default:
		code, is := v.trouble(now)
		if !is && !v.inVain || !v.o.standsIn(now) {
			return 0, false
		}
		v.result, v.hidden = record.CacheStale, code
	}
	return exchange.CacheServe, true
}

// trouble reports what keeps the server from being asked for what is here.
func (v *Visit) trouble(now time.Time) (failure.Code, bool) {
	if code, is := v.o.trouble.at(now); is {
		return code, true
	}
	return v.rule.trouble.at(now)
}

// StandsBy implements exchange.CacheVisit.
func (v *Visit) StandsBy() (patience time.Duration) {
	if v.o == nil || !v.o.standsIn(v.asked) {
		return 0
	}
	return v.store.limits.Load().CollapseWait
}

// askOrWait asks, or waits for who asks already. A request that asks for a part or under
// a condition does not wait where there is nothing yet, nor does who authorizes itself:
// its answer is no use to others, nor theirs to it.
func (v *Visit) askOrWait(now time.Time, why string) exchange.CacheStep {
	conditional := v.q.ranged >= 0 || v.q.ifNoneMatch >= 0 || v.q.ifModifiedSince >= 0
	if v.req.Method == wire.GET && !v.q.authorization && (!conditional || v.canValidate()) {
		var r role
		switch v.waits, r = v.store.fills.join(v.key, now, !v.waited); r {
		case waiting:
			return exchange.CacheWait
		case leading:
			v.fill, v.waits = v.waits, nil
		}
	}
	return v.ask(now, why)
}

func (v *Visit) ask(now time.Time, why string) exchange.CacheStep {
	v.asked, v.forwarded = now, why
	v.validates = v.req.Method == wire.GET && v.canValidate()
	return exchange.CacheAsk
}

// canValidate reports that the server can be asked whether what is here still holds.
func (v *Visit) canValidate() bool {
	return v.o != nil && (len(v.o.etag) > 0 || len(v.o.modifiedField) > 0)
}

// Wait implements exchange.CacheVisit.
func (v *Visit) Wait() {
	v.waited = true
	select {
	case <-v.waits.done:
	case <-v.canceled:
	case <-v.store.env.After(v.store.limits.Load().CollapseWait):
		v.inVain = true
	}
	v.store.fills.leave(v.waits)
	v.waits = nil
}

// Cancel implements exchange.Canceler.
func (v *Visit) Cancel() {
	select {
	case v.canceled <- struct{}{}:
	default:
	}
}

// WantsRefresh implements exchange.CacheVisit.
func (v *Visit) WantsRefresh() bool { return v.wants }

// Refresh implements exchange.CacheVisit.
func (v *Visit) Refresh(req *wire.Request) exchange.CacheVisit {
	n := v.rule.newVisit(nil)
	n.req, n.q, n.key = req, v.q, v.key
	n.text = append(n.text[:0], v.text...)
	n.o, n.refreshing, n.result = v.o, true, record.CacheRefresh
	n.fill, v.fill, v.wants = v.fill, nil, false
	return n
}

// Report implements exchange.CacheVisit.
func (v *Visit) Report() (record.Cache, failure.Code) { return v.result, v.hidden }

// Close implements exchange.CacheVisit.
func (v *Visit) Close() {
	if v.Keeps() { // it did not come to its end
		v.giveUp()
	}
	v.endFill()
	v.o, v.req = nil, nil
}

// endFill lets those go on who wait for us.
func (v *Visit) endFill() {
	if v.fill != nil {
		v.store.fills.end(v.key, v.fill)
		v.fill = nil
	}
}
