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
	stamp    stamp     // of the files as last looked at; owned by whoever loads
	staple   staple    // of a certificate from files
	failures int       // tries in a row that failed, 0 if all is well
	failure  string    // of the last of them, for humans
	triedAt  time.Time // when it was last tried to get a newer one
	nextAt   time.Time // when it is tried again, zero if that is not known
}

// automatic reports whether the certificate comes from a CA.
func (s *slot) automatic() bool { return s.pair == nil }

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
