// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

const (
	orderTimeout   = 10 * time.Minute // a DNS record may take minutes
	requestTimeout = 30 * time.Second
	pauseMax       = 24 * time.Hour
)

// issuer is certmagic's ACMEIssuer without its listeners: its solvers are ours.
type issuer struct {
	a      *automatic
	key    string
	client *acmez.Client
	// pace lets at most ten orders begin in ten seconds, as certmagic's does.
	pace    *certmagic.RingBufferRateLimiter
	account account

	mu     sync.Mutex
	paused time.Time // until then the CA wants to hear nothing
}

var (
	_ certmagic.Issuer            = (*issuer)(nil)
	_ certmagic.RenewalInfoGetter = (*issuer)(nil)
	_ certmagic.Revoker           = (*issuer)(nil)
)

func newIssuer(a *automatic) *issuer {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSClientConfig:       &tls.Config{RootCAs: a.conf.Roots},
		TLSHandshakeTimeout:   requestTimeout,
		ResponseHeaderTimeout: requestTimeout,
		ForceAttemptHTTP2:     true,
	}
	named := certmagic.ACMEIssuer{CA: a.conf.Directory}
	i := &issuer{a: a, key: named.IssuerKey(), pace: certmagic.NewRateLimiter(10, 10*time.Second)}
	i.client = &acmez.Client{
		Client: &acme.Client{
			Directory:  a.conf.Directory,
			HTTPClient: &http.Client{Transport: pausing{i, transport}, Timeout: requestTimeout},
			UserAgent:  "Causey",
			Logger:     slog.New(quiet{a.log.Handler()}),
		},
		ChallengeSolvers: map[string]acmez.Solver{},
	}
	solvers := i.client.ChallengeSolvers
	if a.conf.DNS != nil {
		solvers[acme.ChallengeTypeDNS01] = dnsSolver{a.conf.DNS, a.conf.DNSWait, a.after}
		return i
	}
	if a.conf.HTTP {
		solvers[acme.ChallengeTypeHTTP01] = httpSolver{a.challenges}
	}
	if a.conf.TLSALPN {
		solvers[acme.ChallengeTypeTLSALPN01] = alpnSolver{a.challenges}
	}
	return i
}

func (i *issuer) close() {
	i.pace.Stop()
	i.client.HTTPClient.CloseIdleConnections()
}

// IssuerKey names the CA in the storage, as certmagic's own issuer does.
func (i *issuer) IssuerKey() string { return i.key }

// bound returns a context that ends with ctx, with the keeper, or after orderTimeout.
func (i *issuer) bound(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	stop := context.AfterFunc(i.a.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// Issue orders a certificate. It is called by certmagic, which keeps two orders
// for the same name apart. Where certmagic would try again by itself, for up to 30
// days, it does so in the goroutine that looks after all certificates (it replaces
// a revoked one there), so it is told not to: refreshAll begins anew.
func (i *issuer) Issue(ctx context.Context, request *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	issued, err := i.issue(ctx, request)
	if _, retries := ctx.Value(certmagic.AttemptsCtxKey).(*int); retries && err != nil {
		return nil, certmagic.ErrNoRetry{Err: err}
	}
	return issued, err
}

func (i *issuer) issue(ctx context.Context, request *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	ctx, done := i.bound(ctx)
	defer done()
	if until := i.pausedUntil(); i.a.now().Before(until) {
		return nil, &pausedError{until}
	}
	if i.a.demand != nil {
		if err := i.a.demand.stillAllowed(ctx, request.DNSNames); err != nil {
			return nil, err
		}
	}
	if err := i.pace.Wait(ctx); err != nil {
		return nil, err
	}
	chain, err := i.order(ctx, request)
	var problem acme.Problem
	if errors.As(err, &problem) && problem.Type == acme.ProblemTypeAccountDoesNotExist {
		i.account.forget(ctx, i.a.storage, i.key)
		chain, err = i.order(ctx, request)
	}
	if err != nil {
		return nil, err
	}
	return &certmagic.IssuedCertificate{Certificate: chain.ChainPEM, Metadata: chain}, nil
}

func (i *issuer) order(ctx context.Context, request *x509.CertificateRequest) (acme.Certificate, error) {
	account, err := i.account.get(ctx, i)
	if err != nil {
		return acme.Certificate{}, err
	}
	order, err := acmez.OrderParametersFromCSR(account, request)
	if err != nil {
		return acme.Certificate{}, err
	}
	order.Replaces = i.replaces(request.DNSNames)
	chains, err := i.client.ObtainCertificate(ctx, order)
	if err != nil {
		return acme.Certificate{}, err
	}
	if len(chains) == 0 {
		return acme.Certificate{}, fmt.Errorf("certs: %s issued no certificate", i.a.conf.Directory)
	}
	return chains[0], nil
}

// replaces returns the certificate that a new one is to replace, which the CA may
// spare from its rate limit (RFC 9773, section 5). Only the first try says so: a CA
// that does not know the old certificate refuses the order.
func (i *issuer) replaces(names []string) *x509.Certificate {
	if len(names) != 1 {
		return nil
	}
	s := i.a.find(names[0])
	if s == nil || s.failed() > 0 {
		return nil
	}
	cert := s.cert.Load()
	if cert == nil || len(cert.Leaf.AuthorityKeyId) == 0 {
		return nil
	}
	return cert.Leaf
}

// GetRenewalInfo asks the CA when it wants a certificate renewed (RFC 9773).
func (i *issuer) GetRenewalInfo(ctx context.Context, cert certmagic.Certificate) (acme.RenewalInfo, error) {
	ctx, done := i.bound(ctx)
	defer done()
	return i.client.GetRenewalInfo(ctx, cert.Leaf)
}

// Revoke tells the CA that a certificate must not be trusted any more.
func (i *issuer) Revoke(ctx context.Context, cert certmagic.CertificateResource, reason int) error {
	ctx, done := i.bound(ctx)
	defer done()
	account, err := i.account.get(ctx, i)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cert.CertificatePEM, cert.PrivateKeyPEM)
	if err != nil {
		return err
	}
	return i.client.RevokeCertificate(ctx, account, pair.Leaf, account.PrivateKey, reason)
}

// pausedError: the CA asked for a pause, and it is not over.
type pausedError struct{ until time.Time }

func (e *pausedError) Error() string {
	return "certs: the CA allows no order before " + e.until.UTC().Format(time.RFC3339)
}

func (i *issuer) pausedUntil() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.paused
}

// pausing notes the Retry-After of a CA that is over its limit. certmagic does not
// look at it, and would go on asking by its own schedule.
type pausing struct {
	i    *issuer
	base http.RoundTripper
}

func (p pausing) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := p.base.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusTooManyRequests {
		return response, err
	}
	now := p.i.a.now()
	var wait time.Duration
	if header := response.Header.Get("Retry-After"); header != "" {
		if seconds, err := strconv.Atoi(header); err == nil {
			wait = time.Duration(seconds) * time.Second
		} else if at, err := http.ParseTime(header); err == nil {
			wait = at.Sub(now)
		}
	}
	p.i.mu.Lock()
	defer p.i.mu.Unlock()
	p.i.paused = now.Add(min(wait, pauseMax))
	return response, nil
}

func (p pausing) CloseIdleConnections() {
	if c, ok := p.base.(*http.Transport); ok {
		c.CloseIdleConnections()
	}
}

// quiet lets acmez say everything as Debug only, like bridge does for certmagic.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, _ slog.Level) bool {
	return q.Handler.Enabled(ctx, slog.LevelDebug)
}

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return q.Handler.Handle(ctx, r)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }
func (q quiet) WithGroup(name string) slog.Handler       { return quiet{q.Handler.WithGroup(name)} }
