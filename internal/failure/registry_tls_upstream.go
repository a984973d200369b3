// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"slices"

	"causey/internal/phase"
)

// upstreamTLSEntries are the failures of a TLS handshake with a server. No byte of
// a request has been sent in it.
var upstreamTLSEntries = slices.Concat(upstreamHandshakeEntries, upstreamCertEntries)

// upstreamHandshakeEntries are those before a certificate was judged.
var upstreamHandshakeEntries = []Entry{
	{
		Code:   Code{Upstream, phase.UpHandshake, Timeout},
		Family: FamilyTimeout, Status: 504, ProxyError: "connection_timeout",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "TLS handshake with the server hangs",
		Meaning: "The server accepted the connection, and its side of the TLS handshake did not come to an end within " +
			"`timeouts.up_handshake`. The request was not sent.",
		Reasons: []string{
			"The application is stuck or overloaded: the kernel accepts connections that nobody picks up.",
			"The server's certificate, a few full packets, gets lost on a path with a small MTU (VPN, VXLAN, PPPoE).",
			"The port belongs to a program that waits for its client to speak another protocol.",
			"The server looks up something slow in its handshake, such as an OCSP answer or a key in a vault.",
		},
		LookAt: []string{
			"Try it from the gateway's machine: `openssl s_client -connect ADDRESS:PORT -servername NAME`.",
			"Compare with a plain connection: if `nc -vz ADDRESS PORT` is quick, the process is stuck, not the network.",
			"Test for lost packets with `ping -M do -s 1472 ADDRESS`, and lower the MTU if it fails.",
			"Look at the load and the number of workers on the server at that time.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, Closed},
		Family: FamilyClosed, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server closed inside the handshake",
		Meaning: "The server closed the connection in order during the TLS handshake and sent no alert that would say " +
			"why. The request stayed with the gateway.",
		Reasons: []string{
			"The server or a balancer in front of it knows no site for the name that was asked for, and just closes.",
			"The port expects the PROXY protocol first, as HAProxy's `accept-proxy` or nginx's `proxy_protocol`.",
			"An old TLS stack closes on a version or extension that it does not know.",
			"The program behind the port speaks no TLS and hangs up on what it cannot read.",
		},
		LookAt: []string{
			"Check which name was asked for, in the record, and set `upstreams.NAME.tls.server_name` if it is not the " +
				"server's.",
			"Read the server's error log at that second; nginx and Apache log failed handshakes at level info.",
			"Try other names and versions: `openssl s_client -connect ADDRESS:PORT -servername NAME -tls1_2`.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, Reset},
		Family: FamilyReset, Status: 502, ProxyError: "connection_terminated",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server reset inside the handshake",
		Meaning: "The connection was reset while the TLS handshake was under way. A dying process looks like this, " +
			"and so does a firewall that dislikes the name or the protocol.",
		Reasons: []string{
			"The server process crashed or was restarted.",
			"A firewall or a cloud filter allows only certain names (SNI) or TLS fingerprints.",
			"The server is not meant for TLS and drops the connection with our handshake unread.",
			"A TCP balancer has no healthy server behind this port.",
		},
		LookAt: []string{
			"See whether every handshake is reset or some: all of them is a filter or the wrong port.",
			"Try without and with the name: `openssl s_client -connect ADDRESS:PORT -noservername`.",
			"Look for restarts: `systemctl show APP -p NRestarts -p ActiveEnterTimestamp`.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, NotTLS},
		Family: FamilyMalformed, Status: 502, ProxyError: "tls_protocol_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's port does not speak TLS",
		Meaning: "The gateway began a TLS handshake, and what came back is no TLS; the first bytes are in the record. " +
			"The server is configured as `https://`, but this port speaks something else.",
		Reasons: []string{
			"The port speaks plain HTTP: the first bytes then read `HTTP/1.1 400`.",
			"The TLS port is another one, 8443 or 443, and 8080 or 80 was configured.",
			"The TLS settings of the server were lost in an update, as nginx's `listen 443` that lost its `ssl`.",
			"Another service took the port: SSH, a database, mail.",
		},
		LookAt: []string{
			"Read the first bytes in the record; they name the protocol.",
			"Write `http://` in `servers` if the way to the server is private, or else its TLS port.",
			"Check nginx for `listen 443 ssl;`, Apache for `SSLEngine on`, HAProxy for `bind :443 ssl crt FILE`.",
			"Ask it yourself: `curl -v http://ADDRESS:PORT/`.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, Malformed},
		Family: FamilyMalformed, Status: 502, ProxyError: "tls_protocol_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's handshake breaks the rules",
		Meaning: "The server speaks TLS, but a message or record of its handshake is wrong: a bad length, a wrong " +
			"order, a signature that does not fit. The gateway broke off before it sent the request.",
		Reasons: []string{
			"A box between that inspects TLS changes messages.",
			"The server's TLS library or hardware has a defect, for example with large or post-quantum key shares.",
			"The private key of the server does not belong to its certificate.",
			"Bits are damaged on the way by faulty hardware.",
		},
		LookAt: []string{
			"Read the error in the record: it names the message that was wrong.",
			"Compare key and certificate: `openssl x509 -in c.pem -noout -pubkey` and `openssl pkey -in c.key -pubout`.",
			"See if another client agrees: `openssl s_client -connect ADDRESS:PORT -servername NAME -msg`.",
			"Update the TLS library of the server, or take the inspecting box out of the way.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, TLSVersion},
		Family: FamilyNoMatch, Status: 502, ProxyError: "tls_protocol_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "No common TLS version with the server",
		Meaning: "Server and gateway have no TLS version in common. Mostly the server ends at TLS 1.0 or 1.1, which " +
			"`upstreams.NAME.tls.min_version` does not allow.",
		Reasons: []string{
			"The server is old: Windows Server 2008, Java 7, CentOS 6, an appliance without updates.",
			"It was limited to old versions by hand: nginx `ssl_protocols TLSv1 TLSv1.1`.",
			"The server allows TLS 1.3 only, and something narrowed the gateway's side.",
			"The operating system of one side was updated and dropped old versions.",
		},
		LookAt: []string{
			"Find out what it speaks: `openssl s_client -connect ADDRESS:PORT -tls1_2`, then `-tls1_3`.",
			"Allow it there: nginx `ssl_protocols TLSv1.2 TLSv1.3;`, Apache `SSLProtocol -all +TLSv1.2 +TLSv1.3`.",
			"In HAProxy set `ssl-min-ver TLSv1.2` and leave `ssl-max-ver` away.",
			"Lower `min_version` of this upstream only as a last resort, and only on a private network.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, NoCipher},
		Family: FamilyNoMatch, Status: 502, ProxyError: "tls_alert_received",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "No common cipher with the server",
		Meaning: "The server ended the handshake since it shares no cipher suite, key exchange group or signature " +
			"algorithm with the gateway: alert 40 or 71 in answer to our first message.",
		Reasons: []string{
			"The server allows one odd or old suite only: 3DES, RC4, DHE, static RSA, CAMELLIA.",
			"Its list of ciphers is misspelt, and OpenSSL took what was left of it.",
			"It has no certificate configured for this name, and some stacks say so with alert 40.",
			"Its key is of a kind that cannot be used here: DSA, an exotic curve, RSA of 512 bits.",
		},
		LookAt: []string{
			"List what it accepts: `nmap --script ssl-enum-ciphers -p PORT ADDRESS`.",
			"Use the server's defaults or a modern list: nginx `ssl_ciphers HIGH:!aNULL;`, Apache `SSLCipherSuite`.",
			"Try it with and without a name (`-servername`, `-noservername`) to rule out a missing certificate.",
			"Give the server an ECDSA P-256 or RSA 2048 certificate.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, NoALPN},
		Family: FamilyNoMatch, Status: 502, ProxyError: "tls_alert_received",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server speaks no HTTP by ALPN",
		Meaning: "The server refused the application protocols that the gateway offered (alert 120). Its port is " +
			"meant for others, such as HTTP/2 only.",
		Reasons: []string{
			"The server is a gRPC service, which accepts `h2` only.",
			"The port belongs to another protocol over TLS: MQTT, PostgreSQL, mail.",
			"A mesh sidecar expects its own protocol name.",
		},
		LookAt: []string{
			"Ask what it takes: `openssl s_client -connect ADDRESS:PORT -alpn http/1.1`, then `-alpn h2`.",
			"Turn HTTP/1.1 on beside HTTP/2 in the server.",
			"Check the port number in `servers`.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, SNIUnknown},
		Family: FamilyNoMatch, Status: 502, ProxyError: "tls_alert_received",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server does not know the name asked for",
		Meaning: "The server has no site for the TLS name (SNI) that the gateway asked for, and said so with alert " +
			"112. Which name was asked for stands in the record.",
		Reasons: []string{
			"The server is configured by address or by an internal name, and its certificate is for the public one.",
			"A shared host, CDN or platform knows its customers by name only.",
			"The site was removed or renamed on the server.",
			"No name was sent at all, since the server is given as an IP address.",
		},
		LookAt: []string{
			"Set `upstreams.NAME.tls.server_name` to the name that the server's site has.",
			"Try names: `openssl s_client -connect ADDRESS:PORT -servername NAME`.",
			"Look at the server for it: nginx `server_name` and `ssl_reject_handshake`, HAProxy `strict-sni`, Caddy's " +
				"site addresses.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, ClientCertMissing},
		Family: FamilyDenied, Status: 502, ProxyError: "tls_alert_received",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Server wants a client certificate",
		Meaning: "The server asked the gateway for a client certificate, got none, and ended the connection. It is " +
			"protected by mutual TLS; with TLS 1.3 its refusal may come only after the request.",
		Reasons: []string{
			"The upstream has no `client_certificate`, and the server requires one.",
			"The server was set to trust only its CDN (Authenticated Origin Pulls), and now the gateway asks in its place.",
			"Mutual TLS of a service mesh is strict on this port.",
		},
		LookAt: []string{
			"Set certificate and key in `upstreams.NAME.tls.client_certificate`, signed by a CA that the server accepts.",
			"See which CAs it accepts: `openssl s_client -connect ADDRESS:PORT`, under `Acceptable client certificate`.",
			"Look at the server: nginx `ssl_verify_client`, Apache `SSLVerifyClient`, HAProxy `verify required`, " +
				"Caddy `client_auth`.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, ClientCertRefused},
		Family: FamilyDenied, Status: 502, ProxyError: "tls_alert_received",
		Retry: RetryNever, Severity: SeverityError,
		Title: "Server refuses our client certificate",
		Meaning: "The server asked the gateway for a client certificate, was shown the one that is configured, and ended " +
			"the connection with an alert; its number is in the record. With TLS 1.3 the refusal may come only after the " +
			"request.",
		Reasons: []string{
			"The certificate is from a CA that the server does not trust (alert 48 or 42).",
			"It has expired (alert 45), or was revoked (alert 44).",
			"The file of `client_certificate` lacks the intermediate that leads to the CA which the server trusts.",
			"The certificate is not for clients: its extended key usage lacks client authentication.",
			"The server limits the length of the chain (Apache `SSLVerifyDepth`, nginx `ssl_verify_depth`: 1 unless set).",
		},
		LookAt: []string{
			"Check the certificate's dates, issuer and purpose: `openssl x509 -in c.pem -noout -dates -issuer -purpose`.",
			"See which CAs the server accepts: `openssl s_client -connect ADDRESS:PORT`, under `Acceptable client certificate`.",
			"Read the server's own log: Apache and nginx say there why they refused it.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, Alert},
		Family: FamilyRefused, Status: 502, ProxyError: "tls_alert_received",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server ended the handshake with an alert",
		Meaning: "The server refused the TLS handshake with an alert for which there is no code of its own. The " +
			"number and name of the alert are in the record.",
		Reasons: []string{
			"The server failed inside (alert 80, internal error): mostly a missing certificate or key.",
			"It has no certificate for the name that was asked for and answers with a general alert.",
			"Its access rules refuse the gateway (alert 49, access denied).",
			"Its TLS stack cannot read something that the gateway sends (alerts 47 and 50).",
		},
		LookAt: []string{
			"Look up the number in RFC 8446 section 6, then the server's own log at that second.",
			"Check that the server can read its key: `nginx -t`, `apachectl configtest`, `caddy validate`.",
			"Repeat it: `openssl s_client -connect ADDRESS:PORT -servername NAME -state`.",
		},
	},
}

// upstreamCertEntries are those of a server whose certificate is not accepted.
var upstreamCertEntries = []Entry{
	{
		Code:   Code{Upstream, phase.UpHandshake, CertExpired},
		Family: FamilyUnhealthy, Status: 502, ProxyError: "tls_certificate_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's certificate has expired",
		Meaning: "The server's certificate, or one of its chain, is past its last day, and the gateway does not trust " +
			"it any more. Connections that were already open go on for a while, so it begins as a trickle.",
		Reasons: []string{
			"The automatic renewal failed: port 80 closed, DNS changed, a rate limit of the CA.",
			"It was renewed on disk, and the server was never reloaded.",
			"A certificate of an internal CA was made by hand and forgotten.",
			"The intermediate in the server's chain file is an old one.",
		},
		LookAt: []string{
			"See what the server really sends: `echo | openssl s_client -connect A:PORT | openssl x509 -noout -dates`.",
			"Renew it: `certbot renew`, with `--deploy-hook 'systemctl reload nginx'` so that it is loaded too.",
			"Read why it failed: `journalctl -u certbot` or `/var/log/letsencrypt/letsencrypt.log`.",
			"Check the clock of the gateway with `timedatectl` if every server is concerned at once.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, CertNotYetValid},
		Family: FamilyUnhealthy, Status: 502, ProxyError: "tls_certificate_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's certificate is not valid yet",
		Meaning: "The first day of the server's certificate lies in the future by the gateway's clock. Either it was " +
			"made on a machine whose clock is ahead, or the clock here is behind.",
		Reasons: []string{
			"It was issued a moment ago by an internal CA that allows for no difference between clocks.",
			"The machine that signed it had a wrong date.",
			"The gateway's clock is behind after a resume, a snapshot or a dead battery.",
			"A certificate was made in advance for a later day and installed too early.",
		},
		LookAt: []string{
			"Compare `date -u` on both machines with the validity in the record.",
			"Start time synchronisation: `timedatectl set-ntp true` or `systemctl enable --now chrony`.",
			"Let the internal CA date certificates back by an hour.",
			"Put the former certificate back until the new one is valid.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, UnknownCA},
		Family: FamilyDenied, Status: 502, ProxyError: "tls_certificate_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's certificate is from an unknown CA",
		Meaning: "The server's certificate is self-signed, or its chain ends at a root that the gateway does not " +
			"trust. Who answers there cannot be told, so nothing was sent.",
		Reasons: []string{
			"The server uses the self-signed certificate of its installation (`snakeoil`, `localhost`).",
			"It is from a private CA: of the company, of Kubernetes, of a panel, or a CDN's origin CA.",
			"The list of roots on the gateway's machine or in its container is missing or old.",
			"Somebody stands between gateway and server, for example a TLS inspecting firewall.",
		},
		LookAt: []string{
			"Name the CA, or the self-signed certificate itself, in `upstreams.NAME.tls.ca_file`.",
			"See the chain that is sent: `openssl s_client -connect ADDRESS:PORT -showcerts`.",
			"Install the roots: package `ca-certificates`, also in the container's image.",
			"Get a public certificate for the server: `certbot --nginx -d NAME`, or Caddy, which does it by itself.",
			"Do not switch `verify` off across a network that others use.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, ChainIncomplete},
		Family: FamilyUnhealthy, Status: 502, ProxyError: "tls_certificate_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server does not send its whole chain",
		Meaning: "The issuer of the server's certificate was neither sent by the server nor is it known here; its " +
			"name is in the record. Mostly the intermediate certificate is missing; a private CA which signs directly " +
			"looks the same.",
		Reasons: []string{
			"The server is configured with `cert.pem` in place of `fullchain.pem`.",
			"A new certificate came with a new intermediate, and the chain file is still the old one.",
			"A private CA signed the certificate directly, and the gateway has not been told about it.",
			"The certificates stand in the wrong order or for another name in the server's file.",
		},
		LookAt: []string{
			"Count what is sent: `openssl s_client -connect ADDRESS:PORT -showcerts` must show the issuer as well.",
			"Use `fullchain.pem`: nginx `ssl_certificate`, Apache `SSLCertificateFile`, HAProxy chain and key in one " +
				"`crt` file.",
			"Set `upstreams.NAME.tls.ca_file` to the CA's certificate if the issuer is your own CA.",
			"Do not trust a browser here: it fetches or remembers intermediates, programs do not.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, WrongName},
		Family: FamilyNoMatch, Status: 502, ProxyError: "tls_certificate_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's certificate is for another name",
		Meaning: "The certificate is not for the name that the gateway expects of this server; both the name asked " +
			"for and the names offered are in the record. The gateway may be talking to somebody else, so it sent nothing.",
		Reasons: []string{
			"The server is given by IP address or an internal name, and its certificate has the public name.",
			"The server showed its default certificate since it has no site for the name asked for.",
			"The certificate covers `NAME` and not `www.NAME`, or a wildcard reaches one level only.",
			"DNS leads to another machine, of a former owner of the address for instance.",
			"The name stands only in the common name, which no client reads any more.",
		},
		LookAt: []string{
			"Set `upstreams.NAME.tls.server_name` to one of the names offered, if the server is the right one.",
			"List the names: `openssl x509 -in c.pem -noout -ext subjectAltName`.",
			"Issue it again with all names: `certbot certonly -d NAME -d www.NAME`.",
			"Check that the address dialled, in the record, is your server's.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, Revoked},
		Family: FamilyDenied, Status: 502, ProxyError: "tls_certificate_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's certificate was revoked",
		Meaning: "The CA has declared the server's certificate void: the answer that the server stapled (OCSP) or the " +
			"list in `crl_file` says so. It must not be trusted although its dates are still good.",
		Reasons: []string{
			"Its private key was lost or published, and somebody revoked it.",
			"It was replaced, and the server still uses the former one.",
			"The CA withdrew certificates that it had issued wrongly, as it happens by the thousand.",
			"The internal CA revoked the machine when it was decommissioned, or by mistake.",
		},
		LookAt: []string{
			"Issue a new certificate with a new key: `certbot certonly --force-renewal -d NAME`, and reload.",
			"Read the answer that is stapled: `openssl s_client -connect ADDRESS:PORT -status`.",
			"Search the list: `openssl crl -in crl.pem -noout -text` for the serial number.",
			"Find out why it was revoked before you install the old key again.",
		},
	},
	{
		Code:   Code{Upstream, phase.UpHandshake, BadCert},
		Family: FamilyMalformed, Status: 502, ProxyError: "tls_certificate_error",
		Retry: RetryUnsent, Severity: SeverityError,
		Title: "Server's certificate is not acceptable",
		Meaning: "Something is wrong with the server's certificate other than its dates, names and issuer: its " +
			"purpose, a limit of its CA, a weak signature, or that it cannot be read. The error in the record says what.",
		Reasons: []string{
			"It was made for clients or for signing code: its extended key usage lacks server authentication.",
			"The CA may sign for certain names only (name constraints), and this one is not among them.",
			"An intermediate is not marked as a CA, or the chain is longer than allowed.",
			"It is signed with SHA-1 or MD5, or its RSA key is too short.",
			"A tool wrote a certificate that breaks the format, for example with a negative serial number.",
		},
		LookAt: []string{
			"Print it: `openssl x509 -in c.pem -noout -text`, and look at Key Usage and Basic Constraints.",
			"Check it as a server's: `openssl verify -purpose sslserver -CAfile ca.pem c.pem`.",
			"Issue it again with `extendedKeyUsage = serverAuth` and SHA-256.",
			"Create internal certificates with a tool made for it: step-ca, `mkcert`, cert-manager.",
		},
	},
}
