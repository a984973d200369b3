// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"causey/internal/engine"
	"causey/internal/engine/peercert"
	"causey/internal/upstream"
)

// authority is a CA of the test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a CA of the test"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-24 * 365 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(der)
	return a
}

// issue makes a certificate for name that was valid for an hour until end.
func (a *authority) issue(name string, end time.Time) tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: end.Add(-time.Hour), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// policy trusts a, for the name app.test.
func (a *authority) policy() *engine.ServerTLS {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &engine.ServerTLS{Policy: &peercert.Policy{Roots: roots}, ServerName: "app.test"}
}

// realEnv asks over the machine's own network.
func realEnv() *Env {
	return &Env{Dial: new(net.Dialer).DialContext, Now: time.Now, After: time.After, Slots: make(chan struct{}, 1)}
}

// realCheck makes one check of address, over TLS if o has it.
func realCheck(t *testing.T, o Options, address string) upstream.Check {
	t.Helper()
	spec := specAt(address)
	spec.TLS = o.TLS != nil
	g := upstream.NewGroup("shop", upstream.Options{}, []upstream.Spec{spec})
	o.Timeout = 5 * time.Second
	return NewChecker(o, realEnv()).Check(t.Context(), g.Servers()[0])
}

// wantSays wants a verdict whose words begin so.
func wantSays(t *testing.T, c upstream.Check, ok bool, says string) {
	t.Helper()
	if c.OK != ok || !strings.HasPrefix(c.Says, says) {
		t.Errorf("ok=%v: %s\nwant %v: %s…", c.OK, c.Says, ok, says)
	}
}

// Certificates are judged as for requests. I2.
func TestTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	now := time.Now()
	for name, c := range map[string]struct {
		cert  tls.Certificate
		ok    bool
		https string
	}{
		"good":       {ca.issue("app.test", now.Add(time.Minute)), true, "GET /health answered 200 OK"},
		"expired":    {ca.issue("app.test", now.Add(-73*time.Hour)), false, "the certificate expired 3 days ago, at "},
		"not yet":    {ca.issue("app.test", now.Add(5*time.Hour)), false, "the certificate is valid only in "},
		"wrong name": {ca.issue("www.test", now.Add(time.Minute)), false, "the certificate is for another name: www.test"},
		"unknown CA": {other.issue("app.test", now.Add(time.Minute)), false, "the server does not send its whole chain: CN=a CA of the test is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			s.Config.ErrorLog = quiet
			s.TLS = &tls.Config{Certificates: []tls.Certificate{c.cert}}
			s.StartTLS()
			defer s.Close()
			o := usual()
			o.TLS = ca.policy()
			address := s.Listener.Addr().String()
			wantSays(t, realCheck(t, o, address), c.ok, c.https)
			o.Kind = TLS
			if c.ok {
				c.https = "TLS with " + address + " stands"
			}
			wantSays(t, realCheck(t, o, address), c.ok, c.https)
			o.TLS.Policy = nil // verify: false
			wantSays(t, realCheck(t, o, address), true, "TLS with ")
		})
	}
}

// What is no certificate's fault.
func TestTLSHandshake(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.issue("app.test", time.Now().Add(time.Minute))
	o := usual()
	o.Kind, o.TLS = TLS, ca.policy()
	listen := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				serve(c)
				c.Close()
			}
		}()
		return l.Addr().String()
	}
	withTLS := func(config *tls.Config) string {
		return listen(func(c net.Conn) {
			s := tls.Server(c, config)
			s.Handshake()
			io.Copy(io.Discard, s)
		})
	}
	wantSays(t, realCheck(t, o, listen(func(c net.Conn) {
		io.CopyN(io.Discard, c, 100)
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		io.Copy(io.Discard, c)
	})), false, "the TLS handshake: server's port does not speak TLS (upstream.up-handshake.not-tls)")
	wantSays(t, realCheck(t, o, withTLS(&tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h3"}})),
		false, "the TLS handshake: the server ended TLS with alert 120 no_application_protocol")
	wantSays(t, realCheck(t, o, listen(func(c net.Conn) { io.CopyN(io.Discard, c, 100) })), false, "the TLS handshake: the server ")
	slow := o
	slow.Timeout = 50 * time.Millisecond
	spec := specAt(listen(func(c net.Conn) { io.Copy(io.Discard, c) }))
	g := upstream.NewGroup("shop", upstream.Options{}, []upstream.Spec{spec})
	wantSays(t, NewChecker(slow, realEnv()).Check(t.Context(), g.Servers()[0]), false, "the TLS handshake did not end within 50ms")
	// A client certificate that the server refuses shows when it is spoken to.
	https := usual()
	https.TLS = ca.policy()
	wantSays(t, realCheck(t, https, withTLS(&tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert})),
		false, "GET /health: the server ended TLS with alert 116 certificate_required")
}
