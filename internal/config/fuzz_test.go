// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// FuzzParse holds, for any bytes: no panic; either a Config or problems, never
// both and never neither; each problem in its text, in order, printable (I1); a
// Config's JSON is read as the same Config (I3).
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../../docs/examples/causey.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, tls := range []string{
		"certificates: site.pem", "certificates: [{certificate: site.crt, key: site.key}, backwards.pem]", "certificates: []", "automatic: off", "automatic: false",
		"profile: modern, port: 1, automatic: {ca: letsencrypt-staging, email: a@a.example, challenges: http, ask: 'http://a/?b', storage: x, ca_file: ca.pem}",
		"automatic: {dns: {provider: rfc2136, server: ::1, zone: z., key_name: k., key_file: tsig.key}}", "automatic: {dns: {provider: exec, command: ./x, server: a:1}}",
	} {
		f.Add([]byte(tlsBase + "tls: {" + tls + "}\n"))
	}
	for _, site := range []string{"hsts: off", "hsts: {max_age: 365d, subdomains: true, preload: true}", "client_auth: {ca_file: ca.pem, mode: request}", "certificates: [site.pem, site2.pem], redirect: false"} {
		f.Add([]byte(strings.Replace(tlsBase, "routes:", "tls: {"+site+"}, routes:", 1)))
	}
	for _, up := range []string{"verify: false, ca_file: ca.pem", "min_version: 1.3, crl_file: crl.der", "server_name: '[::1]', client_certificate: site.pem"} {
		f.Add([]byte(strings.Replace(tlsBase, "3000", "https://a, tls: {"+up+"}", 1)))
	}
	f.Add([]byte("\ufeffversion: 1"))
	f.Add([]byte("a: &a [*a, \"\\u00e9\", 'x''y', >-\n  b\n]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse("causey.yaml", text, testWorld())
		checkPlaces(t, text, c, err)
		if c != nil {
			checkRoundTrip(t, c)
		}
	})
}

// FuzzValues holds, for any text: a value's own text is read as that value.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"1m30s", "1.5GiB", "240B/s", "[::1%eth0]:80", "unix:@x", "systemd:a", "http://[::1]/", "10.0.0.0/8", "*.example.com", "/a%20b", "GET", "server",
		"letsencrypt", "https://ca.example/dir?x", "http://[::1]:80/#", "https://a@b", "a@b", "a@b@c", "ns1.example:53", "[::1]", "::1", "key.", "[::1", "A.Example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		again(t, ParseDuration, s)
		again(t, ParseSize, s)
		again(t, ParseRate, s)
		again(t, ParseListenAddr, s)
		again(t, ParseServerAddr, s)
		again(t, ParsePrefix, s)
		for _, parse := range []func(string) (string, error){parseSiteHost, parseHostHeader, parseRoutePath, parseMethod} {
			if v, err := parse(s); err == nil {
				if w, err := parse(v); err != nil || w != v {
					t.Errorf("%q is %q, which is %q, %v", s, v, w, err)
				}
			}
		}
		for _, k := range []kind[string]{caKind, askKind, emailKind, dnsServerKind, keyNameKind, serverNameKind} {
			v, ok := readText(k, s)
			if !ok {
				continue
			}
			if w, ok := readText(k, v); !ok || w != v {
				t.Errorf("%s: %q is %q, which is %q, %v", k.want, s, v, w, ok)
			}
			for _, text := range []string{s, v} { // the schema takes what the reader takes
				if pattern := k.schema["pattern"].(string); !regexp.MustCompile(pattern).MatchString(text) {
					t.Errorf("%s: %q is against %s", k.want, text, pattern)
				}
			}
		}
	})
}

// readText reads a text by a kind of the table.
func readText(k kind[string], s string) (string, bool) {
	d := &decoder{report: &reporter{}}
	return k.read(d, cursor{node: &node{kind: scalarNode, text: s, quoted: true}})
}

func again[T interface {
	comparable
	String() string
}](t *testing.T, parse func(string) (T, error), s string) {
	v, err := parse(s)
	if err != nil {
		return
	}
	if w, err := parse(v.String()); err != nil || w != v {
		t.Errorf("%q is %v, whose text is read as %v, %v", s, v, w, err)
	}
}
