// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"time"
)

var statusRangeKind = leaf(&shape{
	name: "status", want: "a status such as 200, 200-399 or 2xx", numbers: true,
	schema: map[string]any{"type": []string{"string", "integer"}, "pattern": `^[1-5]([0-9][0-9](-[1-5][0-9][0-9])?|xx)$`, "minimum": 100, "maximum": 599},
}, parseStatusRange)

var checkPathKind = leaf(&shape{
	name: "path", want: "a path such as /health", anyText: true,
	schema: map[string]any{"type": "string", "pattern": "^/[^# ]*$", "maxLength": pathLimitBytes},
}, parseCheckPath)

var checkHostKind = leaf(&shape{
	name: "host", want: "a host such as example.com", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^[A-Za-z0-9_.:\[\]-]+$`},
}, parseHostPort)

// checkTextKind is a text of the owner's choice, of at most so many bytes.
func checkTextKind(what string, most int) kind[string] {
	return leaf(&shape{
		name: "text", want: what, anyText: true,
		schema: map[string]any{"type": "string", "minLength": 1, "maxLength": most},
	}, func(s string) (string, error) {
		if s == "" || len(s) > most || !isPrintable(s) {
			return "", wrong("", "want %s, found %s", what, quote(s))
		}
		return s, nil
	})
}

// checkShortKind is what may be written in place of the object.
var checkShortKind = leaf(&shape{
	name: "path \\| tcp \\| tls \\| grpc \\| off", want: "a path such as /health, or one of tcp, tls, grpc, off", anyText: true,
	schema: map[string]any{"type": "string", "pattern": `^(/[^# ]*|tcp|tls|grpc|off)$`},
}, parseCheckShort)

// checkField is the key of an upstream.
var checkField = field[Upstream]{entry{name: "check", derived: "off",
	doc:   "Asks its servers whether they are well, beside what their answers to requests tell: a path, a kind, or a mapping. Those that fail are left out while there are others. See [operating.md](operating.md#health-checks).",
	avoid: "Not needed to find servers that are down or answer badly: requests show that. It finds those that are unwell before a visitor does, and lets an application ask to be left alone.",
	peers: "nginx Plus `health_check`, HAProxy `check`, Caddy `health_uri`, Traefik `healthCheck`, Envoy `health_checks`."},
	to(checkKind, func(u *Upstream) *Check { return &u.Check })}

var checkKind = object[Check]{
	name: "check",
	doc:  "A health check: each server is asked on its own, over a connection of its own, whether it is well. `check: /health` is the same as `check: {path: /health}`; `tcp`, `tls` and `grpc` are the kinds with their defaults; `off` is none.",
	fields: []field[Check]{
		{entry{name: "kind", derived: "`http`",
			doc:   "What is asked: `http`, a path; `tcp`, a connection; `tls`, a handshake, with the certificate judged as for requests; `grpc`, Check of `grpc.health.v1`.",
			avoid: "`tcp` only where nothing better is there: a port that is open says little about the application behind it."},
			to(enum("kind", CheckHTTP, CheckTCP, CheckTLS, CheckGRPC), func(c *Check) *CheckKind { return &c.Kind })},
		{entry{name: "path", def: "/", doc: "The path, with its query. A redirect is not followed: it is an answer like any other."},
			to(checkPathKind, func(c *Check) *string { return &c.Path })},
		{entry{name: "method", def: "GET", doc: "The method. HEAD brings no body."},
			to(enum("method", CheckGET, CheckHEAD), func(c *Check) *CheckMethod { return &c.Method })},
		{entry{name: "status", def: "200-399",
			doc:   "Which statuses are well, one or a list: `200`, `200-399`, `2xx`.",
			peers: "nginx Plus and HAProxy 200-399, Caddy 2xx, Envoy 200, Kubernetes 200-399."},
			to(list(statusRangeKind, 1, 32), func(c *Check) *[]StatusRange { return &c.Status })},
		{entry{name: "body", derived: "any",
			doc:   "A text that the body has to have in its first 64 KiB.",
			avoid: "Only for applications that answer 200 when they are unwell."},
			to(checkTextKind("a text of 1 to 256 characters", 256), func(c *Check) *string { return &c.Body })},
		{entry{name: "grpc_service", derived: "the whole server", doc: "The service that a check by gRPC asks about."},
			to(checkTextKind("a service such as shop.Cart, of 1 to 256 characters", 256), func(c *Check) *string { return &c.Service })},
		{entry{name: "host", derived: "`host_header` if it is a name, else the server's address", doc: "The host that is asked for."},
			to(checkHostKind, func(c *Check) *string { return &c.Host })},
		{entry{name: "port", def: "0",
			doc:   "The port that is asked in place of the server's own; 0 is that one.",
			avoid: "A port of its own can be well while that for requests is not.",
			peers: "HAProxy `port`, Envoy `port_value`, Traefik `port`."},
			to(integer(0, 65535), func(c *Check) *int { return &c.Port })},
		{entry{name: "tls", def: "as_server", doc: "Whether TLS is spoken: `as_server`, where requests do; `always` or `never`, for a `port` that differs. The kind `tls` always does, `tcp` never."},
			to(enum("tls", CheckAsServer, CheckAlways, CheckNever), func(c *Check) *CheckSecure { return &c.TLS })},
		{entry{name: "interval", def: "5s",
			doc:   "The time between two checks of a server, a tenth longer or shorter by chance.",
			peers: "nginx Plus 5 s, HAProxy 2 s, Caddy 30 s, Traefik 30 s."},
			to(between(100*time.Millisecond, time.Hour), func(c *Check) *Duration { return &c.Interval })},
		{entry{name: "fast_interval", derived: "1s, or `interval` if that is shorter",
			doc:   "The same while its state is in doubt: the last results are not all alike, or it is out of service. Not above `interval`.",
			peers: "HAProxy `fastinter` and `downinter`."},
			to(between(100*time.Millisecond, time.Hour), func(c *Check) *Duration { return &c.FastInterval })},
		{entry{name: "timeout", def: "2s", doc: "How long a check may take, from the name to the verdict."},
			to(between(10*time.Millisecond, time.Minute), func(c *Check) *Duration { return &c.Timeout })},
		{entry{name: "fall", def: "3", doc: "How many checks in a row have to fail until the server is left out.", peers: "nginx Plus 1, HAProxy 3, Kubernetes 3."},
			to(integer(1, 100), func(c *Check) *int { return &c.Fall })},
		{entry{name: "rise", def: "2", doc: "How many checks in a row have to pass until it is back.", peers: "nginx Plus 1, HAProxy 2, Kubernetes 1."},
			to(integer(1, 100), func(c *Check) *int { return &c.Rise })},
	},
	check:      checkCheck,
	shortShape: checkShortKind.shape,
	short: func(d *decoder, c cursor, v *Check) bool {
		short, ok := checkShortKind.read(d, c)
		if v.Kind = short.Kind; short.Path != "" {
			v.Path = short.Path
		}
		if v.Kind != "" {
			v.settle()
		}
		return ok
	},
	start: func(c *Check) { c.FastInterval = Duration(time.Second) },
}.kind()

// settle fills in what follows from something else, and empties what means nothing to
// the kind.
func (c *Check) settle() {
	c.FastInterval = min(c.FastInterval, c.Interval)
	if c.Kind != CheckHTTP {
		c.Path, c.Method, c.Status, c.Body = "", "", nil, ""
	}
	if c.Kind != CheckGRPC {
		c.Service = ""
	}
	if c.Kind != CheckHTTP && c.Kind != CheckGRPC {
		c.Host, c.TLS = "", ""
	}
}

// checkKeys are the keys that only some kinds have a use for.
var checkKeys = map[string][]CheckKind{
	"path": {CheckHTTP}, "method": {CheckHTTP}, "status": {CheckHTTP}, "body": {CheckHTTP},
	"grpc_service": {CheckGRPC}, "host": {CheckHTTP, CheckGRPC}, "tls": {CheckHTTP, CheckGRPC},
}

// checkCheck finds keys that say nothing to the kind of check, or contradict another.
func checkCheck(d *decoder, c cursor, v *Check) {
	if v.Kind == "" {
		v.Kind = CheckHTTP
	}
	sound := d.sound("%s.kind", c.path)
	written := map[string]cursor{}
	for _, p := range c.node.pairs {
		at, is := d.where[joinPath(c.path, p.key)]
		if !is || !d.sound("%s", at.path) {
			continue
		}
		written[p.key] = at
		if kinds := checkKeys[p.key]; sound && kinds != nil && !slices.Contains(kinds, v.Kind) {
			d.failKey(at, "remove it, or write kind: "+string(kinds[0]), "%s says nothing to a check by %s", p.key, v.Kind)
		}
	}
	if at, is := written["body"]; is && v.Method == CheckHEAD {
		d.failKey(at, "write method: GET", "an answer to HEAD has no body to look at")
	}
	if at, is := written["fast_interval"]; is && v.FastInterval > v.Interval {
		d.fail(at, "", "fast_interval is above interval, which is %v", v.Interval)
	}
	v.settle()
}

// checkServersOf finds checks that cannot ask a server as they are told.
func (d *decoder) checkServersOf(u *Upstream) {
	path := joinPath("upstreams", u.Name)
	if u.Check.IsZero() || !d.sound("%s.check", path) {
		return
	}
	for i, s := range u.Servers {
		if !d.serverSound(path+".servers", i) {
			continue
		}
		switch {
		case s.Address.Network == Unix && u.Check.Port != 0:
			d.fail(d.at("%s.check.port", path), "remove it, or put the server into an upstream of its own", "the server %s has no port", s.Address)
			return
		case u.Check.Kind == CheckTLS && !s.Address.TLS && u.Check.Port == 0:
			d.warn(d.at("%s.check", path), "write https:// before the server, or the port that speaks TLS", "requests go to %s without TLS, so that a check by tls will hardly pass", s.Address)
			return
		}
	}
}
