// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
)

const (
	ordersMax   = 20 // orders under way; certmagic would allow 1,000
	stopWait    = 3 * time.Second
	cleanEvery  = 24 * time.Hour
	keepExpired = 14 * 24 * time.Hour
)

// retry is how long to wait after the n-th failure in a row: quick at first, for what
// a moment heals, then patient.
var retry = []time.Duration{
	5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour,
}

// automatic obtains the certificates of one Automatic. A Reload with another one
// makes another automatic, which begins with what the storage has.
type automatic struct {
	conf       Automatic
	log        *slog.Logger
	now        func() time.Time
	after      func(time.Duration) <-chan time.Time
	challenges *challenges
	ended      *orders
	shared     *shared

	storage *certmagic.FileStorage
	cache   *certmagic.Cache
	config  atomic.Pointer[certmagic.Config]
	issuer  *issuer
	demand  *demand // nil: no names but those of the sites
	orders  chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	// last ends stopWait after ctx: it is for what an order leaves to be done.
	last context.Context
	cut  context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	started bool
	managed map[string]*managed
}

func newAutomatic(conf Automatic, k *Keeper, o Options) (*automatic, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	if err := conf.prepareStorage(); err != nil {
		return nil, err
	}
	a := &automatic{
		conf: conf, log: o.Logger, now: k.now, after: k.after, challenges: k.challenges, ended: &k.orders,
		storage: &certmagic.FileStorage{Path: conf.Storage},
		orders:  make(chan struct{}, ordersMax),
		managed: map[string]*managed{},
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.last, a.cut = context.WithCancel(context.Background())
	a.shared = newShared(a)
	a.issuer = newIssuer(a)
	if conf.OnDemand != nil {
		a.demand = newDemand(a, *conf.OnDemand)
	}
	logger := zapTo(o.Logger)
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return a.config.Load(), nil },
		RenewCheckInterval: conf.CheckEvery,
		OCSPCheckInterval:  conf.StapleEvery,
		Logger:             logger,
	})
	a.config.Store(certmagic.New(a.cache, certmagic.Config{
		Issuers:   []certmagic.Issuer{a.issuer},
		KeySource: certmagic.StandardKeyGenerator{KeyType: certmagic.P256},
		Storage:   a.storage,
		OnEvent:   a.onEvent,
		Logger:    logger,
	}))
	return a, nil
}

// start begins with every name that is not begun.
func (a *automatic) start() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.started && a.ctx.Err() == nil {
		a.work.Go(a.clean)
	}
	a.started = true
	for name := range a.managed {
		a.begin(name)
	}
}

// clean removes from the storage, once a day, what nobody needs: certificates that
// expired long ago, of names on demand say, and old staples.
func (a *automatic) clean() {
	for {
		a.shared.clean()
		err := certmagic.CleanStorage(a.ctx, a.storage, certmagic.CleanStorageOptions{
			Logger: a.config.Load().Logger, Interval: cleanEvery,
			OCSPStaples: true, ExpiredCerts: true, ExpiredCertGracePeriod: keepExpired,
		})
		if err != nil && a.ctx.Err() == nil {
			a.log.Warn("certs: cannot clean the storage", "error", err)
		}
		select {
		case <-a.ctx.Done():
			return
		case <-a.after(cleanEvery):
		}
	}
}

// spawn runs f as long as a is not stopped, and reports whether it does.
func (a *automatic) spawn(f func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return false
	}
	a.work.Go(f)
	return true
}

// obtain hands a name to certmagic, again and again until it has a certificate;
// from then on certmagic's maintenance renews it. (Its own retries would do the
// same without telling when.)
func (a *automatic) obtain(ctx context.Context, s *slot) {
	for {
		select {
		case <-ctx.Done():
			return
		case a.orders <- struct{}{}:
		}
		before := s.failed()
		err := a.config.Load().ManageSync(ctx, []string{s.name})
		<-a.orders
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			a.refresh(s)
			a.recovered(s)
		case s.failed() == before:
			a.failed(s, err) // it did not get as far as the issuer
		}
		if a.demand != nil && a.demand.settle(s) || err == nil {
			return
		}
		s.mu.Lock()
		wait := s.nextAt.Sub(a.now())
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-a.after(wait):
		}
	}
}

// stop ends all work, and waits for it as long as the owner may: challenges under way
// are cleaned up, which takes the network. certmagic's maintenance may be in the
// middle of a question to a CA or a responder, which is not waited for.
func (a *automatic) stop() {
	a.mu.Lock()
	a.cancel() // under the lock, so that begin adds no work after it
	a.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		a.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-a.after(stopWait):
	}
	a.cut()
	a.issuer.close()
	go a.cache.Stop()
}

// onEvent hears from certmagic; it must be quick.
func (a *automatic) onEvent(_ context.Context, event string, data map[string]any) error {
	name, _ := data["identifier"].(string)
	switch event {
	case "cert_obtained":
		if s := a.find(name); s != nil {
			a.fromStorage(s)
			a.obtained(s)
		}
	case "cert_failed":
		err, _ := data["error"].(error)
		if s := a.find(name); s != nil && err != nil && a.ctx.Err() == nil {
			a.failed(s, err)
		}
	case "cached_managed_cert":
		sans, _ := data["sans"].([]string)
		for _, name := range sans {
			if s := a.find(name); s != nil {
				a.refresh(s)
			}
		}
	case "cert_ocsp_revoked":
		a.log.Warn("certs: the CA says that a certificate is revoked; replacing it", "names", data["subjects"])
		cert, _ := data["certificate"].(certmagic.Certificate)
		for _, name := range cert.Names {
			if s := a.find(name); s != nil && cert.Leaf != nil {
				s.revoke(cert.Leaf)
				a.refresh(s)
			}
		}
	}
	return nil
}

func (a *automatic) obtained(s *slot) {
	cert := s.cert.Load()
	if cert == nil {
		return
	}
	a.ended.ok.Add(1)
	before := s.note(a.now(), nil, time.Time{})
	a.log.Info("certs: obtained a certificate", "name", s.name, "ca", a.conf.Directory,
		"expires", cert.Leaf.NotAfter.Format(time.RFC3339), "failures_before", before)
}

// recovered notes the end of trouble if the certificate came by the storage: another
// gateway got it.
func (a *automatic) recovered(s *slot) {
	cert := s.cert.Load()
	if !s.usable(a.now()) || s.failed() == 0 {
		return
	}
	before := s.note(a.now(), nil, time.Time{})
	a.log.Info("certs: the storage has a new certificate", "name", s.name,
		"expires", cert.Leaf.NotAfter.Format(time.RFC3339), "failures_before", before)
}

// failed remembers a failure and warns of the first of a row (I6).
func (a *automatic) failed(s *slot, err error) {
	now, before := a.now(), s.failed()
	if errors.Is(err, errRefused) {
		s.note(now, err, time.Time{})
		a.log.Info("certs: the ask URL refuses the name now; its certificate is served until it expires", "name", s.name)
		return
	}
	var paused *pausedError
	if errors.As(err, &paused) && before > 0 {
		s.postpone(paused.until) // it was not tried
		return
	}
	a.ended.failed.Add(1)
	next := now.Add(retry[min(before, len(retry)-1)])
	next = later(next, a.issuer.pauses.of(s.name))
	next = later(next, s.spaced(len(a.issuer.client.ChallengeSolvers)))
	if s.note(now, err, next) > 0 {
		return
	}
	uses := "none"
	if cert := s.cert.Load(); cert != nil {
		uses = "one that expires at " + cert.Leaf.NotAfter.Format(time.RFC3339)
	}
	a.log.Warn("certs: cannot obtain a certificate; trying again", "name", s.name, "ca", a.conf.Directory,
		"error", err, "next", next.Format(time.RFC3339), "in_use", uses)
}

// fromStorage takes the certificate that the storage has for a name.
func (a *automatic) fromStorage(s *slot) {
	key := a.issuer.IssuerKey()
	chain, err := a.storage.Load(a.ctx, certmagic.StorageKeys.SiteCert(key, s.name))
	if err != nil {
		return // none yet; what else may be wrong is told by certmagic's own attempt
	}
	private, err := a.storage.Load(a.ctx, certmagic.StorageKeys.SitePrivateKey(key, s.name))
	if err != nil {
		return
	}
	if cert, err := tls.X509KeyPair(chain, private); err == nil {
		s.replace(&cert)
	}
}

// refreshAll takes over what certmagic's maintenance has renewed or stapled. A
// certificate that it has dropped, since it is revoked and the CA gave no other, is
// tried again.
func (a *automatic) refreshAll() {
	for _, s := range a.slots() {
		a.refresh(s)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for name := range a.managed {
		if a.started {
			a.begin(name)
		}
	}
}

// cached returns the certificate that certmagic cares for, nil if it has none.
func (a *automatic) cached(name string) *certmagic.Certificate {
	for _, c := range a.cache.AllMatchingCertificates(name) {
		if slices.Contains(c.Names, name) && c.Leaf != nil {
			return &c
		}
	}
	return nil
}

// refresh takes the certificate that certmagic has for a name, or its staple. Between
// a renewal and certmagic's reload ours is the newer one, and certmagic's the one that
// ours replaced. A staple that is not valid any more is taken off (I8).
func (a *automatic) refresh(s *slot) {
	current := s.cert.Load()
	next := current
	if c := a.cached(s.name); c != nil && (current == nil || !s.replaced(c.Leaf)) {
		next = &c.Certificate
	}
	if next == nil {
		return
	}
	if next.OCSPStaple != nil && !s.mayStaple(next, a.now()) {
		without := *next
		without.OCSPStaple = nil
		next = &without
	}
	switch {
	case current == nil:
		s.cert.CompareAndSwap(nil, next)
	case !sameSerial(next.Leaf, current.Leaf):
		s.replace(next)
		a.recovered(s)
	case !bytes.Equal(next.OCSPStaple, current.OCSPStaple):
		s.cert.CompareAndSwap(current, next)
	}
}

// sameSerial reports whether a and b are one certificate. Their dates may be equal
// though they are two.
func sameSerial(a, b *x509.Certificate) bool {
	return a.SerialNumber.Cmp(b.SerialNumber) == 0 && bytes.Equal(a.RawIssuer, b.RawIssuer)
}
