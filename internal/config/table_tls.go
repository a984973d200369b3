// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

var certificatePairKind = object[CertificatePair]{
	name: "certificate pair",
	doc:  "A certificate and its key. A text in place of the keys names one file that holds both.",
	fields: []field[CertificatePair]{
		{entry{name: "certificate", required: true, sample: "certificate: FILE",
			doc:   "A PEM file with the certificate, and the intermediate certificates that lead from it to its root.",
			avoid: "Not a file with the certificate alone: many clients then say that its issuer is unknown. Of certbot's files take `fullchain.pem`, not `cert.pem`."},
			to(filePath, func(p *CertificatePair) *string { return &p.Certificate })},
		{entry{name: "key", required: true, sample: "key: FILE", doc: "A PEM file with the private key, without a pass phrase. Only the user that runs causey should be able to read it."},
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
	if !strings.Contains(s, "://") {
		hint := didYouMean(s, []string{"letsencrypt", "letsencrypt-staging"})
		if hint == "" {
			hint = "write letsencrypt, letsencrypt-staging, or the https:// URL of the CA's ACME directory"
		}
		return "", wrong(hint, "%s is no CA that is known by name", quote(s))
	}
	return parseHTTPURL(s, "https")
})

// parseHTTPURL checks a URL with one of some schemes.
func parseHTTPURL(s string, schemes ...string) (string, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return "", wrong("write "+schemes[0]+"://HOST/PATH", "%s is no URL", quote(s))
	}
	if !slices.Contains(schemes, scheme) {
		hint := "write " + strings.Join(schemes, ":// or ") + "://"
		if scheme == "http" {
			hint = "an ACME directory is spoken to by https (RFC 8555 section 6.1): write https://; for a CA of your own name its root in ca_file"
		}
		return "", wrong(hint, "%s begins with %s://", quote(s), quoteless(scheme))
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || !isPrintable(rest):
		return "", wrong("write "+schemes[0]+"://HOST/PATH", "%s is no URL", quote(s))
	case u.User != nil:
		return "", wrong("remove what stands before the @", "a URL here has no user and password")
	case strings.Contains(s, "#"):
		return "", wrong("remove the # and what follows", "%s has a fragment", quote(s))
	}
	return s, nil
}

var askKind = leaf(&shape{
	name: "URL", want: "a URL such as http://127.0.0.1:3000/may-have-certificate", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^https?://[^?]+$"},
}, func(s string) (string, error) {
	u, err := parseHTTPURL(s, "http", "https")
	if err == nil && strings.Contains(u, "?") {
		// Without its value, which may be a secret.
		return "", wrong("put a secret into ask_token_file, and what else is needed into the path", "the URL has a query, which is the gateway's to write")
	}
	return u, err
})

var emailKind = leaf(&shape{
	name: "mail address", want: "a mail address", anyText: true, schema: map[string]any{"type": "string", "pattern": "^[^@ ]+@[^@ ]+$"},
}, func(s string) (string, error) {
	name, host, ok := strings.Cut(s, "@")
	if !ok || name == "" || host == "" || strings.ContainsAny(s, " <>,:\"") || strings.Contains(host, "@") || !isPrintable(s) {
		return "", wrong("write one address, such as name@example.com", "%s is no mail address", quote(s))
	}
	return s, nil
})

var providerKind = hinted(enum("provider", DNSExec, DNSRFC2136, DNSCloudflare), "for any other provider write exec, and a command that sets the record there",
	map[string]string{"bind": "write rfc2136", "nsupdate": "write rfc2136", "knot": "write rfc2136", "powerdns": "write rfc2136"})

var challengeKind = hinted(enum("challenge", ChallengeHTTP, ChallengeTLSALPN), "", map[string]string{
	"dns": "write tls.automatic.dns", "dns01": "write tls.automatic.dns", "http01": "write http", "tlsalpn01": "write tls-alpn", "alpn": "write tls-alpn",
})

var dnsServerKind = leaf(&shape{
	name: "name server", want: "the address of a name server, such as ns1.example.com:53", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^(\[?[0-9A-Fa-f.:]+\]?|[A-Za-z0-9_.-]+)(:[0-9]+)?$`},
}, func(s string) (string, error) {
	host, port := s, uint16(53)
	if h, p, err := splitPort(s); err == nil {
		host, port = h, p
	}
	if port == 0 {
		return "", wrong("ports begin at 1", "the port 0 of %s cannot be connected to", quote(s))
	}
	host, err := bareHost(host)
	return net.JoinHostPort(host, strconv.Itoa(int(port))), err
})

var keyNameKind = leaf(&shape{
	name: "name", want: "the name of a TSIG key", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^[A-Za-z0-9_.-]+$`},
}, func(s string) (string, error) {
	name, err := hostName(strings.TrimSuffix(s, "."))
	if err != nil {
		return "", wrong("it stands behind the word key in the name server's configuration", "%s is no name of a TSIG key", quote(s))
	}
	return name, nil
})

var dnsKind = object[DNS]{
	name: "dns",
	doc:  "Shows by a record in the zone that a host is yours (DNS-01). It needs no open port, and is the only way to certificates for `*.` names.",
	fields: []field[DNS]{
		{entry{name: "provider", required: true, sample: "provider: exec",
			doc: "How the record is set: `exec` runs a program of yours, `rfc2136` sends a signed update to a name server (BIND, Knot, PowerDNS), `cloudflare` asks the API of Cloudflare."},
			to(providerKind, func(x *DNS) *DNSProvider { return &x.Provider })},
		{entry{name: "command", derived: "none",
			doc: "For `exec`: the program, without arguments. It is called with `present NAME VALUE` to set a TXT record, returns with status 0 when the record can be looked up, and is called with `cleanup NAME VALUE` when it is no longer needed. NAME is the whole name of the record: `_acme-challenge.example.com`."},
			to(filePath, func(x *DNS) *string { return &x.Command })},
		{entry{name: "server", derived: "none", doc: "For `rfc2136`: the primary name server of the zone, by name or address; its port if that is not 53."},
			to(dnsServerKind, func(x *DNS) *string { return &x.Server })},
		{entry{name: "zone", derived: "none", doc: "For `rfc2136`: the name of the zone, such as `example.com`."},
			to(serverNameKind, func(x *DNS) *string { return &x.Zone })},
		{entry{name: "key_name", derived: "none", doc: "For `rfc2136`: the name of the TSIG key."},
			to(keyNameKind, func(x *DNS) *string { return &x.KeyName })},
		{entry{name: "key_algorithm", derived: "hmac-sha256", doc: "For `rfc2136`: the algorithm of the TSIG key."},
			to(enum("key_algorithm", HMACSHA256, HMACSHA512), func(x *DNS) *string { return &x.KeyAlgorithm })},
		{entry{name: "key_file", derived: "none", doc: "For `rfc2136`: a file with the secret of the TSIG key in base64, and nothing else."},
			to(filePath, func(x *DNS) *string { return &x.KeyFile })},
		{entry{name: "token_file", derived: "none",
			doc:   "For `cloudflare`: a file with an API token and nothing else. The token needs the permissions Zone / Zone / Read and Zone / DNS / Edit.",
			avoid: "Not the global key of the account: it may do everything."},
			to(filePath, func(x *DNS) *string { return &x.TokenFile })},
		{entry{name: "wait", def: "5s",
			doc:   "How long to wait after a record was set, until all name servers of the zone have it.",
			avoid: "Raise it where the CA says that it did not find the record: some providers need a minute. A command may wait itself; then 0 does."},
			to(between(0, time.Hour), func(x *DNS) *Duration { return &x.Wait })},
	},
	check: checkDNS,
}.kind()

var automaticSwitch = onOff(func(s string) string {
	switch {
	case strings.Contains(s, "@"):
		return "write {email: " + quoteless(s) + "}"
	case caNames[s] != "" || strings.HasPrefix(s, "https://"):
		return "write {ca: " + quoteless(s) + "}"
	}
	return "write on, off, or keys: {email: name@example.com}"
})

var automaticKind = object[Automatic]{
	name: "automatic",
	doc:  "Certificates that the gateway obtains and renews itself, by ACME (RFC 8555), for the hosts of all sites that have no certificate from a file. It is on: a listener with TLS needs nothing but the host names of the sites. Not obtained are certificates for `*`, for IP addresses, for `*.` names without `dns`, and, from a public CA, for local names such as `localhost` and `printer.local`; `causey check` warns about those. `off` in place of the keys turns it off.",
	fields: []field[Automatic]{
		{entry{name: "enabled", def: "true", doc: "Whether certificates are obtained. If they are, you agree to the CA's terms of service."},
			to(boolean, func(a *Automatic) *bool { return &a.Enabled })},
		{entry{name: "ca", def: "letsencrypt",
			doc:   "The certification authority: `letsencrypt`, `letsencrypt-staging` (for trying things out: browsers do not trust its certificates, and its limits are wide), or the `https://` URL of another CA's ACME directory.",
			avoid: "Do not try things out with `letsencrypt`: it gives five certificates a week for the same names, and then none."},
			to(caKind, func(a *Automatic) *string { return &a.CA })},
		{entry{name: "ca_file", derived: "the system's",
			doc: "For a CA of your own: a PEM file with the root certificate of the server behind the URL `ca`."},
			to(filePath, func(a *Automatic) *string { return &a.CAFile })},
		{entry{name: "email", derived: "none", doc: "Where the CA may write to. Let's Encrypt sends no mail when a certificate runs out."},
			to(emailKind, func(a *Automatic) *string { return &a.Email })},
		{entry{name: "challenges", def: "[http, tls-alpn]",
			doc:   "How the CA may check that a host is yours: `http`, by a request to its port 80; `tls-alpn`, by a TLS handshake with its port 443. At least one of the two ports has to lead to this gateway. If `dns` is given, neither is used.",
			avoid: "Leave `tls-alpn` out behind a CDN or balancer that terminates TLS: only `http` or `dns` can work there."},
			to(list(challengeKind, 1, 2), func(a *Automatic) *[]Challenge { return &a.Challenges })},
		{entry{name: "dns", doc: "The check by DNS, in place of `challenges`."},
			to(dnsKind, func(a *Automatic) *DNS { return &a.DNS })},
		{entry{name: "storage", derived: "`certificates` in `$STATE_DIRECTORY`, else in `$XDG_STATE_HOME/causey`, else in `~/.local/state/causey`, without a home in `/var/lib/causey`",
			doc:   "The directory for accounts, certificates and keys; it is made if it is not there. Gateways that share it share these, order each certificate once, and answer the CA for each other; their clocks must agree within minutes.",
			avoid: "Not a directory that is lost when a container starts anew: each start would ask for new certificates, until the CA gives no more."},
			to(filePath, func(a *Automatic) *string { return &a.Storage })},
		{entry{name: "ask", derived: "none",
			doc:   "For platforms whose customers bring their own names: certificates for hosts of the site `*`, obtained at the first handshake for a name. Before that the gateway sends a GET with `domain=NAME` in its query to this URL. An answer of 200 allows the name; 403, 404 or 410 refuse it for five minutes; everything else is no answer, and the next handshake after ten seconds asks again. It is asked at most 20 times a second, and again before a renewal: a name that is refused then keeps its certificate until that expires.",
			avoid: "The URL must refuse names that nobody brought: else whoever points a name at you can use up the CA's limits."},
			to(askKind, func(a *Automatic) *string { return &a.Ask })},
		{entry{name: "ask_token_file", derived: "none", doc: "A file with a token and nothing else, which goes along with each question: `Authorization: Bearer TOKEN`."},
			to(filePath, func(a *Automatic) *string { return &a.AskTokenFile })},
	},
	check:      checkAutomatic,
	shortShape: automaticSwitch.shape,
	short: func(d *decoder, c cursor, a *Automatic) (ok bool) {
		a.Enabled, ok = automaticSwitch.read(d, c)
		return ok
	},
}.kind()

var tlsKind = object[TLS]{
	name: "tls", scalarHint: "write tls: true in a listener",
	doc: "How clients are served over TLS, on the listeners that say `tls: true`.",
	fields: []field[TLS]{
		{entry{name: "profile", def: "intermediate",
			doc:   "`intermediate`: TLS 1.2 with forward secrecy, and TLS 1.3; every browser since 2014. `modern`: TLS 1.3 only.",
			avoid: "`modern` shuts out Android before 10, Java before 11 and many older tools.",
			peers: "Mozilla's recommendations of the same names."},
			to(hinted(enum("profile", ProfileModern, ProfileIntermediate), "", map[string]string{"old": "what is older than TLS 1.2 is broken (RFC 8996) and not spoken", "default": "write intermediate"}), func(t *TLS) *TLSProfile { return &t.Profile })},
		{entry{name: "certificates", derived: "none",
			doc: "Certificates from files, for all hosts that they name; a site can have its own. Changed files are read again within seconds; while certificate and key do not fit together, the old ones stay in use. If a changed file names other hosts, reload: until then it is shown for those that it named before. Clients that name no host see the first of these certificates; without any, the first of the site `*`, else the first of all sites. A host may have an ECDSA and an RSA certificate: clients that know ECDSA get that one."},
			to(list(certificatePairKind, 1, 100_000), func(t *TLS) *[]CertificatePair { return &t.Certificates })},
		{entry{name: "automatic", doc: "Certificates that the gateway obtains itself."},
			to(automaticKind, func(t *TLS) *Automatic { return &t.Automatic })},
		{entry{name: "port", def: "0",
			doc:   "The port in the addresses that visitors are redirected to; 0 is that of the first listener with TLS.",
			avoid: "Leave it at 0, unless something in front maps another port to that listener."},
			to(integer(0, 65535), func(t *TLS) *int { return &t.Port })},
	},
}.kind()

var clientAuthKind = object[ClientAuth]{
	name: "client_auth",
	doc:  "Asks clients for a certificate (mutual TLS). Requests for this site are taken only from connections that were asked for it: those on other connections are answered 421, or redirected if they came without TLS. What the client showed reaches the servers in the field Client-Cert (RFC 9440).",
	fields: []field[ClientAuth]{
		{entry{name: "ca_file", required: true, sample: "ca_file: FILE", doc: "A PEM file with the CA certificates that clients' certificates must come from. It is read when the configuration is loaded."},
			to(filePath, func(a *ClientAuth) *string { return &a.CAFile })},
		{entry{name: "mode", def: "require",
			doc:   "`require`: a client without a good certificate gets no connection. `request`: a client without any is let in, one with a bad one is not; the application has to look at the field Client-Cert.",
			avoid: "Not `request` in front of an application that does not look at it."},
			to(hinted(enum("mode", ClientAuthRequire, ClientAuthRequest), "", map[string]string{"optional": "write request", "on": "write require", "off": "remove client_auth", "required": "write require"}), func(a *ClientAuth) *ClientAuthMode { return &a.Mode })},
	},
	check: checkClientAuth,
}.kind()

// hstsTextKind is what may be written in place of the keys.
var hstsTextKind = leaf(&shape{
	name: "off \\| duration", want: "off, or a duration such as 365d", numbers: true,
	schema: map[string]any{"type": []string{"string", "integer"}, "pattern": `^(off|0|([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+)$`, "minimum": 0, "maximum": 0},
}, func(s string) (Duration, error) {
	switch s {
	case "off":
		return 0, nil
	case "on", "yes":
		return 0, wrong("write how long a browser remembers it, such as 365d", "want off, or a duration, found %s", quote(s))
	}
	if strings.Trim(s, "0123456789") == "" && s != "0" && s != "" {
		return 0, wrong("the unit is missing; write "+quoteless(s)+"d for days, "+quoteless(s)+"s for seconds", "%s is not a duration", quote(s))
	}
	return ParseDuration(s)
})

var hstsKind = object[HSTS]{
	name: "hsts",
	doc:  "Tells browsers to come by https only (Strict-Transport-Security). A duration in place of the keys is `max_age`; `off` is none.",
	fields: []field[HSTS]{
		{entry{name: "max_age", def: "0", doc: "How long a browser remembers it; 0 sends no such field. At most ten years.",
			avoid: "Begin with minutes: for this long, whoever was here once cannot reach the site if its TLS fails."},
			to(durationKind, func(h *HSTS) *Duration { return &h.MaxAge })},
		{entry{name: "subdomains", def: "false", doc: "Whether it holds for all names below the host too."},
			to(boolean, func(h *HSTS) *bool { return &h.Subdomains })},
		{entry{name: "preload", def: "false", doc: "Agrees that browsers build the host into their lists. It needs a `max_age` of at least 365d, and `subdomains`.",
			avoid: "Not before the site and all names below it have been served by https for months: browsers forget a built-in host only with a later version."},
			to(boolean, func(h *HSTS) *bool { return &h.Preload })},
	},
	check:      checkHSTS,
	shortShape: hstsTextKind.shape,
	short: func(d *decoder, c cursor, h *HSTS) (ok bool) {
		h.MaxAge, ok = hstsTextKind.read(d, c)
		return ok
	},
}.kind()

var siteTLSKind = object[SiteTLS]{
	name: "site tls", scalarHint: "write tls: true in a listener",
	doc: "How this site is served over TLS.",
	fields: []field[SiteTLS]{
		{entry{name: "certificates", derived: "those of `tls.certificates` that name its hosts, else automatic ones",
			doc: "The site's own certificates. Its hosts then have these and no other, even if none names them. Those of the site `*` are shown for every host that has none."},
			to(list(certificatePairKind, 1, 100), func(s *SiteTLS) *[]CertificatePair { return &s.Certificates })},
		{entry{name: "client_auth", doc: "Asks clients for certificates (mutual TLS)."},
			to(clientAuthKind, func(s *SiteTLS) *ClientAuth { return &s.ClientAuth })},
		{entry{name: "redirect", def: "true",
			doc:   "Answers requests that came without TLS with a redirect (308) to the https address, if any listener has TLS. Requests that came to a trusted proxy by https are not redirected.",
			avoid: "Turn it off where clients without TLS have to be served too."},
			to(boolean, func(s *SiteTLS) *bool { return &s.Redirect })},
		{entry{name: "hsts", doc: "Strict-Transport-Security."},
			to(hstsKind, func(s *SiteTLS) *HSTS { return &s.HSTS })},
	},
}.kind()

var upstreamTLSKind = object[UpstreamTLS]{
	name: "upstream tls", scalarHint: "write the servers as https://HOST:PORT",
	doc: "How the `https://` servers of this upstream are spoken to.",
	fields: []field[UpstreamTLS]{
		{entry{name: "server_name", derived: "the server's own host",
			doc:   "The name that the server is asked for (SNI), and that its certificate must have.",
			avoid: "Leave it out where the server's address is the name in its certificate. It is needed where the address is an IP address and the certificate has a name.",
			peers: "nginx `proxy_ssl_name` (and sends none unless `proxy_ssl_server_name` is on), HAProxy `sni` and `verifyhost`."},
			to(serverNameKind, func(u *UpstreamTLS) *string { return &u.ServerName })},
		{entry{name: "ca_file", derived: "the system's",
			doc: "A PEM file with the CA certificates that the servers' certificates must come from; the system's then do not count. A server's own self-signed certificate will do."},
			to(filePath, func(u *UpstreamTLS) *string { return &u.CAFile })},
		{entry{name: "client_certificate", doc: "Our certificate, for servers that ask for one. It is read when the configuration is loaded: reload when it was renewed."},
			to(certificatePairKind, func(u *UpstreamTLS) *CertificatePair { return &u.ClientCert })},
		{entry{name: "min_version", def: "1.2", doc: "The oldest version of TLS that is spoken."},
			to(tlsVersionKind, func(u *UpstreamTLS) *TLSVersion { return &u.MinVersion })},
		{entry{name: "verify", def: "true",
			doc:   "Whether the servers' certificates are verified.",
			avoid: "Not `false`: anybody on the way to the server could read and change everything. To put the server's own certificate into `ca_file` is as easy, and safe.",
			peers: "nginx does not verify unless told, HAProxy, Caddy and Envoy (with a context) do."},
			to(boolean, func(u *UpstreamTLS) *bool { return &u.Verify })},
		{entry{name: "crl_file", derived: "none", doc: "A file with revocation lists of the CA (CRL), in PEM or DER, read when the configuration is loaded. Without it only the OCSP answer that a server may staple says that its certificate was revoked."},
			to(filePath, func(u *UpstreamTLS) *string { return &u.CRLFile })},
	},
	check: checkUpstreamTLS,
}.kind()

var serverNameKind = leaf(&shape{
	name: "name", want: "a name such as app.example.com", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^[A-Za-z0-9_.:\[\]-]+$`},
}, bareHost)

// bareHost reads a name or an IP address, one of IPv6 in brackets or without. There is
// no zone in it: a certificate has none, and no machine but this one knows it.
func bareHost(s string) (string, error) {
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' && strings.Contains(s, ":") {
		s = s[1 : len(s)-1]
	}
	if host, _, isZone := strings.Cut(s, "%"); isZone {
		return "", wrong("write "+quoteless(host), "%s has a zone", quote(s))
	}
	return canonicalHost(s)
}

var tlsVersionKind = leaf(&shape{
	name: "1.2 \\| 1.3", want: "1.2 or 1.3", numbers: true,
	schema: map[string]any{"enum": []any{"1.2", "1.3", 1.2, 1.3}},
}, func(s string) (TLSVersion, error) {
	version := strings.TrimLeft(strings.ToLower(s), "tlsv _")
	hint := "write 1.2 or 1.3"
	switch v := TLSVersion(s); {
	case v == TLS12 || v == TLS13:
		return v, nil
	case version == string(TLS12) || version == string(TLS13):
		hint = "write " + version
	case version == "1" || version == "1.0" || version == "1.1":
		hint = "older versions are broken (RFC 8996) and not spoken; the oldest is 1.2"
	}
	return "", wrong(hint, "want 1.2 or 1.3, found %s", quote(s))
})

var handshakeKind = between(100*time.Millisecond, 10*time.Minute)
