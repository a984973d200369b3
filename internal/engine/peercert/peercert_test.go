// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package peercert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"causey/internal/failure"
)

// now is the time of the tests.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// issuer is a certificate that signs others.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serial int64

// make signs a certificate; by nobody, it signs itself.
func (by *issuer) make(t testing.TB, name string, change func(*x509.Certificate)) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
	if change != nil {
		change(c)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{made, key}
}

func ca(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}

func named(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

func valid(from, until time.Duration) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.DNSNames = []string{"app.test"}
		c.NotBefore, c.NotAfter = now.Add(from), now.Add(until)
	}
}

// pki is a root, an intermediate and what they signed.
type pki struct{ root, middle, leaf *issuer }

func newPKI(t testing.TB) *pki {
	p := &pki{}
	p.root = (*issuer)(nil).make(t, "root", ca)
	p.middle = p.root.make(t, "intermediate", ca)
	p.leaf = p.middle.make(t, "leaf", named("app.test"))
	return p
}

func (p *pki) policy() *Policy {
	roots := x509.NewCertPool()
	roots.AddCert(p.root.cert)
	return &Policy{Roots: roots, Name: "app.test"}
}

func chain(list ...*issuer) (certs []*x509.Certificate) {
	for _, i := range list {
		certs = append(certs, i.cert)
	}
	return certs
}

// I1, and I2: of several faults the first in order is told.
func TestCheck(t *testing.T) {
	p := newPKI(t)
	other := (*issuer)(nil).make(t, "another root", ca)
	expired := p.middle.make(t, "expired", valid(-2*time.Hour, -time.Hour))
	early := p.middle.make(t, "early", valid(time.Hour, 2*time.Hour))
	oldMiddle := p.root.make(t, "old intermediate", func(c *x509.Certificate) {
		ca(c)
		c.NotBefore, c.NotAfter = now.Add(-2*time.Hour), now.Add(-time.Hour)
	})
	self := (*issuer)(nil).make(t, "self", named("app.test"))
	expiredSelf := (*issuer)(nil).make(t, "expired self", valid(-2*time.Hour, -time.Hour))
	cases := []struct {
		name    string
		chain   []*x509.Certificate
		want    failure.Kind
		missing string
	}{
		{"whole", chain(p.leaf, p.middle), failure.NoKind, ""},
		{"with its root", chain(p.leaf, p.middle, p.root), failure.NoKind, ""},
		{"in the wrong order", chain(p.leaf, p.root, p.middle), failure.NoKind, ""},
		{"nothing", nil, failure.BadCert, ""},
		{"leaf alone", chain(p.leaf), failure.ChainIncomplete, "CN=intermediate"},
		{"another's intermediate", chain(p.leaf, p.root.make(t, "unrelated", ca)), failure.ChainIncomplete, "CN=intermediate"},
		{"unknown root", chain(other.make(t, "foreign", named("app.test")), other), failure.UnknownCA, ""},
		{"root not sent", func() []*x509.Certificate {
			m := other.make(t, "foreign intermediate", ca)
			return chain(m.make(t, "foreign", named("app.test")), m)
		}(), failure.UnknownCA, "CN=another root"},
		{"self-signed", chain(self), failure.UnknownCA, ""},
		{"self-signed and expired", chain(expiredSelf), failure.UnknownCA, ""},
		{"expired", chain(expired, p.middle), failure.CertExpired, ""},
		{"expired, alone", chain(expired), failure.ChainIncomplete, "CN=intermediate"},
		{"not yet", chain(early, p.middle), failure.CertNotYetValid, ""},
		{"expired intermediate", chain(oldMiddle.make(t, "fine", named("app.test")), oldMiddle), failure.CertExpired, ""},
		{"another name", chain(p.middle.make(t, "www", named("www.test", "*.www.test")), p.middle), failure.WrongName, ""},
		{"expired and another name", chain(p.middle.make(t, "www", func(c *x509.Certificate) {
			valid(-2*time.Hour, -time.Hour)(c)
			c.DNSNames = []string{"www.test"}
		}), p.middle), failure.CertExpired, ""},
		{"for clients only", chain(p.middle.make(t, "client", func(c *x509.Certificate) {
			c.DNSNames, c.ExtKeyUsage = []string{"app.test"}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), p.middle), failure.BadCert, ""},
		{"signed by what is no CA", chain(p.leaf.make(t, "sub", named("app.test")), p.leaf, p.middle), failure.BadCert, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := p.policy().Check(tc.chain, nil, now)
			got, missing := failure.NoKind, ""
			if f != nil {
				got, missing = f.Kind, f.Missing
			}
			if got != tc.want || missing != tc.missing {
				t.Errorf("%v, missing %q (%v), want %v, missing %q", got, missing, f, tc.want, tc.missing)
			}
		})
	}
}

// The certificate that has expired is named, not the one that hangs on it.
func TestNamesTheOneThatExpired(t *testing.T) {
	p := newPKI(t)
	old := p.root.make(t, "old intermediate", func(c *x509.Certificate) { ca(c); c.NotAfter = now.Add(-time.Hour) })
	f := p.policy().Check(chain(old.make(t, "fine", named("app.test")), old), nil, now)
	var ev failure.TLS
	f.Describe(&ev)
	if ev.Subject != "CN=old intermediate" || ev.Issuer != "CN=root" || !ev.NotAfter.Equal(now.Add(-time.Hour)) {
		t.Errorf("%+v", ev)
	}
}

func TestAddress(t *testing.T) {
	p := newPKI(t)
	leaf := p.middle.make(t, "by address", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP("10.0.0.5")} })
	policy := p.policy()
	policy.Name = "10.0.0.5"
	if f := policy.Check(chain(leaf, p.middle), nil, now); f != nil {
		t.Error(f)
	}
	f := policy.Check(chain(p.leaf, p.middle), nil, now)
	if f == nil || f.Kind != failure.WrongName {
		t.Fatal(f)
	}
	var ev failure.TLS
	f.Describe(&ev)
	if len(ev.Names) != 1 || ev.Names[0] != "app.test" {
		t.Errorf("%q", ev.Names)
	}
}

func TestRevoked(t *testing.T) {
	p := newPKI(t)
	staple := func(status int, at time.Time, by *issuer) []byte {
		b, err := ocsp.CreateResponse(p.middle.cert, by.cert, ocsp.Response{
			Status: status, SerialNumber: p.leaf.cert.SerialNumber, ThisUpdate: at, NextUpdate: at.Add(time.Hour), RevokedAt: at,
		}, by.key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	list := func(by *issuer, of *issuer) *CRL {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(time.Hour),
			RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: of.cert.SerialNumber, RevocationTime: now}},
		}, by.cert, by.key)
		if err != nil {
			t.Fatal(err)
		}
		l, err := ParseCRL(der)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	impostor := p.root.make(t, "intermediate", ca) // the same name, another key
	cases := []struct {
		name   string
		staple []byte
		crls   []*CRL
		want   failure.Kind
	}{
		{"nothing said", nil, nil, failure.NoKind},
		{"staple: good", staple(ocsp.Good, now, p.middle), nil, failure.NoKind},
		{"staple: revoked", staple(ocsp.Revoked, now, p.middle), nil, failure.Revoked},
		{"staple: revoked long ago", staple(ocsp.Revoked, now.Add(-20*time.Hour), p.middle), nil, failure.Revoked},
		{"staple: from the future", staple(ocsp.Revoked, now.Add(time.Hour), p.middle), nil, failure.NoKind},
		{"staple: of somebody else", staple(ocsp.Revoked, now, impostor), nil, failure.NoKind},
		{"staple: noise", []byte("noise"), nil, failure.NoKind},
		{"list: leaf", nil, []*CRL{list(p.middle, p.leaf)}, failure.Revoked},
		{"list: intermediate", nil, []*CRL{list(p.root, p.middle)}, failure.Revoked},
		{"list: another", nil, []*CRL{list(p.middle, p.root)}, failure.NoKind},
		{"list: of somebody else", nil, []*CRL{list(impostor, p.leaf)}, failure.NoKind},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			policy := p.policy()
			policy.CRLs = tc.crls
			got := failure.NoKind
			if f := policy.Check(chain(p.leaf, p.middle), tc.staple, now); f != nil {
				got = f.Kind
			}
			if got != tc.want {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}

// Whether the issuer that is missing is a stranger is known by the chains that were good.
func TestSigners(t *testing.T) {
	p := newPKI(t)
	stranger := newPKI(t).root.make(t, "app", named("app.test"))
	policy := p.policy()
	if f := policy.Check(chain(p.leaf), nil, now); f == nil || f.HasSigned || f.Signed {
		t.Errorf("nobody is remembered: %+v", f)
	}
	policy.Signers = new(Signers)
	if f := policy.Check(chain(p.leaf), nil, now); f == nil || f.HasSigned {
		t.Errorf("none was good yet: %+v", f)
	}
	if f := policy.Check(chain(p.leaf, p.middle), nil, now); f != nil {
		t.Fatal(f)
	}
	var ev failure.TLS
	f := policy.Check(chain(p.leaf), nil, now)
	f.Describe(&ev)
	if !ev.HasSigned || !ev.MissingSigned || ev.Missing != "CN=intermediate" {
		t.Errorf("its issuer signed before: %+v", ev)
	}
	stranger.cert.RawIssuer = append([]byte(nil), "somebody else"...)
	if f := policy.Check(chain(stranger), nil, now); f == nil || !f.HasSigned || f.Signed {
		t.Errorf("a stranger: %+v", f)
	}
	for i := range 3 * signersMost {
		policy.Signers.note([]*x509.Certificate{{RawIssuer: []byte{byte(i)}}})
	}
	if len(policy.Signers.names) != signersMost {
		t.Errorf("%d are remembered", len(policy.Signers.names))
	}
}

// What a server sends is hostile: more certificates than anybody needs are not
// looked at.
func TestLongChain(t *testing.T) {
	p := newPKI(t)
	long := chain(p.leaf)
	for range 1000 {
		long = append(long, p.leaf.cert)
	}
	if f := p.policy().Check(long, nil, now); f == nil || f.Kind != failure.ChainIncomplete {
		t.Error(f)
	}
}
