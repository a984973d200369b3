// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"causey/internal/engine/peercert"
	"causey/internal/failure"
	"causey/internal/record"
)

// authority is a CA of a test.
type authority struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	roots *x509.CertPool
}

var testCA = sync.OnceValue(func() *authority { return newAuthority("test root") })

func newAuthority(name string) *authority {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	cert, _ := x509.ParseCertificate(der)
	a := &authority{cert, key, x509.NewCertPool()}
	a.roots.AddCert(cert)
	return a
}

// leaf makes a certificate for a name; change may alter it.
func (a *authority) leaf(name string, change func(*x509.Certificate)) tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

var siteCert = sync.OnceValue(func() *tls.Certificate {
	c := testCA().leaf("site.test", nil)
	return &c
})

// servedTLS is TLS for clients with one certificate.
func servedTLS() *ClientTLS {
	return &ClientTLS{Default: &TLSPolicy{}, Certificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if h.ServerName != "" && h.ServerName != "site.test" {
			return nil, nil
		}
		return siteCert(), nil
	}}
}

func withTLS(s *setup) { s.clientTLS = servedTLS(); s.opts.Handshake = patience }

// clientConfig is a client that trusts the test's CA.
func clientConfig() *tls.Config {
	return &tls.Config{RootCAs: testCA().roots, ServerName: "site.test"}
}

// dialTLS connects a client with TLS.
func (r *rig) dialTLS(c *tls.Config) *peer {
	r.t.Helper()
	p := r.dial()
	conn := tls.Client(p.Conn, c)
	if err := conn.Handshake(); err != nil {
		r.t.Fatalf("handshake: %v", err)
	}
	return newPeer(r.t, conn)
}

// tlsOrigin serves TLS.
func tlsOrigin(t testing.TB, c *tls.Config, serve func(*peer)) net.Addr {
	t.Helper()
	return origin(t, func(p *peer) {
		conn := tls.Server(p.Conn, c)
		if conn.Handshake() == nil {
			serve(newPeer(t, conn))
			conn.Close()
		}
	})
}

// toTLS makes the rig's server one with TLS.
func toTLS(s *setup) {
	s.servers[0].TLS = true
	s.route.Timeouts.UpHandshake = patience
	s.serverTLS = &ServerTLS{ServerName: "site.test", Policy: &peercert.Policy{Roots: testCA().roots}}
}

func TestTLSKeepAlive(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			r := newRig(t, origin(t, hello), withTLS)
			c := clientConfig()
			c.MaxVersion = version
			p := r.dialTLS(c)
			for range 3 {
				if head, body := p.get(); status(head) != 200 || body != "hello" {
					t.Fatalf("%q, %q", head, body)
				}
			}
			rec := r.record(func(rec *record.Record) bool { return rec.Exchanges == 3 })
			if rec.TLS.Version != version || rec.TLS.Cipher == 0 || rec.TLS.Resumed {
				t.Errorf("%+v", rec.TLS)
			}
		})
	}
}

// A connection that lies idle is parked with its session, and goes on.
func TestTLSParks(t *testing.T) {
	r := newRig(t, origin(t, hello), withTLS)
	p := r.dialTLS(clientConfig())
	for range 2 {
		p.get()
		eventually(t, "the connection to park", func() bool { return r.eng.Counts().Parked == 1 })
	}
	p.get()
	rec := r.record(func(rec *record.Record) bool { return rec.Exchanges == 3 })
	if rec.TLS.Version != tls.VersionTLS13 {
		t.Errorf("%+v", rec.TLS)
	}
}

// Requests that come in one record, or in many, are all answered.
func TestTLSPipelined(t *testing.T) {
	r := newRig(t, origin(t, hello), withTLS)
	p := r.dialTLS(clientConfig())
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	p.send(strings.Repeat(request, 5))
	for range 5 {
		p.answer()
	}
	for _, b := range []byte(request) {
		p.send(string(b))
	}
	p.answer()
}

func TestTLSLargeBodies(t *testing.T) {
	const size = 3 << 20
	body := strings.Repeat("0123456789abcdef", size/16)
	r := newRig(t, tlsOrigin(t, &tls.Config{Certificates: []tls.Certificate{*siteCert()}}, func(p *peer) {
		head, _ := p.head()
		got := make([]byte, lengthOf(head))
		if n, err := readFull(p, got); err != nil || string(got) != body {
			t.Errorf("%d of %d bytes of the request: %v", n, size, err)
			p.send("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
			return
		}
		p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body))
	}), func(s *setup) { withTLS(s); toTLS(s) })
	p := r.dialTLS(clientConfig())
	go p.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size, body))
	if head, got := p.answer(); status(head) != 200 || got != body {
		t.Fatalf("%q, %d bytes", head, len(got))
	}
}

func readFull(p *peer, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = p.in.Read(b[n:])
		n += k
	}
	if n == len(b) {
		err = nil
	}
	return n, err
}

// A connection to a server is used again although the server's tickets came after
// the answer.
func TestTLSUpstreamReused(t *testing.T) {
	r := newRig(t, tlsOrigin(t, &tls.Config{Certificates: []tls.Certificate{*siteCert()}}, hello), toTLS)
	p := r.dial()
	for range 3 {
		if head, _ := p.get(); status(head) != 200 {
			t.Fatal(head)
		}
	}
	rec := r.record(func(rec *record.Record) bool { return rec.Exchanges == 3 })
	if a := rec.LastAttempt(); !a.Reused || a.RequestNumber != 3 {
		t.Errorf("%+v", a)
	}
}

// Bytes that TLS holds after an answer are found before the connection is used again.
// I3.
func TestTLSExcessIsNoAnswer(t *testing.T) {
	r := newRig(t, tlsOrigin(t, &tls.Config{Certificates: []tls.Certificate{*siteCert()}}, func(p *peer) {
		for i := 0; ; i++ {
			if _, err := p.head(); err != nil {
				return
			}
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
			if i == 0 {
				p.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			}
		}
	}), toTLS)
	p := r.dial()
	for range 3 {
		if _, body := p.get(); body != "hello" {
			t.Fatal(body)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// An answer that only the end of the connection ends is whole with close_notify, and
// cut without.
func TestTLSEndOfBody(t *testing.T) {
	for _, whole := range []bool{true, false} {
		r := newRig(t, origin(t, func(p *peer) {
			conn := tls.Server(p.Conn, &tls.Config{Certificates: []tls.Certificate{*siteCert()}})
			q := newPeer(t, conn)
			q.head()
			q.send("HTTP/1.1 200 OK\r\n\r\nhello")
			if whole {
				conn.CloseWrite()
			}
		}), toTLS)
		p := r.dial()
		p.send("GET / HTTP/1.0\r\n\r\n")
		p.head()
		err := p.ended()
		rec := r.one()
		if whole && (rec.Outcome != record.Relayed || rec.BodyOut != 5) {
			t.Errorf("with close_notify: %v, %v", rec.Outcome, rec.Failure)
		}
		if !whole && (rec.Failure.Kind != failure.NoCloseNotify || err == nil) {
			t.Errorf("without: %v, %v, client sees %v", rec.Outcome, rec.Failure, err)
		}
	}
}

// Our own answer without length ends with close_notify.
func TestTLSSaysGoodbye(t *testing.T) {
	r := newRig(t, origin(t, func(p *peer) {
		p.head()
		p.send("HTTP/1.1 200 OK\r\n\r\nhello")
	}), withTLS)
	p := r.dial()
	raw := &countingConn{Conn: p.Conn}
	conn := tls.Client(raw, clientConfig())
	q := newPeer(t, conn)
	q.send("GET / HTTP/1.0\r\n\r\n")
	q.head()
	q.ended()
	if raw.eofs != 0 {
		t.Error("the end of TCP came before the end of TLS")
	}
}

// countingConn counts the ends that were read.
type countingConn struct {
	net.Conn
	eofs int
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.eofs++
	}
	return n, err
}

func TestTLSResumes(t *testing.T) {
	r := newRig(t, origin(t, hello), withTLS)
	c := clientConfig()
	c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for i := range 2 {
		if i == 1 {
			r.eng.SetClientTLS(servedTLS()) // a reload
		}
		p := r.dialTLS(c)
		p.get()
		p.Close()
	}
	r.record(func(rec *record.Record) bool { return rec.TLS.Resumed })
}

// A rule for clients' certificates holds for its own site alone: neither a ticket nor
// a connection of another one opens it.
func TestTLSClientAuth(t *testing.T) {
	client := testCA().leaf("somebody", nil)
	served := func() *ClientTLS {
		o := servedTLS()
		o.ByHost = map[string]*TLSPolicy{"site.test": {ClientAuth: &ClientAuth{ID: "site", Roots: testCA().roots}}}
		return o
	}
	r := newRig(t, origin(t, func(p *peer) {
		for {
			head, err := p.head()
			if err != nil {
				return
			}
			_, cert, _ := strings.Cut(head, "Client-Cert: :")
			p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%.1s", cert+"0"))
		}
	}), func(s *setup) {
		withTLS(s)
		s.clientTLS = served()
		s.route.ClientAuth = "site"
	})
	// Without one: the handshake fails; TLS 1.3 tells the client at its first read.
	p := r.dial()
	conn := tls.Client(p.Conn, clientConfig())
	if err := conn.Handshake(); err == nil {
		_, err = conn.Read(make([]byte, 1))
		if err == nil {
			t.Error("let in")
		}
	}
	if rec := r.one(); rec.Failure.String() != "client.handshake.client-cert-missing" {
		t.Errorf("%v", rec.Failure)
	}
	// With one, chosen by who may have signed it.
	c := clientConfig()
	c.GetClientCertificate = func(cri *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if err := cri.SupportsCertificate(&client); err != nil || len(cri.AcceptableCAs) != 1 {
			t.Errorf("asked for a certificate of %q: %v", cri.AcceptableCAs, err)
		}
		return &client, nil
	}
	q := r.dialTLS(c)
	if head, body := q.get(); status(head) != 200 || body != "M" {
		t.Errorf("%q %q", head, body)
	}
	eventually(t, "the connection to park", func() bool { return r.eng.Counts().Parked == 1 })
	if head, body := q.get(); status(head) != 200 || body != "M" {
		t.Errorf("after parking: %q %q", head, body)
	}
	// By another name.
	c = clientConfig()
	c.ServerName, c.InsecureSkipVerify = "", true
	if head, _ := r.dialTLS(c).get(); status(head) != 421 {
		t.Errorf("%q", head)
	}
}

func TestTLSServerFaults(t *testing.T) {
	other := newAuthority("another root")
	cases := []struct {
		name, want string
		cert       tls.Certificate
		config     func(*tls.Config)
	}{
		{"expired", "upstream.up-handshake.cert-expired", testCA().leaf("site.test", func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		}), nil},
		{"not yet", "upstream.up-handshake.cert-not-yet-valid", testCA().leaf("site.test", func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		}), nil},
		{"name", "upstream.up-handshake.wrong-name", testCA().leaf("other.test", nil), nil},
		{"no issuer", "upstream.up-handshake.chain-incomplete", other.leaf("site.test", nil), nil},
		{"version", "upstream.up-handshake.tls-version", *siteCert(), func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }},
		{"client certificate", "upstream.up-handshake.client-cert-missing", *siteCert(), func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }},
		{"protocol", "upstream.up-handshake.no-alpn", *siteCert(), func(c *tls.Config) { c.NextProtos = []string{"other"} }},
		{"cipher", "upstream.up-handshake.no-cipher", *siteCert(), func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := &tls.Config{Certificates: []tls.Certificate{tc.cert}}
			if tc.config != nil {
				tc.config(c)
			}
			r := newRig(t, tlsOrigin(t, c, hello), toTLS)
			head, _ := r.dial().get()
			rec := r.one()
			if rec.Failure.String() != tc.want || status(head) != 502 {
				t.Fatalf("%v, %q: %v", rec.Failure, head, rec.Error)
			}
			t.Logf("%+v", rec.Error.Evidence.TLS)
		})
	}
}

func TestTLSHandshakeEndsWithItsCanceler(t *testing.T) {
	r := newRig(t, origin(t, func(p *peer) { p.ended() }), toTLS)
	p := r.dial()
	p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	time.Sleep(100 * time.Millisecond)
	p.reset()
	if rec := r.one(); rec.Failure.Party != failure.Client {
		t.Errorf("%v", rec.Failure)
	}
}

// The policy of a name is that of the site which answers it.
func TestTLSPolicy(t *testing.T) {
	all, one, below, deep := &TLSPolicy{}, &TLSPolicy{}, &TLSPolicy{}, &TLSPolicy{}
	o := &ClientTLS{Default: all, ByHost: map[string]*TLSPolicy{"a.test": one, "*.a.test": below, "*.b.a.test": deep}}
	for name, want := range map[string]*TLSPolicy{
		"": all, "test": all, "other.test": all, "a.test": one, "A.Test.": one, "x.a.test": below, "x.y.a.test": below,
		"x.b.a.test": deep, "b.a.test": below, "xa.test": all, strings.Repeat("x.", 120) + "a.test": below,
	} {
		if o.policy(name) != want {
			t.Errorf("the policy of %q is another's", name)
		}
	}
}

// A connection that ends without a byte is how balancers look whether somebody is
// there, over TLS as without.
func TestTLSLookLeavesNoRecord(t *testing.T) {
	r := newRig(t, origin(t, hello), withTLS)
	r.dial().Close()
	r.dial().reset()
	eventually(t, "both to be gone", func() bool { return r.eng.clients.Load() == 0 })
	r.dialTLS(clientConfig()).get()
	if rec := r.one(); !rec.Failure.IsNone() || len(r.drained()) != 1 {
		t.Errorf("%d records, the first with %v", len(r.drained()), rec.Failure)
	}
}

// Where a certificate is only asked for, a client without one is let in, and one with a
// bad one is not.
func TestTLSClientAuthOptional(t *testing.T) {
	r := newRig(t, origin(t, hello), func(s *setup) {
		withTLS(s)
		s.clientTLS.Default = &TLSPolicy{ClientAuth: &ClientAuth{ID: "site", Roots: testCA().roots, Optional: true}}
		s.route.ClientAuth = "site"
	})
	if head, _ := r.dialTLS(clientConfig()).get(); status(head) != 200 {
		t.Errorf("without one: %q", head)
	}
	c, stranger := clientConfig(), newAuthority("another root").leaf("somebody", nil)
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stranger, nil }
	conn := tls.Client(r.dial().Conn, c)
	if conn.Handshake() == nil {
		conn.Read(make([]byte, 1))
	}
	r.record(func(rec *record.Record) bool { return rec.Failure.String() == "client.handshake.client-cert-refused" })
}

// A handshake that waits for its certificate ends when its time is over, and when the
// engine is killed; which of the two is told apart.
func TestTLSHandshakeWaitsForItsCertificate(t *testing.T) {
	const name = "wanted.test"
	for _, c := range []struct {
		name  string
		limit time.Duration
		end   func(*rig)
		code  string
	}{
		{"timeout", 100 * time.Millisecond, func(*rig) {}, "gateway.handshake.no-certificate"},
		{"kill", patience, func(r *rig) { r.eng.Kill() }, "gateway.handshake.shutdown"},
		{"kill without a limit", 0, func(r *rig) { r.eng.Kill() }, "gateway.handshake.shutdown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			waits := make(chan struct{})
			r := newRig(t, origin(t, hello), func(s *setup) {
				withTLS(s)
				s.opts.Handshake, s.clientTLS.Waits = c.limit, true
				s.clientTLS.Certificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
					if h.ServerName != name {
						return siteCert(), nil
					}
					close(waits)
					<-h.Context().Done()
					return nil, h.Context().Err()
				}
			})
			r.dialTLS(clientConfig()).get() // others need not wait
			p := r.dial()
			go tls.Client(p.Conn, &tls.Config{ServerName: name}).Handshake()
			<-waits
			c.end(r)
			rec := r.record(func(rec *record.Record) bool { return !rec.Failure.IsNone() })
			if rec.Failure.String() != c.code {
				t.Errorf("%v", rec.Failure)
			}
		})
	}
}
