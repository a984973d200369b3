// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// slot is the place of one certificate. The tables point to slots, so a renewed
// certificate is seen by every table at once.
type slot struct {
	// cert is what handshakes get, with its Leaf; nil: none yet. What it points to
	// is never changed.
	cert atomic.Pointer[tls.Certificate]
	// pair is set for a certificate from files, name for one that is obtained.
	pair *Pair
	name string

	mu       sync.Mutex
	stamp    stamp             // of the files in use; owned by whoever loads, as the next two
	broken   stamp             // of files that could not be used, zero also for missing ones
	looks    int               // that found these
	staple   staple            // of a certificate from files
	failures int               // tries in a row that failed, 0 if all is well
	failure  string            // of the last of them, for humans
	triedAt  time.Time         // when it was last tried to get a newer one
	nextAt   time.Time         // when it is tried again, zero if that is not known
	former   *x509.Certificate // that the one in use replaced, of those that are obtained
	revoked  *x509.Certificate // that the CA says is; of those that are obtained
	// refutedAt is when the CA last found a challenge unanswered, once for each try.
	refutedAt []time.Time
}

// refutationsMax is how many validations of a name may fail in an hour. Let's Encrypt
// allows five, for an account and name.
const refutationsMax = 4

// automatic reports whether the certificate comes from a CA.
func (s *slot) automatic() bool { return s.pair == nil }

// usable reports whether there is a certificate that clients take.
func (s *slot) usable(now time.Time) bool {
	cert := s.cert.Load()
	return cert != nil && now.Before(cert.Leaf.NotAfter)
}

// replace puts another obtained certificate into use.
func (s *slot) replace(cert *tls.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if current := s.cert.Swap(cert); current != nil && !sameSerial(current.Leaf, cert.Leaf) {
		s.former = current.Leaf
	}
}

// replaced reports whether leaf is what the certificate in use replaced.
func (s *slot) replaced(leaf *x509.Certificate) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.former != nil && sameSerial(s.former, leaf)
}

// note remembers a try. It returns how many failed in a row before this one, so
// that a caller can tell once when trouble begins and once when it ends.
func (s *slot) note(now time.Time, err error, next time.Time) (before int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.triedAt, s.nextAt = s.failures, now, next
	if err == nil {
		s.failures, s.failure = 0, ""
		return before
	}
	s.failures++
	s.failure = err.Error()
	return before
}

// notBefore returns when another try may be made: after a success at once.
func (s *slot) notBefore() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures == 0 {
		return time.Time{}
	}
	return s.nextAt
}

func (s *slot) postpone(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextAt = later(s.nextAt, until)
}

// refuted remembers a try whose validation failed.
func (s *slot) refuted(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refutedAt = append(s.refutedAt, now)
	s.refutedAt = s.refutedAt[max(0, len(s.refutedAt)-refutationsMax):]
}

// spaced returns when the next try makes no more than refutationsMax validations fail
// in an hour. One try lets as many fail as there are challenges: acmez goes on with
// the next of them at once.
func (s *slot) spaced(challenges int) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	tries := max(1, refutationsMax/max(1, challenges))
	if len(s.refutedAt) < tries {
		return time.Time{}
	}
	return s.refutedAt[len(s.refutedAt)-tries].Add(time.Hour)
}

func (s *slot) failed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures
}

// keyType names the key of a certificate for humans.
func keyType(leaf *x509.Certificate) string {
	switch k := leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return leaf.PublicKeyAlgorithm.String()
}
