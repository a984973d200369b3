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
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

const (
	orderTimeout   = 10 * time.Minute // a DNS record may take minutes
	requestTimeout = 30 * time.Second
)

// issuer is certmagic's ACMEIssuer without its listeners: its solvers are ours.
type issuer struct {
	a      *automatic
	key    string
	client *acmez.Client
	// pace lets at most ten orders begin in ten seconds, as certmagic's does.
	pace    *certmagic.RingBufferRateLimiter
	account account
	pauses  pauses
}

var (
	_ certmagic.Issuer            = (*issuer)(nil)
	_ certmagic.RenewalInfoGetter = (*issuer)(nil)
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
			HTTPClient: &http.Client{Transport: pausing{a.conf.Directory, &i.pauses, a.now, transport}, Timeout: requestTimeout},
			UserAgent:  "Causey",
			Logger:     slog.New(quiet{a.log.Handler()}),
		},
		ChallengeSolvers: map[string]acmez.Solver{},
	}
	solvers := i.client.ChallengeSolvers
	if a.conf.DNS != nil {
		solvers[acme.ChallengeTypeDNS01] = dnsSolver{a.conf.DNS, a.conf.DNSWait, a.after, a.last}
		return i
	}
	if a.conf.HTTP {
		solvers[acme.ChallengeTypeHTTP01] = httpSolver{a.challenges, a.shared}
	}
	if a.conf.TLSALPN {
		solvers[acme.ChallengeTypeTLSALPN01] = alpnSolver{a.challenges, a.shared}
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
	name := subjectOf(request)
	s := i.a.find(name)
	until := i.pauses.of(name)
	if s != nil {
		until = later(until, s.notBefore())
	}
	if i.a.now().Before(until) {
		return nil, &pausedError{until}
	}
	if i.a.demand != nil {
		if err := i.a.demand.stillAllowed(ctx, name); err != nil {
			return nil, err
		}
	}
	if err := i.pace.Wait(ctx); err != nil {
		return nil, err
	}
	chain, by, err := i.order(ctx, request)
	var problem acme.Problem
	if errors.As(err, &problem) && problem.Type == acme.ProblemTypeAccountDoesNotExist {
		i.account.forget(ctx, i, by.Location)
		chain, _, err = i.order(ctx, request)
	}
	if err != nil {
		if s != nil && isRefuted(err) {
			s.refuted(i.a.now())
		}
		return nil, err
	}
	return &certmagic.IssuedCertificate{Certificate: chain.ChainPEM, Metadata: chain}, nil
}

// isRefuted reports whether the CA tried a challenge and did not find its answer.
func isRefuted(err error) bool {
	var problem acme.Problem
	if !errors.As(err, &problem) {
		return false
	}
	_, of := problem.Resource.(acme.Authorization)
	return of
}

// subjectOf names an order by its names: certmagic's have one.
func subjectOf(request *x509.CertificateRequest) string { return strings.Join(request.DNSNames, ",") }

// order makes one order, and tells by which account.
func (i *issuer) order(ctx context.Context, request *x509.CertificateRequest) (c acme.Certificate, by acme.Account, err error) {
	if by, err = i.account.get(ctx, i); err != nil {
		return c, by, err
	}
	order, err := acmez.OrderParametersFromCSR(by, request)
	if err != nil {
		return c, by, err
	}
	order.Replaces = i.replaces(request.DNSNames)
	chains, err := i.client.ObtainCertificate(about(ctx, subjectOf(request)), order)
	if err != nil {
		return c, by, err
	}
	if len(chains) == 0 {
		return c, by, fmt.Errorf("certs: %s issued no certificate", i.a.conf.Directory)
	}
	return chains[0], by, nil
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
	subject := "renewal of " + strings.Join(cert.Names, ",") // its limit says nothing about orders
	if until := i.pauses.of(subject); i.a.now().Before(until) {
		return acme.RenewalInfo{}, &pausedError{until}
	}
	return i.client.GetRenewalInfo(about(ctx, subject), cert.Leaf)
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
