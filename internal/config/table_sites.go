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
			doc:   "Says that repeating a request of this route does no harm, even a POST: what fails on one server may then be tried on another. Without it a request that may have been processed is repeated only if it is safe (GET, HEAD, OPTIONS, TRACE), or idempotent (PUT, DELETE) and lost with a connection that was reused.",
			avoid: "Never where a repeated request orders, pays or sends twice.",
			peers: "nginx `proxy_next_upstream non_idempotent`, HAProxy `retry-on` (for all methods, unless excluded)."},
			to(boolean, func(r *Route) *bool { return &r.RetryUnsafe })},
		{entry{name: "retry", doc: "When a request of this route is repeated."},
			to(routeRetryKind, func(r *Route) *Retry { return &r.Retry })},
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
