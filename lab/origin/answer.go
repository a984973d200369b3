// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"causey/lab/pattern"
)

// answer is a correct response.
type answer struct {
	status int
	fields []string // header lines without CRLF
	body   []byte
	size   int64 // where body is nil: so many bytes of the lab's pattern
	close  bool  // end the connection after it
}

const okHead = "HTTP/1.1 200 OK\r\n"

// send writes exactly s.
func (x *exchange) send(s string) { x.c.write([]byte(s)) }

// reject tells whoever wrote the request what was wrong with it, and closes.
func (x *exchange) reject(why string) End {
	return x.reply(answer{status: 400, body: []byte("lab origin: " + why + "\n"), close: true})
}

// head is a status line, Date, Server, the Options' fields and those given, and the word on persistence that goes
// with end.
func (x *exchange) head(status int, fields []string, end End) []byte {
	proto := "HTTP/1.1"
	if x.c.srv.opts.HTTP10 {
		proto = "HTTP/1.0"
	}
	b := fmt.Appendf(make([]byte, 0, 512), "%s %d %s\r\nServer: lab-origin\r\n", proto, status, http.StatusText(status))
	b = append(b, "Date: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	for _, list := range [][]string{x.c.srv.opts.Fields, fields} {
		for _, line := range list {
			b = append(append(b, "\r\n"...), line...)
		}
	}
	switch {
	case end != Keep:
		b = append(b, "\r\nConnection: close"...)
	case proto == "HTTP/1.0" || x.req.Proto == "HTTP/1.0":
		b = append(b, "\r\nConnection: keep-alive"...)
	}
	return append(b, "\r\n\r\n"...)
}

// ending is Keep where both sides want to go on.
func (x *exchange) ending(close bool) End {
	switch {
	case close, !x.req.persistent(), x.c.srv.opts.HTTP10 && !x.req.has("Connection", "keep-alive"):
		return FIN
	}
	return Keep
}

// reply sends a whole answer of known length and says how the connection goes on.
func (x *exchange) reply(a answer) End {
	end := x.ending(a.close)
	length := a.size
	if a.body != nil {
		length = int64(len(a.body))
	}
	bodiless := a.status == 204 || a.status == 304 || a.status < 200
	if !bodiless {
		a.fields = append(a.fields[:len(a.fields):len(a.fields)], fmt.Sprintf("Content-Length: %d", length))
	}
	out := x.head(a.status, a.fields, end)
	if bodiless || x.req.Method == "HEAD" {
		x.c.write(out)
		return end
	}
	if a.body != nil {
		x.c.write(append(out, a.body...)) // one write: small answers arrive in one piece
		return end
	}
	x.sendPattern(out, length)
	return end
}

// sendPattern sends head and then n bytes of the pattern.
func (x *exchange) sendPattern(head []byte, n int64) {
	first := min(n, 8<<10)
	head = append(head, make([]byte, first)...)
	pattern.Fill(head[int64(len(head))-first:], 0)
	x.c.write(head)
	if n == first {
		return
	}
	buf := make([]byte, pattern.BlockBytes)
	for at := first; at < n && !x.c.broken; {
		piece := buf[:min(n-at, pattern.BlockBytes)]
		pattern.Fill(piece, at)
		x.c.write(piece)
		at += int64(len(piece))
	}
}

// stream is an answer of unknown length in the making: chunks, or bytes up to the close for HTTP/1.0.
type stream struct {
	x       *exchange
	chunked bool
	silent  bool // HEAD: nothing but the head
	end     End
}

// startStream sends the head of an answer of unknown length.
func (x *exchange) startStream(fields ...string) *stream {
	s := &stream{x: x, chunked: !x.c.srv.opts.HTTP10 && x.req.Proto == "HTTP/1.1", silent: x.req.Method == "HEAD"}
	s.end = x.ending(!s.chunked)
	if s.chunked {
		fields = append(fields, "Transfer-Encoding: chunked")
	}
	x.c.write(x.head(200, fields, s.end))
	return s
}

// write sends p as one piece.
func (s *stream) write(p []byte) {
	switch {
	case s.silent || len(p) == 0:
	case s.chunked:
		out := fmt.Appendf(make([]byte, 0, len(p)+16), "%x\r\n", len(p))
		s.x.c.write(append(append(out, p...), "\r\n"...))
	default:
		s.x.c.write(p)
	}
}

// finish sends the last chunk with trailer lines (without CRLF) and says how the connection goes on.
func (s *stream) finish(trailer ...string) End {
	if s.chunked && !s.silent {
		s.x.send("0\r\n" + lines(trailer...) + "\r\n")
	}
	return s.end
}

// lines joins header lines, each with its CRLF.
func lines(list ...string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\r\n") + "\r\n"
}
