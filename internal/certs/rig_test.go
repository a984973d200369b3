// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"

	"causey/internal/testkit"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// authority signs certificates made on the spot.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

var serial = struct {
	sync.Mutex
	last int64
}{}

func nextSerial() *big.Int {
	serial.Lock()
	defer serial.Unlock()
	serial.last++
	return big.NewInt(serial.last)
}

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: ecKey(t)}
	tmpl := &x509.Certificate{
		SerialNumber: nextSerial(), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: epoch.AddDate(-1, 0, 0), NotAfter: epoch.AddDate(10, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, a.key.Public(), a.key)
	must(t, err)
	a.cert, err = x509.ParseCertificate(der)
	must(t, err)
	return a
}

// leaf signs a certificate for names; edit may change it before.
func (a *authority) leaf(t testing.TB, key crypto.Signer, edit func(*x509.Certificate), names ...string) []byte {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: nextSerial(), Subject: pkix.Name{CommonName: "leaf"},
		NotBefore: epoch.Add(-time.Hour), NotAfter: epoch.AddDate(0, 3, 0),
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	if edit != nil {
		edit(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	must(t, err)
	return der
}

// write puts a chain and its key into files of dir.
func write(t testing.TB, dir, name string, key crypto.Signer, chain ...[]byte) Pair {
	t.Helper()
	var text bytes.Buffer
	for _, der := range chain {
		must(t, pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	p := Pair{filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(p.Certificate, text.Bytes(), 0o600))
	must(t, os.WriteFile(p.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return p
}

// pairFor makes files for names, signed by a.
func (a *authority) pairFor(t testing.TB, names ...string) Pair {
	t.Helper()
	key := ecKey(t)
	return write(t, t.TempDir(), "site", key, a.leaf(t, key, nil, names...), a.cert.Raw)
}

// store puts a certificate for a name into the storage of o, as certmagic does.
func (a *authority) store(t testing.TB, o Options, edit func(*x509.Certificate), name string) {
	t.Helper()
	named := certmagic.ACMEIssuer{CA: o.Automatic.Directory}
	key := ecKey(t)
	p := write(t, t.TempDir(), "a", key, a.leaf(t, key, edit, name), a.cert.Raw)
	at := func(key string) string { return filepath.Join(o.Automatic.Storage, key) }
	cert := at(certmagic.StorageKeys.SiteCert(named.IssuerKey(), name))
	must(t, os.MkdirAll(filepath.Dir(cert), 0o700))
	must(t, os.Rename(p.Certificate, cert))
	must(t, os.Rename(p.Key, at(certmagic.StorageKeys.SitePrivateKey(named.IssuerKey(), name))))
	must(t, os.WriteFile(at(certmagic.StorageKeys.SiteMeta(named.IssuerKey(), name)), fmt.Appendf(nil, `{"sans":[%q]}`, name), 0o600))
}

func rsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return key
}

// clock stands still until a test moves it; its After never fires.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is what a Keeper in a test stands on.
type rig struct {
	clock
	testkit.Log
}

func newRig() *rig { return &rig{clock: clock{now: epoch}} }

func (r *rig) options(sites ...Site) Options {
	return Options{
		Sites:  sites,
		Logger: slog.New(slog.NewTextHandler(&r.Log, nil)),
		Now:    r.Now,
		After:  func(time.Duration) <-chan time.Time { return nil },
	}
}

func (r *rig) keeper(t testing.TB, o Options) *Keeper {
	t.Helper()
	k, err := New(o)
	must(t, err)
	t.Cleanup(k.Close)
	return k
}

// hello is a modern client's; schemes limit what it can verify.
func hello(name string, schemes ...tls.SignatureScheme) *tls.ClientHelloInfo {
	if len(schemes) == 0 {
		schemes = []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256, tls.PKCS1WithSHA256}
	}
	return &tls.ClientHelloInfo{
		ServerName:        name,
		SupportedVersions: []uint16{tls.VersionTLS13, tls.VersionTLS12},
		SignatureSchemes:  schemes,
		SupportedCurves:   []tls.CurveID{tls.X25519, tls.CurveP256},
		CipherSuites:      []uint16{tls.TLS_AES_128_GCM_SHA256},
	}
}

// wantFor demands that a client who names host gets the certificate that names
// want; "" for none.
func wantFor(t testing.TB, k *Keeper, host, want string) *tls.Certificate {
	t.Helper()
	cert, err := k.Certificate(hello(host))
	must(t, err)
	switch {
	case cert == nil && want != "":
		t.Fatalf("%q: no certificate, want that of %s", host, want)
	case cert != nil && want == "":
		t.Fatalf("%q: got the certificate of %v, want none", host, cert.Leaf.DNSNames)
	case cert != nil && cert.Leaf.DNSNames[0] != want:
		t.Fatalf("%q: got the certificate of %v, want that of %s", host, cert.Leaf.DNSNames, want)
	}
	return cert
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
