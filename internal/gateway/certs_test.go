// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"causey/internal/config"
)

// selfSigned writes a certificate for names, and its key, into one file.
func selfSigned(t *testing.T, file string, names ...string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Each host has the certificates that crypto/x509 would take for it, in their order.
func TestPairsByName(t *testing.T) {
	dir := t.TempDir()
	text := "version: 1\nlisten: [{address: '127.0.0.1:0', tls: true}]\ntls:\n  certificates:\n"
	var leaves []*x509.Certificate
	for i, names := range [][]string{
		{"*.example.com"}, {"WWW.example.com", "example.com"}, {"192.0.2.1", "2001:db8::1"}, {"example.com"}, {"*.www.example.com"},
		{"www.example.com", "*.example.com"},
	} {
		file := filepath.Join(dir, fmt.Sprint(i))
		leaves = append(leaves, selfSigned(t, file, names...))
		text += fmt.Sprintf("    - {certificate: '%s', key: '%[1]s'}\n", file)
	}
	text += "sites: [{host: '*', routes: [{path: /, upstream: u}]}]\nupstreams: {u: {servers: ['127.0.0.1:1']}}\n"
	c, err := config.Parse(dir+"/c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	named := indexPairs(c.TLS.Certificates)
	for _, host := range []string{"example.com", "www.example.com", "a.example.com", "a.b.example.com", "a.www.example.com",
		"192.0.2.1", "2001:db8::1", "com", "example.org", "*.example.com", "*.www.example.com"} {
		var got, want []string
		for _, p := range named.of(host) {
			got = append(got, p.Certificate)
		}
		for i, leaf := range leaves {
			if slices.Contains(leaf.DNSNames, host) || host[0] != '*' && leaf.VerifyHostname(host) == nil {
				want = append(want, c.TLS.Certificates[i].Certificate)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}
