// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"strings"
	"time"
)

var certificatePairKind = object[CertificatePair]{
	name: "certificate pair",
	doc:  "A certificate and its key. Changed files are read again by themselves within seconds; a pair that does not fit leaves the old one in use.",
	fields: []field[CertificatePair]{
		{entry{name: "certificate", required: true, sample: "certificate: FILE",
			doc:   "A PEM file with the certificate and the intermediates that lead to its root, the certificate first.",
			avoid: "Not the certificate alone: many clients then say that its issuer is unknown. It is `fullchain.pem` of certbot, not `cert.pem`."},
			to(filePath, func(p *CertificatePair) *string { return &p.Certificate })},
		{entry{name: "key", required: true, sample: "key: FILE", doc: "A PEM file with the private key."},
			to(filePath, func(p *CertificatePair) *string { return &p.Key })},
	},
	check:      func(d *decoder, c cursor, p *CertificatePair) { d.checkPair(c, p) },
	shortShape: filePath.shape,
	short: func(d *decoder, c cursor, p *CertificatePair) (ok bool) {
		p.Certificate, ok = filePath.read(d, c)
		if p.Key = p.Certificate; ok {
			d.checkPair(c, p)
		}
		return ok
	},
}.kind()

// The directories of a CA that has names for them.
var caNames = map[string]string{
	"letsencrypt":         "https://acme-v02.api.letsencrypt.org/directory",
	"letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}

var caKind = leaf(&shape{
	name: "letsencrypt \\| letsencrypt-staging \\| URL", want: "letsencrypt, letsencrypt-staging, or the URL of an ACME directory", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^(letsencrypt|letsencrypt-staging|https://.+)$"},
}, func(s string) (string, error) {
	if u := caNames[s]; u != "" {
		return u, nil
	}
	return parseHTTPURL(s, "https")
})

// parseHTTPURL checks a URL with one of some schemes.
func parseHTTPURL(s string, schemes ...string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return "", wrong("write "+schemes[0]+"://HOST/PATH", "%s is no URL", quote(s))
	}
	for _, scheme := range schemes {
		if u.Scheme == scheme {
			return s, nil
		}
	}
	return "", wrong("write "+strings.Join(schemes, ":// or ")+"://", "%s has the scheme %s", quote(s), quoteless(u.Scheme))
}

var askKind = leaf(&shape{
	name: "URL", want: "a URL such as http://127.0.0.1:3000/may-have-certificate", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^https?://.+$"},
}, func(s string) (string, error) { return parseHTTPURL(s, "http", "https") })

var emailKind = leaf(&shape{
	name: "mail address", want: "a mail address", anyText: true, schema: map[string]any{"type": "string", "pattern": "^[^@ ]+@[^@ ]+$"},
}, func(s string) (string, error) {
	name, host, ok := strings.Cut(s, "@")
	if !ok || name == "" || host == "" || strings.ContainsAny(s, " <>,") || !isPrintable(s) {
		return "", wrong("write name@example.com", "%s is no mail address", quote(s))
	}
	return s, nil
})

var plainText = leaf(&shape{name: "text", want: "a text", anyText: true, schema: map[string]any{"type": "string", "minLength": 1}},
	func(s string) (string, error) {
		if s == "" || !isPrintable(s) {
			return "", wrong("", "%s is not a text for this key", quote(s))
		}
		return s, nil
	})

var dnsKind = object[DNS]{
	name: "dns",
	doc:  "Proves by a record of the zone that a host is yours (DNS-01). It works without any port open, and is the only way to certificates for `*.` names.",
	fields: []field[DNS]{
		{entry{name: "provider", required: true, sample: "provider: exec",
			doc: "How the record is set: `exec` runs a program of yours, `rfc2136` sends a signed update to a name server (BIND, Knot, PowerDNS)."},
			to(enum("provider", DNSExec, DNSRFC2136), func(x *DNS) *DNSProvider { return &x.Provider })},
		{entry{name: "command", derived: "none",
			doc: "For `exec`: the program. It is called with `present NAME VALUE` and `cleanup NAME VALUE`, where NAME is the whole name of the record, such as `_acme-challenge.example.com`"},
			to(filePath, func(x *DNS) *string { return &x.Command })},
		{entry{name: "server", derived: "none", doc: "For `rfc2136`: address and port of the primary name server."},
			to(plainText, func(x *DNS) *string { return &x.Server })},
		{entry{name: "key_name", derived: "none", doc: "For `rfc2136`: the name of the TSIG key."},
			to(plainText, func(x *DNS) *string { return &x.KeyName })},
		{entry{name: "key_algorithm", derived: "hmac-sha256", doc: "For `rfc2136`: the algorithm of the TSIG key."},
			to(plainText, func(x *DNS) *string { return &x.KeyAlgorithm })},
		{entry{name: "key_file", derived: "none", doc: "For `rfc2136`: a file with the secret of the TSIG key in base64."},
			to(filePath, func(x *DNS) *string { return &x.KeyFile })},
	},
	check: checkDNS,
}.kind()

var automaticKind = object[Automatic]{
	name:  "automatic",
	doc:   "Certificates that the gateway obtains and renews itself, by ACME (RFC 8555), for the hosts of all sites that have no certificate otherwise. With it on, a listener with TLS needs nothing but the host names of the sites. `off` in place of the keys turns it off.",
	start: func(a *Automatic) { a.Enabled = true },
	fields: []field[Automatic]{
		{entry{name: "enabled", def: "true", doc: "Whether certificates are obtained. By using this you agree to the CA's terms of service."},
			to(boolean, func(a *Automatic) *bool { return &a.Enabled })},
		{entry{name: "ca", def: "letsencrypt",
			doc:   "The certification authority: `letsencrypt`, `letsencrypt-staging` (for trying: its certificates are not trusted by browsers, its limits are wide), or the URL of another one's ACME directory.",
			avoid: "Do not try things out with `letsencrypt`: it gives only five certificates for the same names a week."},
			to(caKind, func(a *Automatic) *string { return &a.CA })},
		{entry{name: "ca_file", derived: "the system's",
			doc: "A PEM file with the certificates that the CA's own API is trusted by; for a CA of your own."},
			to(filePath, func(a *Automatic) *string { return &a.CAFile })},
		{entry{name: "email", derived: "none", doc: "Where the CA writes to if something is wrong with a certificate."},
			to(emailKind, func(a *Automatic) *string { return &a.Email })},
		{entry{name: "challenges", def: "[http, tls-alpn]",
			doc:   "How the CA may convince itself that a host is yours: `http`, by a request to port 80; `tls-alpn`, by a handshake on port 443. One of the ports has to reach this gateway. With `dns` below neither is used.",
			avoid: "Behind a CDN that terminates TLS only `http` or `dns` can work."},
			to(list(enum("challenge", ChallengeHTTP, ChallengeTLSALPN), 1, 2), func(a *Automatic) *[]Challenge { return &a.Challenges })},
		{entry{name: "dns", doc: "The challenge by DNS."},
			to(dnsKind, func(a *Automatic) *DNS { return &a.DNS })},
		{entry{name: "storage", derived: "`certificates` in `$STATE_DIRECTORY`, else in `$XDG_STATE_HOME/causey`, else in `~/.local/state/causey`",
			doc:   "The directory that keeps accounts, certificates and keys. Several gateways may share it.",
			avoid: "Not on a disk that a restart of the container clears: each start would ask for new certificates until the CA has enough of it."},
			to(filePath, func(a *Automatic) *string { return &a.Storage })},
		{entry{name: "ask", derived: "none",
			doc:   "Lets hosts of the site `*` have certificates too, obtained at their first handshake, if this URL answers 200 to `?domain=HOST`: for platforms whose customers bring their own names.",
			avoid: "The URL must say no to names that are not yours: whoever points a name at you could use up your CA's limits."},
			to(askKind, func(a *Automatic) *string { return &a.Ask })},
	},
	check: checkAutomatic,
	shortShape: &shape{name: "on \\| off", want: "on or off", anyText: true, bools: true,
		schema: map[string]any{"enum": []string{"on", "off"}}},
	short: func(d *decoder, c cursor, a *Automatic) bool {
		v, ok := enum("on or off", "on", "off").read(d, c)
		a.Enabled = v == "on"
		return ok
	},
}.kind()

var tlsKind = object[TLS]{
	name: "tls",
	doc:  "How clients are served over TLS, on the listeners that say `tls: true`.",
	fields: []field[TLS]{
		{entry{name: "profile", def: "intermediate",
			doc:   "`intermediate`: TLS 1.2 with forward secrecy, and TLS 1.3; every browser since 2014. `modern`: TLS 1.3 only.",
			avoid: "`modern` shuts out Android before 10, Java before 11 and many older tools.",
			peers: "Mozilla's recommendations of the same names."},
			to(enum("profile", ProfileModern, ProfileIntermediate), func(t *TLS) *TLSProfile { return &t.Profile })},
		{entry{name: "certificates", derived: "none",
			doc: "Certificates for all hosts that they name; a site can have its own. The first one is shown to clients that name no host. For one host both an ECDSA and an RSA certificate may be given: clients that know ECDSA get that."},
			to(list(certificatePairKind, 0, 100_000), func(t *TLS) *[]CertificatePair { return &t.Certificates })},
		{entry{name: "automatic", doc: "Certificates obtained by ACME."},
			to(automaticKind, func(t *TLS) *Automatic { return &t.Automatic })},
		{entry{name: "port", def: "0",
			doc:   "The port of https addresses as visitors write them, for redirects; 0 is the port of the first listener with TLS.",
			avoid: "Needed only where something in front maps 443 to another port."},
			to(integer(0, 65535), func(t *TLS) *int { return &t.Port })},
	},
}.kind()

var clientAuthKind = object[ClientAuth]{
	name: "client_auth",
	doc:  "Asks clients for a certificate (mutual TLS). Requests for this site are taken only from connections that were asked for it: others are answered 421, or redirected if they came without TLS. What the client showed reaches the servers in the field Client-Cert (RFC 9440).",
	fields: []field[ClientAuth]{
		{entry{name: "ca_file", required: true, sample: "ca_file: FILE", doc: "A PEM file with the certificates of those who may sign clients' certificates."},
			to(filePath, func(a *ClientAuth) *string { return &a.CAFile })},
		{entry{name: "mode", def: "require",
			doc:   "`require`: without a good certificate there is no connection. `request`: a client without one is let in, one with a bad one is not; the application decides by the field Client-Cert.",
			avoid: "Not `request` in front of an application that does not look."},
			to(enum("mode", ClientAuthRequire, ClientAuthRequest), func(a *ClientAuth) *ClientAuthMode { return &a.Mode })},
	},
	check: func(d *decoder, c cursor, a *ClientAuth) {
		a.CA = d.readCertificates(d.at("%s.ca_file", c.path), a.CAFile)
	},
}.kind()

var hstsMaxAge = between(0, 10*365*day)

var hstsKind = object[HSTS]{
	name: "hsts",
	doc:  "Tells browsers to come by https only (Strict-Transport-Security). A duration in place of the keys is `max_age`; `off` is none.",
	fields: []field[HSTS]{
		{entry{name: "max_age", def: "0", doc: "How long a browser remembers it; 0 sends no such field.",
			avoid: "Begin with minutes: within this time nobody who was here once can reach the site if TLS fails."},
			to(hstsMaxAge, func(h *HSTS) *Duration { return &h.MaxAge })},
		{entry{name: "subdomains", def: "false", doc: "Whether it holds for all names below too."},
			to(boolean, func(h *HSTS) *bool { return &h.Subdomains })},
		{entry{name: "preload", def: "false", doc: "Agrees to the browsers' built-in lists. That can hardly be taken back."},
			to(boolean, func(h *HSTS) *bool { return &h.Preload })},
	},
	check: func(d *decoder, c cursor, h *HSTS) {
		if h.Preload && (h.MaxAge.Std() < 365*day || !h.Subdomains) {
			d.fail(d.at("%s.preload", c.path), "write max_age: 365d and subdomains: true", "the browsers' lists take only sites with a max_age of a year and subdomains")
		}
	},
	shortShape: &shape{name: "off \\| duration", want: "off, or a duration such as 365d", numbers: true,
		schema: map[string]any{"type": []string{"string", "integer"}, "pattern": `^(off|0|([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+)$`}},
	short: func(d *decoder, c cursor, h *HSTS) (ok bool) {
		if t, is := d.scalarOf(c); is && t.text == "off" {
			return true
		}
		h.MaxAge, ok = hstsMaxAge.read(d, c)
		return ok
	},
}.kind()

var siteTLSKind = object[SiteTLS]{
	name: "site tls",
	doc:  "How this site is served over TLS.",
	fields: []field[SiteTLS]{
		{entry{name: "certificates", derived: "those of `tls.certificates` that name its hosts, else automatic ones",
			doc: "The site's own certificates. A site `*` with certificates of its own shows them to every host that has none."},
			to(list(certificatePairKind, 0, 100), func(s *SiteTLS) *[]CertificatePair { return &s.Certificates })},
		{entry{name: "client_auth", doc: "Certificates of clients."},
			to(clientAuthKind, func(s *SiteTLS) *ClientAuth { return &s.ClientAuth })},
		{entry{name: "redirect", def: "true",
			doc:   "Sends requests that came without TLS to the https address (308), if there is a listener with TLS. Requests of a trusted proxy that says they came to it by https are not sent anywhere.",
			avoid: "Turn it off where clients that cannot do TLS have to be served too."},
			to(boolean, func(s *SiteTLS) *bool { return &s.Redirect })},
		{entry{name: "hsts", doc: "Strict-Transport-Security."},
			to(hstsKind, func(s *SiteTLS) *HSTS { return &s.HSTS })},
	},
}.kind()

var upstreamTLSKind = object[UpstreamTLS]{
	name: "upstream tls",
	doc:  "How the `https://` servers of this upstream are spoken to.",
	fields: []field[UpstreamTLS]{
		{entry{name: "server_name", derived: "the server's own host",
			doc:   "The name that is asked for (SNI) and that the server's certificate has to have.",
			avoid: "Not needed where the server is given by the name in its certificate. Needed where it is given by an IP address, or picks its site by name.",
			peers: "nginx `proxy_ssl_name` (and sends none unless `proxy_ssl_server_name` is on), HAProxy `sni` and `verifyhost`."},
			to(serverNameKind, func(u *UpstreamTLS) *string { return &u.ServerName })},
		{entry{name: "ca_file", derived: "the system's",
			doc: "A PEM file with the certificates of those who are trusted to sign the servers' certificates; then nobody else is."},
			to(filePath, func(u *UpstreamTLS) *string { return &u.CAFile })},
		{entry{name: "client_certificate", doc: "Our certificate, for servers that ask for one."},
			to(certificatePairKind, func(u *UpstreamTLS) *CertificatePair { return &u.ClientCert })},
		{entry{name: "min_version", def: `"1.2"`, doc: "The oldest version of TLS that is spoken."},
			to(tlsVersionKind, func(u *UpstreamTLS) *TLSVersion { return &u.MinVersion })},
		{entry{name: "verify", def: "true",
			doc:   "Whether the servers' certificates are looked at.",
			avoid: "`false` lets anybody between you and the server read and change everything. `ca_file` with the server's own certificate is as easy, and safe.",
			peers: "nginx does not verify unless told, HAProxy, Caddy and Envoy (with a context) do."},
			to(boolean, func(u *UpstreamTLS) *bool { return &u.Verify })},
		{entry{name: "crl_file", derived: "none", doc: "A file with lists of revoked certificates, in PEM or DER. Without it only what a server staples itself can tell that its certificate was revoked."},
			to(filePath, func(u *UpstreamTLS) *string { return &u.CRLFile })},
	},
	check: checkUpstreamTLS,
}.kind()

var serverNameKind = leaf(&shape{
	name: "name", want: "a name such as app.example.com", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^[A-Za-z0-9_.:\[\]-]+$`},
}, func(s string) (string, error) {
	return canonicalHost(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
})

var tlsVersionKind = leaf(&shape{
	name: "1.2 \\| 1.3", want: `"1.2" or "1.3"`, numbers: true,
	schema: map[string]any{"enum": []any{"1.2", "1.3", 1.2, 1.3}},
}, func(s string) (TLSVersion, error) {
	switch v := TLSVersion(strings.TrimPrefix(strings.TrimPrefix(s, "TLSv"), "TLS ")); v {
	case TLS12, TLS13:
		return v, nil
	}
	return "", wrong(`older versions are broken (RFC 8996) and not spoken`, `want "1.2" or "1.3", found %s`, quote(s))
})

var handshakeKind = between(100*time.Millisecond, 10*time.Minute)
