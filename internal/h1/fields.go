// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"math"

	"causey/internal/failure"
	"causey/internal/wire"
)

// seen collects what the fields of a head said, for the decision at its end.
type seen uint16

const (
	seenHost seen = 1 << iota
	seenContentLength
	seenTransferEncoding
	seenClose         // Connection: close
	seenKeepAlive     // Connection: keep-alive
	seenUpgradeOption // Connection: upgrade
	seenNamedOption   // Connection names some other field
	seenUpgrade
	seenUpgradeRefused // an Upgrade that is not passed on
	seenExpect
	seenTrailer
	seenOddName // a name with a character that some recipients fold into "-"
)

// maxOptions bounds the Connection options of a head: each one that names a
// field is compared with every field.
const maxOptions = 32

// hopByHop are the names that end at this hop whatever Connection says (RFC 9110
// section 7.6.1). Not among them: Trailer, which describes the message;
// Proxy-Authenticate and Proxy-Authorization, which are for the first proxy that
// asks for them (RFC 9110 section 11.7), and a gateway never does.
var hopByHop = [wire.FieldCount]bool{
	wire.Connection:       true,
	wire.KeepAlive:        true,
	wire.ProxyConnection:  true,
	wire.TE:               true,
	wire.TransferEncoding: true,
	wire.Upgrade:          true,
}

// contentLength reads a Content-Length field.
func (p *lines) contentLength(h *wire.Head, f *wire.Field) *Reject {
	n, bad, kind, site := parseLength(h.Bytes(f.ValueSpan))
	if site != "" {
		return reject(kind, site, int(f.ValueSpan.Start)+bad).about(h.Bytes(f.NameSpan))
	}
	// RFC 9110 section 8.6 lets a recipient fold equal values into one. Nobody
	// sends two but attackers and broken software, and peers differ.
	if p.seen&seenContentLength != 0 {
		return reject(failure.DupCL, "cl-twice", int(f.NameSpan.Start)).about(h.Bytes(f.NameSpan))
	}
	// RFC 9112 section 6.1: "A sender MUST NOT send a Content-Length header field
	// in any message that contains a Transfer-Encoding header field."
	if p.seen&seenTransferEncoding != 0 {
		return reject(failure.CLTE, "cl-after-te", int(f.NameSpan.Start)).about(h.Bytes(f.NameSpan))
	}
	p.seen |= seenContentLength
	h.ContentLength = n
	if v := f.ValueSpan; h.Buf[v.Start] == '0' && v.Len() > 1 {
		// Leading zeros are legal, but some read such a number as octal: it goes on
		// without them, and not as the line that came.
		for v.Len() > 1 && h.Buf[v.Start] == '0' {
			v.Start++
		}
		f.ValueSpan, f.LineSpan = v, wire.Span{}
	}
	return nil
}

// parseLength reads 1*DIGIT. If site is not empty, kind and bad say why and
// where it is none.
func parseLength(v []byte) (n int64, bad int, kind failure.Kind, site string) {
	if len(v) == 0 {
		return 0, 0, failure.BadCL, "cl-empty"
	}
	for i, c := range v {
		if c < '0' || c > '9' {
			if c == ',' {
				return 0, i, failure.DupCL, "cl-list"
			}
			return 0, i, failure.BadCL, "cl-digit"
		}
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, i, failure.BadCL, "cl-overflow"
		}
		n = n*10 + d
	}
	return n, 0, 0, ""
}

// transferEncoding reads a Transfer-Encoding field. The only coding is chunked,
// once: a gateway that passes on others must know them, and every other spelling
// has been a way to make two recipients disagree.
func (p *lines) transferEncoding(h *wire.Head, f *wire.Field) *Reject {
	at := int(f.ValueSpan.Start)
	var kind failure.Kind
	var site string
	switch v := h.Bytes(f.ValueSpan); {
	case !wire.EqualFold(v, "chunked"):
		kind, site = failure.BadTE, "te-value"
	case h.Version < 11:
		// RFC 9112 section 6.1: such a message is to be treated "as if the framing
		// is faulty".
		kind, site = failure.BadTE, "te-in-http10"
	case p.seen&seenTransferEncoding != 0:
		kind, site = failure.BadTE, "te-twice"
	case p.seen&seenContentLength != 0:
		kind, site, at = failure.CLTE, "te-after-cl", int(f.NameSpan.Start)
	}
	if site != "" {
		return reject(kind, site, at).about(h.Bytes(f.NameSpan))
	}
	p.seen |= seenTransferEncoding
	return nil
}

// connection reads a Connection field. What is no token names no field and is
// passed over.
func (p *lines) connection(h *wire.Head, f *wire.Field) *Reject {
	v := h.Bytes(f.ValueSpan)
	for {
		option, rest, ok := nextElement(v)
		if !ok {
			return nil
		}
		v = rest
		if p.options++; p.options > maxOptions {
			return rejectLimit(failure.BadField, "connection-options", int(f.ValueSpan.Start), maxOptions).
				about(h.Bytes(f.NameSpan))
		}
		switch {
		case wire.EqualFold(option, "close"):
			p.seen |= seenClose
		case wire.EqualFold(option, "keep-alive"):
			p.seen |= seenKeepAlive
		case wire.EqualFold(option, "upgrade"):
			p.seen |= seenUpgradeOption
		default:
			p.seen |= seenNamedOption
		}
	}
}

// markNamed marks the fields that the Connection options name.
func (p *lines) markNamed(h *wire.Head) {
	if p.seen&seenNamedOption == 0 {
		return
	}
	for i := range h.Fields {
		if h.Fields[i].ID != wire.Connection {
			continue
		}
		v := h.Value(i)
		for {
			option, rest, ok := nextElement(v)
			if !ok {
				break
			}
			v = rest
			if !keptAnyway(option) {
				markName(h, option)
			}
		}
	}
}

func markName(h *wire.Head, name []byte) {
	for i := range h.Fields {
		if f := &h.Fields[i]; f.ID == wire.Other && f.NameSpan.Len() == len(name) &&
			equalFoldBytes(h.Bytes(f.NameSpan), name) {
			f.Hop = true
		}
	}
}

// closes decides whether the message announces the end of its connection (RFC
// 9112 section 9.3).
func (p *lines) closes(h *wire.Head) bool {
	return p.seen&seenClose != 0 || h.Version < 11 && p.seen&seenKeepAlive == 0
}

// finishTrailer: a Trailer field says nothing where no trailers can follow.
func (p *lines) finishTrailer(h *wire.Head) {
	if p.seen&seenTrailer == 0 {
		return
	}
	h.Trailers = h.Framing == wire.FramingChunked
	if h.Trailers {
		return
	}
	for i := range h.Fields {
		if f := &h.Fields[i]; f.ID == wire.Trailer {
			f.Hop = true
		}
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func equalFoldBytes(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}
