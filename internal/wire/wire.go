// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package wire is the HTTP vocabulary that the codecs and the exchange share:
// request and response heads, their fields, body framing and limits.
//
// What it is: plain data. A codec fills a head whose parts are spans of one
// buffer; the exchange reads it, edits what a gateway must edit, and hands it to
// the codec of the other side.
//
// What it never does: no I/O, no parsing of a protocol's syntax (that is a
// codec's work), no clock, no allocation per message once a head has been used.
//
// Invariants:
//
//	I1. All spans of a head index Head.Buf; whoever moves the bytes replaces Buf
//	    and nothing else.
//	I2. A head is valid until the stream that lent it is asked for the next one.
//	I3. Framing is decided by the codec alone; nobody else looks at
//	    Content-Length or Transfer-Encoding.
//
// Start reading with Request and Response.
package wire

import "bytes"

// Span is a part of Head.Buf: Buf[Start:End].
type Span struct{ Start, End uint32 }

// Len returns the length in bytes.
func (s Span) Len() int { return int(s.End - s.Start) }

// Field is one field line.
type Field struct {
	// NameSpan and ValueSpan are the name as received and the value without
	// surrounding whitespace.
	NameSpan, ValueSpan Span
	// LineSpan is the whole line as received including its CRLF, so that runs of
	// untouched fields can be copied at once; it is empty for protocols whose
	// fields are not lines.
	LineSpan Span
	// ID is the name as a number, for the names a gateway acts on; Other for all
	// the rest.
	ID FieldID
	// Hop marks a field that ends at this hop: it must not be forwarded. The
	// codec sets it for the fixed hop-by-hop names and for those that the
	// Connection field lists.
	Hop bool
}

// Head is what requests and responses share.
type Head struct {
	Buf    []byte
	Fields []Field
	// Version is 10 or 11 for HTTP/1.0 and 1.1, later 20 and 30.
	Version uint8
	// Framing says how the body that follows is delimited.
	Framing Framing
	// ContentLength is the announced length with FramingLength, else -1. A
	// response to HEAD and a 304 may announce a length that no body follows.
	ContentLength int64
	// Close reports that this message announces the end of the connection.
	Close bool
	// Trailers reports that a Trailer field announced trailers.
	Trailers bool
}

// Bytes returns the bytes of s.
func (h *Head) Bytes(s Span) []byte { return h.Buf[s.Start:s.End] }

// Name returns the name of field i as received.
func (h *Head) Name(i int) []byte { return h.Bytes(h.Fields[i].NameSpan) }

// Value returns the value of field i.
func (h *Head) Value(i int) []byte { return h.Bytes(h.Fields[i].ValueSpan) }

// Find returns the index of the first field with the given ID, or -1.
func (h *Head) Find(id FieldID) int {
	for i := range h.Fields {
		if h.Fields[i].ID == id {
			return i
		}
	}
	return -1
}

// Get returns the value of the first field with the given ID, or nil.
func (h *Head) Get(id FieldID) []byte {
	if i := h.Find(id); i >= 0 {
		return h.Value(i)
	}
	return nil
}

func (h *Head) reset() {
	h.Buf, h.Fields = nil, h.Fields[:0]
	h.Version, h.Framing, h.ContentLength = 0, FramingNone, -1
	h.Close, h.Trailers = false, false
}

// Request is a request head.
type Request struct {
	Head
	// Method is the method as a number, OtherMethod if it is none of the list.
	Method     Method
	MethodSpan Span
	// TargetSpan is the request-target as received. PathSpan is the path with its
	// query, as it will be sent upstream; for the asterisk form it is "*".
	TargetSpan Span
	PathSpan   Span
	// QueryStart is the index in Buf of the "?" of PathSpan, or PathSpan.End.
	QueryStart uint32
	// HostSpan is the authority that counts (RFC 9112 section 3.2.2: the
	// absolute form wins over Host), possibly with a port; empty for an HTTP/1.0
	// request without one.
	HostSpan Span
	Form     TargetForm
	// Upgrade reports that the client asks, in a request that allows it, to
	// switch protocols; UpgradeSpan is the Upgrade field's value.
	Upgrade     bool
	UpgradeSpan Span
	// Expect100 reports an Expect: 100-continue.
	Expect100 bool
	// TETrailers reports that TE accepts trailers.
	TETrailers bool
}

// Reset empties r for the next request and keeps its memory.
func (r *Request) Reset() {
	r.Head.reset()
	*r = Request{Head: r.Head}
}

// Path returns the path without the query.
func (r *Request) Path() []byte { return r.Buf[r.PathSpan.Start:r.QueryStart] }

// HasBody reports whether a body follows the head.
func (r *Request) HasBody() bool { return r.Framing != FramingNone }

// Response is a response head.
type Response struct {
	Head
	// Status is the status code, 100 to 599.
	Status     int
	ReasonSpan Span
	// UpgradeSpan is the Upgrade field's value, used with status 101.
	UpgradeSpan Span
	// KeepAliveTimeout is the peer's announced idle timeout in seconds
	// (Keep-Alive: timeout=N), -1 if it announced none.
	KeepAliveTimeout int
}

// Reset empties r for the next response and keeps its memory.
func (r *Response) Reset() {
	r.Head.reset()
	*r = Response{Head: r.Head, KeepAliveTimeout: -1}
}

// Interim reports whether the response is a 1xx other than 101.
func (r *Response) Interim() bool { return r.Status < 200 && r.Status != 101 }

// IsEventStream reports an answer that is sent as things happen: its silence means nothing.
func (r *Response) IsEventStream() bool {
	media, _, _ := bytes.Cut(r.Get(ContentType), []byte{';'})
	return EqualFold(bytes.TrimSpace(media), "text/event-stream")
}

// Framing says how a body is delimited.
type Framing uint8

// The framings.
const (
	// FramingNone: no body follows.
	FramingNone Framing = iota
	// FramingLength: exactly ContentLength bytes follow, at least one.
	FramingLength
	// FramingChunked: chunks follow.
	FramingChunked
	// FramingClose: the body ends when the connection does.
	FramingClose
	// FramingTunnel: the connection is no longer HTTP.
	FramingTunnel
)

var framingNames = [...]string{"none", "length", "chunked", "close", "tunnel"}

// String returns a short name for tests and logs.
func (f Framing) String() string { return framingNames[f] }

// TargetForm is the form of the request-target (RFC 9112 section 3.2).
type TargetForm uint8

// The target forms.
const (
	OriginForm TargetForm = iota
	AbsoluteForm
	AuthorityForm
	AsteriskForm
)
