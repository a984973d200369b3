// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "strings"

// reservedKeys will have a meaning in a later version. They are refused
// wherever somebody may try them, so that no file says something that is not
// done.
var reservedKeys = map[string]string{
	"guard":    "limits, timeouts and rates are what holds off floods for now",
	"trusted":  "proxies are named in trusted_proxies",
	"defaults": "timeouts at the top level hold for all upstreams and routes",
}

// addressWords are what others call the parts of an address, folded.
var addressWords = strings.Fields("host hostname ip port url uri server target path socket")

// foreignKeys are words of other gateways for what we call something else,
// folded (see fold).
var foreignKeys = map[string]string{
	"bind": "write listen", "port": "write listen", "ports": "write listen", "entrypoints": "write listen",
	"frontend": "write listen and sites", "frontends": "write listen and sites", "http": "its parts stand at the top level here",
	"backend": "write upstream in a route, upstreams at the top", "backends": "write upstreams", "cluster": "write upstreams", "clusters": "write upstreams",
	"services": "write upstreams", "service": "write upstream", "pool": "write upstream",
	"origin": "write upstream", "origins": "write upstreams", "target": "write upstream or servers", "targets": "write servers",
	"to": "write upstream", "proxy": "write upstream", "proxypass": "write upstream in a route, upstreams at the top", "reverseproxy": "write upstream in a route, upstreams at the top",
	"location": "write path in a route", "locations": "write routes", "prefix": "write path", "match": "write path", "rules": "write routes", "handle": "write routes",
	"servername": "write host", "domain": "write host", "domains": "write hosts", "virtualhosts": "write sites", "vhosts": "write sites", "vhost": "write sites",
	"url": "write address", "uri": "write address", "addr": "write address",
	"maxconn": "write max_connections", "maxconns": "write max_connections", "workerconnections": "write limits.connections",
	"log": "write access_log", "logs": "write access_log", "logging": "write access_log", "accesslogs": "write access_log",
	"errorpage": "write error_pages", "errorfile": "write error_pages", "errors": "write error_pages",
	"realipfrom": "write trusted_proxies", "setrealipfrom": "write trusted_proxies", "trustedips": "write trusted_proxies",
	"acceptproxy": "write proxy_protocol with the proxies' networks, in a listener", "sendproxy": "write proxy_protocol: v1 in an upstream", "sendproxyv2": "write proxy_protocol: v2 in an upstream",
	"readtimeout": "write timeouts.await_head and timeouts.body_stall", "writetimeout": "write timeouts.send_stall",
	"proxyreadtimeout": "write timeouts.await_head and timeouts.body_stall", "proxysendtimeout": "write timeouts.send_stall",
	"proxyconnecttimeout": "write timeouts.connect", "connecttimeout": "write timeouts.connect", "dialtimeout": "write timeouts.connect",
	"idletimeout": "write timeouts.idle for clients, keep_alive.idle_timeout for servers", "keepalivetimeout": "write timeouts.idle",
	"keepalive": "write keep_alive in an upstream, timeouts.idle for clients", "graceperiod": "write timeouts.drain", "shutdowntimeout": "write timeouts.drain",
	"clientmaxbodysize": "write limits.body", "maxbodysize": "write limits.body", "maxrequestbody": "write limits.body",
	"dns": "write resolver for name servers, tls.automatic.dns for certificates", "resolvers": "write resolver", "nameservers": "write resolver",
	"idempotent": "write retry_unsafe", "retries": "write retry_unsafe",
	"healthcheck": "write check in an upstream", "healthchecks": "write check in an upstream", "httpchk": "write check: /PATH in an upstream", "healthuri": "write check: /PATH in an upstream", "activehealthcheck": "write check in an upstream",
	"unhealthythreshold": "write fall", "healthythreshold": "write rise", "inter": "write interval", "fastinter": "write fast_interval", "downinter": "write fast_interval", "passes": "write rise", "fails": "write fall", "expect": "write status, or body", "expectedstatuses": "write status", "healthstatus": "write status", "mandatory": "a server is in use until its checks fail",
	"ssl": "write tls", "https": "write tls: true in a listener", "usessl": "write tls: true in a listener, https:// in a server", "tlsport": "write tls: true in a listener",
	"cert": "write certificates in tls", "certs": "write certificates in tls", "sslcertificate": "write certificates in tls", "certfile": "write certificate, in certificates of tls", "crt": "write certificates in tls", "pem": "write certificates in tls",
	"sslcertificatekey": "write key, in certificates of tls", "keyfile": "write key, in certificates of tls", "privatekey": "write key, in certificates of tls", "chain": "write the chain into the file of the certificate", "fullchain": "write certificate, in certificates of tls",
	"acme": "write tls.automatic", "letsencrypt": "write tls.automatic", "certbot": "write tls.automatic", "autocert": "write tls.automatic", "autohttps": "write tls.automatic", "certresolver": "write tls.automatic", "certificatesresolvers": "write tls.automatic",
	"dnschallenge": "write tls.automatic.dns", "ondemand": "write tls.automatic.ask", "ondemandtls": "write tls.automatic.ask",
	"mtls": "write client_auth in the site's tls, client_certificate in the upstream's", "clientca": "write client_auth in the site's tls", "sslclientcertificate": "write client_auth in the site's tls", "sslverifyclient": "write client_auth in the site's tls",
	"sni": "write server_name in the upstream's tls", "proxysslname": "write server_name in the upstream's tls", "proxysslservername": "write server_name in the upstream's tls",
	"insecureskipverify": "write verify: false in the upstream's tls, or better ca_file", "tlsinsecureskipverify": "write verify: false in the upstream's tls, or better ca_file", "skipverify": "write verify: false in the upstream's tls, or better ca_file", "insecure": "write verify: false in the upstream's tls, or better ca_file", "proxysslverify": "write verify in the upstream's tls",
	"cacert": "write ca_file", "rootca": "write ca_file", "proxyssltrustedcertificate": "write ca_file in the upstream's tls", "proxysslcertificate": "write client_certificate in the upstream's tls", "crl": "write crl_file in the upstream's tls",
	"sslprotocols": "write profile in tls, min_version in an upstream's", "protocols": "write profile in tls, min_version in an upstream's", "tlsversion": "write profile in tls, min_version in an upstream's",
	"ciphers": "cipher suites come with tls.profile", "sslciphers": "cipher suites come with tls.profile", "ciphersuites": "cipher suites come with tls.profile",
	"stricttransportsecurity": "write hsts in the site's tls", "forcehttps": "redirect in the site's tls does that, and is on", "forcessl": "redirect in the site's tls does that, and is on", "httpsredirect": "redirect in the site's tls does that, and is on", "redirecttohttps": "redirect in the site's tls does that, and is on",
	"ocsp": "OCSP answers are stapled without being told", "sslstapling": "OCSP answers are stapled without being told", "http2": "HTTP/2 is not in this version", "http3": "HTTP/3 is not in this version", "quic": "HTTP/3 is not in this version", "alpn": "HTTP/1.1 is all there is in this version",
	"opentelemetry": "write tracing", "otel": "write tracing", "otlp": "write tracing", "traces": "write tracing", "jaeger": "write tracing",
	"proxycache": "write cache: on in a route", "ttl": "write default_ttl, in cache of a route", "caching": "write cache: on in a route", "proxycachevalid": "write cache.default_ttl in a route",
	"proxycachepath": "write cache.disk", "proxycacheusestale": "write cache.stale_if_error in a route", "proxycachebypass": "write cache.bypass_cookies in a route",
	"include": "a configuration is one file", "import": "a configuration is one file",
	"ratelimit": "rate limits are not in this version", "headers": "changing headers is not in this version", "rewrite": "rewriting is not in this version",
}

// cutKey takes the key from a text such as "version:1".
func cutKey(s string) (key, rest string, found bool) {
	key, rest, found = strings.Cut(s, ":")
	return key, rest, found && isKeyWord(key) && rest != ""
}
