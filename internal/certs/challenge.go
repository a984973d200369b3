// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// challenges are the answers to the CA's questions under way. They are here
// instead of with certmagic, whose solvers listen on ports of their own (I4). They
// grow by our own orders only. Those of gateways that share the storage are there.
type challenges struct {
	mu   sync.Mutex
	http map[string]httpAnswer       // by path
	alpn map[string]*tls.Certificate // by name
}

type httpAnswer struct {
	host string
	text []byte
}

func newChallenges() *challenges {
	return &challenges{http: map[string]httpAnswer{}, alpn: map[string]*tls.Certificate{}}
}

// HTTPChallenge answers HTTP-01: path is that of a request under
// /.well-known/acme-challenge/, host its Host, with or without a port. The answer
// goes out with status 200 as application/octet-stream. Where ok is false the
// request is none of ours.
func (k *Keeper) HTTPChallenge(host, path string) (answer []byte, ok bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	c := k.challenges
	c.mu.Lock()
	a, ours := c.http[path]
	c.mu.Unlock()
	if ours && strings.EqualFold(a.host, host) {
		return a.text, true
	}
	if s := k.shared(); s != nil {
		text, ok := s.find(host, path)
		return []byte(text), ok
	}
	return nil, false
}

// alpnCertificate answers TLS-ALPN-01, nil if nothing is asked about name.
func (k *Keeper) alpnCertificate(name string) *tls.Certificate {
	c := k.challenges
	c.mu.Lock()
	cert := c.alpn[name]
	c.mu.Unlock()
	if s := k.shared(); cert == nil && s != nil {
		return s.certificate(name)
	}
	return cert
}

// shared returns the answers of others, nil where there can be none.
func (k *Keeper) shared() *shared {
	a := k.live.Load().automatic
	if a == nil || a.conf.DNS != nil {
		return nil
	}
	return a.shared
}

type httpSolver struct {
	*challenges
	shared *shared
}

func (s httpSolver) Present(ctx context.Context, c acme.Challenge) error {
	s.mu.Lock()
	s.http[c.HTTP01ResourcePath()] = httpAnswer{c.Identifier.Value, []byte(c.KeyAuthorization)}
	s.mu.Unlock()
	return s.shared.store(ctx, c.HTTP01ResourcePath(), c)
}

func (s httpSolver) CleanUp(ctx context.Context, c acme.Challenge) error {
	s.mu.Lock()
	delete(s.http, c.HTTP01ResourcePath())
	s.mu.Unlock()
	return s.shared.remove(ctx, c.HTTP01ResourcePath(), c)
}

type alpnSolver struct {
	*challenges
	shared *shared
}

func (s alpnSolver) Present(ctx context.Context, c acme.Challenge) error {
	cert, err := acmez.TLSALPN01ChallengeCert(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.alpn[c.Identifier.Value] = cert
	s.mu.Unlock()
	return s.shared.store(ctx, "", c)
}

func (s alpnSolver) CleanUp(ctx context.Context, c acme.Challenge) error {
	s.mu.Lock()
	delete(s.alpn, c.Identifier.Value)
	s.mu.Unlock()
	return s.shared.remove(ctx, "", c)
}

// DNSProvider publishes TXT records for DNS-01. name is the whole name, such as
// "_acme-challenge.example.com"; several values may be asked for at one name at a
// time. CleanUp is called even if Present failed.
type DNSProvider interface {
	Present(ctx context.Context, name, value string) error
	CleanUp(ctx context.Context, name, value string) error
}

// cleanUpTimeout bounds the removal of a record, which must not end with the
// order that was given up, unless the gateway ends.
const cleanUpTimeout = time.Minute

type dnsSolver struct {
	provider DNSProvider
	wait     time.Duration
	after    func(time.Duration) <-chan time.Time
	last     context.Context // its end also ends clean-ups
}

func (s dnsSolver) Present(ctx context.Context, c acme.Challenge) error {
	return s.provider.Present(ctx, c.DNS01TXTRecordName(), c.DNS01KeyAuthorization())
}

func (s dnsSolver) Wait(ctx context.Context, _ acme.Challenge) error {
	if s.wait <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.after(s.wait):
		return nil
	}
}

func (s dnsSolver) CleanUp(ctx context.Context, c acme.Challenge) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	defer context.AfterFunc(s.last, cancel)()
	return s.provider.CleanUp(ctx, c.DNS01TXTRecordName(), c.DNS01KeyAuthorization())
}
