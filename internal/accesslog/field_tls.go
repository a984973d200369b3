// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"strconv"
	"time"

	"causey/internal/failure"
)

// Bounds of what a peer said in its handshake.
const (
	tlsListMax      = 32
	tlsTextMaxBytes = 256
)

// withTLS is a condition on the evidence of a handshake.
func withTLS(ok func(*failure.TLS) bool) func(evidence) bool {
	return func(e evidence) bool { return e.TLS != nil && ok(e.TLS) }
}

// alerted reports whether an alert was seen.
func alerted(t *failure.TLS) bool { return t.Alert >= 0 }

// tlsFields are the fields of what a handshake showed.
var tlsFields = []field[evidence]{
	{
		Field: Field{"tls_alert", "integer", "with an alert", "Number of the TLS alert that ended it (RFC 8446 section 6)."},
		has:   withTLS(alerted),
		put:   func(dst []byte, e evidence) []byte { return integer(dst, e.TLS.Alert) },
	},
	{
		Field: Field{"tls_alert_name", "string", "with an alert", "Its name, such as `handshake_failure`; empty for a number without one."},
		has:   withTLS(alerted),
		put:   func(dst []byte, e evidence) []byte { return quoted(dst, failure.AlertName(e.TLS.Alert)) },
	},
	{
		Field: Field{"tls_alert_sent", "boolean", "with an alert", "Whether the gateway sent it; else the peer did."},
		has:   withTLS(alerted),
		put:   func(dst []byte, e evidence) []byte { return strconv.AppendBool(dst, e.TLS.AlertSent) },
	},
	{
		Field: Field{"tls_version", "string", "when one was agreed on", "Version of TLS, such as `TLS 1.3`."},
		has:   withTLS(func(t *failure.TLS) bool { return t.Version != 0 }),
		put:   func(dst []byte, e evidence) []byte { return quoted(dst, failure.TLSVersionName(e.TLS.Version)) },
	},
	{
		Field: Field{"tls_server_name", "string", "with TLS", "The name that was asked for (SNI); empty for none."},
		has:   withTLS(func(*failure.TLS) bool { return true }),
		put:   func(dst []byte, e evidence) []byte { return appendPeerText(dst, e.TLS.ServerName) },
	},
	{
		Field: Field{"tls_certificate_asked", "boolean", "when it did", "true: the server asked for a certificate of ours."},
		has:   withTLS(func(t *failure.TLS) bool { return t.CertificateAsked }),
		put:   func(dst []byte, _ evidence) []byte { return append(dst, "true"...) },
	},
	{
		Field: Field{"tls_offered", "array", "when nothing fitted", "What the other side offered: versions, cipher suites or application protocols, up to 32."},
		has:   withTLS(func(t *failure.TLS) bool { return len(t.Offered) > 0 }),
		put:   func(dst []byte, e evidence) []byte { return appendPeerList(dst, e.TLS.Offered) },
	},
	{
		Field: Field{"tls_names", "array", "when a certificate was seen", "Names of the peer's certificate, up to eight."},
		has:   withTLS(func(t *failure.TLS) bool { return len(t.Names) > 0 }),
		put:   func(dst []byte, e evidence) []byte { return appendPeerList(dst, e.TLS.Names) },
	},
	{
		Field: Field{"tls_subject", "string", "when a certificate was seen", "Whom the peer's certificate names."},
		has:   withTLS(func(t *failure.TLS) bool { return t.Subject != "" }),
		put:   func(dst []byte, e evidence) []byte { return appendPeerText(dst, e.TLS.Subject) },
	},
	{
		Field: Field{"tls_issuer", "string", "when a certificate was seen", "Who signed it."},
		has:   withTLS(func(t *failure.TLS) bool { return t.Issuer != "" }),
		put:   func(dst []byte, e evidence) []byte { return appendPeerText(dst, e.TLS.Issuer) },
	},
	{
		Field: Field{"tls_not_before", "string", "when a certificate was seen", "Begin of its validity, RFC 3339 in UTC."},
		has:   withTLS(func(t *failure.TLS) bool { return !t.NotBefore.IsZero() }),
		put:   func(dst []byte, e evidence) []byte { return appendSecond(dst, e.TLS.NotBefore) },
	},
	{
		Field: Field{"tls_not_after", "string", "when a certificate was seen", "End of its validity."},
		has:   withTLS(func(t *failure.TLS) bool { return !t.NotAfter.IsZero() }),
		put:   func(dst []byte, e evidence) []byte { return appendSecond(dst, e.TLS.NotAfter) },
	},
	{
		Field: Field{"tls_missing_issuer", "string", "when a chain is incomplete", "The issuer that was neither sent nor known."},
		has:   withTLS(func(t *failure.TLS) bool { return t.Missing != "" }),
		put:   func(dst []byte, e evidence) []byte { return appendPeerText(dst, e.TLS.Missing) },
	},
	{
		Field: Field{"tls_clock_ahead_ms", "number", "when others' clocks were seen", "How far they are ahead of ours, in milliseconds; negative if behind."},
		has:   withTLS(func(t *failure.TLS) bool { return t.HasClock }),
		put: func(dst []byte, e evidence) []byte {
			if e.TLS.ClockAhead < 0 {
				dst = append(dst, '-')
			}
			return appendMS(dst, e.TLS.ClockAhead.Abs())
		},
	},
}

// appendPeerText appends a bounded text that came from a peer.
func appendPeerText(dst []byte, s string) []byte {
	return appendName(dst, s[:min(len(s), tlsTextMaxBytes)])
}

// appendPeerList appends a bounded list of such texts.
func appendPeerList(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list[:min(len(list), tlsListMax)] {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendPeerText(dst, s)
	}
	return append(dst, ']')
}

// appendSecond appends t as RFC 3339 in UTC: certificates know no fractions.
func appendSecond(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, time.RFC3339)
	return append(dst, '"')
}
