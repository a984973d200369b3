// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"bytes"

	"causey/internal/failure"
	"causey/internal/wire"
)

// maxMethod bounds a method; the longest registered one has 17 characters.
const maxMethod = 64

// versionLen is the length of "HTTP/1.1".
const versionLen = 8

// RequestParser parses one request head, incrementally. It is ready after Reset.
type RequestParser struct{ lines }

// Reset prepares p for the next head, bounded by l. Zero fields of l mean the
// defaults.
func (p *RequestParser) Reset(l *wire.Limits) { p.lines.reset(l) }

// MaxLeadingCRLF is how many bytes of empty lines a client may send before one
// request: two lines. One stray CRLF behind a body is common among old clients.
const MaxLeadingCRLF = 4

// LeadingCRLF returns how many bytes at the beginning of buf are empty lines to
// skip before a request, at most MaxLeadingCRLF. Whoever calls it more than once
// for one request counts, or endless empty lines would pass. RFC 9112 section 2.2: "a server that is
// expecting to receive and parse a request-line SHOULD ignore at least one empty
// line (CRLF) received prior to the request-line."
func LeadingCRLF(buf []byte) int {
	n := 0
	for n < MaxLeadingCRLF && n+1 < len(buf) && buf[n] == '\r' && buf[n+1] == '\n' {
		n += 2
	}
	return n
}

// Parse reads what of buf is new. buf begins with the first byte of the head and
// holds everything received since; it may have moved since the last call. When
// the head is complete Parse fills req, whose spans index req.Buf = buf[:n], and
// returns its length n. It returns 0 and nil while more bytes are needed, and a
// Reject as soon as the offending line is there (the start line's first bytes at
// once).
//
// An empty line in front that was not skipped with LeadingCRLF is refused.
func (p *RequestParser) Parse(req *wire.Request, buf []byte) (int, *Reject) {
	if !p.started {
		if done, rej := p.startLine(req, buf); !done || rej != nil {
			return 0, rej
		}
	}
	req.Buf = buf
	for {
		step, rej := p.next(&req.Head, buf)
		switch step {
		case stepMore:
			return 0, nil
		case stepBad:
			return 0, rej
		case stepEnd:
			if rej := p.finish(req); rej != nil {
				return 0, rej
			}
			req.Buf = buf[:p.pos]
			return p.pos, nil
		}
		if i := len(req.Fields) - 1; req.Fields[i].ID != wire.Other {
			if rej := p.field(req, i); rej != nil {
				return 0, rej
			}
		} else if f := &req.Fields[i]; f.NameSpan.Len() == len("http2-settings") &&
			wire.EqualFold(req.Bytes(f.NameSpan), "http2-settings") {
			f.Hop = true // RFC 9113 section 3.1: h2c by Upgrade is history
		}
	}
}

// startLine reads the request-line: method SP request-target SP HTTP-version
// (RFC 9112 section 3). It reports whether the line is done.
//
// What can be judged before the line's end is there is judged in the same order
// when it is, so that the verdict does not depend on how the bytes came.
func (p *RequestParser) startLine(req *wire.Request, buf []byte) (bool, *Reject) {
	if len(buf) == 0 {
		return false, nil
	}
	if requestSniffed[buf[0]] {
		if rej, maybe := sniff(buf, requestSignatures); rej != nil || maybe {
			return false, rej
		}
	}
	win := buf[:min(len(buf), p.headBytes)]
	p.scan = skipText(win, p.scan)
	text := win[:p.scan]

	method := skipClass(text[:min(len(text), maxMethod+1)], 0, isToken)
	switch {
	case method > maxMethod:
		return false, rejectLimit(failure.BadMethod, "method-length", maxMethod, maxMethod)
	case method < len(text) && text[method] != ' ':
		return false, reject(failure.BadMethod, "method-byte", method)
	case method == 0 && len(text) > 0:
		return false, reject(failure.BadRequestLine, "method-empty", 0)
	}
	target, version := min(method+1, len(text)), len(text)+1
	if rest := text[target:]; method < len(text) {
		i := bytes.IndexByte(rest[:min(len(rest), p.targetBytes+1)], ' ')
		if i < 0 && len(rest) > p.targetBytes {
			return false, rejectLimit(failure.TargetTooLong, "target-bytes", target+p.targetBytes, p.targetBytes)
		}
		if i >= 0 {
			version = target + i + 1
		}
		if len(text)-version > versionLen {
			return false, badVersion(text[:version+versionLen+1], version)
		}
	}
	if done, rej := p.endStartLine(win, failure.BadRequestLine); !done {
		return false, rej
	}
	if version > len(text) {
		return false, missingVersion(text, target)
	}
	v, rej := parseVersion(text, version)
	if rej != nil {
		return false, rej
	}
	req.Reset()
	req.Buf, req.Version = buf, v
	req.MethodSpan = wire.Span{End: uint32(method)}
	req.Method = wire.LookupMethod(text[:method])
	return true, parseTarget(req, target, version-1)
}

// missingVersion rejects a line of less than three parts.
func missingVersion(text []byte, target int) *Reject {
	switch {
	case target < len(text):
		// "GET /" is HTTP/0.9, which has no head and no status.
		return reject(failure.BadVersion, "version-missing", len(text))
	case redisCommand(text):
		rej := reject(failure.OtherProtocol, "other-protocol", 0)
		rej.Field = "redis"
		return rej
	}
	return reject(failure.BadRequestLine, "request-line-parts", len(text))
}

// redisCommand reports whether a whole first line is the head of a RESP array,
// "*" and a number. Its bytes are those of a token, so it cannot be told sooner.
func redisCommand(text []byte) bool {
	return len(text) > 1 && text[0] == '*' && skipClass(text, 1, isDigit) == len(text)
}

// parseVersion reads the HTTP-version at index at, which must be all the rest.
// RFC 9110 section 2.5: a higher minor version is to be processed "as if it was
// in the highest minor version within that major version to which the recipient
// is conformant".
func parseVersion(text []byte, at int) (uint8, *Reject) {
	v := text[at:]
	if string(v) == "HTTP/1.1" {
		return 11, nil
	}
	if len(v) != versionLen || string(v[:7]) != "HTTP/1." || class[v[7]]&isDigit == 0 {
		return 0, badVersion(text, at)
	}
	if v[7] == '0' {
		return 10, nil
	}
	return 11, nil
}

// badVersion rejects what stands at index at instead of an HTTP-version.
func badVersion(text []byte, at int) *Reject {
	v := text[at:]
	if i := bytes.IndexByte(v, ' '); i >= 0 {
		return reject(failure.BadRequestLine, "request-line-space", at+i)
	}
	if len(v) == versionLen && string(v[:5]) == "HTTP/" && v[6] == '.' &&
		class[v[5]]&class[v[7]]&isDigit != 0 {
		return reject(failure.BadVersion, "version-major", at+5)
	}
	return reject(failure.BadVersion, "version-syntax", at)
}

// field reads field i of req, one of those that package wire numbers.
func (p *RequestParser) field(req *wire.Request, i int) *Reject {
	f := &req.Fields[i]
	switch f.ID {
	case wire.Host:
		if p.seen&seenHost != 0 {
			return reject(failure.BadHost, "host-twice", int(f.NameSpan.Start)).about(req.Bytes(f.NameSpan))
		}
		if at := badHost(req.Bytes(f.ValueSpan)); at >= 0 {
			return reject(failure.BadHost, "host-syntax", int(f.ValueSpan.Start)+at).about(req.Bytes(f.NameSpan))
		}
		p.seen |= seenHost
		// RFC 9112 section 3.2.2: "When an origin server receives a request with an
		// absolute-form of request-target, the origin server MUST ignore the
		// received Host header field (if any) and instead use the host information
		// of the request-target."
		if req.Form == wire.AbsoluteForm || req.Form == wire.AuthorityForm {
			f.Hop = true
		} else {
			req.HostSpan = f.ValueSpan
		}
	case wire.ContentLength:
		return p.contentLength(&req.Head, f)
	case wire.TransferEncoding:
		return p.transferEncoding(&req.Head, f)
	case wire.Connection:
		return p.connection(&req.Head, f)
	case wire.Expect:
		if p.seen&seenExpect != 0 || !wire.EqualFold(req.Bytes(f.ValueSpan), "100-continue") {
			return reject(failure.BadExpect, "expect-value", int(f.ValueSpan.Start)).about(req.Bytes(f.NameSpan))
		}
		p.seen |= seenExpect
	case wire.Upgrade:
		if p.seen&seenUpgrade != 0 || !upgradePassed(req.Bytes(f.ValueSpan)) {
			p.seen |= seenUpgradeRefused
		}
		p.seen |= seenUpgrade
		req.UpgradeSpan = f.ValueSpan
	case wire.TE:
		req.TETrailers = req.TETrailers || listHas(req.Bytes(f.ValueSpan), "trailers")
	case wire.Trailer:
		p.seen |= seenTrailer
	}
	return nil
}

// upgradePassed reports whether an Upgrade value may go on: a list of protocols
// without a version of HTTP, which the tunnel behind it could not carry (h2c).
func upgradePassed(v []byte) bool {
	n := 0
	for {
		protocol, rest, ok := nextElement(v)
		if !ok {
			return n > 0
		}
		v = rest
		n++
		for _, c := range protocol {
			if class[c]&isToken == 0 && c != '/' {
				return false
			}
		}
		if wire.EqualFold(protocol, "h2c") || wire.EqualFold(protocol, "h2") ||
			len(protocol) >= 4 && wire.EqualFold(protocol[:4], "http") {
			return false
		}
	}
}

// listHas reports whether a list has an element equal to lower.
func listHas(list []byte, lower string) bool {
	for {
		e, rest, ok := nextElement(list)
		if !ok {
			return false
		}
		if wire.EqualFold(e, lower) {
			return true
		}
		list = rest
	}
}

// finish decides what only the whole head can tell.
func (p *RequestParser) finish(req *wire.Request) *Reject {
	// RFC 9112 section 3.2: "A server MUST respond with a 400 (Bad Request) status
	// code to any HTTP/1.1 request message that lacks a Host header field".
	if p.seen&seenHost == 0 && req.Version >= 11 {
		return reject(failure.NoHost, "host-missing", p.pos-2)
	}
	if p.seen&seenOddName != 0 {
		if rej := refuseDisguised(&req.Head); rej != nil {
			return rej
		}
	}
	// RFC 9112 section 6.3, items 3 to 7; what is ambiguous was refused before.
	switch {
	case p.seen&seenTransferEncoding != 0:
		req.Framing = wire.FramingChunked
	case req.ContentLength > 0:
		req.Framing = wire.FramingLength
	}
	req.Close = p.closes(&req.Head)
	if p.seen&(seenTrailer|seenNamedOption|seenExpect|seenUpgrade) != 0 {
		p.finishTrailer(&req.Head)
		p.markNamed(&req.Head)
		p.finishExpect(req)
		// RFC 9110 section 7.8: "A server MAY ignore a received Upgrade header
		// field"; with a body, two protocols would share the bytes behind the head.
		req.Upgrade = p.seen&seenUpgrade != 0 && p.seen&seenUpgradeRefused == 0 &&
			p.seen&seenUpgradeOption != 0 && req.Version >= 11 && !req.HasBody()
	}
	return nil
}

// finishExpect: RFC 9110 section 10.1.1: "A server that receives a 100-continue
// expectation in an HTTP/1.0 request MUST ignore that expectation"; where no body
// follows there is nothing to continue with.
func (p *RequestParser) finishExpect(req *wire.Request) {
	if p.seen&seenExpect == 0 {
		return
	}
	req.Expect100 = req.Version >= 11 && req.HasBody()
	if i := req.Find(wire.Expect); !req.Expect100 {
		req.Fields[i].Hop = true
	}
}

// refuseDisguised looks after names that a CGI-like origin folds into another
// one. A second framing field is refused; a second voice about the client or the
// connection ends here.
func refuseDisguised(h *wire.Head) *Reject {
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.ID != wire.Other {
			continue
		}
		switch id := disguised(h.Bytes(f.NameSpan)); {
		case id == wire.ContentLength || id == wire.TransferEncoding:
			return reject(failure.BadField, "framing-name-disguised", int(f.NameSpan.Start)).about(h.Bytes(f.NameSpan))
		case id.AboutClient() || id == wire.KeepAlive || id == wire.ProxyConnection || id == wire.XRequestID:
			f.Hop = true
		}
	}
	return nil
}
