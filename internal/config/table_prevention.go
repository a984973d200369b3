// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "time"

var percentKind = leaf(&shape{
	name: "percentage", defined: true, want: "a percentage such as 20%", numbers: true,
	doc:    "A whole number of percent, 0 to 100, with its sign: `20%`.",
	schema: map[string]any{"type": "string", "pattern": `^(100|[0-9]{1,2})%$`},
}, ParsePercent)

var retryOnKind = leaf(&shape{
	name: "broken \\| malformed \\| timeout \\| status", want: "broken, malformed, timeout, or a status from 400 to 599", numbers: true,
	schema: map[string]any{"anyOf": []any{
		map[string]any{"enum": []string{string(RetryBroken), string(RetryMalformed), string(RetryTimeout)}},
		map[string]any{"type": []string{"string", "integer"}, "pattern": "^[45][0-9][0-9]$", "minimum": 400, "maximum": 599},
	}},
}, parseRetryOn)

// The keys of a policy, for routes and for upstreams alike.
const (
	retryTriesDoc  = "How many tries of one request may reach a server, the first included; 1 repeats nothing that a server has got. A server that cannot be connected to costs no try: such a request of any method goes to another one, see `hold`."
	retryOnDoc     = "After what a safe request (GET, HEAD, OPTIONS, TRACE; or any with `retry_unsafe`) is repeated, on another server if there is one: `broken`, the connection ended before an answer began; `malformed`, what came is no answer; `timeout`, nothing came in time; a status, which is passed on where no other server does better. Only an answer of which the client has seen nothing is replaced."
	retryBodyDoc   = "How much of a request body is kept in memory while it is passed on, so that it can be sent again: only for requests that may be repeated (idempotent methods, those with an Idempotency-Key, or any with `retry_unsafe`), and only while no more has come. 0 is none; then a body goes again only if it came together with the head."
	retryWithinDoc = "How long after its arrival a request may still be repeated."
)

var (
	retryTriesKind = integer(1, 8)
	retryBodyKind  = within(sizeKind, 0, 64<<20)
)

var upstreamRetryKind = object[UpstreamRetry]{
	name: "retry",
	doc:  "When a request is repeated, and how many.",
	fields: []field[UpstreamRetry]{
		{entry{name: "tries", def: "3", doc: retryTriesDoc,
			peers: "nginx all servers, HAProxy 3 retries, Envoy and Caddy none unless told."},
			to(retryTriesKind, func(r *UpstreamRetry) *int { return &r.Tries })},
		{entry{name: "on", def: "[broken, malformed, 500, 502, 503, 504]", doc: retryOnDoc,
			avoid: "With `timeout` a page that is slow on every server is asked for several times.",
			peers: "nginx `proxy_next_upstream error timeout`, HAProxy `retry-on conn-failure`."},
			to(list(retryOnKind, 0, 100), func(r *UpstreamRetry) *[]RetryOn { return &r.On })},
		{entry{name: "within", def: "30s", doc: retryWithinDoc,
			peers: "nginx `proxy_next_upstream_timeout` without bound."},
			to(between(0, day), func(r *UpstreamRetry) *Duration { return &r.Within })},
		{entry{name: "body", def: "64KiB", doc: retryBodyDoc,
			avoid: "Each such upload holds as much memory as this.",
			peers: "nginx keeps every body first (`proxy_request_buffering`), HAProxy what fits its buffer, Envoy 1 MiB, Caddy none."},
			to(retryBodyKind, func(r *UpstreamRetry) *Size { return &r.Body })},
		{entry{name: "share", def: "20%",
			doc:   "How much of the upstream's traffic of the last ten seconds may be repeated: when much fails, repeating all of it would make the load of the servers a multiple.",
			peers: "Envoy `retry_budget` 20 %, off unless told; Linkerd 20 %; nginx, HAProxy and Caddy have none."},
			to(percentKind, func(r *UpstreamRetry) *Percent { return &r.Share })},
		{entry{name: "least", def: "3",
			doc: "How many requests a second may be repeated whatever the traffic, so that a quiet site has its share too."},
			to(integer(0, 10_000), func(r *UpstreamRetry) *int { return &r.Least })},
	},
	check: func(d *decoder, c cursor, r *UpstreamRetry) { d.noDuplicates(c.path+".on", texts(r.On)) },
}.kind()

var routeRetryKind = object[Retry]{
	name:  "route retry",
	doc:   "When a request of this route is repeated.",
	start: func(r *Retry) { r.Within, r.Body = inherited, -1 },
	fields: []field[Retry]{
		{entry{name: "tries", derived: "its upstream's", doc: retryTriesDoc},
			to(retryTriesKind, func(r *Retry) *int { return &r.Tries })},
		{entry{name: "on", derived: "its upstream's", doc: retryOnDoc},
			to(list(retryOnKind, 0, 100), func(r *Retry) *[]RetryOn { return &r.On })},
		{entry{name: "within", derived: "its upstream's", doc: retryWithinDoc},
			to(between(0, day), func(r *Retry) *Duration { return &r.Within })},
		{entry{name: "body", derived: "its upstream's", doc: retryBodyDoc},
			to(retryBodyKind, func(r *Retry) *Size { return &r.Body })},
	},
	check: func(d *decoder, c cursor, r *Retry) { d.noDuplicates(c.path+".on", texts(r.On)) },
}.kind()

var outliersKind = object[Outliers]{
	name: "outliers",
	doc:  "When a server that answers worse than the others is left out for a while. What is no fault of one server (all fail alike) leaves nobody out, and the last one in service always stays.",
	fields: []field[Outliers]{
		{entry{name: "consecutive", def: "5",
			doc:   "So many failures in a row, statuses from 500 on among them; 0 is never.",
			peers: "Envoy 5, nginx `max_fails` 1, HAProxy `error-limit` 10."},
			to(integer(0, 1_000), func(o *Outliers) *int { return &o.Consecutive })},
		{entry{name: "failure_rate", def: "20%",
			doc: "This share of its last 64 requests failed, and at least twice that of the others; 0% is never."},
			to(percentKind, func(o *Outliers) *Percent { return &o.FailureRate })},
		{entry{name: "min_requests", def: "20",
			doc: "How many requests it takes to judge by a share."},
			to(integer(1, 64), func(o *Outliers) *int { return &o.MinRequests })},
		{entry{name: "latency", def: "10",
			doc:   "Its latency is so many times that of the others for five seconds, and above half a second; 0 is never.",
			avoid: "`balance: adaptive` sends a slow server less long before."},
			to(integer(0, 1_000), func(o *Outliers) *int { return &o.Latency })},
		{entry{name: "silence", def: "1s",
			doc: "It has answered nobody for so long although requests wait, while other servers answer; 0 is never."},
			to(between(0, time.Hour), func(o *Outliers) *Duration { return &o.Silence })},
		{entry{name: "max_share", def: "50%",
			doc:   "How many of the servers may be left out at a time; one may always be, if others are in service. Where fewer than half are in service, all that can be reached are asked again.",
			peers: "Envoy `max_ejection_percent` 10 %."},
			to(percentKind, func(o *Outliers) *Percent { return &o.MaxShare })},
		{entry{name: "for", def: "2s",
			doc:   "How long it is left out. Each time that follows soon is twice as long, up to `max_for`; half a minute without one takes that back by one step.",
			peers: "Envoy 30 s, nginx `fail_timeout` 10 s."},
			to(between(100*time.Millisecond, time.Hour), func(o *Outliers) *Duration { return &o.For })},
		{entry{name: "max_for", def: "5m", doc: "The longest time."},
			to(between(100*time.Millisecond, day), func(o *Outliers) *Duration { return &o.MaxFor })},
	},
	check: func(d *decoder, c cursor, o *Outliers) {
		if o.MaxFor < o.For {
			d.fail(d.at("%s.max_for", c.path), "raise max_for, or lower for", "max_for is %s and below for, which is %s", o.MaxFor, o.For)
		}
	},
}.kind()

var concurrencyKind = leaf(&shape{
	name: "off \\| adaptive \\| number", want: "off, adaptive, or a number such as 64", numbers: true,
	schema: map[string]any{"anyOf": []any{
		map[string]any{"enum": []string{concurrencyOff, concurrencyAdaptive}},
		map[string]any{"type": []string{"string", "integer"}, "pattern": "^[1-9][0-9]*$", "minimum": 1, "maximum": concurrencyMost},
	}},
}, parseConcurrency)

var zoneKind = leaf(&shape{
	name: "zone", want: "the name of a zone such as eu-west-1a", anyText: true,
	schema: map[string]any{"type": "string", "pattern": zonePattern},
}, parseZone)

var cookieNameKind = leaf(&shape{
	name: "name of a cookie", want: "the name of a cookie", anyText: true,
	schema: map[string]any{"type": "string", "pattern": tokenPattern},
}, parseCookieName)

var hashByKind = leaf(&shape{
	name: "address \\| path \\| cookie NAME \\| header NAME", want: "address, path, cookie NAME, or header NAME", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^(address|path|(cookie|header) [!#-'*+.^_` + "`" + `|~0-9A-Za-z-]+)$`},
}, parseHashBy)
