// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/internal/config"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writePair writes a certificate for some names, and its key, into a file of dir.
func writePair(t testing.TB, dir, name string, sans ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: sans,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	must(t, os.WriteFile(filepath.Join(dir, name+".pem"), text, 0o600))
}

const secureHead = `
version: 1
listen: [{address: "127.0.0.1:0", tls: true}]
admin: {socket: DIR/a.sock}
upstreams: {u: {servers: ["127.0.0.1:1"]}}
`

func parseSecure(t testing.TB, dir, text string) *config.Config {
	t.Helper()
	cfg, err := config.Parse(filepath.Join(dir, "causey.yaml"), []byte(strings.ReplaceAll(secureHead+text, "DIR", dir)))
	must(t, err)
	return cfg
}

func newSecure(t *testing.T, dir, text string) *Gateway {
	t.Helper()
	g, err := New(parseSecure(t, dir, text), Options{Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() { g.Stop(nil) })
	return g
}

// shown returns the first name of the certificate for a client of host, "" if it gets
// none.
func shown(t *testing.T, g *Gateway, host string) string {
	t.Helper()
	cert, err := g.certs.Certificate(&tls.ClientHelloInfo{ServerName: host})
	must(t, err)
	if cert == nil {
		return ""
	}
	return cert.Leaf.DNSNames[0]
}

// Clients that name no host see the first certificate of tls.certificates, else that
// of the site *, else the first of all sites.
func TestWhatNamelessClientsSee(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"top", "own", "any"} {
		writePair(t, dir, name, name+".test")
	}
	writePair(t, dir, "odd", "top.test", "no host")
	const top = "tls: {certificates: [DIR/top.pem]}\n"
	const own = "{host: own.test, tls: {certificates: [DIR/own.pem]}, routes: [{path: /, upstream: u}]}"
	const any = `{host: "*", tls: {certificates: [DIR/any.pem]}, routes: [{path: /, upstream: u}]}`
	for text, want := range map[string]string{
		top + "sites: [" + own + "]":              "top.test",
		top + "sites: [" + own + ", " + any + "]": "top.test",
		"sites: [" + own + ", " + any + "]":       "any.test",
		"sites: [" + own + "]":                    "own.test",
		// A first certificate that serves no host is the default nevertheless.
		strings.Replace(top, "top", "odd", 1) + "sites: [{host: top.test, tls: {certificates: [DIR/own.pem]}, routes: [{path: /, upstream: u}]}]": "top.test",
	} {
		if got := shown(t, newSecure(t, dir, text), ""); got != want {
			t.Errorf("%s: shows %q, want %q", text, got, want)
		}
	}
}

// What stands in a certificate and is no host is not served, and does no harm.
func TestNamesThatAreNoHosts(t *testing.T) {
	dir := t.TempDir()
	for i, san := range []string{"My Server", "www*.a.test", "*", "*.*.a.test", "123", "192.0.2.1x..", "", "a..test"} {
		file := fmt.Sprint("odd", i)
		writePair(t, dir, file, "default.test", san)
		g := newSecure(t, dir, "tls: {certificates: [DIR/"+file+".pem]}\nsites: [{host: default.test, routes: [{path: /, upstream: u}]}]")
		if got := shown(t, g, "default.test"); got != "default.test" {
			t.Errorf("%q: the good name gets %q", san, got)
		}
		if got := shown(t, g, "anything.example"); got != "" {
			t.Errorf("%q: any name gets %q", san, got)
		}
	}
}

func TestPairsByName(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir, "one", "a.test")
	writePair(t, dir, "wild", "*.test", "x.test")
	writePair(t, dir, "two", "A.test.")
	c := parseSecure(t, dir, `
tls: {certificates: [DIR/one.pem, DIR/wild.pem, DIR/two.pem], automatic: off}
sites: [{host: a.test, routes: [{path: /, upstream: u}]}]`)
	x := indexPairs(c.TLS.Certificates)
	for host, want := range map[string][]string{
		"a.test": {"one", "wild", "two"}, "x.test": {"wild"}, "y.test": {"wild"}, "*.test": {"wild"},
		"a.b.test": nil, "test": nil, "*.a.test": nil, "*": nil, "192.0.2.1": nil,
	} {
		var got []string
		for _, p := range x.naming(host) {
			got = append(got, strings.TrimSuffix(filepath.Base(p.Certificate), ".pem"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}

// A thousand certificates are joined with their hosts in moments.
func TestThousandCertificates(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a thousand keys")
	}
	dir := t.TempDir()
	var list []string
	for i := range 1000 {
		writePair(t, dir, fmt.Sprint("c", i), fmt.Sprintf("c%d.example.com", i))
		list = append(list, fmt.Sprintf("DIR/c%d.pem", i))
	}
	c := parseSecure(t, dir, "tls: {automatic: off, certificates: ["+strings.Join(list, ", ")+"]}\n"+
		`sites: [{host: "*", routes: [{path: /, upstream: u}]}]`)
	began := time.Now()
	sites := certSites(c)
	if long := time.Since(began); len(sites) != 1000 || long > 500*time.Millisecond {
		t.Errorf("%d sites in %v", len(sites), long)
	}
}

// What the configuration says is obtained, certs obtains, and nothing else.
func TestObtainedIsWhatIsCovered(t *testing.T) {
	hosts := []string{"app.internal", "intranet", "www.example.com", "*.example.com", "10.0.0.1", "[2001:db8::1]", "a_b.example.com", "*"}
	for _, ca := range []string{"https://ca.internal/dir", "https://ca.example.com/dir", "letsencrypt"} {
		for _, dns := range []string{"", ", dns: {provider: exec, command: /bin/true}"} {
			dir := t.TempDir()
			text := fmt.Sprintf("tls: {automatic: {ca: %s, storage: DIR/s%s}}\nsites: [{hosts: [\"%s\"], routes: [{path: /, upstream: u}]}]",
				ca, dns, strings.Join(hosts, `", "`))
			c := parseSecure(t, dir, text)
			var want, got []string
			for _, h := range hosts {
				if c.TLS.Automatic.Covers(h) {
					want = append(want, h)
				}
			}
			for _, st := range newSecure(t, dir, text).certs.Status() {
				got = append(got, st.Name)
			}
			slices.Sort(want)
			if !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("%s%s: obtained %v, the configuration says %v", ca, dns, got, want)
			}
		}
	}
}

// A reload that changes nothing of what is obtained goes on with it, also after one
// that failed.
func TestReloadGoesOnWithOrders(t *testing.T) {
	dir := t.TempDir()
	const sites = `sites: [{host: a.example.com, routes: [{path: /, upstream: u}]}]`
	g := newSecure(t, dir, "tls: {automatic: {storage: DIR/s}}\n"+sites)
	first := g.obtained
	load := func(text string) {
		g.opts.Load = func() (*config.Config, error) { return parseSecure(t, dir, text), nil }
	}
	load("tls: {automatic: {storage: /dev/null/s}}\n" + sites)
	if err := g.Reload(t.Context()); err == nil {
		t.Fatal("no directory for certificates, and no error")
	}
	if o := g.certOptions(parseSecure(t, dir, "tls: {profile: modern, automatic: {storage: DIR/s}}\n"+sites)); first == nil || o.Automatic != first {
		t.Error("orders are given up though nothing of them is changed")
	}
	if o := g.certOptions(parseSecure(t, dir, "tls: {automatic: {storage: DIR/other}}\n"+sites)); o.Automatic == first {
		t.Error("another storage goes unnoticed")
	}
}

// A gateway that cannot be built leaves nothing behind.
func TestFailedNewLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c := parseSecure(t, dir, "access_log: {format: json, path: DIR/log}\ntls: {automatic: {storage: /dev/null/s}}\n"+
		`sites: [{host: a.example.com, routes: [{path: /, upstream: u}]}]`)
	before := runtime.NumGoroutine()
	if _, err := New(c, Options{Logger: slog.New(slog.DiscardHandler)}); err == nil {
		t.Fatal("no directory for certificates, and no error")
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}
