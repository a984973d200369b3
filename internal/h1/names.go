// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import "causey/internal/wire"

// controlNames are fields that decide about a message before its content is
// looked at: routing, conditions, authentication, caching, who the client is.
// They are for all recipients, so a Connection option cannot strip them (RFC 9110
// section 7.6.1 forbids to list such fields; who does it wants the origin to see
// a request without its credentials or its client's address), and they are of no
// use behind the content, so they are dropped from trailers (section 6.5.1: a
// recipient that merged them into the head would be given them past every check).
// The fields that package wire numbers count as such too.
var controlNames = []string{
	"age", "authorization", "cache-control", "cdn-loop", "cf-connecting-ip", "client-ip",
	"content-encoding", "content-location", "content-range", "cookie", "expires",
	"fastly-client-ip", "location", "max-forwards", "origin", "pragma", "range",
	"retry-after", "set-cookie", "strict-transport-security", "true-client-ip", "vary",
	"warning", "www-authenticate", "x-api-key", "x-client-ip", "x-cluster-client-ip",
	"x-csrf-token", "x-frame-options", "x-http-method-override", "x-original-url",
	"x-rewrite-url",
}

// controlPrefixes are families of such fields.
var controlPrefixes = []string{
	"accept-", "access-control-", "cross-origin-", "if-", "sec-", "x-auth-", "x-forwarded-",
}

// describing are fields about the content. A Connection option cannot strip them
// either, but they may follow the content: a digest is known only then.
var (
	describingNames    = []string{"allow", "authentication-info", "etag", "last-modified", "link", "tracestate"}
	describingPrefixes = []string{"content-", "repr-"}
)

func isControl(name []byte) bool {
	return listed(name, controlNames) || prefixed(name, controlPrefixes)
}

func listed(name []byte, names []string) bool {
	for _, n := range names {
		if wire.EqualFold(name, n) {
			return true
		}
	}
	return false
}

func prefixed(name []byte, prefixes []string) bool {
	for _, p := range prefixes {
		if len(name) >= len(p) && wire.EqualFold(name[:len(p)], p) {
			return true
		}
	}
	return false
}

// keptAnyway reports whether the field called name is forwarded although a
// Connection option names it.
func keptAnyway(name []byte) bool {
	return wire.LookupField(name) != wire.Other || isControl(name) ||
		listed(name, describingNames) || prefixed(name, describingPrefixes)
}

// forbiddenTrailer reports whether the field called name is dropped from a
// trailer section. Proxy-Status is made for trailers (RFC 9209 section 2), and a
// validator may be known only behind the content it describes.
func forbiddenTrailer(name []byte) bool {
	switch disguised(name) {
	case wire.Other, wire.ProxyStatus, wire.ETag, wire.LastModified:
		return isControl(name)
	}
	return true
}

// disguised returns the field that a CGI-like recipient takes name for: it turns
// every odd character, like "-", into one and the same (RFC 3875 section 4.1.18),
// so that Content_Length becomes Content-Length.
func disguised(name []byte) wire.FieldID {
	var b [32]byte
	if len(name) > len(b) {
		return wire.Other
	}
	for i, c := range name {
		if class[c]&isOdd != 0 {
			c = '-'
		}
		b[i] = c
	}
	return wire.LookupField(b[:len(name)])
}
