// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package peercert

import (
	"bytes"
	"crypto/x509"
	"errors"
	"time"

	"golang.org/x/crypto/ocsp"

	"causey/internal/failure"
)

var (
	errRevokedByStaple = errors.New("revoked, says the OCSP response that the server itself sent")
	errRevokedByList   = errors.New("revoked, says the revocation list")
)

// revoked looks for the chain's certificates among the revoked.
func (p *Policy) revoked(chain []*x509.Certificate, staple []byte, now time.Time) *Fault {
	if stapledRevoked(chain, staple, now) {
		return &Fault{Kind: failure.Revoked, Cert: chain[0], Err: errRevokedByStaple}
	}
	for i, c := range chain[:len(chain)-1] {
		for _, l := range p.CRLs {
			if l.lists(c, chain[i+1]) {
				return &Fault{Kind: failure.Revoked, Cert: c, Err: errRevokedByList}
			}
		}
	}
	return nil
}

// stapledRevoked reports that the certificate's issuer says, in a response that is
// good now, that it was revoked. A staple that cannot be read, or is old, says
// nothing.
func stapledRevoked(chain []*x509.Certificate, staple []byte, now time.Time) bool {
	if len(staple) == 0 || len(chain) < 2 {
		return false
	}
	r, err := ocsp.ParseResponseForCert(staple, chain[0], chain[1])
	if err != nil || r.Status != ocsp.Revoked {
		return false
	}
	// "Revoked" is final (RFC 6960 section 2.2), so that an old response counts too;
	// one from the future does not.
	return !now.Before(r.ThisUpdate)
}

// CRL is a list of revoked certificates (RFC 5280 section 5), made ready for looking
// up.
type CRL struct {
	list    *x509.RevocationList
	serials map[string]bool
}

// ParseCRL reads one list in DER.
func ParseCRL(der []byte) (*CRL, error) {
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	c := &CRL{l, make(map[string]bool, len(l.RevokedCertificateEntries))}
	for i := range l.RevokedCertificateEntries {
		c.serials[string(l.RevokedCertificateEntries[i].SerialNumber.Bytes())] = true
	}
	return c, nil
}

// NextUpdate is when a newer list was promised, zero for never.
func (l *CRL) NextUpdate() time.Time { return l.list.NextUpdate }

// lists reports whether l lists c, and is signed by c's issuer.
func (l *CRL) lists(c, issuer *x509.Certificate) bool {
	return bytes.Equal(l.list.RawIssuer, c.RawIssuer) && l.serials[string(c.SerialNumber.Bytes())] &&
		l.list.CheckSignatureFrom(issuer) == nil
}
