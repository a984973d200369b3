// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"
)

const (
	verdictsMax   = 4096             // names that may have none, as far as they are remembered
	failuresMax   = 4096             // names whose orders failed
	waitersMax    = 256              // handshakes that wait, and names that are asked about
	readsMax      = 16               // looks into the storage at a time
	waitTimeout   = 20 * time.Second // of a handshake without a deadline of its own
	refusedFor    = 5 * time.Minute
	unansweredFor = 10 * time.Second // an ask URL that does not work may be back soon
)

// demand obtains certificates for names that no site lists. All it remembers of
// strangers is bounded (I5): names that were allowed by namesMax, names that were
// not by verdictsMax, failures by failuresMax, questions and waiting handshakes by
// places.
type demand struct {
	a        *automatic
	asker    *asker
	namesMax int
	waiters  chan struct{}
	reads    chan struct{}

	mu      sync.RWMutex // before automatic.mu
	names   map[string]*wanted
	refused map[string]time.Time // until when
	// failed are names that were allowed and got no certificate, with their back-off.
	// What the ask URL says of other names pushes none of them out.
	failed map[string]*slot
	asking map[string]chan struct{} // closed when answered; at most waitersMax
	full   bool                     // told that names are
	broken bool                     // told that the ask URL does not answer
}

// wanted is a name that was allowed.
type wanted struct {
	slot  *slot
	ready chan struct{} // closed when it has a certificate or has been given up
}

func newDemand(a *automatic, o OnDemand) *demand {
	return &demand{
		a: a, asker: newAsker(a, o), namesMax: onDemandNamesMax,
		waiters: make(chan struct{}, waitersMax), reads: make(chan struct{}, readsMax),
		names: map[string]*wanted{}, refused: map[string]time.Time{}, failed: map[string]*slot{},
		asking: map[string]chan struct{}{},
	}
}

// certificate returns the certificate of a name that no site lists, nil if it may
// have none. The first handshake for a name waits for the storage, for the answer of
// the ask URL and for the order, as far as places and its own context allow.
func (d *demand) certificate(ctx context.Context, name string) (*tls.Certificate, error) {
	if ctx == nil {
		ctx = context.Background() // a ClientHelloInfo made by hand
	}
	w, denied := d.look(name)
	switch {
	case denied:
		return nil, nil
	case w != nil && w.slot.usable(d.a.now()):
		return w.slot.cert.Load(), nil
	}
	if can := d.a.conf.OnDemand.Certifiable; !d.a.conf.obtainable(name) || can != nil && !can(name) {
		return nil, nil
	}
	select {
	case d.waiters <- struct{}{}:
		defer func() { <-d.waiters }()
	default:
		return nil, ErrNotYet
	}
	var patience <-chan time.Time
	if _, bounded := ctx.Deadline(); !bounded {
		patience = d.a.after(waitTimeout)
	}
	if w == nil {
		if err := d.wait(ctx, d.admit(name), patience); err != nil {
			return nil, err
		}
		if w, _ = d.look(name); w == nil {
			return nil, nil
		}
	}
	if !w.slot.usable(d.a.now()) {
		if err := d.wait(ctx, w.ready, patience); err != nil {
			return nil, err
		}
	}
	if cert := w.slot.cert.Load(); cert != nil {
		return cert, nil // maybe an old one, if no other is to be had
	}
	return nil, ErrNotYet
}

// wait waits for ready; nil: there is nothing to wait for.
func (d *demand) wait(ctx context.Context, ready <-chan struct{}, patience <-chan time.Time) error {
	if ready == nil {
		return ErrNotYet
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.a.ctx.Done():
	case <-patience:
	}
	return ErrNotYet
}

// look returns what is known of a name: that it was allowed, or is denied for now.
func (d *demand) look(name string) (w *wanted, denied bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.names[name], d.denied(name)
}

// denied reports whether a name was refused, or failed, a moment ago. The caller
// holds d.mu.
func (d *demand) denied(name string) bool {
	if d.names[name] != nil {
		return false
	}
	now := d.a.now()
	failed := d.failed[name]
	return now.Before(d.refused[name]) || failed != nil && now.Before(failed.notBefore())
}

// admit begins to find out whether a name may have a certificate. The channel is
// closed when that is known; nil: too many are asked about. All who want the same
// name share the answer, which does not depend on the patience of the first.
func (d *demand) admit(name string) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if running := d.asking[name]; running != nil {
		return running
	}
	done := make(chan struct{})
	if d.names[name] != nil || d.denied(name) { // since the caller looked
		close(done)
		return done
	}
	if len(d.asking) >= waitersMax || !d.a.spawn(func() { d.decide(name, done) }) {
		return nil
	}
	d.asking[name] = done
	return done
}

// decide admits a name that has a valid certificate in the storage, which was
// allowed before and is asked about again at its renewal, or one that the ask URL
// allows.
func (d *demand) decide(name string, done chan struct{}) {
	s := d.stored(name)
	var err error
	if s == nil {
		err = d.asker.ask(d.a.ctx, name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	defer close(done)
	delete(d.asking, name)
	switch {
	case s != nil:
		d.add(s)
		return
	case errors.Is(err, errRefused):
		d.refuse(name, refusedFor)
	case err != nil:
		d.refuse(name, unansweredFor)
		if !d.broken && d.a.ctx.Err() == nil {
			d.broken = true
			d.a.log.Warn("certs: the ask URL does not answer", "host", d.asker.url.Host, "error", err)
		}
		return
	default:
		if s = d.failed[name]; s == nil {
			s = &slot{name: name}
		}
		d.add(s)
	}
	if d.broken {
		d.broken = false
		d.a.log.Info("certs: the ask URL answers again", "host", d.asker.url.Host)
	}
}

// stored returns a slot with the valid certificate that the storage has for a name,
// nil if it has none.
func (d *demand) stored(name string) *slot {
	select {
	case d.reads <- struct{}{}:
		defer func() { <-d.reads }()
	case <-d.a.ctx.Done():
		return nil
	}
	s := &slot{name: name}
	if d.a.fromStorage(s); !s.usable(d.a.now()) {
		return nil
	}
	return s
}

// refuse remembers that a name has none. From a full table an old verdict goes: what
// it costs is one question more for that name.
func (d *demand) refuse(name string, long time.Duration) {
	if len(d.refused) >= verdictsMax {
		evict(d.refused, func(until time.Time) time.Time { return until })
	}
	d.refused[name] = d.a.now().Add(long)
}

// evict removes the entry that ends first, of some: the order of a map is random.
func evict[V any](table map[string]V, end func(V) time.Time) {
	const sample = 8
	seen, first := 0, ""
	for name, v := range table {
		if seen == 0 || end(v).Before(end(table[first])) {
			first = name
		}
		if seen++; seen == sample {
			break
		}
	}
	delete(table, first)
}

// add begins to look after a name. The caller holds d.mu.
func (d *demand) add(s *slot) {
	if len(d.names) >= d.namesMax {
		if !d.full {
			d.full = true
			d.a.log.Warn("certs: as many names on demand as allowed; no more are obtained", "names", d.namesMax)
		}
		d.refuse(s.name, refusedFor)
		return
	}
	delete(d.failed, s.name)
	d.names[s.name] = &wanted{slot: d.a.adopt(s), ready: make(chan struct{})}
}

// settle lets the handshakes go on that wait for a name. One that has got no
// certificate is forgotten but for its failures, which deny it until it would be tried
// again: a site's name is tried for ever, a stranger's is not. It reports whether it
// was forgotten.
func (d *demand) settle(s *slot) (forgotten bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.names[s.name]
	if w == nil {
		return false
	}
	select {
	case <-w.ready:
	default:
		close(w.ready)
	}
	if s.usable(d.a.now()) || !d.a.dropUnlisted(s.name) {
		return false
	}
	delete(d.names, s.name)
	d.full = false
	if len(d.failed) >= failuresMax {
		evict(d.failed, (*slot).notBefore)
	}
	d.failed[s.name] = s
	return true
}

// stillAllowed asks again about a name on demand whose certificate is renewed. One
// that is refused now is not renewed: its certificate is served until it expires.
func (d *demand) stillAllowed(ctx context.Context, name string) error {
	if s := d.a.onDemand(name); s == nil || s.cert.Load() == nil {
		return nil // a site's, or asked about a moment ago
	}
	err := d.asker.ask(ctx, name)
	if errors.Is(err, errRefused) {
		d.a.end(name)
	}
	return err
}

// expire forgets the names that are not renewed and whose certificate has expired.
func (d *demand) expire() {
	now := d.a.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, w := range d.names {
		if !w.slot.usable(now) && d.a.dropEnded(name) {
			delete(d.names, name)
			d.full = false
		}
	}
}
