// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"time"
)

// Leaf is what a certificate is to be. The zero value is a server's certificate without a name, good from yesterday to
// tomorrow, with an ECDSA key.
type Leaf struct {
	// Names are DNS names and IP addresses; the first is the common name as well.
	Names []string
	// NotBefore and NotAfter bound its validity.
	NotBefore, NotAfter time.Time
	// RSA has it carry an RSA key of 2048 bits.
	RSA bool
	// Purposes are its extended key usages; nil is server authentication.
	Purposes []x509.ExtKeyUsage
	// IssuerURL, OCSPURL and CRLURL are where issuer and revocation are said to be found.
	IssuerURL, OCSPURL, CRLURL string
	// Edit changes the template last.
	Edit func(*x509.Certificate)
}

// day is the width of a leaf's validity on either side of now.
const day = 24 * time.Hour

// Expired is l with a validity that ended an hour ago.
func (l Leaf) Expired() Leaf {
	l.NotBefore, l.NotAfter = time.Now().Add(-2*day), time.Now().Add(-time.Hour)
	return l
}

// NotYetValid is l with a validity that begins in so long.
func (l Leaf) NotYetValid(in time.Duration) Leaf {
	l.NotBefore, l.NotAfter = time.Now().Add(in), time.Now().Add(in+2*day)
	return l
}

// ForClients is l as a client's certificate.
func (l Leaf) ForClients() Leaf {
	l.Purposes = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return l
}

// Certificate is a leaf with its key.
type Certificate struct {
	Cert   *x509.Certificate
	Issuer *Authority // nil for one that signed itself

	key crypto.Signer
}

// Issue signs a certificate.
func (a *Authority) Issue(l Leaf) *Certificate {
	t, key := l.template()
	return &Certificate{Cert: sign(t, a.Cert, key.Public(), a.key), Issuer: a, key: key}
}

// SelfSigned makes a certificate that signed itself, as installers of servers do.
func SelfSigned(l Leaf) *Certificate {
	t, key := l.template()
	return &Certificate{Cert: sign(t, t, key.Public(), key), key: key}
}

func (l Leaf) template() (*x509.Certificate, crypto.Signer) {
	key := sharedECDSA()
	if l.RSA {
		key = sharedRSA()
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "nameless"},
		NotBefore: l.NotBefore, NotAfter: l.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: l.Purposes,
	}
	for i, name := range l.Names {
		if i == 0 {
			t.Subject.CommonName = name
		}
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	if l.NotBefore.IsZero() {
		t.NotBefore = time.Now().Add(-day)
	}
	if l.NotAfter.IsZero() {
		t.NotAfter = time.Now().Add(day)
	}
	if l.Purposes == nil {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, u := range []struct {
		to  *[]string
		url string
	}{{&t.IssuingCertificateURL, l.IssuerURL}, {&t.OCSPServer, l.OCSPURL}, {&t.CRLDistributionPoints, l.CRLURL}} {
		if u.url != "" {
			*u.to = []string{u.url}
		}
	}
	if l.Edit != nil {
		l.Edit(t)
	}
	return t, key
}

// Whole is the chain as it ought to be sent: the leaf and all intermediates.
func (c *Certificate) Whole() [][]byte {
	if c.Issuer == nil {
		return c.Alone()
	}
	return append(c.Alone(), c.Issuer.chain()...)
}

// Alone is the leaf without its intermediates: cert.pem in place of fullchain.pem.
func (c *Certificate) Alone() [][]byte { return [][]byte{c.Cert.Raw} }

// With is the leaf followed by the certificates of these authorities, which need not be its own.
func (c *Certificate) With(others ...*Authority) [][]byte {
	chain := c.Alone()
	for _, a := range others {
		chain = append(chain, a.Cert.Raw)
	}
	return chain
}

// TLS joins the key with one of the chains; none is Whole.
func (c *Certificate) TLS(chain ...[]byte) tls.Certificate {
	if len(chain) == 0 {
		chain = c.Whole()
	}
	return tls.Certificate{Certificate: chain, PrivateKey: c.key, Leaf: c.Cert}
}

// Server is a configuration that shows the whole chain, with changes by edit if it is not nil.
func (c *Certificate) Server(edit func(*tls.Config)) *tls.Config {
	cfg := &tls.Config{Certificates: []tls.Certificate{c.TLS()}, MinVersion: tls.VersionTLS12}
	if edit != nil {
		edit(cfg)
	}
	return cfg
}

// Client is a configuration of somebody who trusts these authorities, and asks for name.
func Client(name string, trusted ...*Authority) *tls.Config {
	return &tls.Config{ServerName: name, RootCAs: Pool(trusted...), MinVersion: tls.VersionTLS12}
}

// ChainPEM writes a chain one below the other.
func ChainPEM(chain [][]byte) []byte {
	var b bytes.Buffer
	for _, der := range chain {
		b.Write(certPEM(der))
	}
	return b.Bytes()
}

// KeyPEM is the private key (PKCS 8).
func (c *Certificate) KeyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(c.key))})
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// Files writes NAME.pem, with the given chain (none is Whole), and NAME.key into dir, and returns their paths.
func (c *Certificate) Files(dir, name string, chain ...[]byte) (cert, key string) {
	if len(chain) == 0 {
		chain = c.Whole()
	}
	return Write(dir, name+".pem", ChainPEM(chain)), Write(dir, name+".key", c.KeyPEM())
}
