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
// grow by our own orders only.
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
	c := k.challenges
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.http[path]
	if !ok || !strings.EqualFold(a.host, strings.TrimSuffix(host, ".")) {
		return nil, false
	}
	return a.text, true
}

// certificate answers TLS-ALPN-01, nil if nothing is asked about name.
func (c *challenges) certificate(name string) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.alpn[name]
}

type httpSolver struct{ *challenges }

func (s httpSolver) Present(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.http[c.HTTP01ResourcePath()] = httpAnswer{c.Identifier.Value, []byte(c.KeyAuthorization)}
	return nil
}

func (s httpSolver) CleanUp(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.http, c.HTTP01ResourcePath())
	return nil
}

type alpnSolver struct{ *challenges }

func (s alpnSolver) Present(_ context.Context, c acme.Challenge) error {
	cert, err := acmez.TLSALPN01ChallengeCert(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alpn[c.Identifier.Value] = cert
	return nil
}

func (s alpnSolver) CleanUp(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.alpn, c.Identifier.Value)
	return nil
}

// DNSProvider publishes TXT records for DNS-01. name is the whole name, such as
// "_acme-challenge.example.com"; several values may be asked for at one name at a
// time. CleanUp is called even if Present failed.
type DNSProvider interface {
	Present(ctx context.Context, name, value string) error
	CleanUp(ctx context.Context, name, value string) error
}

// cleanUpTimeout bounds the removal of a record, which must not end with the
// order that was given up.
const cleanUpTimeout = time.Minute

type dnsSolver struct {
	provider DNSProvider
	wait     time.Duration
	after    func(time.Duration) <-chan time.Time
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
	return s.provider.CleanUp(ctx, c.DNS01TXTRecordName(), c.DNS01KeyAuthorization())
}
