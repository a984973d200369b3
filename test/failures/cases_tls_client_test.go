// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"crypto/tls"
	"fmt"
	"strings"
	"sync"

	"causey/lab/client"
	"causey/lab/pki"
)

// authorities sign whatever the cases show; trusted is whom both sides trust.
var authorities = sync.OnceValue(func() (a struct{ trusted, inner *pki.Authority }) {
	a.trusted = pki.Root("Trusted Root")
	a.inner = a.trusted.Intermediate("Intermediate")
	return a
})

// overTLS has the gateway listen with TLS, and a default certificate for shop.example.
func overTLS(s *stage, c *Case) {
	onlyTLS(s, c)
	cert, key := authorities().inner.Issue(pki.Leaf{Names: []string{"shop.example"}}).Files(s.dir, "default")
	c.top += fmt.Sprintf("\ntls: {certificates: [{certificate: %s, key: %s}]}", cert, key)
}

// onlyTLS has the gateway listen with TLS.
func onlyTLS(_ *stage, c *Case) { c.listen = []string{"{address: '127.0.0.1:0', tls: true}"} }

// ownCertificate gives the one site a certificate, and strangers none.
func ownCertificate(s *stage, c *Case) {
	onlyTLS(s, c)
	cert, key := authorities().inner.Issue(pki.Leaf{Names: []string{"shop.example"}}).Files(s.dir, "site")
	c.text = fmt.Sprintf(sites("{host: shop.example, tls: {certificates: [{certificate: %s, key: %s}]}, routes: [{path: /, upstream: u}]}"),
		cert, key, s.origin.Addr())
}

// waiting has the site wait for a certification authority that does not answer.
func waiting(s *stage, c *Case) {
	onlyTLS(s, c)
	c.top += fmt.Sprintf("\ntls: {automatic: {ca: 'https://127.0.0.1:1/directory', storage: %s}}", s.dir)
	c.text = fmt.Sprintf(sites("{host: shop.example, routes: [{path: /, upstream: u}]}"), s.origin.Addr())
}

// mutualTLS has shop.example want client certificates, and open.example none.
func mutualTLS(s *stage, c *Case) {
	overTLS(s, c)
	cert, key := authorities().inner.Issue(pki.Leaf{Names: []string{"shop.example", "open.example"}}).Files(s.dir, "both")
	site := func(host, more string) string {
		return fmt.Sprintf("{host: %s, tls: {certificates: [{certificate: %s, key: %s}]%s}, routes: [{path: /, upstream: u}]}", host, cert, key, more)
	}
	ca := pki.Write(s.dir, "ca.pem", authorities().trusted.PEM())
	c.text = fmt.Sprintf(sites("%s, %s"), site("shop.example", fmt.Sprintf(", client_auth: {ca_file: %s, mode: require}", ca)),
		site("open.example", ""), s.origin.Addr())
}

// hello is a client's configuration for TLS 1.2, in which alerts need no encryption, with changes.
func hello(edit func(*tls.Config)) *tls.Config {
	cfg := pki.Client("shop.example", authorities().trusted)
	cfg.MaxVersion = tls.VersionTLS12
	if edit != nil {
		edit(cfg)
	}
	return cfg
}

// sends sends bytes as they are, and waits for the end.
func sends(data []byte) func(*stage) client.Result {
	return func(s *stage) client.Result { return client.Raw(s.ctx, s.target(), data) }
}

// greets sends the hello of such a client, and waits for the end.
func greets(edit func(*tls.Config)) func(*stage) client.Result {
	return func(s *stage) client.Result { return sends(client.Hello(hello(edit)))(s) }
}

// replies waits until the gateway has answered the hello, and sends an alert.
func replies(number byte) func(*stage) client.Result {
	return func(s *stage) client.Result {
		return client.AfterHello(s.ctx, s.target(), hello(nil), client.AlertRecord(number), client.Wait)
	}
}

// asks asks over TLS.
func asks(cfg func() *tls.Config, request string) func(*stage) client.Result {
	return func(s *stage) client.Result {
		t := s.target()
		t.TLS = cfg()
		return client.RawUntil(s.ctx, t, []byte(request), client.Responses("GET"))
	}
}

// leaves sends so many bytes of a hello, and leaves.
func leaves(n int, how client.How) func(*stage) client.Result {
	return func(s *stage) client.Result {
		return client.HalfRequest(s.ctx, s.target(), client.Hello(hello(nil)), n, how)
	}
}

// showing is a client that trusts us and shows a certificate; nil shows none.
func showing(name string, cert func() *pki.Certificate) func() *tls.Config {
	return func() *tls.Config {
		cfg := pki.Client(name, authorities().trusted)
		if cert != nil {
			shown := cert().TLS()
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
		}
		return cfg
	}
}

func tlsClientCases() []Case {
	ours := func(alert int, more ...any) evidence {
		e := evidence{"tls_alert": alert, "tls_alert_sent": true}
		for i := 0; i < len(more); i += 2 {
			e[more[i].(string)] = more[i+1]
		}
		return e
	}
	theirs := func(alert int) evidence {
		return evidence{"tls_alert": alert, "tls_alert_sent": false, "tls_server_name": "shop.example"}
	}
	named := func(name string) func(*tls.Config) { return func(c *tls.Config) { c.ServerName = name } }
	clientCert := func(a func() *pki.Authority, l pki.Leaf) func() *pki.Certificate {
		return func() *pki.Certificate { return a().Issue(l) }
	}
	trusted := func() *pki.Authority { return authorities().trusted }
	strange := sync.OnceValue(func() *pki.Authority { return pki.Root("Strange Root") })
	visitor := pki.Leaf{Names: []string{"visitor"}}.ForClients()
	request := get("/")
	return []Case{
		{code: "client.handshake.plain-http", prepare: overTLS, play: ask(request), evidence: evidence{"first_bytes": begins("GET / HTTP/1.1")}},
		{code: "client.handshake.not-tls", seen: shut, prepare: overTLS, play: sends([]byte("SSH-2.0-OpenSSH_9.2p1\r\n")),
			evidence: evidence{"first_bytes": begins("SSH-2.0-")}},
		{code: "client.handshake.not-tls", as: "garbage", seen: shut, prepare: overTLS, play: sends([]byte("\x00\x01\x02\xff\xfe\xfdgarbage\x00"))},
		{code: "client.handshake.malformed", seen: shut, prepare: overTLS, play: sends([]byte("\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03\x01\x02"))},
		{code: "client.handshake.tls-version", seen: shut, prepare: overTLS, evidence: ours(70, "tls_offered", lists("TLS 1.")),
			play: greets(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })},
		{code: "client.handshake.no-cipher", seen: shut, prepare: overTLS, evidence: ours(40),
			play: greets(func(c *tls.Config) { c.CipherSuites = []uint16{tls.TLS_RSA_WITH_RC4_128_SHA} })},
		{code: "client.handshake.no-alpn", seen: shut, prepare: overTLS, evidence: ours(120, "tls_offered", "[imap]"),
			play: greets(func(c *tls.Config) { c.NextProtos = []string{"imap"} })},
		{code: "client.handshake.no-sni", seen: shut, prepare: waiting, play: greets(named("127.0.0.1")), evidence: ours(112, "tls_server_name", "")},
		{code: "gateway.handshake.no-certificate", seen: shut, prepare: waiting, play: greets(named("shop.example")), evidence: evidence{"tls_server_name": "shop.example"}},
		{code: "client.handshake.sni-unknown", seen: shut, prepare: ownCertificate, play: greets(named("other.example")),
			evidence: ours(112, "tls_server_name", "other.example")},
		{code: "client.handshake.cert-rejected", seen: shut, prepare: overTLS, play: replies(48), evidence: theirs(48)},
		{code: "client.handshake.cert-rejected", as: "expired", seen: shut, prepare: overTLS, play: replies(45), evidence: theirs(45)},
		{code: "client.handshake.cert-rejected", as: "tls13", seen: shut, prepare: overTLS, evidence: theirs(42),
			play: asks(func() *tls.Config { return pki.Client("shop.example") }, request)},
		{code: "client.handshake.alert", seen: shut, prepare: overTLS, play: replies(80), evidence: theirs(80)},
		{code: "client.handshake.client-cert-missing", seen: shut, prepare: mutualTLS, play: asks(showing("shop.example", nil), request)},
		{code: "client.handshake.client-cert-refused", seen: shut, prepare: mutualTLS,
			play: asks(showing("shop.example", clientCert(strange, visitor)), request)},
		{code: "client.handshake.client-cert-refused", as: "expired", seen: shut, prepare: mutualTLS,
			play: asks(showing("shop.example", clientCert(trusted, visitor.Expired())), request)},
		{code: "client.handshake.client-cert-refused", as: "purpose", seen: shut, prepare: mutualTLS,
			play: asks(showing("shop.example", clientCert(trusted, pki.Leaf{Names: visitor.Names})), request)},
		{code: "client.handshake.timeout", seen: shut, prepare: overTLS, timeouts: "handshake: 150ms", play: leaves(0, client.Wait)},
		{code: "client.handshake.timeout", as: "inside", seen: shut, prepare: overTLS, timeouts: "handshake: 150ms", play: leaves(50, client.Wait)},
		{code: "client.handshake.closed", seen: left, prepare: overTLS, play: leaves(50, client.FIN), evidence: evidence{"end": "fin"}},
		{code: "client.handshake.reset", seen: left, prepare: overTLS, evidence: evidence{"end": "rst"}, play: func(s *stage) client.Result {
			return client.AfterHello(s.ctx, s.target(), hello(nil), nil, client.RST)
		}},
		{code: "client.route.misdirected", prepare: mutualTLS, play: asks(showing("open.example", nil), request)},
	}
}

// lists wants a list whose first text begins so.
func lists(with string) check {
	return check{"a list that begins with " + with, func(v any) bool {
		list, ok := v.([]any)
		return ok && len(list) > 0 && strings.HasPrefix(fmt.Sprint(list[0]), with)
	}}
}
