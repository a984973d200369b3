// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"causey/internal/failure"
	"causey/internal/wire"
)

// ResponseParser parses one response head, incrementally. It is ready after
// Reset.
type ResponseParser struct {
	lines
	method       wire.Method
	upgradeAsked bool
}

// Reset prepares p for the next head, bounded by l. Zero fields of l mean the
// defaults. method is the request's, which decides whether a body follows;
// upgradeAsked reports that the request asked for another protocol.
func (p *ResponseParser) Reset(l *wire.Limits, method wire.Method, upgradeAsked bool) {
	p.lines.reset(l)
	p.method, p.upgradeAsked = method, upgradeAsked
}

// Parse reads what of buf is new; see RequestParser.Parse. A 1xx head is returned
// like any other; call Reset before the next one.
func (p *ResponseParser) Parse(res *wire.Response, buf []byte) (int, *Reject) {
	if !p.started {
		if done, rej := p.startLine(res, buf); !done || rej != nil {
			return 0, rej
		}
	}
	res.Buf = buf
	for {
		step, rej := p.next(&res.Head, buf)
		switch step {
		case stepMore:
			return 0, nil
		case stepBad:
			return 0, rej
		case stepEnd:
			if rej := p.finish(res); rej != nil {
				return 0, rej
			}
			res.Buf = buf[:p.pos]
			return p.pos, nil
		}
		if i := len(res.Fields) - 1; res.Fields[i].ID != wire.Other {
			if rej := p.field(res, i); rej != nil {
				return 0, rej
			}
		}
	}
}

// statusLen is the length of "HTTP/1.1 200", the shortest status line taken.
const statusLen = 12

// startLine reads the status-line: HTTP-version SP status-code SP
// [ reason-phrase ] (RFC 9112 section 4). It reports whether the line is done. A
// line that ends after the code is taken; some servers omit the empty reason's
// space.
func (p *ResponseParser) startLine(res *wire.Response, buf []byte) (bool, *Reject) {
	const name = "HTTP/"
	if n := min(len(buf), len(name)); string(buf[:n]) != name[:n] {
		rej, maybe := sniff(buf, responseSignatures)
		if rej == nil && !maybe {
			at := 0
			for buf[at] == name[at] {
				at++
			}
			rej = reject(failure.NotHTTP, "not-http", at)
		}
		return false, rej
	}
	win := buf[:min(len(buf), p.headBytes, p.lineBytes)]
	p.scan = skipText(win, p.scan)
	text := win[:p.scan]
	if len(win) == p.lineBytes && p.lineBytes < p.headBytes && p.scan+1 >= len(win) {
		return false, rejectLimit(failure.HeadTooLarge, "status-line-bytes", len(win)-1, p.lineBytes)
	}
	if done, rej := p.endStartLine(win, failure.BadStatusLine); !done {
		return false, rej
	}
	if len(text) < statusLen || text[versionLen] != ' ' {
		return false, badStatusLine(text)
	}
	v, rej := parseVersion(text[:versionLen], 0)
	if rej != nil {
		return false, badStatusLine(text)
	}
	code := 0
	for i := versionLen + 1; i < statusLen; i++ {
		if class[text[i]]&isDigit == 0 {
			return false, reject(failure.BadStatusLine, "status-code", i)
		}
		code = code*10 + int(text[i]-'0')
	}
	// RFC 9110 section 15: "Values outside the range 100..599 are invalid."
	if code < 100 || code > 599 {
		return false, reject(failure.BadStatusLine, "status-range", versionLen+1)
	}
	if len(text) > statusLen && text[statusLen] != ' ' {
		return false, reject(failure.BadStatusLine, "status-code", statusLen)
	}
	res.Reset()
	res.Buf, res.Version, res.Status = buf, v, code
	res.ReasonSpan = wire.Span{Start: uint32(min(statusLen+1, len(text))), End: uint32(len(text))}
	return true, nil
}

// badStatusLine rejects a line that begins with "HTTP/" and is no status line:
// another version if it is well formed, nonsense otherwise. HTTP/2 and HTTP/3 are
// written with one number by those who print them.
func badStatusLine(text []byte) *Reject {
	const major = len("HTTP/")
	i := skipClass(text, major, isDigit)
	if i == major {
		return reject(failure.BadStatusLine, "status-line", major)
	}
	end := i
	if end < len(text) && text[end] == '.' {
		end = skipClass(text, end+1, isDigit)
	}
	if end < len(text) && text[end] != ' ' || string(text[major:i]) == "1" {
		return reject(failure.BadStatusLine, "status-line", end)
	}
	return reject(failure.BadVersion, "version-major", major)
}

// field reads field i of res, one of those that package wire numbers.
func (p *ResponseParser) field(res *wire.Response, i int) *Reject {
	f := &res.Fields[i]
	switch f.ID {
	case wire.ContentLength:
		return p.contentLength(&res.Head, f)
	case wire.TransferEncoding:
		return p.transferEncoding(&res.Head, f)
	case wire.Connection:
		return p.connection(&res.Head, f)
	case wire.Upgrade:
		p.seen |= seenUpgrade
		res.UpgradeSpan = f.ValueSpan
	case wire.KeepAlive:
		if n := keepAliveTimeout(res.Bytes(f.ValueSpan)); n >= 0 {
			res.KeepAliveTimeout = n
		}
	case wire.Trailer:
		p.seen |= seenTrailer
	}
	return nil
}

// keepAliveTimeout reads timeout=N of a Keep-Alive field (RFC 2068 section
// 19.7.1.1), -1 if there is none. Beyond a million seconds it is no information.
func keepAliveTimeout(v []byte) int {
	const param = "timeout="
	for {
		e, rest, ok := nextElement(v)
		if !ok {
			return -1
		}
		v = rest
		if len(e) <= len(param) || !wire.EqualFold(e[:len(param)], param) {
			continue
		}
		n := 0
		for _, c := range e[len(param):] {
			if class[c]&isDigit == 0 {
				return -1
			}
			n = min(n*10+int(c-'0'), 1_000_000)
		}
		return n
	}
}

// finish decides what only the whole head can tell.
func (p *ResponseParser) finish(res *wire.Response) *Reject {
	res.Close = p.closes(&res.Head)
	if rej := p.frame(res); rej != nil {
		return rej
	}
	if res.Framing == wire.FramingClose {
		res.Close = true
	}
	p.finishTrailer(&res.Head)
	p.markNamed(&res.Head)
	return nil
}

// frame decides the framing in the order of RFC 9112 section 6.3.
func (p *ResponseParser) frame(res *wire.Response) *Reject {
	switch {
	case res.Status == 101:
		if !p.upgradeAsked {
			return reject(failure.UnexpectedUpgrade, "upgrade-unasked", versionLen+1)
		}
		// RFC 9110 section 15.2.2: "The server MUST generate an Upgrade header field
		// in the response"; section 7.8: not for HTTP/1.0.
		if p.seen&seenUpgrade == 0 || p.seen&seenUpgradeOption == 0 || res.Version < 11 {
			return reject(failure.BadUpgrade, "upgrade-fields", p.pos-2)
		}
		p.dropLength(res)
		res.Framing = wire.FramingTunnel
	case res.Status < 200 || res.Status == 204:
		p.dropLength(res)
		res.Framing = wire.FramingNone
	case p.method == wire.HEAD || res.Status == 304:
		res.Framing = wire.FramingNone
	case p.method == wire.CONNECT && res.Status < 300:
		p.dropLength(res)
		res.Framing = wire.FramingTunnel
	case p.seen&seenTransferEncoding != 0:
		res.Framing = wire.FramingChunked
	case res.ContentLength > 0:
		res.Framing = wire.FramingLength
	case res.ContentLength == 0:
		res.Framing = wire.FramingNone
	default:
		res.Framing = wire.FramingClose
	}
	return nil
}

// dropLength ends a Content-Length at this hop where RFC 9110 section 8.6 forbids
// to send one: with 1xx, 204 and a 2xx to CONNECT it announces nothing.
func (p *ResponseParser) dropLength(res *wire.Response) {
	if p.seen&seenContentLength == 0 {
		return
	}
	res.ContentLength = -1
	res.Fields[res.Find(wire.ContentLength)].Hop = true
}
