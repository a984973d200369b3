// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package wire

// FieldID numbers the field names that a gateway acts on.
type FieldID uint8

// The field names. Other is every name that the gateway passes on unread.
const (
	Other FieldID = iota
	Host
	ContentLength
	TransferEncoding
	Connection
	KeepAlive
	ProxyConnection
	TE
	Trailer
	Upgrade
	Expect
	Via
	Forwarded
	XForwardedFor
	XForwardedProto
	XForwardedHost
	XForwardedPort
	XRealIP
	XRequestID
	Traceparent
	Tracestate
	Accept
	Date
	Server
	ContentType
	ProxyStatus
	ProxyAuthenticate
	ProxyAuthorization
	UserAgent
	Referer
	IdempotencyKey
	ClientCert
	ClientCertChain
	StrictTransportSecurity
	Age
	CacheControl
	CDNCacheControl
	SurrogateControl
	CacheStatus
	CacheGroups
	CacheGroupInvalidation
	CacheTag
	SurrogateKey
	Pragma
	Expires
	Vary
	ETag
	LastModified
	Location
	ContentLocation
	ContentRange
	ContentEncoding
	SetCookie
	Cookie
	Authorization
	Range
	IfMatch
	IfNoneMatch
	IfModifiedSince
	IfUnmodifiedSince
	IfRange

	// FieldCount is the number of IDs.
	FieldCount = int(IfRange) + 1
)

var fieldNames = [FieldCount]string{
	"", "host", "content-length", "transfer-encoding", "connection", "keep-alive",
	"proxy-connection", "te", "trailer", "upgrade", "expect", "via", "forwarded",
	"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
	"x-real-ip", "x-request-id", "traceparent", "tracestate", "accept", "date", "server",
	"content-type", "proxy-status", "proxy-authenticate", "proxy-authorization",
	"user-agent", "referer", "idempotency-key", "client-cert", "client-cert-chain",
	"strict-transport-security", "age", "cache-control", "cdn-cache-control", "surrogate-control",
	"cache-status", "cache-groups", "cache-group-invalidation", "cache-tag", "surrogate-key",
	"pragma", "expires", "vary", "etag", "last-modified", "location", "content-location",
	"content-range", "content-encoding", "set-cookie", "cookie", "authorization", "range", "if-match", "if-none-match",
	"if-modified-since", "if-unmodified-since", "if-range",
}

// String returns the name in lower case, "" for Other.
func (id FieldID) String() string { return fieldNames[id] }

// AboutClient reports a field by which a proxy speaks about its client. Who is not
// trusted may not say it, under no spelling.
func (id FieldID) AboutClient() bool {
	switch id {
	case XForwardedFor, XForwardedProto, XForwardedHost, XForwardedPort, XRealIP, Forwarded, ClientCert, ClientCertChain:
		return true
	}
	return false
}

// lookup maps a hash of a name to the one known name that has it, so that a
// lookup compares at most once.
var lookup = buildLookup()

type lookupTable struct {
	first, middle, last uint8 // multipliers
	ids                 [256]FieldID
}

// buildLookup finds multipliers under which no two known names share a place.
func buildLookup() *lookupTable {
	for m := range 64 * 64 * 64 {
		t := &lookupTable{first: uint8(m % 64), middle: uint8(m / 64 % 64), last: uint8(m / (64 * 64))}
		if t.fill() {
			return t
		}
	}
	panic("wire: no multipliers separate the field names; enlarge the table")
}

func (t *lookupTable) fill() bool {
	for id := 1; id < FieldCount; id++ {
		place := &t.ids[t.hash([]byte(fieldNames[id]))]
		if *place != Other {
			return false
		}
		*place = FieldID(id)
	}
	return true
}

// hash places a name of at least two bytes by its length, its first letter, the one
// in its middle and the last but one, in any case.
func (t *lookupTable) hash(name []byte) int {
	n := uint8(len(name))
	return int(n + (name[0]|0x20)*t.first + (name[n/2]|0x20)*t.middle + (name[n-2]|0x20)*t.last)
}

// maxKnownName is the longest name that LookupField knows.
const maxKnownName = 25

// LookupField returns the ID of name, in any case of letters.
func LookupField(name []byte) FieldID {
	if len(name) < 2 || len(name) > maxKnownName {
		return Other
	}
	if id := lookup.ids[lookup.hash(name)]; EqualFold(name, fieldNames[id]) {
		return id
	}
	return Other
}

// EqualFold reports whether b equals lower, which is in lower case, ignoring the
// case of ASCII letters in b.
func EqualFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if l := lower[i]; c != l && (c|0x20 != l || c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// Method numbers the methods that a gateway acts on.
type Method uint8

// The methods. OtherMethod is every other token.
const (
	OtherMethod Method = iota
	GET
	HEAD
	POST
	PUT
	DELETE
	OPTIONS
	TRACE
	PATCH
	CONNECT
)

var methodNames = [...]string{
	"", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT",
}

// String returns the method, "" for OtherMethod.
func (m Method) String() string { return methodNames[m] }

// LookupMethod returns the number of method, which is compared with its case
// (RFC 9110 section 9.1).
func LookupMethod(method []byte) Method {
	for i := 1; i < len(methodNames); i++ {
		if string(method) == methodNames[i] {
			return Method(i)
		}
	}
	return OtherMethod
}

// Safe reports whether m changes nothing by its definition (RFC 9110 section 9.2.1). A
// method that we do not know may change everything.
func (m Method) Safe() bool { return m == GET || m == HEAD || m == OPTIONS || m == TRACE }

// Idempotent reports whether repeating m has the effect of doing it once
// (RFC 9110 section 9.2.2).
func (m Method) Idempotent() bool {
	switch m {
	case GET, HEAD, PUT, DELETE, OPTIONS, TRACE:
		return true
	}
	return false
}
