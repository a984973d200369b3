// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

var siteHostKind = leaf(&shape{
	name: "host", defined: true, want: "a name such as example.com", anyText: true,
	doc:    "The name of a host, without scheme, port and path: `example.com`; `*.example.com` for every name below it (not itself); an IP address; `*` for every host of no other site.",
	schema: map[string]any{"type": "string", "pattern": `^(\*|(\*\.)?[A-Za-z0-9_.-]+|\[?[0-9A-Fa-f:.]+\]?)$`},
}, parseSiteHost)

var routePathKind = leaf(&shape{
	name: "path", want: "a path such as /api", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^/", "maxLength": pathLimitBytes},
}, parseRoutePath)

var methodKind = leaf(&shape{
	name: "method", want: "a method such as GET", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^[!#-'*+.^_`|~0-9A-Z-]{1,32}$"},
}, parseMethod)

var upstreamNameKind = leaf(&shape{
	name: "name of an upstream", want: "the name of an upstream", anyText: true,
	schema: map[string]any{"type": "string", "pattern": upstreamNamePattern},
}, func(s string) (string, error) { return s, checkUpstreamName(s) })

const upstreamNamePattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"

// checkUpstreamName checks a name, which becomes a label of metrics and a word
// in logs.
func checkUpstreamName(s string) error {
	_, _, isURL := cutScheme(s)
	_, addressErr := ParseServerAddr(s)
	switch {
	case isWord(s, "-_.") && len(s) <= 64 && s[0] != '-' && s[0] != '_' && s[0] != '.':
		return nil
	case isURL || addressErr == nil:
		return wrong("name a group under upstreams, and give it this address as a server", "%s is an address, want the name of an upstream", quote(s))
	}
	return wrong("letters, digits, and - _ . within; at most 64", "%s is no name for an upstream", quote(s))
}

var routeTimeoutsKind = attemptTimeouts("route timeouts", "this route", "its upstream's")

var routeKind = object[Route]{
	name: "route",
	doc:  "Which requests of a site go where. The longest path that matches wins; of two equal ones, the one that names the method. If the routes of that path only name other methods, the answer is 405.",
	fields: []field[Route]{
		{entry{name: "path", def: "/",
			doc:   "The front of the request's path, by whole segments: `/api` matches `/api` and `/api/x`, not `/apix`. With a slash at its end only what is below matches: `/api/` matches `/api/` and `/api/x`, not `/api`. Nothing is cut off: the server sees the whole path.",
			peers: "nginx `location` compares characters, so `/api` matches `/apix` too."},
			to(routePathKind, func(r *Route) *string { return &r.Path })},
		{entry{name: "methods", derived: "every method",
			doc:   "The methods that match. HEAD comes with GET.",
			avoid: "Leave it to the application to refuse methods; use it to send them elsewhere."},
			to(list(methodKind, 1, 64), func(r *Route) *[]string { return &r.Methods })},
		{entry{name: "upstream", required: true, sample: "upstream: NAME",
			doc: "The name of the upstream that answers."},
			to(upstreamNameKind, func(r *Route) *string { return &r.Upstream })},
		{entry{name: "retry_unsafe", def: "false",
			doc:   "Says that repeating a request of this route does no harm, even a POST: what fails on one server may then be tried on another. Without it a request that may have been processed is repeated only if its method is idempotent (GET, HEAD, PUT, DELETE, OPTIONS, TRACE).",
			avoid: "Never where a repeated request orders, pays or sends twice.",
			peers: "nginx `proxy_next_upstream non_idempotent`, HAProxy `retry-on` (for all methods, unless excluded)."},
			to(boolean, func(r *Route) *bool { return &r.RetryUnsafe })},
		{entry{name: "cache",
			doc:   "Whether answers are kept and served again. A text is `on` or `off`; a mapping is `on`, with its keys.",
			peers: "nginx `proxy_cache`, HAProxy `http-request cache-use`; off unless told."},
			to(routeCacheKind, func(r *Route) *RouteCache { return &r.Cache })},
		{entry{name: "timeouts", doc: "Timeouts for this route only."},
			to(routeTimeoutsKind, func(r *Route) *AttemptTimeouts { return &r.Timeouts })},
	},
	check: func(d *decoder, c cursor, r *Route) {
		d.noDuplicates(c.path+".methods", r.Methods)
		r.Methods = withHead(r.Methods)
	},
}.kind()

// withHead adds HEAD where GET is (RFC 9110 section 9.1: a server that has one
// has both).
func withHead(methods []string) []string {
	get, head := false, false
	for _, m := range methods {
		get, head = get || m == "GET", head || m == "HEAD"
	}
	if get && !head {
		return append(methods, "HEAD")
	}
	return methods
}

var siteKind = object[Site]{
	name: "site",
	doc:  "One virtual host.",
	fields: []field[Site]{
		{entry{name: "hosts", alias: "host", required: true, sample: `host: example.com, or host: "*" for every host`,
			doc:   "The hosts that belong to this site, one or a list.",
			peers: "nginx `server_name`, Apache `ServerName` and `ServerAlias`."},
			to(list(siteHostKind, 1, 10_000), func(s *Site) *[]string { return &s.Hosts })},
		{entry{name: "routes", required: true, sample: "routes: [{path: /, upstream: NAME}]",
			doc: "Where the requests go. A request that no route matches is answered 404."},
			to(list(routeKind, 1, 100_000), func(s *Site) *[]Route { return &s.Routes })},
		{entry{name: "error_pages", doc: "As `error_pages` at the top, for this site."},
			to(errorPagesKind, func(s *Site) *[]ErrorPage { return (*[]ErrorPage)(&s.ErrorPages) })},
		{entry{name: "tls", doc: "TLS for this site."},
			to(siteTLSKind, func(s *Site) *SiteTLS { return &s.TLS })},
	},
}.kind()

var serverAddrKind = leaf(&shape{
	name: "server address", defined: true, want: "an address such as 127.0.0.1:3000", numbers: true,
	doc:    "`app:3000`, `10.0.0.5:80`, `[::1]:80`, `http://app:3000`, `https://app:8443` for TLS, `unix:/run/app.sock`, or only a port of this machine: `3000`, which is `localhost:3000`. Names are looked up again when their TTL ends.",
	schema: map[string]any{"type": []string{"string", "integer"}, "minLength": 1, "minimum": 1, "maximum": 65535},
}, ParseServerAddr)

var serverKind = object[Server]{
	name: "server",
	doc:  "One member of an upstream.",
	fields: []field[Server]{
		{entry{name: "address", required: true, sample: "address: 127.0.0.1:3000", doc: "Where it is."},
			to(serverAddrKind, func(s *Server) *ServerAddr { return &s.Address })},
		{entry{name: "max_connections", def: "0",
			doc:   "How many connections we open to it at most; 0 is no bound. A request that finds no free one goes to another server, or is answered 503.",
			avoid: "Not needed for servers that take thousands. Set it where there are few workers (php-fpm `pm.max_children`): requests beyond them would wait in its backlog, where nobody sees them.",
			peers: "nginx `max_conns`, HAProxy `maxconn` of a server."},
			to(integer(0, 1_000_000), func(s *Server) *int { return &s.MaxConnections })},
	},
	shortShape: serverAddrKind.shape,
	short: func(d *decoder, c cursor, s *Server) (ok bool) {
		s.Address, ok = serverAddrKind.read(d, c)
		return ok
	},
}.kind()

var keepAliveKind = object[KeepAlive]{
	name:  "keep_alive",
	doc:   "Unused connections to the servers of an upstream.",
	start: func(k *KeepAlive) { k.IdleTimeout = inherited },
	fields: []field[KeepAlive]{
		{entry{name: "max_idle", def: "256",
			doc:   "How many unused connections to each server are kept; 0 opens a new one for each request.",
			avoid: "0 is for servers that cannot keep connections; it costs a round trip and a port for each request.",
			peers: "nginx none unless told, HAProxy unbounded, Caddy 32 per host."},
			to(integer(0, 100_000), func(k *KeepAlive) *int { return &k.MaxIdle })},
		{entry{name: "idle_timeout", derived: "`timeouts.upstream_idle`",
			doc: "As `timeouts.upstream_idle`, for this upstream only. Keep it below the servers' own."},
			to(idleKind, func(k *KeepAlive) *Duration { return &k.IdleTimeout })},
		{entry{name: "max_requests", def: "0",
			doc:   "How many requests one connection carries before it is closed; 0 is no bound.",
			avoid: "Set it below the server's own bound, if it has one that closes without notice.",
			peers: "nginx 1,000, Envoy none."},
			to(integer(0, 1_000_000_000), func(k *KeepAlive) *int { return &k.MaxRequests })},
	},
}.kind()

var hostHeaderKind = leaf(&shape{
	name: "preserve \\| server \\| host", want: "preserve, server, or a host", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^[A-Za-z0-9_.:\[\]-]+$`},
}, parseHostHeader)

var upstreamTimeoutsKind = attemptTimeouts("upstream timeouts", "this upstream", "the top level's")

var upstreamKind = object[Upstream]{
	name: "upstream",
	doc:  "A group of servers that all answer the same requests.",
	fields: []field[Upstream]{
		{entry{name: "servers", required: true, sample: "servers: [127.0.0.1:3000]",
			doc: "Its members. Each item is an address or an object with the key `address`."},
			to(list(serverKind, 1, 10_000), func(u *Upstream) *[]Server { return &u.Servers })},
		{entry{name: "keep_alive", doc: "Unused connections to its servers."},
			to(keepAliveKind, func(u *Upstream) *KeepAlive { return &u.KeepAlive })},
		{entry{name: "host_header", def: "preserve",
			doc:   "What the servers get as Host: `preserve`, what the client asked for; `server`, the server's own address; or a name.",
			avoid: "`server` or a name makes many applications build wrong links and redirects; use it for servers that pick their site by a name of their own.",
			peers: "nginx sends the server's name unless told, Caddy, HAProxy, Traefik and Envoy preserve."},
			to(hostHeaderKind, func(u *Upstream) *string { return &u.HostHeader })},
		{entry{name: "proxy_protocol", def: "off",
			doc:   "Begins each connection to the servers with a PROXY header that names the client: `v1` is text, `v2` binary, with whatever the header of the client's own proxy said besides. A connection then belongs to one client and carries one request: none is kept, whatever `keep_alive` says.",
			avoid: "Only for servers that expect it (nginx `listen … proxy_protocol`, HAProxy `accept-proxy`); any other takes the header for a broken request. X-Forwarded-For tells the same without the cost of a connection for each request.",
			peers: "HAProxy `send-proxy` and `send-proxy-v2`, nginx `proxy_protocol on` in stream, Caddy and Envoy per upstream."},
			to(enum("proxy_protocol", ProxyOff, ProxyV1, ProxyV2), func(u *Upstream) *ProxyVersion { return &u.ProxyProtocol })},
		{entry{name: "timeouts", doc: "Timeouts for this upstream only."},
			to(upstreamTimeoutsKind, func(u *Upstream) *AttemptTimeouts { return &u.Timeouts })},
		{entry{name: "tls", doc: "TLS with its servers."},
			to(upstreamTLSKind, func(u *Upstream) *UpstreamTLS { return &u.TLS })},
	},
}.kind()

var upstreamsKind = mapping(keyRule{name: "name", pattern: upstreamNamePattern, check: checkUpstreamName, atLeast: 1}, upstreamKind,
	func(u *Upstream, name string) { u.Name = name })
