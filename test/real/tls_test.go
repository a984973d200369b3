// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package real_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causey/lab/origin"
	"causey/lab/pki"
	"causey/lab/real"
	"causey/test/harness"
)

// tlsServers are real servers that speak TLS.
var tlsServers = map[string]func(context.Context, *real.TLS) (*real.Process, error){
	"nginx": func(ctx context.Context, o *real.TLS) (*real.Process, error) {
		return real.StartNginx(ctx, real.NginxOptions{TLS: o})
	},
	"apache": func(ctx context.Context, o *real.TLS) (*real.Process, error) {
		return real.StartApache(ctx, real.ApacheOptions{TLS: o})
	},
}

// TestTLSServers puts real servers with real faults behind the gateway.
func TestTLSServers(t *testing.T) {
	root := pki.Root("Root")
	inner := root.Intermediate("Intermediate")
	app := pki.Leaf{Names: []string{"app.internal"}, RSA: true}
	good, expired := inner.Issue(app), inner.Issue(app.Expired())
	with := func(c *pki.Certificate, chain [][]byte) real.TLS {
		return real.TLS{Certificate: pki.ChainPEM(chain), Key: c.KeyPEM()}
	}
	wholesome := with(good, good.Whole())
	mutual, old := wholesome, wholesome
	mutual.ClientCA, old.Protocols = root.PEM(), "TLSv1.1"
	visitor := inner.Issue(pki.Leaf{Names: []string{"gateway"}}.ForClients())
	mutual.ClientCA = append(root.PEM(), inner.PEM()...)
	for _, c := range []struct {
		name       string
		server     real.TLS
		ourCert    bool
		want       string // code; "" is a good answer
		wantStatus int
	}{
		{"good", wholesome, false, "", 200},
		{"client certificate", mutual, true, "", 200},
		{"expired", with(expired, expired.Whole()), false, "upstream.up-handshake.cert-expired", 502},
		{"leaf only", with(good, good.Alone()), false, "upstream.up-handshake.chain-incomplete", 502},
		{"old versions", old, false, "upstream.up-handshake.tls-version", 502},
	} {
		for name, start := range tlsServers {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				p, err := start(t.Context(), &c.server)
				must(t, p, err)
				g := harness.Start(t, harness.Config{Servers: []string{"https://" + p.Addr()}, Upstream: upstreamTLS(t, root, visitor, c.ourCert)})
				a := g.Dial().Ask("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
				l := g.Line(harness.Of("/"))
				if a.StatusCode != c.wantStatus || l.Failure != c.want {
					t.Errorf("status %d, want %d; %s", a.StatusCode, c.wantStatus, l.Raw)
				}
			})
		}
	}
	// nginx says by a 400 that it wants a certificate (an answer like any other), Apache by an alert.
	t.Run("nginx/no client certificate", func(t *testing.T) {
		p, err := tlsServers["nginx"](t.Context(), &mutual)
		must(t, p, err)
		g := harness.Start(t, harness.Config{Servers: []string{"https://" + p.Addr()}, Upstream: upstreamTLS(t, root, nil, false)})
		if a := g.Dial().Ask("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"); a.StatusCode != 400 || !strings.Contains(a.Text, "No required SSL certificate") {
			t.Errorf("status %d, %q", a.StatusCode, a.Text)
		}
	})
	t.Run("apache/no client certificate", func(t *testing.T) {
		p, err := tlsServers["apache"](t.Context(), &mutual)
		must(t, p, err)
		g := harness.Start(t, harness.Config{Servers: []string{"https://" + p.Addr()}, Upstream: upstreamTLS(t, root, nil, false)})
		g.Dial().Ask("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
		if l := g.Line(harness.Of("/")); l.Failure != "upstream.up-handshake.client-cert-missing" {
			t.Errorf("%s", l.Raw)
		}
	})
}

// upstreamTLS is how the gateway speaks to these servers.
func upstreamTLS(t *testing.T, root *pki.Authority, ours *pki.Certificate, show bool) string {
	dir := t.TempDir()
	text := "tls: {server_name: app.internal, ca_file: " + pki.Write(dir, "ca.pem", root.PEM())
	if show {
		cert, key := ours.Files(dir, "ours")
		text += fmt.Sprintf(", client_certificate: {certificate: %s, key: %s}", cert, key)
	}
	return text + "}"
}

// TestTLSClients has real clients meet a gateway with TLS.
func TestTLSClients(t *testing.T) {
	root := pki.Root("Root")
	dir := t.TempDir()
	inner := root.Intermediate("Intermediate")
	cert, key := inner.Issue(pki.Leaf{Names: []string{"shop.example"}}).Files(dir, "shop")
	ca := pki.Write(dir, "ca.pem", root.PEM())
	for _, c := range []struct {
		name string
		// args are of the program; ADDR and CA stand for the gateway's address and the root's file.
		args []string
		// says is in what the program prints; want is the code, "" for a good answer.
		says, want string
	}{
		{"curl", []string{"curl", "-sS", "--cacert", "CA", "--connect-to", "::ADDR", "https://shop.example/size/5"}, "", ""},
		{"curl, TLS 1.2", []string{"curl", "-sS", "--tls-max", "1.2", "--cacert", "CA", "--connect-to", "::ADDR", "https://shop.example/size/5"}, "", ""},
		{"curl without trust", []string{"curl", "-sS", "--connect-to", "::ADDR", "https://shop.example/size/5"}, "certificate", "client.handshake.cert-rejected"},
		{"curl in plain", []string{"curl", "-sS", "http://ADDR/size/5"}, "https://", "client.handshake.plain-http"},
		{"openssl", []string{"openssl", "s_client", "-connect", "ADDR", "-servername", "shop.example", "-CAfile", "CA"}, "Verify return code: 0 (ok)", ""},
		{"openssl without trust", []string{"openssl", "s_client", "-connect", "ADDR", "-servername", "shop.example", "-verify_return_error",
			"-CAfile", cert}, "", "client.handshake.cert-rejected"},
		{"openssl, TLS 1.1", []string{"openssl", "s_client", "-connect", "ADDR", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"}, "alert", "client.handshake.tls-version"},
		{"openssl, odd cipher", []string{"openssl", "s_client", "-connect", "ADDR", "-tls1_2", "-cipher", "DHE-RSA-AES256-SHA256"}, "alert", "client.handshake.no-cipher"},
		{"openssl, odd protocol", []string{"openssl", "s_client", "-connect", "ADDR", "-alpn", "imap"}, "alert", "client.handshake.no-alpn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			program, err := exec.LookPath(c.args[0])
			if err != nil {
				t.Skip("needs " + c.args[0])
			}
			o := harness.Origin(t, origin.Options{})
			g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Listen: []string{"{address: '127.0.0.1:0', tls: true}"},
				Top: fmt.Sprintf("tls: {certificates: [{certificate: %s, key: %s}]}", cert, key)})
			replace := strings.NewReplacer("ADDR", g.Addr, "CA", ca)
			var args []string
			for _, a := range c.args[1:] {
				if a == "CA" || strings.Contains(a, "ADDR") {
					a = replace.Replace(a)
				}
				args = append(args, a)
			}
			cmd := exec.CommandContext(t.Context(), program, args...)
			cmd.Env = append(os.Environ(), "HOME="+dir, "SSL_CERT_DIR="+filepath.Join(dir, "none"))
			cmd.Stdin = strings.NewReader("GET /size/5 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
			out, _ := cmd.CombinedOutput()
			if !strings.Contains(string(out), c.says) {
				t.Errorf("%q is not in %s", c.says, out)
			}
			if c.want == "" && c.args[0] == "openssl" {
				return // it leaves at the end of its input, served or not
			}
			l := g.Line(func(harness.Line) bool { return true })
			if l.Failure != c.want || c.want == "" && l.Status != 200 {
				t.Errorf("want %q: %s\n%s", c.want, l.Raw, out)
			}
		})
	}
}

// TestTLSKeyUpdate has a client ask for new keys between requests and within a body (RFC 8446 section 4.6.3): s_client
// does for a line K.
func TestTLSKeyUpdate(t *testing.T) {
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("needs openssl")
	}
	dir := t.TempDir()
	cert, key := pki.Root("Root").Issue(pki.Leaf{Names: []string{"shop.example"}}).Files(dir, "shop")
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}, Listen: []string{"{address: '127.0.0.1:0', tls: true}"},
		Top: fmt.Sprintf("tls: {certificates: [{certificate: %s, key: %s}]}", cert, key)})
	cmd := exec.CommandContext(t.Context(), program, "s_client", "-connect", g.Addr, "-servername", "shop.example", "-crlf")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"GET /size/5 HTTP/1.1", "Host: shop.example", "", "K", "POST /upload HTTP/1.1", "Host: shop.example",
		"Content-Length: 8", "", "K", "abc", "K", "x", "K"} {
		fmt.Fprintln(in, line)
		time.Sleep(50 * time.Millisecond) // s_client takes a K only at the beginning of what it reads
	}
	for _, target := range []string{"/size/5", "/upload"} {
		l := g.Line(func(l harness.Line) bool { return l.Target == target })
		if l.Failure != "" || l.Status != 200 {
			t.Errorf("%s", l.Raw)
		}
	}
	in.Close()
	cmd.Wait()
}
