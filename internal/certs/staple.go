// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"
)

const (
	staplersMax      = 4
	stapleLimitBytes = 64 << 10
	stapleTimeout    = 10 * time.Second
	stapleRetry      = 5 * time.Minute
	stapleRefreshMin = time.Minute
)

var (
	errRevoked = errors.New("the certificate was revoked")
	errUnknown = errors.New("the responder does not know the certificate")
)

// staple is what is known of the OCSP answers for a certificate. Obtained
// certificates have theirs from certmagic, of which only its end and its bytes are
// known here. It is guarded by slot.mu.
type staple struct {
	leaf    *x509.Certificate // whose answers these are
	until   time.Time         // of the answer that is stapled, zero if none is
	due     time.Time         // when to ask again
	failure string            // of the last question, for humans
	kind    error             // of the failure: errRevoked, errUnknown, errNoStaple, nil for none
	raw     []byte            // of an obtained certificate's
}

// errNoStaple is the kind of all failures to get an answer.
var errNoStaple = errors.New("no answer")

func kindOf(err error) error {
	switch {
	case errors.Is(err, errRevoked):
		return errRevoked
	case errors.Is(err, errUnknown):
		return errUnknown
	}
	return errNoStaple
}

// stapleLoop asks for the staples that are due, apart from the look at the files,
// which a responder must not delay.
func (k *Keeper) stapleLoop() {
	for {
		k.stapleDue()
		select {
		case <-k.ctx.Done():
			return
		case <-k.after(lookEvery):
		}
	}
}

func (k *Keeper) stapleDue() {
	places := make(chan struct{}, staplersMax)
	var work sync.WaitGroup
	defer work.Wait()
	for _, s := range k.live.Load().pairs {
		cert := s.cert.Load()
		if !s.stapleIsDue(cert, k.now()) {
			continue
		}
		select {
		case <-k.ctx.Done():
			return
		case places <- struct{}{}:
		}
		work.Go(func() {
			defer func() { <-places }()
			k.stapleOne(s, cert)
		})
	}
}

// stapleIsDue reports whether it is time to ask about cert. A certificate that
// names no responder, or whose issuer is not in the file, cannot have a staple.
func (s *slot) stapleIsDue(cert *tls.Certificate, now time.Time) bool {
	if len(cert.Leaf.OCSPServer) == 0 || len(cert.Certificate) < 2 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.staple.leaf != cert.Leaf {
		s.staple = staple{leaf: cert.Leaf}
	}
	return !now.Before(s.staple.due)
}

// stapleOne asks once, and staples a good answer (I8). An answer that is not to be
// had leaves the one before, which look takes away when it ends; one that says revoked
// takes it away at once. Each kind of failure is told when it begins.
func (k *Keeper) stapleOne(s *slot, cert *tls.Certificate) {
	ctx, cancel := context.WithTimeout(k.ctx, stapleTimeout)
	defer cancel()
	answer, err := askResponder(ctx, cert, k.now())
	now := k.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.staple.leaf != cert.Leaf {
		return // the file has changed meanwhile
	}
	before := s.staple.kind
	if err != nil {
		s.staple.due, s.staple.failure, s.staple.kind = now.Add(stapleRetry), err.Error(), kindOf(err)
		if s.staple.kind != before && k.ctx.Err() == nil {
			k.live.Load().options.Logger.Warn("certs: no OCSP staple", "certificate", s.pair.Certificate, "error", err)
		}
		if s.staple.kind == errRevoked {
			s.unstaple(cert.Leaf)
		}
		return
	}
	s.staple.failure, s.staple.kind, s.staple.until = "", nil, answer.NextUpdate
	s.staple.due = now.Add(max(answer.NextUpdate.Sub(now)/2, stapleRefreshMin))
	with := *cert
	with.OCSPStaple = answer.Raw
	s.swap(cert.Leaf, &with)
}

// swap stores cert if the certificate in use is still that of leaf. It runs under
// s.mu with every other change of a staple; a new certificate from the files wins
// either way, since it is stored later or is seen here.
func (s *slot) swap(leaf *x509.Certificate, cert *tls.Certificate) {
	for {
		current := s.cert.Load()
		if current.Leaf != leaf || s.cert.CompareAndSwap(current, cert) {
			return
		}
	}
}

// dropStale takes a staple away that is no longer valid (I8).
func (s *slot) dropStale(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cert := s.cert.Load()
	if cert.OCSPStaple == nil || s.staple.leaf != cert.Leaf || now.Before(s.staple.until) {
		return
	}
	s.unstaple(cert.Leaf)
}

// unstaple takes the staple of leaf away. The caller holds s.mu.
func (s *slot) unstaple(leaf *x509.Certificate) {
	s.staple.until = time.Time{}
	cert := s.cert.Load()
	if cert.Leaf != leaf || cert.OCSPStaple == nil {
		return
	}
	without := *cert
	without.OCSPStaple = nil
	s.swap(leaf, &without)
}

// revoke remembers that an obtained certificate is revoked, whatever its staple says.
func (s *slot) revoke(leaf *x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = leaf
}

// mayStaple reports whether the staple of an obtained certificate is valid and says
// good.
func (s *slot) mayStaple(cert *tls.Certificate, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revoked != nil && sameSerial(s.revoked, cert.Leaf) {
		return false
	}
	if !bytes.Equal(s.staple.raw, cert.OCSPStaple) {
		s.staple = staple{raw: cert.OCSPStaple}
		if answer, err := ocsp.ParseResponse(cert.OCSPStaple, nil); err == nil && answer.Status == ocsp.Good {
			s.staple.until = answer.NextUpdate
		}
	}
	return now.Before(s.staple.until)
}

// askResponder asks the responder that a certificate names whether it is good.
func askResponder(ctx context.Context, cert *tls.Certificate, now time.Time) (*ocsp.Response, error) {
	issuer, err := x509.ParseCertificate(cert.Certificate[1])
	if err != nil {
		return nil, err
	}
	question, err := ocsp.CreateRequest(cert.Leaf, issuer, &ocsp.RequestOptions{Hash: crypto.SHA1})
	if err != nil {
		return nil, err
	}
	url := cert.Leaf.OCSPServer[0]
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/ocsp-request")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the responder %s answered %s", url, response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, stapleLimitBytes))
	if err != nil {
		return nil, err
	}
	answer, err := ocsp.ParseResponseForCert(text, cert.Leaf, issuer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer of %s: %w", url, err)
	case answer.Status == ocsp.Revoked:
		return nil, fmt.Errorf("%w at %s", errRevoked, answer.RevokedAt.Format(time.RFC3339))
	case answer.Status != ocsp.Good:
		return nil, fmt.Errorf("%w: %s", errUnknown, url)
	case !now.Before(answer.NextUpdate):
		return nil, errors.New("the responder's answer is too old")
	}
	answer.Raw = text
	return answer, nil
}

// stapledUntil reads the end of the staple that an obtained certificate carries.
func stapledUntil(cert *tls.Certificate) time.Time {
	if cert.OCSPStaple == nil {
		return time.Time{}
	}
	answer, err := ocsp.ParseResponse(cert.OCSPStaple, nil)
	if err != nil {
		return time.Time{}
	}
	return answer.NextUpdate
}
