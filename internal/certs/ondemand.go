// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	asksMax       = 8    // questions to the ask URL at a time
	verdictsMax   = 4096 // answers that are remembered
	waitersMax    = 256  // handshakes that wait for a certificate
	askTimeout    = 5 * time.Second
	waitTimeout   = 20 * time.Second // of a handshake without a deadline of its own
	refusedFor    = 5 * time.Minute
	unansweredFor = 10 * time.Second // an ask URL that does not work may be back soon
)

// errRefused: the ask URL says that a name may have no certificate.
var errRefused = errors.New("certs: the ask URL refuses the name")

// demand obtains certificates for names that no site lists. All it remembers of
// strangers is bounded (I5): names that were allowed by namesMax, names that were
// not by verdictsMax, questions and waiting handshakes by places.
type demand struct {
	a        *automatic
	ask      *url.URL
	client   *http.Client
	namesMax int
	asks     chan struct{}
	waiters  chan struct{}

	mu      sync.RWMutex
	names   map[string]*wanted
	refused map[string]time.Time // until when
	asking  map[string]*inquiry  // at most asksMax
	full    bool                 // told that names are
	broken  bool                 // told that the ask URL does not answer
}

// wanted is a name that was allowed.
type wanted struct {
	slot  *slot
	ready chan struct{} // closed when it has a certificate or has been given up
}

// inquiry is a question to the ask URL.
type inquiry struct {
	answered chan struct{} // closed when the answer is there
	wanted   *wanted       // if it was yes; read it when it is answered
}

func newDemand(a *automatic, o OnDemand) *demand {
	u, _ := url.Parse(o.Ask) // checked before
	d := &demand{
		a: a, ask: u, namesMax: o.NamesMax,
		client: &http.Client{
			Timeout:       askTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		asks: make(chan struct{}, asksMax), waiters: make(chan struct{}, waitersMax),
		names: map[string]*wanted{}, refused: map[string]time.Time{}, asking: map[string]*inquiry{},
	}
	if d.namesMax <= 0 {
		d.namesMax = onDemandNamesMax
	}
	return d
}

func (d *demand) has(name string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.names[name] != nil
}

// certificate returns the certificate of a name that no site lists, nil if it may
// have none. The first handshake for a name waits for the answer of the ask URL and
// for the order, as far as places and its own context allow. What it waits for goes
// on without it, for the next one.
func (d *demand) certificate(ctx context.Context, name string) (*tls.Certificate, error) {
	if !d.a.conf.eligible(name) {
		return nil, nil
	}
	w, refused := d.known(name)
	switch {
	case refused:
		return nil, nil
	case w != nil && w.slot.cert.Load() != nil:
		return w.slot.cert.Load(), nil
	}
	select {
	case d.waiters <- struct{}{}:
		defer func() { <-d.waiters }()
	default:
		return nil, ErrNotYet
	}
	if ctx == nil {
		ctx = context.Background() // a ClientHelloInfo made by hand
	}
	var late <-chan time.Time
	if _, bounded := ctx.Deadline(); !bounded {
		late = d.a.after(waitTimeout)
	}
	if w == nil {
		q := d.admit(name)
		if q == nil {
			return nil, nil
		}
		if err := await(ctx, q.answered, late); err != nil {
			return nil, err
		}
		if w = q.wanted; w == nil {
			return nil, nil
		}
	}
	if err := await(ctx, w.ready, late); err != nil {
		return nil, err
	}
	if cert := w.slot.cert.Load(); cert != nil {
		return cert, nil
	}
	return nil, ErrNotYet
}

// await waits until ready is closed.
func await(ctx context.Context, ready <-chan struct{}, late <-chan time.Time) error {
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late:
		return ErrNotYet
	}
}

// known returns what was answered about a name: it is wanted, or refused, or
// neither was said.
func (d *demand) known(name string) (w *wanted, refused bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.names[name], d.names[name] == nil && d.a.now().Before(d.refused[name])
}

// admit has the ask URL asked whether a name may have a certificate, and begins to
// obtain it if so. Others who want the same name meanwhile share the answer; others
// who want another while all places are taken get none, nil.
func (d *demand) admit(name string) *inquiry {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.asking[name]
	if q != nil {
		return q
	}
	q = &inquiry{answered: make(chan struct{}), wanted: d.names[name]}
	if q.wanted != nil || d.a.now().Before(d.refused[name]) { // answered since the caller looked
		close(q.answered)
		return q
	}
	select {
	case d.asks <- struct{}{}:
	default:
		return nil
	}
	if !d.a.goUnlessStopped(func() { d.inquire(name, q) }) {
		<-d.asks
		return nil
	}
	d.asking[name] = q
	return q
}

// inquire asks about a name. It does not belong to the client that came first: one
// that leaves must not spoil the answer for the others.
func (d *demand) inquire(name string, q *inquiry) {
	err := d.question(d.a.ctx, name)
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() {
		delete(d.asking, name)
		<-d.asks
		close(q.answered)
	}()
	switch {
	case errors.Is(err, errRefused):
		d.broken = false
		d.refuse(name, refusedFor)
	case err != nil:
		d.refuse(name, unansweredFor)
		if !d.broken && d.a.ctx.Err() == nil {
			d.broken = true
			d.a.log.Warn("certs: the ask URL does not answer", "host", d.ask.Host, "error", err)
		}
	default:
		d.broken = false
		q.wanted = d.add(name)
	}
}

// refuse remembers that a name has none. A full table is emptied: what it costs
// then is one question more for each name.
func (d *demand) refuse(name string, long time.Duration) {
	if len(d.refused) >= verdictsMax {
		clear(d.refused)
	}
	d.refused[name] = d.a.now().Add(long)
}

// add begins to obtain a name. The caller holds d.mu.
func (d *demand) add(name string) *wanted {
	if len(d.names) >= d.namesMax {
		if !d.full {
			d.full = true
			d.a.log.Warn("certs: as many names on demand as allowed; no more are obtained", "names", d.namesMax)
		}
		d.refuse(name, refusedFor)
		return nil
	}
	w := &wanted{slot: d.a.slot(name, false), ready: make(chan struct{})}
	d.names[name] = w
	d.a.mu.Lock()
	d.a.begin(name)
	d.a.mu.Unlock()
	return w
}

// settle lets the handshakes go on that wait for a name. One that has got no
// certificate is forgotten, and refused until it would be tried again: a site's
// name is tried for ever, a stranger's is not. It reports whether it was forgotten.
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
	if s.cert.Load() != nil || !d.a.dropUnlisted(s.name) {
		return false
	}
	s.mu.Lock()
	next := s.nextAt
	s.mu.Unlock()
	delete(d.names, s.name)
	d.refuse(s.name, next.Sub(d.a.now()))
	return true
}

// stillAllowed asks again about a name on demand whose certificate is renewed. One
// that is refused now is forgotten; it keeps its certificate in the storage.
func (d *demand) stillAllowed(ctx context.Context, names []string) error {
	if len(names) != 1 || !d.has(names[0]) {
		return nil
	}
	name := names[0]
	if s := d.a.find(name); s == nil || s.cert.Load() == nil {
		return nil // it was asked a moment ago
	}
	err := d.question(ctx, name)
	if errors.Is(err, errRefused) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.a.dropUnlisted(name) {
			delete(d.names, name)
			d.refuse(name, refusedFor)
		}
	}
	return err
}

// question asks the URL.
func (d *demand) question(ctx context.Context, name string) error {
	u := *d.ask
	query := u.Query()
	query.Set("domain", name)
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	response, err := d.client.Do(request)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10) // so that the connection can be used again
	_ = response.Body.Close()
	switch {
	case response.StatusCode == http.StatusOK:
		return nil
	case response.StatusCode >= 500:
		return fmt.Errorf("certs: the ask URL answered %s", response.Status)
	}
	return errRefused
}
