// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"crypto/tls"
	"encoding/hex"
	"strconv"

	"causey/internal/failure"
	"causey/internal/record"
)

// fields are the fields of a line, in the order they are written.
var fields = keyed([]field[line]{
	{
		Field: Field{"time", "string", always, "When the first byte of the request came (or the event that the line is about), RFC 3339 in UTC with milliseconds."},
		put:   func(dst []byte, l line) []byte { return l.stamp.appendMilli(dst, l.Start) },
	},
	{
		Field: Field{"id", "string", always, "The reference of the exchange: what a visitor quotes, and what `causey explain` takes."},
		put: func(dst []byte, l line) []byte {
			dst = append(dst, '"')
			dst = l.ID.Append(dst)
			return append(dst, '"')
		},
	},
	text(record.RequestID, Field{"client_request_id", "string", "when sent", "The client's own X-Request-Id."}, sent(record.RequestID)),
	{
		Field: Field{"trace_id", "string", "with `tracing`", "The distributed trace that the exchange belongs to (W3C Trace Context)."},
		has:   func(l line) bool { return l.Trace.Exists() },
		put: func(dst []byte, l line) []byte {
			dst = append(dst, '"')
			dst = hex.AppendEncode(dst, l.Trace.ID[:])
			return append(dst, '"')
		},
	},
	{
		Field: Field{"client", "string", always, "The address of who asked; behind a trusted proxy not the same as `peer`."},
		put:   func(dst []byte, l line) []byte { return appendAddr(dst, l.Client) },
	},
	{
		Field: Field{"peer", "string", always, "Address and port of the other end of the connection, or the one that its PROXY header named; empty for a unix socket."},
		put:   func(dst []byte, l line) []byte { return appendAddrPort(dst, l.Peer) },
	},
	{
		Field: Field{"proxy", "string", "when introduced", "Address and port of the proxy that relays the connection and named `peer` in a PROXY header; empty for one on a unix socket."},
		has:   func(l line) bool { return l.Proxied },
		put:   func(dst []byte, l line) []byte { return appendAddrPort(dst, l.Proxy) },
	},
	{
		Field: Field{"listener", "string", always, "The listener that accepted, as configured."},
		put:   func(dst []byte, l line) []byte { return appendName(dst, l.Listener) },
	},
	{
		Field: Field{"exchange", "integer", always, "Number of this exchange on the client's connection, 1 for the first."},
		put:   func(dst []byte, l line) []byte { return integer(dst, l.Exchanges) },
	},
	text(record.Method, Field{"method", "string", always, "The method; empty if no request line was read."}, nil),
	text(record.Host, Field{"host", "string", always, "The host asked for; empty if none was read."}, nil),
	text(record.Target, Field{"target", "string", always, "The request-target as it was sent, query included."}, nil),
	{
		Field: Field{"http", "string", always, "The client's HTTP version, `1.1` or `1.0`; empty if none was read."},
		put: func(dst []byte, l line) []byte {
			dst = append(dst, '"')
			dst = appendVersion(dst, l.Version)
			return append(dst, '"')
		},
	},
	{
		Field: Field{"tls", "string", "over TLS", "The version of TLS with the client, such as `TLS 1.3`."},
		has:   overTLS,
		put:   func(dst []byte, l line) []byte { return quoted(dst, failure.TLSVersionName(l.TLS.Version)) },
	},
	{
		Field: Field{"tls_cipher", "string", "over TLS", "The cipher suite by its registered name."},
		has:   overTLS,
		put:   func(dst []byte, l line) []byte { return quoted(dst, tls.CipherSuiteName(l.TLS.Cipher)) },
	},
	{
		Field: Field{"tls_resumed", "boolean", "over TLS", "Whether the connection went on with an earlier session."},
		has:   overTLS,
		put:   func(dst []byte, l line) []byte { return strconv.AppendBool(dst, l.TLS.Resumed) },
	},
	{
		Field: Field{"status", "integer", always, "What the client was answered; 499 when it left first, 0 when nothing was said."},
		put:   func(dst []byte, l line) []byte { return integer(dst, l.Status) },
	},
	{
		Field: Field{"outcome", "string", always, "How the exchange ended: `relayed`, `answered` (by the gateway), `cut`, `client-left`, `tunnelled`, `unanswered` or `refreshed` (the cache asked for itself; there was no client, though the line names the one whose request led to it)."},
		put:   func(dst []byte, l line) []byte { return quoted(dst, l.Outcome.String()) },
	},
	{
		Field: Field{"failure", "string", always, "The code of the first failure, such as `upstream.connect.refused`; empty if nothing failed."},
		put:   func(dst []byte, l line) []byte { return quoted(dst, l.Failure.String()) },
	},
	{
		Field: Field{"cache", "string", "with a cache", "What the cache did: `hit`, `collapsed` (there after a wait for another request), `revalidated` (the server said that it still holds), `stale` (stood in although no longer fresh), `miss`, `expired` (the server gave another), `bypass` (the request is none for a cache) or `refresh` (it asked for itself)."},
		has:   func(l line) bool { return l.Cache != record.CacheNone },
		put:   func(dst []byte, l line) []byte { return quoted(dst, l.Cache.String()) },
	},
	{
		Field: Field{"hidden", "string", "when a failure was hidden", "The code of the failure that no client saw, since an answer of the cache stood in. With `cache` `stale` and no `hidden`, the answer stood in while it was asked for anew, or for an error that the server answered: see `upstream_status`."},
		has:   func(l line) bool { return !l.Hidden.IsNone() },
		put:   func(dst []byte, l line) []byte { return quoted(dst, l.Hidden.String()) },
	},
	{
		Field: Field{"failure_site", "string", "when known", "Which check of the gateway's source refused; for maintainers."},
		has:   func(l line) bool { return failed(l) && l.Error.Site != "" },
		put:   func(dst []byte, l line) []byte { return appendName(dst, l.Error.Site) },
	},
	{
		Field: Field{"trail", "array", "when not empty", "Codes of trouble after the first failure, up to eight."},
		has:   func(l line) bool { return l.TrailLen > 0 },
		put:   appendTrail,
	},
	{
		Field: Field{"saved", "array", "when something was", "By what a failure was kept from the client: `retry` (another attempt went well), `hold` (the request waited for a server), `stale` (a stored answer past its time), `hedge` (a second server answered while the first was silent)."},
		has:   func(l line) bool { return l.Saved != 0 },
		put:   appendSaved,
	},
	{
		Field: Field{"held_ms", "number", "when held", "Milliseconds that the request waited for a server, whether that helped or not."},
		has:   func(l line) bool { return l.Held() > 0 },
		put:   func(dst []byte, l line) []byte { return appendMS(dst, l.Held()) },
	},
	{
		Field: Field{"body_in", "integer", always, "Body bytes received from the client."},
		put:   func(dst []byte, l line) []byte { return integer(dst, l.BodyIn) },
	},
	{
		Field: Field{"body_out", "integer", always, "Body bytes sent to the client."},
		put:   func(dst []byte, l line) []byte { return integer(dst, l.BodyOut) },
	},
	{
		Field: Field{"total_ms", "number", always, "Milliseconds from `time` to the end, with microsecond precision."},
		put:   func(dst []byte, l line) []byte { return appendMS(dst, l.Total) },
	},
	{
		Field: Field{"phases", "object", always, "Milliseconds spent in each phase that was reached, by the phase's name. From `send-head` on the two directions overlap, so the sum may exceed `total_ms`."},
		put:   func(dst []byte, l line) []byte { return appendPhases(dst, &l.Phases) },
	},
	{
		Field: Field{"site", "string", always, "The site; empty if none was chosen."},
		put:   func(dst []byte, l line) []byte { return appendName(dst, l.Site) },
	},
	{
		Field: Field{"route", "string", always, "The route; empty if none was chosen."},
		put:   func(dst []byte, l line) []byte { return appendName(dst, l.Route) },
	},
	{
		Field: Field{"upstream", "string", always, "The upstream; empty if none was chosen."},
		put:   func(dst []byte, l line) []byte { return appendName(dst, l.Upstream) },
	},
	{
		Field: Field{"server", "string", always, "The server of the last attempt; empty if there was none."},
		put: func(dst []byte, l line) []byte {
			if a := l.LastAttempt(); a != nil {
				return appendName(dst, a.Server)
			}
			return append(dst, `""`...)
		},
	},
	{
		Field: Field{"upstream_status", "integer", always, "What the server answered; 0 if it answered nothing that could be read."},
		put:   func(dst []byte, l line) []byte { return integer(dst, l.UpStatus) },
	},
	{
		Field: Field{"attempts", "integer", always, "How many attempts were made."},
		put:   func(dst []byte, l line) []byte { return integer(dst, l.AttemptLen) },
	},
	{
		Field: Field{"reused", "boolean", always, "Whether the last attempt went over a connection that had carried an exchange before."},
		put: func(dst []byte, l line) []byte {
			a := l.LastAttempt()
			return strconv.AppendBool(dst, a != nil && a.Reused)
		},
	},
	{
		Field: Field{"attempt_list", "array", "with more than one attempt, or a failed one", "The attempts in order, up to four: the first three and the newest."},
		has:   listsAttempts,
		put:   appendAttempts,
	},
	{
		Field: Field{"evidence", "object", "on failure", "What was seen on the wire when the first failure happened."},
		has:   failed,
		put:   appendEvidence,
	},
	text(record.UserAgent, Field{"user_agent", "string", "when sent", "The client's User-Agent."}, sent(record.UserAgent)),
	text(record.Referer, Field{"referer", "string", "when sent", "The client's Referer."}, sent(record.Referer)),
	cut(record.RequestID, "client_request_id"),
	cut(record.Method, "method"),
	cut(record.Host, "host"),
	cut(record.Target, "target"),
	cut(record.UserAgent, "user_agent"),
	cut(record.Referer, "referer"),
})

// attemptFields are the fields of an entry of attempt_list.
var attemptFields = keyed([]field[*record.Attempt]{
	{
		Field: Field{"server", "string", always, "The server's name in the configuration."},
		put:   func(dst []byte, a *record.Attempt) []byte { return appendName(dst, a.Server) },
	},
	{
		Field: Field{"address", "string", always, "Address and port dialled; empty for a unix socket, or if none was reached."},
		put:   func(dst []byte, a *record.Attempt) []byte { return appendAddrPort(dst, a.Dialled) },
	},
	{
		Field: Field{"reused", "boolean", always, "Whether the connection had carried an exchange before."},
		put:   func(dst []byte, a *record.Attempt) []byte { return strconv.AppendBool(dst, a.Reused) },
	},
	{
		Field: Field{"request_number", "integer", always, "Number of the request on the connection, 1 for the first, 0 if there was no connection."},
		put:   func(dst []byte, a *record.Attempt) []byte { return integer(dst, a.RequestNumber) },
	},
	{
		Field: Field{"idle_ms", "number", "when reused", "Milliseconds the connection had lain idle."},
		has:   func(a *record.Attempt) bool { return a.Reused },
		put:   func(dst []byte, a *record.Attempt) []byte { return appendMS(dst, a.IdleFor) },
	},
	{
		Field: Field{"connect_ms", "number", "unless reused", "Milliseconds that resolving and connecting took."},
		has:   func(a *record.Attempt) bool { return !a.Reused },
		put:   func(dst []byte, a *record.Attempt) []byte { return appendMS(dst, a.Connect) },
	},
	{
		Field: Field{"failure", "string", always, "The code of why the attempt failed; empty if it did not."},
		put:   func(dst []byte, a *record.Attempt) []byte { return quoted(dst, a.Failure.String()) },
	},
	{
		Field: Field{"status", "integer", always, "What the server answered; 0 if it answered nothing that could be read."},
		put:   func(dst []byte, a *record.Attempt) []byte { return integer(dst, a.Status) },
	},
})

func overTLS(l line) bool { return l.TLS.Version != 0 }
