// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// Resolver turns names into addresses. It is safe for concurrent use.
type Resolver struct {
	cfg   Config
	hosts watchedFile[hostsTable]
	conf  watchedFile[settings] // not used if cfg.Servers is given

	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	slots  chan struct{} // one element per running lookup
	wg     sync.WaitGroup
	health serverHealth

	mu      sync.Mutex // guards what follows and the entries themselves
	entries map[string]*entry
	closed  bool
}

// New returns a Resolver. It reads no file and opens no socket until it is used.
func New(cfg Config) *Resolver {
	r := &Resolver{
		cfg:     cfg.withDefaults(),
		slots:   make(chan struct{}, maxLookups),
		entries: map[string]*entry{},
	}
	r.hosts.path, r.hosts.limitBytes, r.hosts.parse = r.cfg.HostsPath, hostsLimitBytes, parseHosts
	r.conf.path, r.conf.limitBytes, r.conf.parse = r.cfg.ResolvConfPath, resolvConfLimitBytes, parseResolvConf
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Close ends the lookups that run and waits for them. What is cached can still
// be had; every other Lookup fails with Canceled.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.wg.Wait()
}

// Lookup returns the addresses of name. The search list applies unless name
// ends with a dot. A non-nil error is an *Error.
//
// ctx bounds the waiting of this call, not the lookup, which others may be
// waiting for as well. If a last good answer exists and cannot be refreshed, or
// not within Config.StaleWait, it is returned with Stale set and no error.
func (r *Resolver) Lookup(ctx context.Context, name string) (Answer, error) {
	now := r.cfg.Now()
	key, site := canonical(name)
	if site != "" {
		return Answer{}, &Error{Name: name, Kind: BadName, Site: site, At: now}
	}
	if a, ok := r.local(key, now); ok {
		return a, nil
	}
	r.mu.Lock()
	e := r.entries[key]
	if e != nil {
		e.used = now
		if a, err, ok := e.current(now, &r.cfg); ok {
			r.mu.Unlock()
			return resultOf(a, err)
		}
	}
	e, site = r.begin(key, e, now)
	if site != "" {
		r.mu.Unlock()
		return Answer{}, refusal(key, site, now)
	}
	l := e.running
	stale, wait := r.fallback(e, now)
	r.mu.Unlock()
	return await(ctx, l, stale, wait)
}

// Forget makes the next Lookup of name ask again, for instance after a dial to
// its addresses failed. It does so at most once per Config.ForgetEvery; the last
// good answer stays at hand should the asking fail.
func (r *Resolver) Forget(name string) {
	key, site := canonical(name)
	if site != "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[key]; e != nil {
		e.forgotten = true
	}
}

// Known returns the answer that name has now, without asking anybody; ok is false
// if there is none.
func (r *Resolver) Known(name string) (a Answer, ok bool) {
	key, site := canonical(name)
	if site != "" {
		return Answer{}, false
	}
	if a, ok := r.local(key, r.cfg.Now()); ok {
		return a, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[key]
	if e == nil || len(e.answer.Addrs) == 0 {
		return Answer{}, false
	}
	return e.answer, true
}

// local answers from the hosts file and for localhost.
func (r *Resolver) local(key string, now time.Time) (Answer, bool) {
	bare := strings.TrimSuffix(key, ".")
	a := Answer{Name: key, Source: SourceHosts, TTL: fileEvery, ResolvedAt: now, Expires: now.Add(fileEvery)}
	if a.Addrs = (*r.hosts.get(now))[bare]; len(a.Addrs) > 0 {
		return a, true
	}
	if isLocalhost(bare) {
		a.Addrs, a.Source = loopback, SourceLoopback
		return a, true
	}
	return Answer{}, false
}

// begin returns the entry of key with a lookup running, starting one if there is
// none. e is the entry if it exists. site says why nothing could be started.
func (r *Resolver) begin(key string, e *entry, now time.Time) (_ *entry, site string) {
	if e != nil && e.running != nil {
		return e, ""
	}
	if r.closed {
		return nil, "closed"
	}
	if e == nil {
		if len(r.entries) >= r.cfg.MaxNames && !r.evict() {
			return nil, "names"
		}
		e = &entry{used: now}
		r.entries[key] = e
	}
	e.running = &lookup{r: r, key: key, last: e.answer.FQDN, started: now, done: make(chan struct{})}
	r.wg.Add(1)
	go r.run(e.running, e)
	return e, ""
}

// refusal is the error where no lookup could be started.
func refusal(key, site string, now time.Time) *Error {
	kind := Exhausted
	if site == "closed" {
		kind = Canceled
	}
	return &Error{Name: key, Kind: kind, Site: site, At: now}
}

// run carries out l and puts its result into e.
func (r *Resolver) run(l *lookup, e *entry) {
	defer r.wg.Done()
	ctx, cancel := context.WithTimeout(r.ctx, r.cfg.Total)
	defer cancel()
	var res result
	select {
	case r.slots <- struct{}{}:
		l.set = r.settings(l.started)
		res = l.resolve(ctx)
		<-r.slots
	case <-ctx.Done():
		// Sixty-four others used up all the time there was: the servers are slow.
		rep := reply{kind: Timeout, site: "slots"}
		if errors.Is(ctx.Err(), context.Canceled) {
			rep = reply{kind: Canceled, site: "closed"}
		}
		res = result{err: l.newError(rep, ""), ttl: r.cfg.FailureTTL}
	}
	r.mu.Lock()
	l.result = e.settle(res, &r.cfg)
	r.mu.Unlock()
	close(l.done)
}

// settings returns what counts now, from Config and resolv.conf.
func (r *Resolver) settings(now time.Time) settings {
	if len(r.cfg.Servers) > 0 {
		s := settings{servers: r.cfg.Servers, timeout: defaultTimeout, attempts: defaultAttempts}
		return s.override(&r.cfg)
	}
	return r.conf.get(now).override(&r.cfg)
}

// fallback returns the last good answer, without addresses if there is none, and
// how long a caller waits before it is given to him. That counts from the start
// of the lookup, so that callers who come later do not wait anew; and nobody
// waits where the last refresh took longer than that to fail, in which case its
// failure is the reason.
func (r *Resolver) fallback(e *entry, now time.Time) (stale Answer, wait time.Duration) {
	stale = e.stale(now, &r.cfg)
	if e.failure != nil && e.failure.Elapsed >= r.cfg.StaleWait {
		return stale, 0
	}
	stale.StaleReason = nil // to be told when the time is over
	return stale, r.cfg.StaleWait - now.Sub(e.running.started)
}

// await waits for l, for wait at most if there is a stale answer to give.
func await(ctx context.Context, l *lookup, stale Answer, wait time.Duration) (Answer, error) {
	var enough <-chan time.Time
	if len(stale.Addrs) > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-l.done:
		return resultOf(l.result.answer, l.result.err)
	case <-enough:
		if stale.StaleReason == nil {
			stale.StaleReason = l.newError(reply{kind: Timeout, site: "stale-wait"}, "")
		}
		return stale, nil
	case <-ctx.Done():
		rep := reply{kind: Canceled, site: "caller"}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			rep = reply{kind: Timeout, site: "caller"}
			if tried, _ := l.triedSoFar(); len(tried) > 0 {
				rep.server = tried[len(tried)-1].Server
			}
		}
		return Answer{}, l.newError(rep, "")
	}
}

// resultOf keeps a nil *Error from becoming a non-nil error.
func resultOf(a Answer, err *Error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	return a, nil
}
