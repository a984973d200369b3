// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"causey/lab/pki"
)

// shake has a server with cfg shake hands with a client, and returns what the client makes of it.
func shake(t *testing.T, server, client *tls.Config) (*tls.ConnectionState, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		a, err := ln.Accept()
		if err != nil {
			return
		}
		defer a.Close()
		_ = a.SetDeadline(time.Now().Add(10 * time.Second))
		_ = tls.Server(a, server).Handshake()
	}()
	b, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_ = b.SetDeadline(time.Now().Add(10 * time.Second))
	c := tls.Client(b, client)
	err = c.Handshake()
	cs := c.ConnectionState()
	return &cs, err
}

// I1: each is refused for its own reason, and the good ones are not.
func TestLeaves(t *testing.T) {
	root := pki.Root("Root")
	inner := root.Intermediate("Intermediate")
	other := root.Intermediate("Other")
	good := pki.Leaf{Names: []string{"app.internal", "127.0.0.1"}}
	leaf := inner.Issue(good)
	invalid := func(r x509.InvalidReason) func(error) bool {
		return func(err error) bool {
			var e x509.CertificateInvalidError
			return errors.As(err, &e) && e.Reason == r
		}
	}
	unknown := func(err error) bool {
		var e x509.UnknownAuthorityError
		return errors.As(err, &e)
	}
	fine := func(err error) bool { return err == nil }
	for name, c := range map[string]struct {
		cert tls.Certificate
		ask  string
		want func(error) bool
	}{
		"good":                {leaf.TLS(), "app.internal", fine},
		"good by address":     {leaf.TLS(), "127.0.0.1", fine},
		"RSA":                 {inner.Issue(pki.Leaf{Names: good.Names, RSA: true}).TLS(), "app.internal", fine},
		"below the root":      {root.Issue(good).TLS(), "app.internal", fine},
		"expired":             {inner.Issue(good.Expired()).TLS(), "app.internal", invalid(x509.Expired)},
		"not yet valid":       {inner.Issue(good.NotYetValid(time.Hour)).TLS(), "app.internal", invalid(x509.Expired)},
		"self-signed":         {pki.SelfSigned(good).TLS(), "app.internal", unknown},
		"strange root":        {pki.Root("Strange").Issue(good).TLS(), "app.internal", unknown},
		"alone":               {leaf.TLS(leaf.Alone()...), "app.internal", unknown},
		"wrong intermediate":  {leaf.TLS(leaf.With(other)...), "app.internal", unknown},
		"right after wrong":   {leaf.TLS(leaf.With(other, inner)...), "app.internal", fine},
		"for clients":         {inner.Issue(good.ForClients()).TLS(), "app.internal", invalid(x509.IncompatibleUsage)},
		"outside constraints": {root.Constrained("Bound", "example.com").Issue(good).TLS(), "app.internal", invalid(x509.CANotAuthorizedForThisName)},
		"another name": {leaf.TLS(), "shop.example", func(err error) bool {
			var e x509.HostnameError
			return errors.As(err, &e)
		}},
	} {
		_, err := shake(t, &tls.Config{Certificates: []tls.Certificate{c.cert}}, pki.Client(c.ask, root))
		if !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// I2
func TestSerials(t *testing.T) {
	root := pki.Root("Root")
	seen := map[string]bool{}
	for range 100 {
		s := root.Issue(pki.Leaf{}).Cert.SerialNumber.String()
		if seen[s] {
			t.Fatalf("%s twice", s)
		}
		seen[s] = true
	}
}

func TestClientCertificates(t *testing.T) {
	root := pki.Root("Root")
	server := root.Issue(pki.Leaf{Names: []string{"a.example"}}).Server(func(c *tls.Config) {
		c.ClientAuth, c.ClientCAs, c.MaxVersion = tls.RequireAndVerifyClientCert, pki.Pool(root), tls.VersionTLS12
	})
	for want, leaf := range map[bool]pki.Leaf{true: pki.Leaf{}.ForClients(), false: {}} {
		client := pki.Client("a.example", root)
		client.Certificates = []tls.Certificate{root.Issue(leaf).TLS()}
		if _, err := shake(t, server, client); (err == nil) != want {
			t.Errorf("%+v: %v", leaf.Purposes, err)
		}
	}
}

func TestURLs(t *testing.T) {
	c := pki.Root("Root").Issue(pki.Leaf{IssuerURL: "http://a/i", OCSPURL: "http://a/o", CRLURL: "http://a/c"}).Cert
	if len(c.IssuingCertificateURL) != 1 || len(c.OCSPServer) != 1 || len(c.CRLDistributionPoints) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestCRL(t *testing.T) {
	root := pki.Root("Root")
	c := root.Issue(pki.Leaf{})
	block, _ := pem.Decode(root.CRL(c))
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(root.Cert); err != nil {
		t.Error(err)
	}
	if e := list.RevokedCertificateEntries; len(e) != 1 || e[0].SerialNumber.Cmp(c.Cert.SerialNumber) != 0 {
		t.Errorf("%+v", e)
	}
}

// The answers are made by hand, so somebody else reads them.
func TestOCSP(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("needs openssl")
	}
	root := pki.Root("Root")
	inner := root.Intermediate("Intermediate")
	c := inner.Issue(pki.Leaf{Names: []string{"a.example"}})
	dir := t.TempDir()
	cert, _ := c.Files(dir, "leaf", c.Alone()...)
	ca, issuer := pki.Write(dir, "ca.pem", root.PEM()), pki.Write(dir, "inner.pem", inner.PEM())
	for revoked, want := range map[bool]string{false: cert + ": good", true: cert + ": revoked"} {
		answer := pki.Write(dir, "answer", c.OCSP(revoked))
		out, err := exec.Command(openssl, "ocsp", "-respin", answer, "-issuer", issuer, "-cert", cert, "-CAfile", ca, "-verify_other", issuer).CombinedOutput()
		if text := string(out); err != nil || !strings.Contains(text, "Response verify OK") || !strings.Contains(text, want) {
			t.Errorf("%v\n%s", err, text)
		}
		cfg := c.Server(nil)
		cfg.Certificates[0].OCSPStaple = c.OCSP(revoked)
		cs, err := shake(t, cfg, pki.Client("a.example", root))
		if err != nil || len(cs.OCSPResponse) == 0 {
			t.Errorf("staple: %v, %d bytes", err, len(cs.OCSPResponse))
		}
	}
}

func TestFiles(t *testing.T) {
	root := pki.Root("Root")
	inner := root.Intermediate("Intermediate")
	for _, rsa := range []bool{false, true} {
		cert, key := inner.Issue(pki.Leaf{Names: []string{"a.example"}, RSA: rsa}).Files(t.TempDir(), "a")
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil || len(pair.Certificate) != 2 {
			t.Errorf("%d certificates, %v", len(pair.Certificate), err)
		}
	}
}
