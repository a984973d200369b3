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

	// FieldCount is the number of IDs.
	FieldCount = int(IdempotencyKey) + 1
)

var fieldNames = [FieldCount]string{
	"", "host", "content-length", "transfer-encoding", "connection", "keep-alive",
	"proxy-connection", "te", "trailer", "upgrade", "expect", "via", "forwarded",
	"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
	"x-real-ip", "x-request-id", "traceparent", "accept", "date", "server",
	"content-type", "proxy-status", "proxy-authenticate", "proxy-authorization",
	"user-agent", "referer", "idempotency-key",
}

// String returns the name in lower case, "" for Other.
func (id FieldID) String() string { return fieldNames[id] }

// maxKnownName is the longest name that LookupField knows.
const maxKnownName = 19

// byShape lists the candidates by length and first letter, so that a lookup
// compares one or two names at most.
var byShape [maxKnownName + 1][26][]FieldID

func init() {
	for id := 1; id < FieldCount; id++ {
		n := fieldNames[id]
		s := &byShape[len(n)][n[0]-'a']
		*s = append(*s, FieldID(id))
	}
}

// LookupField returns the ID of name, in any case of letters.
func LookupField(name []byte) FieldID {
	if len(name) == 0 || len(name) > maxKnownName {
		return Other
	}
	c := name[0] | 0x20
	if c < 'a' || c > 'z' {
		return Other
	}
	for _, id := range byShape[len(name)][c-'a'] {
		if EqualFold(name, fieldNames[id]) {
			return id
		}
	}
	return Other
}

// EqualFold reports whether b equals lower, which is in lower case, ignoring the
// case of ASCII letters in b.
func EqualFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
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

// Idempotent reports whether repeating m has the effect of doing it once
// (RFC 9110 section 9.2.2).
func (m Method) Idempotent() bool {
	switch m {
	case GET, HEAD, PUT, DELETE, OPTIONS, TRACE:
		return true
	}
	return false
}
