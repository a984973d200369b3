// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package peercert judges the certificates that a server shows, and says what is
// wrong with them.
//
// What it is: Policy, what is asked of a server's chain; Fault, the one thing that
// is wrong, with what an owner needs to put it right. crypto/x509 judges; where it
// says no, the chain is walked once more to tell apart what its errors do not.
//
// What it never does: no network, no clock. Whether a certificate was revoked is
// known from what the server staples and from lists that the owner gives, never by
// asking somebody while a request waits.
//
// Invariants:
//
//	I1. Check returns nil only where crypto/x509 found a chain to a trusted root at
//	    the given time and the name fits.
//	I2. Trust comes before time, time before the name, the name before revocation: of
//	    several faults the one is told that has to be mended first.
//
// Start reading with Policy.Check.
package peercert

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"causey/internal/failure"
)

// Policy is what is asked of a server's certificates.
type Policy struct {
	// Roots are who is trusted, nil for the system's.
	Roots *x509.CertPool
	// Name is the host or IP address that the certificate has to name.
	Name string
	// CRLs are the lists of revoked certificates that the owner gave.
	CRLs []*CRL
	// Signers remembers who signed, nil to remember nobody.
	Signers *Signers
}

// Fault is what is wrong with a server's certificates.
type Fault struct {
	Kind failure.Kind
	// Cert is the certificate that it is about.
	Cert *x509.Certificate
	// Missing names the issuer that was neither sent nor known.
	Missing string
	// Signed reports that this issuer signed a good chain before, as HasSigned says that it
	// is known who did.
	Signed, HasSigned bool
	// Err is for people.
	Err error
}

func (f *Fault) Error() string { return fmt.Sprintf("%s: %v", f.Kind, f.Err) }
func (f *Fault) Unwrap() error { return f.Err }

// Describe adds the certificate to the evidence.
func (f *Fault) Describe(ev *failure.TLS) {
	ev.Missing, ev.MissingSigned, ev.HasSigned = f.Missing, f.Signed, f.HasSigned
	c := f.Cert
	if c == nil {
		return
	}
	ev.Subject, ev.Issuer = clip(c.Subject.String()), clip(c.Issuer.String())
	ev.NotBefore, ev.NotAfter = c.NotBefore, c.NotAfter
	for _, n := range c.DNSNames {
		ev.Names = append(ev.Names, clip(n))
	}
	for _, ip := range c.IPAddresses {
		ev.Names = append(ev.Names, ip.String())
	}
	ev.Names = ev.Names[:min(len(ev.Names), failure.NamesMax)]
}

// nameMax bounds each name that is kept of what a server sent.
const nameMax = 256

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), nameMax)], "?") }

// chainMax bounds the certificates that are looked at.
const chainMax = 16

var errNoCertificate = errors.New("the server sent no certificate")

// Check judges a chain, the server's own certificate first, as of now. staple is the
// OCSP response that came with it, if one did.
func (p *Policy) Check(chain []*x509.Certificate, staple []byte, now time.Time) *Fault {
	if len(chain) == 0 {
		return &Fault{Kind: failure.BadCert, Err: errNoCertificate}
	}
	chain = chain[:min(len(chain), chainMax)]
	verified, err := p.verify(chain, now)
	if err != nil {
		return p.explain(chain, now, err)
	}
	if err := chain[0].VerifyHostname(p.Name); err != nil {
		return &Fault{Kind: failure.WrongName, Cert: chain[0], Err: err}
	}
	p.Signers.note(verified)
	return p.revoked(verified, staple, now)
}

// CheckAt is whether the chain would do at another time.
func (p *Policy) CheckAt(chain []*x509.Certificate, at time.Time) bool {
	_, err := p.verify(chain[:min(len(chain), chainMax)], at)
	return err == nil
}

// verify finds a chain to a trusted root.
func (p *Policy) verify(chain []*x509.Certificate, at time.Time) ([]*x509.Certificate, error) {
	o := x509.VerifyOptions{Roots: p.Roots, Intermediates: x509.NewCertPool(), CurrentTime: at}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	found, err := chain[0].Verify(o)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// explain finds out why verifying failed. I2.
func (p *Policy) explain(chain []*x509.Certificate, now time.Time, err error) *Fault {
	path := walk(chain)
	if at, ok := commonTime(path, now); ok && !at.Equal(now) {
		if _, timeless := p.verify(chain, at); timeless == nil {
			return outOfTime(path, now, err)
		}
	}
	top := path[len(path)-1]
	var unknown x509.UnknownAuthorityError
	switch {
	case !errors.As(err, &unknown) && !isOutOfTime(err), signedByNoCA(path):
		return &Fault{Kind: failure.BadCert, Cert: chain[0], Err: err}
	case selfSigned(top):
		return &Fault{Kind: failure.UnknownCA, Cert: chain[0], Err: err}
	}
	f := &Fault{Kind: failure.UnknownCA, Cert: chain[0], Missing: clip(top.Issuer.String()), Err: err}
	f.Signed, f.HasSigned = p.Signers.has(top.RawIssuer)
	if len(path) == 1 {
		f.Kind = failure.ChainIncomplete
	}
	return f
}

// signedByNoCA reports that somebody on the path may not sign certificates.
func signedByNoCA(path []*x509.Certificate) bool {
	for _, c := range path[1:] {
		if !c.IsCA {
			return true
		}
	}
	return false
}

func isOutOfTime(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}

// outOfTime names the certificate of the path that is outside its time.
func outOfTime(path []*x509.Certificate, now time.Time, err error) *Fault {
	for _, c := range path {
		switch {
		case now.Before(c.NotBefore):
			return &Fault{Kind: failure.CertNotYetValid, Cert: c, Err: err}
		case now.After(c.NotAfter):
			return &Fault{Kind: failure.CertExpired, Cert: c, Err: err}
		}
	}
	// Only the trusted root is left, which is not on the path.
	return &Fault{Kind: failure.CertExpired, Cert: path[len(path)-1], Err: err}
}

// walk follows the issuers from the server's own certificate as far as they were
// sent.
func walk(chain []*x509.Certificate) []*x509.Certificate {
	path := chain[:1:1]
	for len(path) < chainMax {
		last := path[len(path)-1]
		if selfSigned(last) {
			break
		}
		i := issuerOf(last, chain[1:])
		if i < 0 {
			break
		}
		path = append(path, chain[1+i])
	}
	return path
}

func issuerOf(c *x509.Certificate, among []*x509.Certificate) int {
	for i, parent := range among {
		if bytes.Equal(c.RawIssuer, parent.RawSubject) && c != parent && parent.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
			return i
		}
	}
	return -1
}

// selfSigned reports a certificate that names itself as its issuer. Whether the
// signature is its own makes no difference to whoever does not trust it.
func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// commonTime is the time nearest to now at which all certificates of the path are
// valid, if there is one.
func commonTime(path []*x509.Certificate, now time.Time) (time.Time, bool) {
	from, until := path[0].NotBefore, path[0].NotAfter
	for _, c := range path[1:] {
		if c.NotBefore.After(from) {
			from = c.NotBefore
		}
		if c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	at := now
	if at.After(until) {
		at = until
	}
	if at.Before(from) {
		at = from
	}
	return at, !from.After(until)
}
