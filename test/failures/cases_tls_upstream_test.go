// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"causey/lab/client"
	"causey/lab/origin"
	"causey/lab/pki"
)

// app is a good server's certificate.
var app = pki.Leaf{Names: []string{"app.internal"}}

// secured has the gateway speak TLS to the origin, trust the trusted root, and ask for app.internal; more are keys of
// the upstream's tls.
func secured(more func(*stage) string) func(*stage, *Case) {
	return func(s *stage, c *Case) {
		c.servers[0] = "https://" + c.servers[0]
		c.upstream = "tls: {" + s.trust() + more(s) + "}"
	}
}

// trust is the part of an upstream's tls that all cases have.
func (s *stage) trust() string {
	return "ca_file: " + pki.Write(s.dir, "ca.pem", authorities().trusted.PEM()) + ", server_name: app.internal"
}

func nothingMore(*stage) string { return "" }

// tlsCase is a case of a server over TLS, asked for its front page.
func tlsCase(kind, as string, o origin.Options, e evidence) Case {
	e["dialled"] = begins("127.0.0.1:")
	return Case{code: "upstream.up-handshake." + kind, as: as, origin: o, prepare: secured(nothingMore), play: ask(get("/")), evidence: e}
}

// badHello is a server that does not get past our hello.
func badHello(kind, mode string, e evidence) Case {
	return tlsCase(kind, "", origin.Options{Accept: mode}, e)
}

// showsChain is a server with this certificate and chain.
func showsChain(c *pki.Certificate, chain ...[]byte) origin.Options {
	return origin.Options{TLS: &tls.Config{Certificates: []tls.Certificate{c.TLS(chain...)}}}
}

// shows is a server with a certificate of that leaf, from a trusted authority and with its whole chain.
func shows(l pki.Leaf) origin.Options { return showsChain(authorities().inner.Issue(l)) }

// wants is a good server with more wishes.
func wants(edit func(*tls.Config)) origin.Options {
	return origin.Options{TLS: authorities().inner.Issue(app).Server(edit)}
}

func tlsUpstreamCases() []Case {
	stalls := badHello("timeout", "hello-hold", evidence{"end": "open"})
	stalls.timeouts = "up_handshake: 150ms"
	all := []Case{
		stalls,
		badHello("closed", "hello-fin", evidence{"end": "fin"}),
		badHello("reset", "hello-rst", evidence{"end": "rst"}),
		badHello("not-tls", "hello-plain", evidence{"first_bytes": begins("HTTP/1.1 400")}),
		tlsCase("not-tls", "garbage", origin.Options{Accept: "hello-garbage"}, evidence{}),
		badHello("malformed", "hello-broken", evidence{}),
		badHello("sni-unknown", "hello-alert=112", evidence{"tls_alert": 112, "tls_alert_sent": false, "tls_server_name": "app.internal"}),
		badHello("alert", "hello-alert=80", evidence{"tls_alert": 80, "tls_alert_name": "internal_error", "tls_alert_sent": false}),
	}
	return append(append(all, tlsWishCases()...), tlsCertCases()...)
}

// tlsWishCases are servers with which nothing can be agreed on.
func tlsWishCases() []Case {
	wantsCert := func(version uint16) origin.Options {
		return wants(func(c *tls.Config) {
			c.ClientAuth, c.MinVersion, c.MaxVersion = tls.RequireAnyClientCert, version, version
		})
	}
	asked := evidence{"tls_certificate_asked": true, "tls_alert_sent": false}
	return []Case{
		tlsCase("tls-version", "", wants(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), evidence{"tls_alert": 70}),
		tlsCase("no-cipher", "", wants(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
		}), evidence{"tls_alert": 40, "tls_alert_sent": false}),
		tlsCase("no-alpn", "", wants(func(c *tls.Config) { c.NextProtos = []string{"mqtt"} }), evidence{"tls_alert": 120, "tls_alert_sent": false}),
		tlsCase("client-cert-missing", "", wantsCert(tls.VersionTLS13), asked),
		refusesCert(tls.VersionTLS13, ""),
		refusesCert(tls.VersionTLS12, "tls12"),
		tlsCase("client-cert-missing", "tls12", wantsCert(tls.VersionTLS12), evidence{"tls_certificate_asked": true}),
	}
}

// refusesCert is a server that wants a client certificate of one authority, and is shown one of another.
func refusesCert(version uint16, as string) Case {
	c := tlsCase("client-cert-refused", as, wants(func(c *tls.Config) {
		c.ClientAuth, c.MinVersion, c.MaxVersion = tls.RequireAndVerifyClientCert, version, version
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AppendCertsFromPEM(pki.Root("Strange Root").PEM())
	}), evidence{"tls_alert_sent": false, "tls_certificate_asked": true})
	c.prepare = secured(func(s *stage) string {
		cert, key := authorities().trusted.Issue(pki.Leaf{Names: []string{"gateway"}}.ForClients()).Files(s.dir, "gateway")
		return ", client_certificate: {certificate: " + cert + ", key: " + key + "}"
	})
	return c
}

// tlsCertCases are servers whose certificate is not accepted.
func tlsCertCases() []Case {
	a := authorities()
	alone := a.inner.Issue(app)
	stapled, listed := a.inner.Issue(app), a.trusted.Issue(app)
	withStaple := origin.Options{TLS: stapled.Server(func(c *tls.Config) { c.Certificates[0].OCSPStaple = stapled.OCSP(true) })}
	strange := pki.Root("Strange Root")
	foreign := strange.Issue(app)
	other := app
	other.Names = []string{"other.internal", "*.other.internal"}
	byList := tlsCase("revoked", "list", showsChain(listed), evidence{})
	byList.prepare = secured(func(s *stage) string { return ", crl_file: " + pki.Write(s.dir, "crl.pem", a.trusted.CRL(listed)) })
	return []Case{
		tlsCase("cert-expired", "", shows(app.Expired()), evidence{"tls_names": "[app.internal]", "tls_not_after": begins("20")}),
		tlsCase("cert-not-yet-valid", "", shows(app.NotYetValid(time.Hour)), evidence{"tls_not_before": begins("20")}),
		tlsCase("unknown-ca", "", showsChain(pki.SelfSigned(app)), evidence{"tls_subject": begins("CN=app.internal")}),
		tlsCase("unknown-ca", "root", showsChain(foreign, foreign.With(strange)...), evidence{}),
		tlsCase("chain-incomplete", "", showsChain(alone, alone.Alone()...), evidence{"tls_missing_issuer": begins("CN=Intermediate")}),
		tlsCase("wrong-name", "", shows(other), evidence{"tls_server_name": "app.internal", "tls_names": "[other.internal *.other.internal]"}),
		tlsCase("revoked", "staple", withStaple, evidence{}),
		byList,
		tlsCase("bad-cert", "purpose", shows(app.ForClients()), evidence{}),
		tlsCase("bad-cert", "constraints", showsChain(a.trusted.Constrained("Bound", "example.com").Issue(app)), evidence{}),
		{code: "gateway.up-handshake.clock-wrong", origin: shows(app.NotYetValid(10 * 24 * time.Hour)), prepare: withWitness, play: afterWitness,
			evidence: evidence{"tls_clock_ahead_ms": above(9e8)}},
		{code: "upstream.relay-body.no-close-notify", seen: cut, origin: wants(nil), prepare: secured(nothingMore),
			play: ask(get(exactly(origin.Bare, "HTTP/1.1 200 OK\r\n\r\nbody"))), evidence: evidence{"end": "fin"}},
	}
}

// witness is where the second server is asked.
const witness = "/lab/raw"

// withWitness adds a second server, without TLS, that answers at witness.
func withWitness(s *stage, c *Case) {
	o, err := origin.Start("tcp", "127.0.0.1:0", origin.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { o.Close() })
	c.text = fmt.Sprintf("sites: [{host: '*', routes: [{path: /, upstream: u}, {path: %s, upstream: v}]}]\n"+
		"upstreams: {u: {servers: ['https://%s'], tls: {%s}}, v: {servers: [%s]}}\n", witness, s.origin.Addr(), s.trust(), o.Addr())
}

// afterWitness has the second server say that it is eleven days later, and asks the first one then.
func afterWitness(s *stage) client.Result {
	date := time.Now().Add(11 * 24 * time.Hour).UTC().Format(http.TimeFormat)
	c := s.dial()
	if _, err := c.Ask([]byte(get(exactly(origin.Keep, "HTTP/1.1 200 OK\r\nDate: "+date+"\r\nContent-Length: 2\r\n\r\nok")))); err != nil {
		s.t.Fatal(err)
	}
	return ask(get("/"))(s)
}
