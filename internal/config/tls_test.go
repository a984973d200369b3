// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// testCertificates are the files of certificates and keys that configurations in
// tests can name. Nothing here depends on the time.
func testCertificates() map[string]string {
	ca, caKey := newCertificate(nil, nil, "Test CA")
	ca2, _ := newCertificate(nil, nil, "Other CA")
	site, siteKey := newCertificate(ca, caKey, "shop", "shop.example.com", "www.shop.example.com")
	wild, wildKey := newCertificate(ca, caKey, "wild", "*.example.net", "192.0.2.7", "2001:db8::7")
	bare, bareKey := newCertificate(ca, caKey, "shop.example.com")
	crl := must(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: testTime, NextUpdate: testTime.AddDate(1, 0, 0),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: testTime}},
	}, ca, caKey))
	crtPEM, keyPEM := inPEM("CERTIFICATE", site.Raw), inPEM("PRIVATE KEY", keyDER(siteKey))
	caPEM := inPEM("CERTIFICATE", ca.Raw)
	return map[string]string{
		"/conf/site.pem": crtPEM + caPEM + keyPEM, "/conf/site.crt": crtPEM + caPEM, "/conf/site.key": keyPEM,
		"/conf/backwards.pem": caPEM + crtPEM + keyPEM, "/conf/site.der": string(site.Raw), "/conf/site-key.der": string(keyDER(siteKey)),
		"/conf/site2.crt": inPEM("CERTIFICATE", wild.Raw), "/conf/site2.key": inPEM("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(wildKey))),
		"/conf/site2.pem": inPEM("CERTIFICATE", wild.Raw) + inPEM("PRIVATE KEY", keyDER(wildKey)),
		"/conf/bare.pem":  inPEM("CERTIFICATE", bare.Raw) + inPEM("PRIVATE KEY", keyDER(bareKey)),
		"/conf/ca.pem":    caPEM, "/conf/ca2.pem": caPEM + inPEM("CERTIFICATE", ca2.Raw),
		"/conf/crl.pem": inPEM("X509 CRL", crl), "/conf/crl.der": string(crl), "/conf/broken-crl.pem": inPEM("X509 CRL", crl[:len(crl)-9]),
		"/conf/encrypted.key": inPEM("ENCRYPTED PRIVATE KEY", []byte{0x30, 1, 2}),
		"/conf/old-encrypted.key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte{1, 2},
			Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}})),
		"/conf/strange.key": inPEM("PRIVATE KEY", []byte{0x30, 0}), "/conf/broken.pem": inPEM("CERTIFICATE", site.Raw[:40]),
		"/conf/empty.pem": "", "/conf/text.pem": "shop.example.com\n", "/conf/site.pfx": "0\x82\x01\x00\x02\x01\x03",
		"/conf/tsig.key": "c2VjcmV0c2VjcmV0c2VjcmV0\n", "/conf/tsig2.key": "b3RoZXJvdGhlcm90aGVyb3RoZXI=\n",
		"/conf/named.key": "key \"causey\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0\";\n};\n",
	}
}

var testTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// newCertificate makes a certificate for some names, signed by a CA, or a CA if there
// is none.
func newCertificate(by *x509.Certificate, byKey *ecdsa.PrivateKey, subject string, names ...string) (*x509.Certificate, *ecdsa.PrivateKey) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject}, NotBefore: testTime, NotAfter: testTime.AddDate(1, 0, 0)}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	if by == nil {
		by, byKey = c, key
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.SubjectKeyId = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, []byte(subject)
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)))), key
}

func keyDER(key *ecdsa.PrivateKey) []byte { return must(x509.MarshalPKCS8PrivateKey(key)) }

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// withFiles is both.
func withFiles(a, b map[string]string) map[string]string {
	maps.Copy(a, b)
	return a
}

const tlsBase = `version: 1
listen: {address: ":443", tls: true}
sites: {host: shop.example.com, routes: {upstream: a}}
upstreams: {a: {servers: 3000}}
`

// TestStorage is where certificates are kept if nobody says.
func TestStorage(t *testing.T) {
	for _, tc := range []struct{ state, xdg, home, want string }{
		{"", "", "", "/var/lib/causey/certificates"},
		{"", "", "/h/a", "/h/a/.local/state/causey/certificates"},
		{"", "/xdg", "/h/a", "/xdg/causey/certificates"},
		{"/var/lib/one:/var/lib/two", "/xdg", "/h/a", "/var/lib/one/certificates"},
		{"relative", "relative", "relative", "/var/lib/causey/certificates"},
		{"relative", "relative", "/h/a", "/h/a/.local/state/causey/certificates"},
	} {
		env := map[string]string{"STATE_DIRECTORY": tc.state, "XDG_STATE_HOME": tc.xdg, "HOME": tc.home}
		world := testWorld()
		world.env = func(n string) (string, bool) { v := env[n]; return v, v != "" }
		c, err := parse("causey.yaml", []byte(tlsBase), world)
		if err != nil || c.TLS.Automatic.Storage != tc.want {
			t.Errorf("%+v gave %v, %v", tc, c, err)
		}
	}
	c, err := parseText(strings.Replace(tlsBase, "true", "false", 1))
	if err != nil || c.TLS.Automatic.Storage != "" || !c.TLS.IsZero() {
		t.Errorf("without TLS: %+v, %v", c.TLS, err)
	}
}

// TestPairs wants what was read from the files beside their names.
func TestPairs(t *testing.T) {
	for _, written := range []string{"site.pem", "{certificate: site.crt, key: site.key}", "backwards.pem"} {
		c, err := parseText(tlsBase + "tls: {certificates: [" + written + ", site2.pem]}\n")
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		p := c.TLS.Certificates[0].Pair()
		if p.Leaf == nil || p.Leaf.Subject.CommonName != "shop" || len(p.Certificate) != 2 || p.PrivateKey == nil {
			t.Errorf("%s was read as %+v", written, p.Leaf)
		}
	}
}

// TestTLSSecrets wants what the files held in the Config but nowhere that is shown.
func TestTLSSecrets(t *testing.T) {
	c, err := parseText(tlsBase + "tls: {certificates: site.pem, automatic: {dns: {provider: rfc2136, server: 192.0.2.1, zone: z.example, key_name: causey., key_file: tsig.key}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	x := &c.TLS.Automatic.DNS
	if x.Secret != "c2VjcmV0c2VjcmV0c2VjcmV0" || x.Server != "192.0.2.1:53" || x.KeyName != "causey" || x.KeyAlgorithm != HMACSHA256 {
		t.Errorf("%+v", x)
	}
	if shown := toJSON(t, c); strings.Contains(shown, x.Secret) || strings.Contains(shown, "BEGIN") || strings.Contains(shown, "PrivateKey") {
		t.Errorf("the JSON has a secret: %s", shown)
	}
}

// TestAskSecret is the secret of the ask URL: it is in a file, and neither in the JSON
// (I3) nor in what is said of a query.
func TestAskSecret(t *testing.T) {
	const text = tlsBase + "tls: {certificates: site.pem, automatic: {ask: \"https://app.example/ask%s\", ask_token_file: good.token}}\n"
	c, err := parseText(fmt.Sprintf(text, ""))
	if err != nil {
		t.Fatal(err)
	}
	if token := c.TLS.Automatic.AskToken; token != "0123456789abcdef" || strings.Contains(toJSON(t, c), token) {
		t.Errorf("token %q in %s", token, toJSON(t, c))
	}
	_, err = parseText(fmt.Sprintf(text, "?key=SECRET"))
	if err == nil || !strings.Contains(err.Error(), "has a query") {
		t.Errorf("a query: %v", err)
	}
	c, err = parseText(tlsBase + "tls: {certificates: site.pem, automatic: {ask_token_file: good.token}}\n")
	if err != nil || len(c.Warnings) == 0 {
		t.Errorf("a token for nobody: %v", err)
	}
}

// TestFilesAreReadOnce is about ten thousand sites with one certificate.
func TestFilesAreReadOnce(t *testing.T) {
	world, reads := testWorld(), 0
	read := world.read
	world.read = func(name string, limit int64) ([]byte, *Problem) { reads++; return read(name, limit) }
	list := strings.Repeat("{certificate: site.crt, key: site.key}, ", 1000)
	if _, err := parse("causey.yaml", []byte(tlsBase+"tls: {certificates: ["+list+"]}\n"), world); err != nil || reads != 2 {
		t.Errorf("%d reads, %v", reads, err)
	}
}

func TestCovers(t *testing.T) {
	le, own := caNames["letsencrypt"], "https://ca.internal/acme"
	for _, tc := range []struct {
		ca, host string
		dns      DNSProvider
		want     bool
	}{
		{le, "a.example.com", "", true}, {le, "*.example.com", "", false}, {le, "*.example.com", DNSExec, true}, {le, "*", DNSExec, false},
		{le, "localhost", "", false}, {le, "a.local", "", false}, {le, "10.0.0.1", "", false}, {le, "[::1]", "", false}, {le, "::1", "", false}, {le, "a_b.example.com", "", false},
		{own, "a.local", "", true}, {own, "intranet", "", true}, {own, "*.local", "", false}, {own, "10.0.0.1", "", false}, {own, "*", DNSExec, false},
	} {
		a := Automatic{Enabled: true, CA: tc.ca, DNS: DNS{Provider: tc.dns}}
		if a.Covers(tc.host) != tc.want {
			t.Errorf("%+v: %v", tc, !tc.want)
		}
		if a.Enabled = false; a.Covers(tc.host) {
			t.Errorf("%+v: is covered although nothing is obtained", tc)
		}
	}
}

// TestHTTPSPort is the port that redirects lead to.
func TestHTTPSPort(t *testing.T) {
	for listen, want := range map[string]int{
		`listen: {address: ":8443", tls: true}`: 8443, `listen: [":80", {address: "unix:/x", tls: true}, {address: ":444", tls: true}]`: 444,
		`listen: ":80"`: 0, "listen: {address: ':8443', tls: true}\ntls: {port: 443}": 443,
	} {
		c, err := parseText("version: 1\n" + listen + "\nsites: {host: a.example.com, routes: {upstream: a}}\nupstreams: {a: {servers: 3000}}\n")
		if err != nil || c.HTTPSPort() != want {
			t.Errorf("%s: %v, want %d", listen, err, want)
		}
	}
}

// TestTLSWords are the words of other gateways.
func TestTLSWords(t *testing.T) {
	for where, words := range map[string][]string{
		"%s: x\n":                         {"ssl", "acme", "cert", "letsencrypt", "mtls", "ssl_certificate", "https", "certresolver", "http3", "certificates", "automatic", "hsts"},
		"tls: {%s: x}\n":                  {"cert", "acme", "ssl_certificate_key", "ciphers", "protocols", "min_version", "client_auth", "email"},
		"tls: {certificates: {%s: x}}\n":  {"cert", "key_file", "private_key", "fullchain", "chain"},
		"tls: {automatic: {%s: x}}\n":     {"dns_challenge", "on_demand", "challenge", "mail"},
		"x: {tls: {%s: x}}\n":             nil,
		"timeouts: {%s: 1s}\n":            {"tls_handshake"},
		"listen: {address: :1, %s: true}": {"ssl", "https"},
	} {
		for _, word := range words {
			_, err := parseText("version: 1\n" + strings.Replace(where, "%s", word, 1))
			_, hint, _ := strings.Cut(err.Error(), "unknown key \""+word+"\"")
			_, hint, _ = strings.Cut(hint, "hint: ")
			hint, _, _ = strings.Cut(hint, "\n")
			t.Logf("%-40s %s", strings.TrimSpace(strings.Replace(where, "%s", word, 1)), hint)
			if hint == "" || strings.HasPrefix(hint, "known here") {
				t.Errorf("%s has the hint %q", word, hint)
			}
		}
	}
}
