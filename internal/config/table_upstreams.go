// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "time"

var serverAddrKind = leaf(&shape{
	name: "server address", defined: true, want: "an address such as 127.0.0.1:3000", numbers: true,
	doc:    "`app:3000`, `10.0.0.5:80`, `[::1]:80`, `http://app:3000`, `https://app:8443` for TLS, `unix:/run/app.sock`, or only a port of this machine: `3000`, which is `localhost:3000`. `_http._tcp.example.com`, without a port, is the name of SRV records. Names are looked up again when their TTL ends.",
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
		{entry{name: "weight", def: "1",
			doc:   "Its share of the requests relative to that of the others: a server of weight 2 gets twice as many as one of weight 1.",
			avoid: "With `balance: adaptive` a slower machine gets less by itself.",
			peers: "nginx, HAProxy and Envoy `weight`."},
			to(integer(1, 1_000), func(s *Server) *int { return &s.Weight })},
		{entry{name: "priority", def: "0",
			doc:   "Servers of priority 1 are asked only while none of priority 0 is in service, and so on: a spare one has 1.",
			peers: "nginx and HAProxy `backup`, Envoy priorities."},
			to(integer(0, 9), func(s *Server) *int { return &s.Priority })},
		{entry{name: "zone", derived: "none",
			doc:   "Where it stands. Servers in the gateway's own `zone` are asked first, as long as half of them are in service.",
			peers: "Envoy zone-aware routing, Kubernetes `trafficDistribution: PreferClose`."},
			to(zoneKind, func(s *Server) *string { return &s.Zone })},
		{entry{name: "discover", derived: "off; `srv` for an address such as `_http._tcp.example.com`",
			doc:   "`dns` makes a server of each address that the name has, all of them like this one otherwise: each is chosen, counted and left out by itself. They are looked up when the TTL ends (after 1 s at least, 5 min at most) and at once when a connection cannot be opened. `srv` makes a server of each SRV record (RFC 2782), with its port, its weight, and its priority added to `priority`. TLS and `host_header: server` go by the name that is written, or by the record's target.",
			avoid: "Without it a name is one server, whose addresses are tried one after the other for each connection: right for a service that balances by itself (a Kubernetes Service, a load balancer).",
			peers: "HAProxy `server-template` with `resolvers`, nginx `server … resolve` (with `service=` for SRV), Envoy `STRICT_DNS`, Caddy dynamic `a` and `srv`."},
			to(serverDiscoverKind, func(s *Server) *ServerDiscover { return &s.Discover })},
	},
	check:      finishServer,
	shortShape: serverAddrKind.shape,
	short: func(d *decoder, c cursor, s *Server) (ok bool) {
		if s.Address, ok = serverAddrKind.read(d, c); ok {
			finishServer(d, c, s)
		}
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
		{entry{name: "servers", required: true, unless: "discover", sample: "servers: [127.0.0.1:3000]",
			doc: "Its members. Each item is an address or an object with the key `address`."},
			to(list(serverKind, 1, maxServers), func(u *Upstream) *[]Server { return &u.Servers })},
		{entry{name: "discover", doc: "Where servers are found that are not listed."},
			to(discoverKind, func(u *Upstream) *Discover { return &u.Discover })},
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
		{entry{name: "balance", def: "adaptive",
			doc:   "How a server is chosen. `adaptive` draws two and takes the one that will probably answer sooner, by the requests it has in hand and by how soon it answered lately. `round_robin` takes them in turn, `least_requests` the one with the fewest in hand, `hash` always the same one for the same `hash_by`, unless it has a quarter more to do than its share.",
			avoid: "`hash` only where a server keeps something of a client or a path (a cache); it spreads load less evenly.",
			peers: "nginx and HAProxy round robin, Caddy random, Envoy least requests of two, Finagle the same with latency."},
			to(enum("balance", BalanceAdaptive, BalanceRoundRobin, BalanceLeast, BalanceHash), func(u *Upstream) *Balance { return &u.Balance })},
		{entry{name: "hash_by", def: "address",
			doc: "What `balance: hash` chooses by: `address`, the client's; `path`, that of the request; `cookie NAME`; `header NAME`. A request without that cookie or header goes by its client's address."},
			to(hashByKind, func(u *Upstream) *HashBy { return &u.HashBy })},
		{entry{name: "sticky", derived: "off",
			doc:   "The name of a cookie by which a client comes to the same server again. The gateway sets it. If that server is not in service the client goes to another one and is bound to that.",
			avoid: "Keep sessions where every server finds them (a database, Redis): then no server's end loses any, and none is busier than the others.",
			peers: "nginx `sticky cookie`, HAProxy `cookie … insert`, Traefik `sticky.cookie`."},
			to(cookieNameKind, func(u *Upstream) *string { return &u.Sticky })},
		{entry{name: "slow_start", def: "10s",
			doc:   "In this time a server that came (back) into service takes up its full share: caches are cold and code is not compiled yet. 0 gives it all at once. Without effect while there is no other.",
			peers: "HAProxy and nginx Plus `slowstart`, off unless told; Envoy `slow_start_config`."},
			to(between(0, time.Hour), func(u *Upstream) *Duration { return &u.SlowStart })},
		{entry{name: "retry", doc: "When a request is repeated, and how many."},
			to(upstreamRetryKind, func(u *Upstream) *UpstreamRetry { return &u.Retry })},
		{entry{name: "hedge", def: "true",
			doc:   "Asks a second server for a safe request without a body when the first one has gone silent: when it has answered nobody for 0.3 s or four times its usual latency. The first answer counts. Such requests are part of `retry.share`.",
			peers: "Envoy `hedge_on_per_try_timeout`; nginx, HAProxy and Caddy have nothing of the kind."},
			to(boolean, func(u *Upstream) *bool { return &u.Hedge })},
		{entry{name: "hold", def: "5s",
			doc:   "How long after its arrival a request may wait for a server while none can be asked, as during a restart. Nothing of it has been sent then, so it can be of any method. Afterwards, and when the servers have been gone for a minute, it is answered with the failure that there was. 0 answers at once.",
			avoid: "Not above what clients wait for themselves.",
			peers: "Caddy `lb_try_duration` off unless told, HAProxy 3 retries a second apart, nginx none."},
			to(between(0, time.Minute), func(u *Upstream) *Duration { return &u.Hold })},
		{entry{name: "hold_requests", def: "5000",
			doc: "How many requests may wait at a time. Those beyond are answered at once; of several clients the one with the most waiting gives way to the others."},
			to(integer(0, 100_000), func(u *Upstream) *int { return &u.HoldRequests })},
		{entry{name: "concurrency", def: "off",
			doc:   "How many requests all its servers together have in hand at a time. Those beyond wait at the gateway, first come, first served, for as long as `hold`, and are answered 503 then. A number counts whole exchanges, from the choice of a server to the end of the answer; WebSockets and event streams count until they begin. `adaptive` counts requests until the head of their answer comes, and learns the number from how soon that is: it goes up while it is used and answers come as soon as always, down when they take twice as long, and is as high as ever when fewer in hand did not help. It never holds a request back to find out.",
			avoid: "`adaptive` is for servers that slow down when too much is asked of them at once: few workers, one database. Not where many requests wait for news on purpose (long polling), and without use where servers take thousands. A number is exact where you know it: the workers of all servers together, or a few more; one that is too low turns visitors away from servers that have nothing to do.",
			peers: "Off in all others as well: Envoy has `adaptive_concurrency` and a threshold of 1,024 requests per cluster, HAProxy and nginx bound connections per server (`max_connections` here)."},
			to(concurrencyKind, func(u *Upstream) *Concurrency { return &u.Concurrency })},
		{entry{name: "outliers", doc: "When a server that answers worse than the others is left out for a while."},
			to(outliersKind, func(u *Upstream) *Outliers { return &u.Outliers })},
		{entry{name: "timeouts", doc: "Timeouts for this upstream only."},
			to(upstreamTimeoutsKind, func(u *Upstream) *AttemptTimeouts { return &u.Timeouts })},
		{entry{name: "tls", doc: "TLS with its servers."},
			to(upstreamTLSKind, func(u *Upstream) *UpstreamTLS { return &u.TLS })},
		checkField,
	},
	check: checkDiscover,
}.kind()

var upstreamsKind = mapping(keyRule{name: "name", pattern: upstreamNamePattern, check: checkUpstreamName, atLeast: 1}, upstreamKind,
	func(u *Upstream, name string) { u.Name = name })
