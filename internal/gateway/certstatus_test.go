// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"causey/internal/admin"
)

// certFile writes a certificate with its key and returns the file's name.
func certFile(t *testing.T, until time.Time, names ...string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: until.AddDate(0, -3, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cert.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestCertificatesAreTold: those from files and one that waits for a CA, to the admin
// side and to a scrape.
func TestCertificatesAreTold(t *testing.T) {
	until := time.Now().Add(60 * 24 * time.Hour)
	g, _ := gatewayFor(t, `
version: 1
listen: [{address: "127.0.0.1:0", tls: true}]
admin: {socket: DIR/a.sock}
access_log: {format: json, path: DIR/log}
tls:
  automatic: {ca: "https://127.0.0.1:1/directory", storage: DIR/store}
  certificates: [GOOD, OLD]
sites:
- {host: shop.example, routes: [{path: /, upstream: u}]}
- {host: old.example, routes: [{path: /, upstream: u}]}
- {host: new.example, routes: [{path: /, upstream: u}]}
upstreams: {u: {servers: ["127.0.0.1:1"]}}
`, "GOOD", certFile(t, until, "shop.example"), "OLD", certFile(t, time.Now().Add(-time.Hour), "old.example"))
	want := map[string]admin.CertificateState{"shop.example": admin.Fine, "old.example": admin.Expired, "new.example": admin.Waiting}
	all := g.Certificates()
	for _, c := range all {
		if len(c.Hosts) != 1 || want[c.Hosts[0]] != c.State {
			t.Errorf("%v is %s", c.Hosts, c.State)
		}
		if automatic := c.Hosts[0] == "new.example"; automatic != (c.Source == admin.Automatic) || automatic != (c.File == "") {
			t.Errorf("%v comes from %s %s", c.Hosts, c.Source, c.File)
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d certificates", len(all))
	}
	m := g.snapshot().Certificates
	if len(m.Counts) != len(admin.CertificateSources)*len(admin.CertificateStates) {
		t.Errorf("a scrape shows %d counts", len(m.Counts))
	}
	for _, n := range m.Counts {
		one := []string{"file ok", "file expired", "automatic waiting"}
		if slices.Contains(one, n.Source+" "+n.State) != (n.N == 1) {
			t.Errorf("%s %s: %d", n.Source, n.State, n.N)
		}
	}
	if len(m.Ends) != 2 || m.Ends["shop.example"].Unix() != until.Unix() {
		t.Errorf("the ends are %v", m.Ends)
	}
	for deadline := time.Now().Add(20 * time.Second); m.OrdersFailed == 0; m = g.snapshot().Certificates {
		if time.Now().After(deadline) {
			t.Fatal("no order has failed")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
