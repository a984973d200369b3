// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"causey/bench/load"
)

// tlsName is the Host of the loads that wrk does not make, and so their SNI. wrk
// takes both from its URL, where a name must resolve: localhost.
const tlsName = "bench"

// credentials are what every contender shows to its clients: one ECDSA P-256
// certificate, made for this run.
type credentials struct {
	// Certificate and Key are files; Both holds the two together, as HAProxy wants.
	Certificate, Key, Both string
	// More are certificates for other names, with the same key.
	More []string
	// client trusts the certificate and leaves nothing to negotiate.
	client *tls.Config
}

func makeCredentials(dir string) (*credentials, error) { return makeMany(filepath.Join(dir, "tls"), 0) }

// makeMany makes more certificates, of which clients ask for the last.
func makeMany(at string, more int) (*credentials, error) {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	form := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: tlsName},
		DNSNames:     []string{tlsName, "localhost"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(7 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	asked, root := tlsName, certificate
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	c := &credentials{
		Certificate: filepath.Join(at, "certificate.pem"),
		Key:         filepath.Join(at, "key.pem"),
		Both:        filepath.Join(at, "both.pem"),
	}
	for name, text := range map[string][]byte{c.Certificate: certificate, c.Key: secret, c.Both: bytes.Join([][]byte{certificate, secret}, nil)} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return nil, err
		}
	}
	for i := range more {
		asked = fmt.Sprintf("host-%d.%s", i, tlsName)
		form.SerialNumber, form.DNSNames = big.NewInt(now.UnixNano()+int64(i)+1), []string{asked}
		if der, err = x509.CreateCertificate(rand.Reader, form, form, key.Public(), key); err != nil {
			return nil, err
		}
		root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		c.More = append(c.More, filepath.Join(at, asked+".pem"))
		if err := os.WriteFile(c.More[i], root, 0o600); err != nil {
			return nil, err
		}
	}
	// The certificate itself is the root: nothing is left to verify but the
	// signature of the handshake, which spares the generator a part of its work.
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	c.client = &tls.Config{
		RootCAs:    roots,
		ServerName: asked,
		MinVersion: tls.VersionTLS13,
		// One group, so that all contenders do the same key exchange. X25519 is what
		// OpenSSL prefers by itself; crypto/tls would prefer X25519MLKEM768, which not
		// every contender has.
		CurvePreferences: []tls.CurveID{tls.X25519},
		NextProtos:       []string{"http/1.1"},
	}
	return c, nil
}

// sameTLS returns an error unless what was negotiated is what all contenders are
// to be measured with.
func sameTLS(s *tls.ConnectionState) error {
	if s.Version == tls.VersionTLS13 && s.CurveID == tls.X25519 && s.CipherSuite == tls.TLS_AES_128_GCM_SHA256 {
		return nil
	}
	return fmt.Errorf("it negotiates %s, %v and %s, and is to be compared with TLS 1.3, X25519 and TLS_AES_128_GCM_SHA256",
		tls.VersionName(s.Version), s.CurveID, tls.CipherSuiteName(s.CipherSuite))
}

// withTLS returns the contenders that listen with TLS. They are processes of their
// own, started when a row first needs them: what TLS costs must not show in the
// plain rows, nor memory that those left behind in the idle row.
func (b *bench) withTLS() ([]*contender, error) {
	if b.secure != nil {
		return b.secure, nil
	}
	c, err := makeCredentials(b.dir)
	if err != nil {
		return nil, err
	}
	b.secure, err = startContenders(b.o, b.dir, b.origin, c, io.Discard)
	return b.secure, err
}

// closingRequest asks for one answer and the end of the connection.
var closingRequest = []byte("GET / HTTP/1.1\r\nHost: " + tlsName + "\r\nUser-Agent: causey-bench\r\nConnection: close\r\n\r\n")

// visits opens a connection per request, w.conns at a time, as fast as it goes.
func (b *bench) visits(w workload, c *contender, _ float64) (sample, error) {
	addr, err := netip.ParseAddrPort(c.addr)
	if err != nil {
		return sample{}, err
	}
	crew, err := load.Prepare(b.ctx, load.Visits{
		Addr: addr, Request: closingRequest, TLS: c.tls, AtOnce: w.conns, Resume: w.resume,
		Length: time.Duration(b.o.seconds) * time.Second,
	})
	if err != nil {
		return sample{}, err
	}
	before := c.cpu()
	o, err := crew.Run(b.ctx)
	if err != nil {
		return sample{}, err
	}
	used := float64((c.cpu() - before).Microseconds())
	if err := judgeVisits(w.resume, o); err != nil {
		return sample{}, err
	}
	return sample{
		value:  used / float64(o.Answered),
		perSec: float64(o.Answered) / o.Took.Seconds(),
		p50:    o.Latency.Quantile(0.5), p99: o.Latency.Quantile(0.99), failed: o.Failed,
	}, nil
}

// resumedShare is how many handshakes must be resumed in a row about that. The rest
// is left to servers whose tickets are refused now and then, as when a key rotates.
const resumedShare = 0.95

// judgeVisits makes sure that the handshakes were those that the row is about.
func judgeVisits(resume bool, o *load.VisitOutcome) error {
	switch {
	case o.Answered == 0:
		return fmt.Errorf("no request was answered: %w", o.Failure)
	case resume && float64(o.Resumed) < resumedShare*float64(o.Answered):
		return fmt.Errorf("%d of %d handshakes were resumed, and this row is about resumed ones", o.Resumed, o.Answered)
	case !resume && o.Resumed > 0:
		return fmt.Errorf("%d of %d handshakes were resumed, and this row is about full ones", o.Resumed, o.Answered)
	}
	return nil
}
