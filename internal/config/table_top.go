// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/netip"
	"strings"

	"causey/internal/cdn"
)

// rootKind is the whole table: the top level of a configuration.
var rootKind = object[Config]{
	name: "configuration",
	doc:  "One YAML document. Unknown keys are errors, and so are keys without a value.",
	fields: []field[Config]{
		{entry{name: "version", required: true, sample: "version: 1",
			doc: "The version of this format, always 1. A later causey that reads keys differently will ask for another number instead of misreading yours."},
			to(versionKind, func(c *Config) *int { return &c.Version })},
		{entry{name: "listen", required: true, sample: "listen: [127.0.0.1:8080]",
			doc:   "Where clients connect, by HTTP/1.1, plain or with TLS. Each item is an address or an object with the key `address`.",
			avoid: "Do not listen on `:80` of a machine with a public address while another gateway terminates TLS in front: clients would come around it. Listen on a loopback address or a unix socket then.",
			peers: "nginx `listen`, HAProxy `bind`, Caddy `listen`."},
			to(list(listenerKind, 1, 256), func(c *Config) *[]Listener { return &c.Listen })},
		{entry{name: "admin",
			derived: "a unix socket, no TCP",
			doc:     "The admin side: page, API, metrics, `causey failures`, `causey reload`. A text is the loopback address to listen on beside the socket (`127.0.0.1:8081`), another socket (`unix:/run/x.sock`), or `off`.",
			peers:   "Caddy serves its admin API on TCP `localhost:2019`, where every local user can change everything; HAProxy has a unix socket only if asked."},
			to(adminKind, func(c *Config) *Admin { return &c.Admin })},
		{entry{name: "access_log",
			doc:   "One line for each exchange. A text is the format: `json`, `combined` or `off`.",
			peers: "nginx and Apache default to combined, Caddy and Traefik to no log."},
			to(accessLogKind, func(c *Config) *AccessLog { return &c.AccessLog })},
		{entry{name: "tls", doc: "TLS with clients: certificates, and what is spoken."},
			to(tlsKind, func(c *Config) *TLS { return &c.TLS })},
		{entry{name: "error_pages",
			doc:   "Your own pages for errors that the gateway answers itself; answers of servers are never replaced. The key is a status (`502`) or a class (`5xx`), the value an HTML file of at most 64 KiB, read when the configuration is loaded. A status wins over its class, and of two pages for the same status or class the site's wins. Clients that ask for JSON or plain text get those.",
			peers: "nginx `error_page`, HAProxy `errorfile`, Caddy `handle_errors`."},
			to(errorPagesKind, func(c *Config) *[]ErrorPage { return (*[]ErrorPage)(&c.ErrorPages) })},
		{entry{name: "trusted_proxies", def: `[127.0.0.0/8, "::1/128"]`,
			doc:   "Whose X-Forwarded-* and Forwarded are believed: the rightmost address that is not in this list is the client. The same networks see the details of Proxy-Status. A client on a unix socket counts as 127.0.0.1. An empty list trusts nobody. The names of sets, such as `cloudflare`, stand for the networks that `causey networks` shows.",
			avoid: "Never list a network in which strangers have addresses: they could then name any client address they like.",
			peers: "nginx `set_real_ip_from` and Caddy `trusted_proxies` trust nobody by default, Apache `RemoteIPTrustedProxy`; many tools trust everybody."},
			to(list(networkKind, 0, 10_000), func(c *Config) *[]NetworkOrSet { return &c.TrustedProxies })},
		{entry{name: "proxy_status",
			doc: "The field Proxy-Status (RFC 9209) of answers that the gateway makes itself."},
			to(proxyStatusKind, func(c *Config) *ProxyStatus { return &c.ProxyStatus })},
		{entry{name: "resolver", derived: "/etc/resolv.conf",
			doc:   "The name servers to ask for the names of servers, in this order. /etc/hosts comes first in any case.",
			avoid: "Leave it out unless the machine's own resolver is slow or wrong: a second list of name servers is one more thing to keep right.",
			peers: "nginx `resolver` (without it names are looked up once, at start), HAProxy `resolvers`."},
			to(list(nameserverKind, 0, 8), func(c *Config) *[]netip.AddrPort { return &c.Resolver })},
		{entry{name: "zone", derived: "none",
			doc:   "Where this gateway stands. Servers of the same `zone` are asked first.",
			avoid: "Without effect where servers have no `zone`."},
			to(zoneKind, func(c *Config) *string { return &c.Zone })},
		{entry{name: "limits", doc: "What peers may send, and how many may come."},
			to(limitsKind, func(c *Config) *Limits { return &c.Limits })},
		{entry{name: "timeouts", doc: "How long each phase may take, or be silent."},
			to(timeoutsKind, func(c *Config) *Timeouts { return &c.Timeouts })},
		{entry{name: "rates", doc: "The least progress that clients have to make."},
			to(ratesKind, func(c *Config) *Rates { return &c.Rates })},
		{entry{name: "forwarded", doc: "What servers are told about the client and about us."},
			to(forwardedKind, func(c *Config) *Forwarded { return &c.Forwarded })},
		{entry{name: "cache", doc: "What the caches of all routes may take together: memory, disk."},
			to(cacheKind, func(c *Config) *Cache { return &c.Cache })},
		tracingField,
		{entry{name: "diagnosis", doc: "How far the gateway finds out why things fail."},
			to(diagnosisKind, func(c *Config) *Diagnosis { return &c.Diagnosis })},
		{entry{name: "sites", required: true, sample: `sites: [{host: "*", routes: [{upstream: NAME}]}]`,
			doc:   "The virtual hosts. A request goes to the site with its exact name, else with the longest `*.` name, else to `*`; without one it is answered 421.",
			peers: "nginx `server`, HAProxy `frontend` with ACLs, Caddy's site blocks."},
			to(list(siteKind, 1, 100_000), func(c *Config) *[]Site { return &c.Sites })},
		{entry{name: "upstreams", required: true, sample: "upstreams: {NAME: {servers: [127.0.0.1:3000]}}",
			doc:   "The groups of servers that answer, by name. A name has letters, digits, `-`, `_` and `.`, at most 64; it stands in logs, metrics and failures.",
			peers: "nginx `upstream`, HAProxy `backend`, Envoy clusters."},
			to(upstreamsKind, func(c *Config) *[]Upstream { return (*[]Upstream)(&c.Upstreams) })},
	},
}.kind()

var versionKind = leaf(&shape{name: "number", want: "the number 1", numbers: true, noText: true, schema: map[string]any{"const": 1}},
	func(s string) (int, error) {
		if s != "1" {
			return 0, wrong("write version: 1, or run the causey that the file was written for", "this causey reads version 1, found %s", quoteless(s))
		}
		return 1, nil
	})

var listenAddrKind = leaf(&shape{
	name: "listen address", defined: true, want: "an address such as 127.0.0.1:8080",
	doc:     "`127.0.0.1:8080`, `[::1]:8080`, `:8080` (every address, IPv6 and IPv4; `0.0.0.0:8080` is IPv4 only, `[::]:8080` IPv6 only), `localhost:8080` (127.0.0.1), `unix:/run/x.sock`, `unix:@name` (abstract), or `systemd:NAME` for a socket that systemd hands over: NAME is its FileDescriptorName=, or its index from 0. Port 0 lets the kernel choose.",
	schema:  map[string]any{"type": "string", "pattern": `^(unix:[/@].+|systemd:[A-Za-z0-9_.-]+|[^/]*:[0-9]+)$`},
	numbers: true,
}, ParseListenAddr)

var listenerKind = object[Listener]{
	name: "listener",
	doc:  "One listening socket.",
	fields: []field[Listener]{
		{entry{name: "address", required: true, sample: "address: 127.0.0.1:8080", doc: "Where to listen."},
			to(listenAddrKind, func(l *Listener) *ListenAddr { return &l.Address })},
		{entry{name: "proxy_protocol", def: "[]",
			doc:   "Whose connections begin with a PROXY header (version 1 or 2): load balancers that relay TCP and say in it who the client is. The address that it names is then the peer, in logs, in X-Forwarded-For and for `trusted_proxies`. A connection from these networks without a header is refused, and so is a header from anywhere else. Networks, or names of sets. On a unix socket, a list that is not empty means every connection.",
			avoid: "Never list a network in which strangers have addresses, and none whose members connect without the header too: give those a listener of their own.",
			peers: "nginx `listen … proxy_protocol`, HAProxy `accept-proxy`, Caddy `proxy_protocol` listener wrapper; nginx and HAProxy ask it of every connection."},
			to(list(networkKind, 0, 10_000), func(l *Listener) *[]NetworkOrSet { return &l.ProxyProtocol })},
		{entry{name: "max_connections", def: "0",
			doc:   "How many client connections this socket may have open; the next ones are answered 503. 0: only `limits.connections` counts.",
			peers: "HAProxy `maxconn` of a bind."},
			to(integer(0, 10_000_000), func(l *Listener) *int { return &l.MaxConnections })},
		{entry{name: "tls", def: "false",
			doc:   "Whether clients speak TLS here; see `tls` at the top for certificates.",
			peers: "nginx `listen … ssl`, HAProxy `bind … ssl`."},
			to(boolean, func(l *Listener) *bool { return &l.TLS })},
	},
	shortShape: listenAddrKind.shape,
	short: func(d *decoder, c cursor, l *Listener) (ok bool) {
		l.Address, ok = listenAddrKind.read(d, c)
		return ok
	},
}.kind()

var adminTextKind = leaf(&shape{
	name: "admin address", want: "a loopback address such as 127.0.0.1:8081, a socket such as unix:/run/x.sock, or off",
	schema: map[string]any{"type": "string", "pattern": `^(off|unix:[/@].+|[^/]*:[0-9]+)$`}, numbers: true,
}, parseAdminText)

// parseAdminText reads what may be written in place of the admin object.
func parseAdminText(s string) (Admin, error) {
	if s == "off" {
		return Admin{}, nil
	}
	a, err := ParseListenAddr(s)
	if err != nil {
		return Admin{}, err
	}
	if a.Network == Unix {
		return Admin{Socket: SocketPath(a.Path)}, nil
	}
	return Admin{Listen: a, Socket: socketDefault}, nil
}

// socketDefault stands for a socket that was not written, until finish knows
// where it goes. It cannot be written: it has a control character.
const socketDefault SocketPath = "\x00"

var socketKind = leaf(&shape{
	name: "file | off", want: "the absolute path of a unix socket, or off", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^(off|[/@].+)$`},
}, func(s string) (SocketPath, error) {
	if s == "off" {
		return "", nil
	}
	path, err := parseUnixPath("unix:"+s, s)
	return SocketPath(path), err
})

var adminKind = object[Admin]{
	name:  "admin",
	doc:   "The admin side.",
	start: func(a *Admin) { a.Socket = socketDefault },
	fields: []field[Admin]{
		{entry{name: "listen", derived: "none",
			doc:   "A loopback address for the admin page, the API and /metrics. Other addresses are refused in this version, since there is no TLS and no login on it; reach it through `ssh -L`.",
			avoid: "Leave it out on machines with users you do not trust: every local user can connect to a loopback port, and read what it shows."},
			to(listenAddrKind, func(a *Admin) *ListenAddr { return &a.Listen })},
		{entry{name: "socket", derived: "`admin.sock` in `$RUNTIME_DIRECTORY`, else in `$XDG_RUNTIME_DIR/causey`, else in `/run/causey`",
			doc:   "The unix socket of the admin side, or `off`. What changes state comes by this socket, or with a token.",
			peers: "HAProxy `stats socket`."},
			to(socketKind, func(a *Admin) *SocketPath { return &a.Socket })},
		{entry{name: "token_file", derived: "none",
			doc:   "A file with a token of 16 to 512 visible characters. Who sends it (`Authorization: Bearer …`) may change state over TCP too.",
			avoid: "Not needed where the socket can be reached. The file should be readable by its owner only."},
			to(filePath, func(a *Admin) *string { return &a.TokenFile })},
	},
	check:      checkAdmin,
	shortShape: adminTextKind.shape,
	short: func(d *decoder, c cursor, a *Admin) (ok bool) {
		if *a, ok = adminTextKind.read(d, c); ok {
			checkAdmin(d, c, a)
		}
		return ok
	},
}.kind()

var logFormatKind = enum("format", LogJSON, LogCombined, LogOff)

var logPathKind = kind[string]{
	shape: &shape{name: "stdout \\| stderr \\| file", want: "stdout, stderr or the name of a file", anyText: true, schema: filePath.schema},
	read: func(d *decoder, c cursor) (string, bool) {
		if t, ok := d.scalarOf(c); c.node.kind == scalarNode && ok && (t.text == Stdout || t.text == Stderr) {
			return t.text, true
		}
		return filePath.read(d, c)
	},
}

var accessLogKind = object[AccessLog]{
	name: "access_log",
	doc:  "The access log.",
	fields: []field[AccessLog]{
		{entry{name: "format", def: "json",
			doc:   "`json`: one object per line with phases, upstream, server, attempts and the failure's code. `combined`: the form of Apache and nginx, for tools that know nothing else. `off`: none; failures are still in the admin side.",
			avoid: "Not `combined` where you want to know why something failed: it has no place for it."},
			to(logFormatKind, func(a *AccessLog) *LogFormat { return &a.Format })},
		{entry{name: "path", def: "stdout",
			doc:   "`stdout`, `stderr`, or a file. Files are opened again on SIGUSR1. A log that cannot be written never stalls the gateway: lines are dropped and counted.",
			peers: "nginx stalls its worker when the disk of its log does."},
			to(logPathKind, func(a *AccessLog) *string { return &a.Path })},
	},
	check:      checkAccessLog,
	shortShape: logFormatKind.shape,
	short: func(d *decoder, c cursor, a *AccessLog) (ok bool) {
		a.Format, ok = logFormatKind.read(d, c)
		return ok
	},
}.kind()

var errorPagesKind = mapping(keyRule{name: "status", pattern: `^([45][0-9][0-9]|[45]xx)$`, check: checkStatus}, errorPage,
	func(p *ErrorPage, status string) { p.Status = status })

var networkKind = leaf(&shape{
	name: "network", defined: true, want: "an address, a network such as 10.0.0.0/8, or a set such as cloudflare",
	doc:    "An IP address, a network with its bits, or the name of a set of networks: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`, `cloudflare`. The sets: " + backquoted(cdn.Names()) + ".",
	schema: map[string]any{"type": "string", "pattern": `^([0-9A-Fa-f.:]+(/[0-9]{1,3})?|` + strings.Join(cdn.Names(), "|") + `)$`}, anyText: true,
}, ParseNetworkOrSet)

func backquoted(words []string) string { return "`" + strings.Join(words, "`, `") + "`" }

var nameserverKind = leaf(&shape{
	name: "name server", want: "the IP address of a name server, such as 10.0.0.2:53",
	schema: map[string]any{"type": "string", "pattern": `^(\[?[0-9A-Fa-f.:]+(%[0-9A-Za-z]+)?\]?)(:[0-9]+)?$`}, anyText: true,
}, ParseNameserver)

var proxyStatusKind = object[ProxyStatus]{
	name: "proxy_status",
	doc:  "The field Proxy-Status.",
	fields: []field[ProxyStatus]{
		{entry{name: "details", def: "trusted",
			doc:   "Who sees `details=` (the failure's code) and `next-hop=` (the server): `trusted`, the networks of `trusted_proxies`; `always`; `never`. `error=` and the reference id are for everybody.",
			avoid: "Not `always` on the open net: it shows strangers the addresses of your servers."},
			to(enum("details", DetailsTrusted, DetailsAlways, DetailsNever), func(p *ProxyStatus) *Details { return &p.Details })},
	},
}.kind()

var viaKind = leaf(&shape{
	name: "name | off", want: "a name of letters, digits and hyphens, or off",
	schema: map[string]any{"type": "string", "minLength": 1, "maxLength": 64}, anyText: true,
}, func(s string) (string, error) {
	if !isToken(s) || len(s) > 64 {
		return "", wrong("a name in Via is one word (RFC 9110 section 7.6.3)", "%s is no name for Via", quote(s))
	}
	return s, nil
})

var forwardedKind = object[Forwarded]{
	name: "forwarded",
	doc:  "What servers are told.",
	fields: []field[Forwarded]{
		{entry{name: "emit", def: "[x-forwarded]",
			doc:   "How servers learn who the client is: `x-forwarded` sends X-Forwarded-For, -Proto and -Host, `forwarded` sends Forwarded (RFC 7239). What a client that is not trusted sent in these fields is always removed. An empty list sends nothing.",
			avoid: "Not both without need: frameworks differ in which one they believe.",
			peers: "Caddy and Traefik send X-Forwarded-*, nginx and HAProxy nothing unless told."},
			to(list(enum("emit", XForwarded, ForwardedField), 0, 8), func(f *Forwarded) *[]ForwardedForm { return &f.Emit })},
		{entry{name: "via", def: "causey",
			doc:   "Our name in the field Via. A mark of this run is added to it, so that a request which comes back to us is known as a loop and answered 502, and two gateways of one name in a row are not. `off` sends no Via and finds no loops.",
			peers: "Envoy `via`, off unless set; nginx has none and loops until something breaks."},
			to(viaKind, func(f *Forwarded) *string { return &f.Via })},
	},
	check: func(d *decoder, c cursor, f *Forwarded) {
		d.noDuplicates(c.path+".emit", texts(f.Emit))
	},
}.kind()
