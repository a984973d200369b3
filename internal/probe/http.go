// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/upstream"
	"causey/internal/wire"
)

const (
	// bodyMax bounds what is read of a body: a page that says that it is well says so
	// early. (HAProxy looks at 16 KiB, nginx Plus at 256 KiB.)
	bodyMax = 64 << 10
	// readBytes is the first size of the buffer; what a health page answers fits.
	readBytes = 4 << 10
	// userAgent lets an owner tell checks from visitors in the server's log.
	userAgent = "causey-check"
)

// asking is one check by HTTP. It reads by the codec of requests, so that an answer
// that they would refuse fails the check. I2.
type asking struct {
	*Checker
	ctx  context.Context
	conn net.Conn
	what string // "GET /health"
	buf  []byte
	// from is where in buf what was not parsed yet begins.
	from int
}

// askHTTP sends the request and judges the answer.
func (c *Checker) askHTTP(ctx context.Context, conn net.Conn, s *upstream.Server) upstream.Check {
	a := &asking{Checker: c, ctx: ctx, conn: conn, what: c.o.Method + " " + c.o.Path}
	request := h1.AppendRequestLine(nil, []byte(c.o.Method), []byte(c.o.Path))
	request = h1.AppendField(request, "Host", c.o.authority(s))
	request = h1.AppendField(request, "User-Agent", userAgent)
	request = h1.AppendField(request, "Accept", "*/*")
	request = h1.AppendField(request, "Connection", "close")
	if _, err := conn.Write(append(request, "\r\n"...)); err != nil {
		return failed(c.broken(ctx, a.what, err))
	}
	var res wire.Response
	if wrong := a.readHead(&res); wrong != "" {
		return failed(wrong)
	}
	says := a.what + " answered " + statusText(res.Status)
	if !c.o.Statuses.has(res.Status) {
		a.readBody(&res, nil)
		return failed(says + toWhere(&res) + ", wanted " + c.o.Statuses.String())
	}
	wrong := a.readBody(&res, []byte(c.o.Body))
	switch {
	case c.o.Body == "":
		return passed(says) // how the body ends makes no difference
	case wrong != "":
		return failed(says + ", " + wrong)
	}
	return passed(says + " with " + strconv.Quote(clip(c.o.Body)))
}

// statusText names a status in our own words; the server's may be any.
func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " " + text
	}
	return strconv.Itoa(status)
}

// toWhere says where a redirect leads. It is not followed: it is what visitors get.
func toWhere(res *wire.Response) string {
	if res.Status < 300 || res.Status > 399 {
		return ""
	}
	for i := range res.Fields {
		if wire.EqualFold(res.Name(i), "location") {
			return " to " + clip(string(res.Value(i)))
		}
	}
	return ""
}

// readHead reads the head of the final answer.
func (a *asking) readHead(res *wire.Response) (wrong string) {
	limits := a.o.Limits.WithDefaults()
	method := wire.LookupMethod([]byte(a.o.Method))
	var parser h1.ResponseParser
	for interims := 0; interims <= limits.Interims; {
		parser.Reset(&limits, method, false)
		n := 0
		for n == 0 {
			var rej *h1.Reject
			if len(a.buf) > a.from {
				if n, rej = parser.Parse(res, a.buf[a.from:]); rej != nil {
					return refused(a.what, phase.ReadHeadUp, rej.Kind)
				}
			}
			if n == 0 {
				if err := a.read(); err != nil {
					return a.ended(err)
				}
			}
		}
		a.from += n
		if !res.Interim() {
			return ""
		}
		interims++
		a.buf, a.from = append(a.buf[:0], a.buf[a.from:]...), 0
	}
	return refused(a.what, phase.ReadHeadUp, failure.TooManyInterim)
}

// ended says how the connection ended before there was a whole head.
func (a *asking) ended(err error) string {
	switch {
	case len(a.buf) == 0:
		return a.broken(a.ctx, a.what, err)
	case timedOut(a.ctx, err):
		return a.late(a.what + ": the head of the answer did not end")
	case errors.Is(err, io.EOF):
		return refused(a.what, phase.ReadHeadUp, failure.Closed)
	}
	return refused(a.what, phase.ReadHeadUp, failure.Reset)
}

// read appends to buf what comes next. The parser's own limits bound a head, so that
// buf is never more than a head and what came with it.
func (a *asking) read() error {
	if len(a.buf) == cap(a.buf) {
		a.buf = append(make([]byte, 0, max(readBytes, 2*cap(a.buf))), a.buf...)
	}
	for {
		n, err := a.conn.Read(a.buf[len(a.buf):cap(a.buf)])
		a.buf = a.buf[:len(a.buf)+n]
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readBody reads the body, as far as text, its end or bodyMax. Without a text that is
// courtesy: a server whose answer is not read sees a reset, and may complain of it.
func (a *asking) readBody(res *wire.Response, text []byte) (wrong string) {
	limits := a.o.Limits.WithDefaults()
	var decoder h1.BodyDecoder
	decoder.Reset(res.Framing, res.ContentLength, &limits)
	lacks := "but its body lacks " + strconv.Quote(clip(string(text)))
	var body []byte
	got := 0
	rest := a.buf[a.from:]
	scratch := make([]byte, readBytes)
	for {
		data, n, end, rej := decoder.Next(rest)
		rest = rest[n:]
		got += len(data)
		body = append(body, data...)
		if len(text) > 0 && bytes.Contains(body, text) {
			return ""
		}
		body = body[len(body)-min(len(body), max(len(text)-1, 0)):] // where it may begin
		switch {
		case end:
			return lacks
		case rej != nil:
			return "but " + title(failure.Code{Party: failure.Upstream, Phase: phase.RelayBody, Kind: rej.Kind})
		case got >= bodyMax:
			return fmt.Sprintf("%s in its first %d KiB", lacks, bodyMax>>10)
		case len(rest) > 0:
			continue
		}
		m, err := a.conn.Read(scratch)
		if rest = scratch[:m]; m > 0 || err == nil {
			continue
		}
		if whole, _ := decoder.EOF(); whole && errors.Is(err, io.EOF) {
			return lacks
		}
		return a.cutShort(err, got)
	}
}

// cutShort says how a body ended before its end.
func (a *asking) cutShort(err error, got int) string {
	if timedOut(a.ctx, err) {
		return a.late("but its body did not end")
	}
	return fmt.Sprintf("but its body broke off after %d bytes", got)
}
