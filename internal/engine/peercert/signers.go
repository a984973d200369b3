// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package peercert

import (
	"crypto/x509"
	"slices"
	"sync"
)

// signersMost bounds who is remembered: a server has one or two.
const signersMost = 16

// Signers remembers who signed the certificates of good chains: of one that lacks its
// issuer it shows whether that is a stranger. The zero value remembers nobody yet, nil
// never does.
type Signers struct {
	mu    sync.Mutex
	names []string // DER of their names, the oldest first
}

// note remembers who signed a verified chain.
func (s *Signers) note(chain []*x509.Certificate) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range chain {
		if s.knows(c.RawIssuer) {
			continue
		}
		if len(s.names) == signersMost {
			s.names = append(s.names[:0], s.names[1:]...)
		}
		s.names = append(s.names, string(c.RawIssuer))
	}
}

func (s *Signers) knows(name []byte) bool {
	return slices.ContainsFunc(s.names, func(n string) bool { return n == string(name) })
}

// has reports whether somebody signed a good chain; any is false where there was none yet.
func (s *Signers) has(name []byte) (is, any bool) {
	if s == nil {
		return false, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.knows(name), len(s.names) > 0
}
