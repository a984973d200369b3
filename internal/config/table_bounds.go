// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "time"

var durationKind = leaf(&shape{
	name: "duration", defined: true, want: "a duration such as 30s", numbers: true,
	doc:    "A number and its unit: `250ms`, `30s`, `1m30s`, `1.5h`, `7d`. The unit is never left out, except at 0.",
	schema: map[string]any{"type": []string{"string", "integer"}, "pattern": `^(0|([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+)$`, "minimum": 0, "maximum": 0},
}, ParseDuration)

var sizeKind = leaf(&shape{
	name: "size", defined: true, want: "a size such as 64KiB", numbers: true,
	doc:    "A number of bytes, or a number and a unit: `4096`, `64KiB`, `1.5MiB`, `2GiB`. `64k`, `8m`, `1g` are the same as KiB, MiB, GiB, as in nginx and HAProxy. `kB`, `MB`, `GB` count in thousands.",
	schema: map[string]any{"type": []string{"string", "integer"}, "pattern": `^[0-9]+(\.[0-9]+)?([kKmMgGtT]([iI]?[bB])?|[bB])?$`, "minimum": 0},
}, ParseSize)

var rateKind = leaf(&shape{
	name: "rate", defined: true, want: "a rate such as 240B/s", numbers: true,
	doc:    "A size per second: `240B/s`, `1KiB/s`. 0 asks for nothing.",
	schema: map[string]any{"type": []string{"string", "integer"}, "pattern": `^(0|[0-9]+(\.[0-9]+)?([kKmMgGtT]([iI]?[bB])?|[bB])?/s)$`, "minimum": 0, "maximum": 0},
}, ParseRate)

// between is a duration within bounds.
func between(lo, hi time.Duration) kind[Duration] {
	return within(durationKind, Duration(lo), Duration(hi))
}

const day = 24 * time.Hour

var limitsKind = object[Limits]{
	name: "limits",
	doc:  "Bounds on what one message may have, in both directions, and on connections. A client that exceeds one gets 400, 413, 414 or 431; a server that does is a failure of the upstream.",
	fields: []field[Limits]{
		{entry{name: "head", def: "64KiB",
			doc:   "A whole head, from its first line to the empty line.",
			avoid: "Raise it only for answers with very many cookies: each active connection may need this much memory, at both sides.",
			peers: "nginx 4 × 8 KiB, HAProxy 16 KiB, Node 16 KiB, Envoy 60 KiB, Caddy 1 MiB."},
			to(within(sizeKind, 1<<10, 1<<20), func(l *Limits) *Size { return &l.Head })},
		{entry{name: "line", def: "32KiB",
			doc:   "One line of a head: the first line, or one field. Not above `head`.",
			peers: "nginx 8 KiB, Apache 8,190 bytes."},
			to(within(sizeKind, 256, 1<<20), func(l *Limits) *Size { return &l.Line })},
		{entry{name: "target", def: "16KiB",
			doc:   "The path and query of a request. Not above `line`. RFC 9110 asks for 8,000 bytes at least.",
			peers: "nginx 8 KiB, Apache 8,190 bytes."},
			to(within(sizeKind, 128, 1<<20), func(l *Limits) *Size { return &l.Target })},
		{entry{name: "fields", def: "128",
			doc:   "How many fields a head may have: many tiny ones cost more than their bytes.",
			peers: "Apache and Envoy 100, HAProxy 101."},
			to(integer(8, 10_000), func(l *Limits) *int { return &l.Fields })},
		{entry{name: "chunk_line", def: "4KiB",
			doc:   "One chunk-size line with its extensions. An endless extension is a way to send for ever without a byte of body.",
			peers: "Go 4 KiB, Apache 8,190 bytes."},
			to(within(sizeKind, 32, 64<<10), func(l *Limits) *Size { return &l.ChunkLine })},
		{entry{name: "trailers", def: "16KiB",
			doc:   "The fields after a chunked body, together.",
			peers: "Envoy 60 KiB; nginx drops trailers unless told."},
			to(within(sizeKind, 256, 1<<20), func(l *Limits) *Size { return &l.Trailers })},
		{entry{name: "interims", def: "32",
			doc: "How many interim answers (1xx) a server may send before the real one. Without a bound a server can hold an exchange for ever."},
			to(integer(1, 1_000), func(l *Limits) *int { return &l.Interims })},
		{entry{name: "body", def: "0",
			doc:   "The body of a request; 0 is no limit. Bodies are never held in memory or on disk, so that a large one costs time only.",
			avoid: "Leave it to the application where that has a limit of its own: with two limits the lower one surprises.",
			peers: "nginx 1 MiB (its most asked-about default), Apache 1 GiB, HAProxy, Caddy and Envoy none."},
			to(sizeKind, func(l *Limits) *Size { return &l.Body })},
		{entry{name: "connections", def: "0",
			doc:   "How many client connections may be open; 0 is three quarters of what the open-file limit of the process leaves. The next ones are answered 503.",
			peers: "nginx `worker_connections` 512 per worker, HAProxy `maxconn` from the open-file limit."},
			to(integer(0, 10_000_000), func(l *Limits) *int { return &l.Connections })},
	},
	check: func(d *decoder, c cursor, l *Limits) {
		if l.Line > l.Head {
			d.fail(d.at("%s.line", c.path), "raise head too, or lower line", "line is %s and above head, which is %s", l.Line, l.Head)
		}
		if l.Target > l.Line {
			d.fail(d.at("%s.target", c.path), "raise line too, or lower target", "target is %s and above line, which is %s", l.Target, l.Line)
		}
	},
}.kind()

var ratesKind = object[Rates]{
	name: "rates",
	doc:  "A bound on how slow a client may be, in place of a bound on how long a body may take. A rate counts only while we are ready to read, or have bytes to send: a slow server never makes a client too slow.",
	fields: []field[Rates]{
		{entry{name: "upload", def: "240B/s",
			doc:   "The slowest a request body may come. 0 asks for nothing.",
			avoid: "Set 0 for devices that send a reading now and then within one request.",
			peers: "Kestrel and IIS 240 B/s, Apache mod_reqtimeout 500 B/s; nginx, HAProxy, Caddy and Envoy have none and are held by one byte a minute."},
			to(rateKind, func(r *Rates) *Rate { return &r.Upload })},
		{entry{name: "download", def: "240B/s",
			doc:   "The slowest a client may take an answer that is ready for it. 0 asks for nothing.",
			peers: "Kestrel 240 B/s."},
			to(rateKind, func(r *Rates) *Rate { return &r.Download })},
		{entry{name: "grace", def: "5s",
			doc:   "How long a body may be slower before it counts.",
			peers: "Kestrel 5 s."},
			to(between(0, time.Hour), func(r *Rates) *Duration { return &r.Grace })},
	},
}.kind()

var timeoutsKind = object[Timeouts]{
	name: "timeouts",
	doc:  "Bounds by phase. None is a bound on a whole exchange: a download may take all day, as long as it moves.",
	fields: []field[Timeouts]{
		{entry{name: "proxy_header", def: "5s",
			doc:   "From accepting a connection of `proxy_protocol` to the end of its PROXY header.",
			peers: "HAProxy `timeout client`, Traefik 10 s, go-proxyproto 10 s."},
			to(between(100*time.Millisecond, time.Minute), func(t *Timeouts) *Duration { return &t.ProxyHeader })},
		{entry{name: "handshake", def: "10s",
			doc:   "A client's whole TLS handshake.",
			peers: "nginx 60 s, Envoy 15 s, HAProxy `timeout client`, Go none unless set."},
			to(handshakeKind, func(t *Timeouts) *Duration { return &t.Handshake })},
		{entry{name: "read_head", def: "10s",
			doc:   "From the first byte of a request to the end of its head. The defence against clients that send a head a byte at a time.",
			peers: "nginx 60 s, Apache 20 to 40 s, HAProxy and Caddy none unless set."},
			to(between(100*time.Millisecond, time.Hour), func(t *Timeouts) *Duration { return &t.ReadHead })},
		{entry{name: "idle", def: "75s",
			doc:   "How long a client's connection may wait for its next request, and a new one for its first.",
			avoid: "Behind a load balancer set it longer than the balancer's own (AWS ALB 60 s, Google Cloud 600 s): otherwise the two close at the same moment now and then, and the visitor gets a 502 from the balancer.",
			peers: "nginx 75 s, Apache 5 s, Caddy 5 min, Envoy 1 h."},
			to(between(time.Second, day), func(t *Timeouts) *Duration { return &t.Idle })},
		{entry{name: "resolve", def: "5s",
			doc:   "Finding the address of a server that is given by name, all tries together. The last good answer is used if there is one.",
			peers: "nginx 30 s, HAProxy 1 s a try, resolv.conf 5 s a try."},
			to(between(100*time.Millisecond, time.Minute), func(t *Timeouts) *Duration { return &t.Resolve })},
		{entry{name: "connect", def: "5s",
			doc:   "Opening a connection to a server, all its addresses together.",
			avoid: "Not below 1 s to servers on another continent, and not below 3 s where SYN packets get lost: the kernel repeats a SYN after 1 s.",
			peers: "nginx 60 s, HAProxy 5 s in its manual, Envoy 5 s, Caddy 3 s."},
			to(connectKind, func(t *Timeouts) *Duration { return &t.Connect })},
		{entry{name: "up_handshake", def: "10s",
			doc:   "The TLS handshake with a server.",
			avoid: "A handshake that takes seconds has a cause: a server without free workers, or packets that are too large for the way.",
			peers: "nginx `proxy_connect_timeout` 60 s, Go 10 s, Envoy and HAProxy within the connect timeout."},
			to(handshakeKind, func(t *Timeouts) *Duration { return &t.UpHandshake })},
		{entry{name: "await_head", def: "60s",
			doc:   "From the end of the request to the first byte of the answer: how long the application may think.",
			avoid: "Raise it on the routes that need it (reports, exports), not up here: it is also how long a hanging server holds your visitors.",
			peers: "nginx 60 s, Envoy 15 s, HAProxy `timeout server`, Caddy none."},
			to(awaitKind, func(t *Timeouts) *Duration { return &t.AwaitHead })},
		{entry{name: "body_stall", def: "60s",
			doc:   "Silence of a server within a body. Not applied to text/event-stream, which is silent by nature.",
			avoid: "Raise it for long polling that keeps the answer open without a byte.",
			peers: "nginx 60 s, HAProxy `timeout server`, Caddy none."},
			to(awaitKind, func(t *Timeouts) *Duration { return &t.BodyStall })},
		{entry{name: "send_stall", def: "30s",
			doc:   "A peer, client or server, takes not one byte of what we have for it.",
			peers: "nginx 60 s, Apache 60 s."},
			to(awaitKind, func(t *Timeouts) *Duration { return &t.SendStall })},
		{entry{name: "tunnel_idle", def: "1h",
			doc:   "Silence of both sides of an upgraded connection (WebSocket).",
			avoid: "Not below the application's own ping interval.",
			peers: "nginx 60 s (and WebSockets that drop each minute), HAProxy 1 h in its manual, Envoy 1 h."},
			to(tunnelKind, func(t *Timeouts) *Duration { return &t.TunnelIdle })},
		{entry{name: "half_close", def: "1s",
			doc:   "How long an answer may still take to begin after the client said that it sends no more (FIN). Most such clients are gone; some, such as `nc`, wait.",
			avoid: "Raise it for scripts that close their side early; 0 cancels at once.",
			peers: "nginx cancels at once, HAProxy waits unless `abortonclose`."},
			to(between(0, time.Hour), func(t *Timeouts) *Duration { return &t.HalfClose })},
		{entry{name: "drain_delay", def: "0",
			doc:   "How long the listeners stay open after SIGTERM, while `/readyz` answers 503 and answers say `Connection: close`, so that load balancers go elsewhere first.",
			avoid: "Leave it at 0 where nobody asks `/readyz`: it only makes a stop longer. Else write the balancer's check interval times the failures it wants, and a second; it comes before `drain`, and both have to fit into what the service manager waits.",
			peers: "Traefik `requestAcceptGraceTimeout` 0, Caddy `shutdown_delay` 0, Kubernetes: a sleep in preStop."},
			to(between(0, time.Hour), func(t *Timeouts) *Duration { return &t.DrainDelay })},
		{entry{name: "drain", def: "30s",
			doc:   "How long running exchanges may go on after SIGTERM. Then they are cut.",
			avoid: "Keep it below what the service manager waits before it kills: systemd 90 s, Docker 10 s, Kubernetes 30 s.",
			peers: "nginx, HAProxy and Caddy wait for ever unless told, Envoy 600 s."},
			to(between(0, day), func(t *Timeouts) *Duration { return &t.Drain })},
		{entry{name: "upgrade_drain", def: "10m",
			doc:   "How long exchanges may go on in the old process after an upgrade (`causey upgrade`). Then they are cut.",
			avoid: "The old process keeps its memory as long: shorten it where upgrades follow each other closely, raise it for downloads of hours. Nobody waits for it, so it may be longer than `drain`.",
			peers: "nginx for ever unless `worker_shutdown_timeout`, HAProxy for ever unless `hard-stop-after`, Envoy `--parent-shutdown-time-s` 15 min."},
			to(between(0, day), func(t *Timeouts) *Duration { return &t.UpgradeDrain })},
		{entry{name: "upstream_idle", def: "50s",
			doc:   "How long an unused connection to a server is kept; an upstream can have its own (`keep_alive.idle_timeout`).",
			avoid: "Keep it below the server's own: a server that closes just as we send is a classic cause of 502. Node 5 s, Apache 5 s, gunicorn 2 s, nginx 75 s. Closed connections are found before use and safe requests are repeated, so a longer one costs little.",
			peers: "nginx 60 s, Go 90 s, Caddy 2 min, Envoy 1 h."},
			to(idleKind, func(t *Timeouts) *Duration { return &t.UpstreamIdle })},
	},
}.kind()

// The bounds of the timeouts that more than one object has.
var (
	connectKind = between(10*time.Millisecond, 10*time.Minute)
	awaitKind   = between(10*time.Millisecond, day)
	tunnelKind  = between(time.Second, 30*day)
	idleKind    = between(100*time.Millisecond, day)
)

// inherited marks a timeout that was not written until finish fills it in. It
// cannot be written: durations are never negative.
const inherited Duration = -1

// attemptTimeouts is the object of the timeouts of an upstream or a route.
func attemptTimeouts(name, whose, from string) kind[AttemptTimeouts] {
	own := func(key string) entry {
		return entry{name: key, derived: from, doc: "As `timeouts." + key + "`, for " + whose + " only."}
	}
	return object[AttemptTimeouts]{
		name: name,
		doc:  "Timeouts for " + whose + " only.",
		start: func(t *AttemptTimeouts) {
			*t = AttemptTimeouts{inherited, inherited, inherited, inherited, inherited, inherited}
		},
		fields: []field[AttemptTimeouts]{
			{own("connect"), to(connectKind, func(t *AttemptTimeouts) *Duration { return &t.Connect })},
			{own("up_handshake"), to(handshakeKind, func(t *AttemptTimeouts) *Duration { return &t.UpHandshake })},
			{own("await_head"), to(awaitKind, func(t *AttemptTimeouts) *Duration { return &t.AwaitHead })},
			{own("body_stall"), to(awaitKind, func(t *AttemptTimeouts) *Duration { return &t.BodyStall })},
			{own("send_stall"), to(awaitKind, func(t *AttemptTimeouts) *Duration { return &t.SendStall })},
			{own("tunnel_idle"), to(tunnelKind, func(t *AttemptTimeouts) *Duration { return &t.TunnelIdle })},
		},
	}.kind()
}

// inherit fills in what was not written.
func (t *AttemptTimeouts) inherit(from AttemptTimeouts) {
	for _, f := range []struct{ own, from *Duration }{
		{&t.Connect, &from.Connect}, {&t.UpHandshake, &from.UpHandshake}, {&t.AwaitHead, &from.AwaitHead}, {&t.BodyStall, &from.BodyStall},
		{&t.SendStall, &from.SendStall}, {&t.TunnelIdle, &from.TunnelIdle},
	} {
		if *f.own == inherited {
			*f.own = *f.from
		}
	}
}
