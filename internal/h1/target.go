// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"bytes"

	"causey/internal/failure"
	"causey/internal/wire"
)

// parseTarget reads the request-target buf[start:end] in one of its four forms
// (RFC 9112 section 3.2) and sets the spans of path and host.
func parseTarget(req *wire.Request, start, end int) *Reject {
	t := req.Buf[start:end]
	if len(t) == 0 {
		return reject(failure.BadRequestLine, "target-empty", start)
	}
	if i := skipClass(t, 0, isTarget); i < len(t) {
		return reject(failure.BadTarget, "target-byte", start+i)
	}
	req.TargetSpan = wire.Span{Start: uint32(start), End: uint32(end)}
	path := start
	switch {
	case req.Method == wire.CONNECT:
		return parseAuthority(req, start)
	case t[0] == '/':
		req.Form = wire.OriginForm
	case len(t) == 1 && t[0] == '*':
		if req.Method != wire.OPTIONS {
			return reject(failure.BadTarget, "asterisk-method", start)
		}
		req.Form = wire.AsteriskForm
	default:
		n, rej := parseAbsolute(req, t, start)
		if rej != nil {
			return rej
		}
		path = start + n
	}
	if req.PathSpan.Len() == 0 {
		req.PathSpan = wire.Span{Start: uint32(path), End: uint32(end)}
	}
	req.QueryStart = req.PathSpan.End
	if i := bytes.IndexByte(req.Bytes(req.PathSpan), '?'); i >= 0 {
		req.QueryStart = req.PathSpan.Start + uint32(i)
	}
	return nil
}

// parseAuthority reads the authority-form, uri-host ":" port. CONNECT has no
// other, and no other method has it.
func parseAuthority(req *wire.Request, start int) *Reject {
	t := req.Bytes(req.TargetSpan)
	if at := badHost(t); at >= 0 {
		return reject(failure.BadTarget, "authority-syntax", start+at)
	}
	if class[t[len(t)-1]]&isDigit == 0 || bytes.LastIndexByte(t, ':') <= bytes.LastIndexByte(t, ']') {
		return reject(failure.BadTarget, "authority-port", start+len(t)-1)
	}
	req.Form = wire.AuthorityForm
	req.HostSpan = req.TargetSpan
	req.PathSpan = wire.Span{Start: req.TargetSpan.End, End: req.TargetSpan.End}
	req.QueryStart = req.TargetSpan.End
	return nil
}

// parseAbsolute reads scheme and authority of the absolute-form t, which begins
// at index start of the buffer, and returns where the path begins in t.
func parseAbsolute(req *wire.Request, t []byte, start int) (int, *Reject) {
	n := len("http://")
	switch {
	case len(t) >= n && wire.EqualFold(t[:n], "http://"):
	case len(t) > n && wire.EqualFold(t[:n+1], "https://"):
		n++
	default:
		return 0, reject(failure.BadTarget, "target-form", start)
	}
	end := n
	for end < len(t) && t[end] != '/' && t[end] != '?' {
		end++
	}
	// RFC 9110 section 4.2.4 lets a recipient treat userinfo as an error; badHost
	// does, as for every "@".
	if at := badHost(t[n:end]); at >= 0 {
		return 0, reject(failure.BadTarget, "absolute-authority", start+n+at)
	}
	req.Form = wire.AbsoluteForm
	req.HostSpan = wire.Span{Start: uint32(start + n), End: uint32(start + end)}
	if end < len(t) && t[end] == '/' {
		return end, nil
	}
	// An empty path is sent as "/" in origin-form. The bytes of a path must stand
	// in the buffer, and the second slash of "://" can lend one; a path that
	// would have to be put before a query, or "*" for OPTIONS, has none.
	if end < len(t) || req.Method == wire.OPTIONS {
		return 0, reject(failure.BadTarget, "absolute-no-path", start+end)
	}
	slash := uint32(start + n - 1)
	req.PathSpan = wire.Span{Start: slash, End: slash + 1}
	return end, nil
}
