// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import "causey/internal/phase"

// clientTLSEntries are the failures of a client in its TLS handshake. Nothing but
// plain HTTP can be answered there: whoever has no TLS cannot be told anything.
var clientTLSEntries = []Entry{
	{
		Code:   Code{Client, phase.Handshake, PlainHTTP},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Plain HTTP on the TLS port",
		Meaning: "The client sent a request without encryption to a port that speaks TLS. It was answered 400 in " +
			"plain text, with the `https://` address to use, and the connection was closed.",
		Reasons: []string{
			"Somebody typed or linked `http://` together with the number of the TLS port, as in `http://NAME:443`.",
			"A proxy or load balancer in front ends TLS itself and hands plain HTTP to this port.",
			"A health check asks over http on the https port.",
			"Scanners try HTTP on every open port.",
		},
		LookAt: []string{
			"Write `https://` in the link, or leave the port number away.",
			"Point a balancer that already ends TLS at a listener without `tls: true`, or let it encrypt again.",
			"Compare the address in the record with your own checks: `curl -v https://NAME:PORT/` is the right form.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, NotTLS},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "First bytes are not TLS",
		Meaning: "What the client sent first on the TLS port is neither a TLS handshake nor an HTTP request. Nothing " +
			"can be answered, so the connection is closed.",
		Reasons: []string{
			"A scanner tries SSH, RDP, SMB or random bytes on an open port.",
			"The load balancer in front begins with a PROXY line, and this listener does not expect one.",
			"A client of another service has this port by mistake: a database driver, a mail or MQTT program.",
		},
		LookAt: []string{
			"Read the first bytes in the record: `PROXY` or `\\r\\n\\r\\n\\0\\r\\nQUIT` is the PROXY protocol.",
			"Make both ends agree on the PROXY protocol: in front, and in the settings of this listener.",
			"Leave strangers alone; single cases are the noise of every public address.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, Malformed},
		Family: FamilyMalformed, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Broken TLS handshake from the client",
		Meaning: "The client began a TLS handshake and then sent a message or record that breaks the rules: a wrong " +
			"length, a wrong order, a failed check. The connection is closed with an alert, before any request was read.",
		Reasons: []string{
			"A fuzzer or a vulnerability scanner tests how TLS is parsed here.",
			"A device in the client's network inspects TLS and damages it.",
			"The client's TLS library has a defect, or two threads write to one connection.",
			"Faulty memory or network hardware changes bits on the way.",
		},
		LookAt: []string{
			"Look whether the cases come from one network: then ask for the inspecting firewall or antivirus there.",
			"Try another client from the same place: `openssl s_client -connect NAME:443 -servername NAME`.",
			"Update the TLS library of the program if it is your own.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, TLSVersion},
		Family: FamilyNoMatch, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client's TLS version is too old",
		Meaning: "The client speaks only TLS versions that this listener does not accept. The handshake ended with an " +
			"alert and the connection is closed; the visitor sees a browser error and no page.",
		Reasons: []string{
			"The client is old: Android 4, Internet Explorer on Windows 7, Java 7, a terminal or a printer with its " +
				"first firmware.",
			"A program is tied to TLS 1.0 or 1.1 by its settings, for example .NET Framework before 4.6.",
			"A security test tries old versions on purpose and is content to be refused.",
			"The listener's own `tls.profile` accepts TLS 1.3 only, and the client ends at TLS 1.2.",
		},
		LookAt: []string{
			"See which versions the client offered: they are in the record.",
			"Test what is accepted: `openssl s_client -connect NAME:443 -servername NAME -tls1_2`.",
			"Set `tls.profile: intermediate` if visitors with TLS 1.2 only are shut out.",
			"Update the client; browsers gave up TLS 1.0 and 1.1 in 2020.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, NoCipher},
		Family: FamilyNoMatch, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "No common cipher with the client",
		Meaning: "Client and gateway share a TLS version but no cipher suite, key exchange group or signature " +
			"algorithm. No encryption can be agreed on, and the connection is closed with an alert.",
		Reasons: []string{
			"The client knows only old suites: RC4, 3DES, or RSA key exchange without forward secrecy.",
			"The site's certificate has an ECDSA key, and the client can check RSA signatures only.",
			"A program was given a hand-picked list of ciphers that is too narrow.",
			"A scanner offers one suite after the other to list what is spoken here.",
		},
		LookAt: []string{
			"Compare what the client offered, in the record, with the suites of your `tls.profile`.",
			"Repeat it with one suite: `openssl s_client -connect NAME:443 -tls1_2 -cipher SUITE`.",
			"Add an RSA certificate beside the ECDSA one in `tls.certificates` if old clients matter.",
			"Remove the hand-picked list from the client.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, NoALPN},
		Family: FamilyNoMatch, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "No common application protocol",
		Meaning: "The client insists, by ALPN, on application protocols that this listener does not speak. RFC 7301 " +
			"has the handshake end with alert 120 then, and the connection is closed.",
		Reasons: []string{
			"A gRPC client offers only `h2`, and HTTP/2 is not offered here.",
			"A client of another protocol over TLS (`imap`, `mqtt`, `postgresql`) has the wrong port.",
			"A validation of Let's Encrypt by TLS-ALPN, which offers `acme-tls/1`, came while none was expected.",
		},
		LookAt: []string{
			"See the protocols that were offered, in the record.",
			"Try it: `openssl s_client -connect NAME:443 -servername NAME -alpn http/1.1`.",
			"Let the client offer `http/1.1` as well.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, NoSNI},
		Family: FamilyNoMatch, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client names no host in TLS",
		Meaning: "The client did not say in its handshake which site it wants (no SNI), and there is no default " +
			"certificate for such clients. It cannot be shown a certificate that fits, so the connection is closed.",
		Reasons: []string{
			"A bot or scanner connects to the bare IP address; addresses are never sent as SNI.",
			"A health check of a load balancer or a monitor connects by address.",
			"The client is very old, or a program turned SNI off.",
			"A proxy in front does not pass the name on: nginx does so only with `proxy_ssl_server_name on`.",
		},
		LookAt: []string{
			"Match the address with your own monitors, and have them ask by name.",
			"See the difference: `openssl s_client -connect ADDRESS:443 -noservername` and `-servername NAME`.",
			"Give `tls.certificates` of the top level a certificate if clients without SNI must be served.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, SNIUnknown},
		Family: FamilyNoMatch, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "No certificate for this name",
		Meaning: "The client asked in its handshake for a name for which the gateway has no certificate. It was told " +
			"so by alert 112 and the connection is closed, since any other certificate would only alarm the visitor.",
		Reasons: []string{
			"A domain, or its `www.` form, points here in DNS and was never added to a site.",
			"The site exists, and its certificate does not cover this one name.",
			"DNS still leads a name here that was given up.",
			"Scanners go through lists of names.",
		},
		LookAt: []string{
			"Read the name that was asked for in the record, and whether it is yours.",
			"List the names of a certificate: `openssl x509 -in FILE -noout -ext subjectAltName`.",
			"Add the name to `sites` and to its certificate, then run `causey check FILE` and reload.",
			"Remove the DNS record of a name that is no longer yours to serve.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, CertRejected},
		Family: FamilyDenied, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client rejects our certificate",
		Meaning: "The client looked at the gateway's certificate and ended the handshake with an alert that says it " +
			"does not accept it; the number is in the record. The connection is closed, and a visitor sees a warning " +
			"in place of the page.",
		Reasons: []string{
			"The certificate has expired, or its renewal was never loaded (alert 45).",
			"It is self-signed or from a private CA that this client does not know (alert 48).",
			"The chain is incomplete: `cert.pem` is configured in place of `fullchain.pem`; browsers often get by, " +
				"programs and phones do not.",
			"The client's clock is wrong, or its list of roots is years old.",
			"An app pins an older certificate (alert 42 or 46).",
		},
		LookAt: []string{
			"Look at it as a client does: `openssl s_client -connect NAME:443 -servername NAME`, line `Verify return code`.",
			"Check the dates: `openssl x509 -in FILE -noout -dates -issuer -subject`.",
			"Configure `fullchain.pem`, and see that its chain is sent with `openssl s_client -showcerts`.",
			"Group by client: one that always fails has a wrong clock or old roots, all of them is your certificate.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, Alert},
		Family: FamilyRefused, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client ended the handshake with an alert",
		Meaning: "The client broke off its TLS handshake with an alert that is not about the certificate. The number " +
			"and name of the alert are in the record; the connection is closed.",
		Reasons: []string{
			"The visitor or program cancelled while the handshake was under way (alert 90).",
			"The client met something in our handshake that it does not support or holds to be wrong (alerts 40, 47, " +
				"50, 80).",
			"A scanner had learnt what it wanted and left in a tidy way.",
			"A TLS inspecting proxy on the client's side gave up.",
		},
		LookAt: []string{
			"Look the number up in RFC 8446 section 6: `https://www.rfc-editor.org/rfc/rfc8446#section-6`.",
			"Group by client address and number: one program with one number is its own defect or setting.",
			"Repeat with `openssl s_client -connect NAME:443 -servername NAME -msg` to see each message.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, ClientCertMissing},
		Family: FamilyDenied, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client sent no certificate",
		Meaning: "This site requires a client certificate (`client_auth`), and the client has none to show. The " +
			"handshake ended with an alert and the connection is closed; no request was read.",
		Reasons: []string{
			"A browser or program without an installed certificate opens a site meant for known clients.",
			"The certificate is installed, but not from a CA that the gateway names, so the client does not offer it.",
			"A CDN in front has its origin pull certificate switched off, as Cloudflare's Authenticated Origin Pulls.",
			"A health check asks the protected name.",
		},
		LookAt: []string{
			"Try with a certificate: `curl --cert c.pem --key c.key https://NAME/`.",
			"Compare the certificate's issuer with `client_auth.ca_file`: `openssl x509 -in c.pem -noout -issuer`.",
			"Turn the origin pull certificate on at the CDN.",
			"Set `client_auth.mode` so that a certificate is optional if others must come in too.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, ClientCertRefused},
		Family: FamilyDenied, Status: 400, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client's certificate refused",
		Meaning: "The client showed a certificate, and it does not pass the check against `client_auth.ca_file`: " +
			"expired, of another CA, or not made for clients. The connection is closed with an alert.",
		Reasons: []string{
			"The client's certificate has expired.",
			"It was signed by another CA, or by an intermediate that the client does not send.",
			"It is a server certificate: its purpose (extended key usage) lacks client authentication.",
			"The CA was replaced, and only one side knows.",
		},
		LookAt: []string{
			"Read subject, issuer and validity of the certificate in the record.",
			"Check it here: `openssl verify -purpose sslclient -CAfile ca.pem c.pem`.",
			"Put the intermediate behind the client's certificate in its file, or into `ca_file`.",
			"Keep the old and the new CA together in `ca_file` while certificates are being replaced.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, Timeout},
		Family: FamilyTimeout, Status: 408, ProxyError: "http_request_error",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "TLS handshake not completed in time",
		Meaning: "The client connected to the TLS port and did not finish the handshake within `timeouts.handshake`. " +
			"It cannot be answered without TLS; the connection is closed.",
		Reasons: []string{
			"A browser opened a connection in advance and did not need it.",
			"The client's network vanished in the middle of the handshake.",
			"Somebody holds connections open with half handshakes to use up the gateway's places.",
			"Large packets get lost on the way, so the certificate never arrives (MTU of a VPN or PPPoE line).",
			"A TCP check connects and sends nothing.",
		},
		LookAt: []string{
			"Count the cases per address: many from few addresses are an attack or a check, one each is bad radio.",
			"Read whether any byte came: none is a check or an unused connection, half a handshake is the network.",
			"Lower the MTU of the tunnel, or clamp the MSS, if all clients behind one line suffer.",
			"Keep `timeouts.handshake` near 10 s; honest handshakes take two round trips.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, Closed},
		Family: FamilyClosed, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client left inside the handshake",
		Meaning: "The client closed its connection in order after it had begun a TLS handshake. It gave no alert, so " +
			"why it left is not known.",
		Reasons: []string{
			"The visitor closed the page, or the browser no longer needed the connection.",
			"The client dislikes the certificate and closes without saying so; some libraries do.",
			"A port scanner or TCP check sends a first message and leaves.",
			"An old client met a version or cipher that it does not know.",
		},
		LookAt: []string{
			"Look for `client.handshake.cert-rejected` at the same time: then check the certificate first.",
			"See if it is always the same address at the same interval: that is a check, which may ask a real URL.",
			"Do nothing about single cases.",
		},
	},
	{
		Code:   Code{Client, phase.Handshake, Reset},
		Family: FamilyReset, Status: StatusClientGone, ProxyError: "",
		Retry: RetryNever, Severity: SeverityClient,
		Title: "Client reset inside the handshake",
		Meaning: "The client's side reset the connection in the middle of the TLS handshake. Its machine or a device " +
			"between threw it away.",
		Reasons: []string{
			"A scanner resets as soon as it has seen the certificate.",
			"A firewall filters by the name in the handshake (SNI) and resets what it does not allow.",
			"The calling program was killed or hit its own timeout.",
			"A phone changed networks.",
		},
		LookAt: []string{
			"See whether one network or one country shares the cases: a filter on the way cuts by name.",
			"Compare the time it took with timeouts that clients of yours have.",
			"Capture one case with `tcpdump -ni any -w h.pcap tcp port 443`: the TTL of the RST tells who sent it.",
		},
	},
}
