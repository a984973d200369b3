// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Authority signs certificates.
type Authority struct {
	Cert *x509.Certificate

	key    crypto.Signer
	parent *Authority // nil for a root
}

// Root makes an authority that signed itself.
func Root(name string) *Authority { return authority(name, nil, nil) }

// Intermediate makes an authority that a signed.
func (a *Authority) Intermediate(name string) *Authority { return authority(name, a, nil) }

// Constrained makes an intermediate that may sign for names below one domain only.
func (a *Authority) Constrained(name, domain string) *Authority {
	return authority(name, a, func(t *x509.Certificate) {
		t.PermittedDNSDomains, t.PermittedDNSDomainsCritical = []string{domain}, true
	})
}

func authority(name string, parent *Authority, edit func(*x509.Certificate)) *Authority {
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name, Organization: []string{"Causey Lab"}},
		NotBefore: now.Add(-longLife), NotAfter: now.Add(longLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	if edit != nil {
		edit(t)
	}
	a := &Authority{key: newECDSA(), parent: parent}
	signer := a
	if parent != nil {
		signer = parent
		a.Cert = sign(t, parent.Cert, a.key.Public(), signer.key)
	} else {
		a.Cert = sign(t, t, a.key.Public(), signer.key)
	}
	return a
}

// longLife is how far authorities reach into the past and the future, so that leaves of any date fit into it.
const longLife = 20 * 365 * 24 * time.Hour

// Pool holds the authorities' certificates.
func Pool(all ...*Authority) *x509.CertPool {
	p := x509.NewCertPool()
	for _, a := range all {
		p.AddCert(a.Cert)
	}
	return p
}

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte { return certPEM(a.Cert.Raw) }

// chain is a's certificate and those above it, without the root.
func (a *Authority) chain() (ders [][]byte) {
	for ; a.parent != nil; a = a.parent {
		ders = append(ders, a.Cert.Raw)
	}
	return ders
}

// lastSerial begins at a time, so that certificates of two processes differ as well.
var lastSerial = func() *atomic.Int64 {
	var n atomic.Int64
	n.Store(time.Now().UnixNano())
	return &n
}()

func serial() *big.Int { return big.NewInt(lastSerial.Add(1)) }

func sign(t, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, t, parent, public, key))))
}

func newECDSA() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// The keys of leaves, made when they are first needed.
var (
	sharedECDSA = sync.OnceValue(newECDSA)
	sharedRSA   = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic("pki: " + err.Error())
	}
	return v
}

// Write writes a file into dir, readable for everybody (servers of the lab run as nobody), and returns its path.
func Write(dir, name string, content []byte) string {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		panic("pki: " + err.Error())
	}
	return path
}
