// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"testing"

	"causey/internal/config"
	"causey/lab/pki"
)

// Each host has the certificates that crypto/x509 would take for it, in their order.
func TestPairsByName(t *testing.T) {
	ca := pki.Root("Index")
	dir := t.TempDir()
	text := "version: 1\nlisten: [{address: '127.0.0.1:0', tls: true}]\ntls:\n  certificates:\n"
	var leaves []*x509.Certificate
	for i, names := range [][]string{
		{"*.example.com"}, {"WWW.example.com", "example.com"}, {"192.0.2.1", "2001:db8::1"}, {"example.com"}, {"*.www.example.com"},
		{"www.example.com", "*.example.com"},
	} {
		cert, key := ca.Issue(pki.Leaf{Names: names}).Files(dir, fmt.Sprint(i))
		text += fmt.Sprintf("    - {certificate: '%s', key: '%s'}\n", cert, key)
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, pair.Leaf)
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
