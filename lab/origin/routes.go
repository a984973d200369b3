// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"causey/lab/pattern"
)

// routes are what a good origin does. The name is the path's first element; some take an argument after it.
var routes = []Mode{
	{Name: "", Doc: "a short text", Sound: true, run: hello},
	{Name: "size", Doc: "/size/N: N bytes of the pattern with Content-Length", Sound: true, run: size},
	{Name: "chunked", Doc: "/chunked/N: N bytes of the pattern in chunks", Params: "chunk=8192", Sound: true, run: chunked},
	{Name: "echo", Doc: "the request as JSON: method, target, headers, body length and SHA-256", Sound: true, run: echo},
	{Name: "echo-body", Doc: "the request's body back while it still comes (full duplex)", Sound: true, Early: true, run: echoBody},
	{Name: "upload", Doc: "reads the body; its length and SHA-256 as JSON", Sound: true, run: upload},
	{Name: "status", Doc: "/status/NNN: that status", Params: "retry-after=", Sound: true, run: status},
	{Name: "sse", Doc: "server-sent events; n=0 never ends", Params: "n=5 every=50ms", Sound: true, run: serverSent},
	{Name: "ws", Doc: "WebSocket echo; ends the tunnel after so many frames (0: the peer does)", Params: "after=0 then=fin", Sound: true, run: webSocket},
	{Name: "slow", Doc: "waits ms before the head", Params: "ms=1000", Sound: true, run: slow},
	{Name: "slow-body", Doc: "head and first half of the body, waits ms, second half", Params: "ms=1000 len=2048", Sound: true, run: slowBody},
	{Name: "expect", Doc: "waits ms, then 100-continue, or a final status, or (answer=0) neither, and then reads the body", Params: "answer=100 ms=0", Sound: true, Early: true, run: expect},
	{Name: "interim", Doc: "n interim answers before the final one", Params: "n=1 code=103", Sound: true, run: interim},
	{Name: "trailers", Doc: "a chunked answer with announced trailer fields", Sound: true, run: trailers},
	{Name: "close", Doc: "says Connection: close and closes", Sound: true, run: closing},
	{Name: "close-after", Doc: "a whole answer that promises to keep the connection, which then ends", Params: "then=close", Sound: true, run: closeAfter},
}

func hello(x *exchange) End {
	return x.reply(answer{status: 200, fields: plain, body: []byte("hello from the lab origin\n")})
}

var (
	plain  = []string{"Content-Type: text/plain"}
	binary = []string{"Content-Type: application/octet-stream"}
	asJSON = []string{"Content-Type: application/json"}
)

func size(x *exchange) End {
	n, ok := parseNumber(x.arg)
	if !ok {
		return x.reject("/size/N needs a number")
	}
	return x.reply(answer{status: 200, fields: binary, size: n})
}

func chunked(x *exchange) End {
	n, ok := parseNumber(x.arg)
	if !ok {
		return x.reject("/chunked/N needs a number")
	}
	s := x.startStream(binary...)
	if s.silent {
		return s.finish()
	}
	buf := make([]byte, min(max(x.params.num("chunk"), 1), 1<<20))
	for at := int64(0); at < n && !x.c.broken; {
		piece := buf[:min(n-at, int64(len(buf)))]
		pattern.Fill(piece, at)
		s.write(piece)
		at += int64(len(piece))
	}
	return s.finish()
}

func echo(x *exchange) End {
	type seen struct {
		Method  string     `json:"method"`
		Target  string     `json:"target"`
		Proto   string     `json:"proto"`
		Headers [][]string `json:"headers"` // pairs, in order
		Bytes   int64      `json:"body_bytes"`
		SHA256  string     `json:"body_sha256"`
		Conn    int        `json:"connection"`
		Seq     int        `json:"request"` // number on the connection
	}
	r := x.req
	out := seen{r.Method, r.Target, r.Proto, [][]string{}, r.BodyBytes, r.BodySHA256, r.Conn, r.Seq}
	for _, f := range r.Fields {
		out.Headers = append(out.Headers, []string{f.Name, f.Value})
	}
	return x.replyJSON(out)
}

func upload(x *exchange) End {
	return x.replyJSON(map[string]any{"bytes": x.req.BodyBytes, "sha256": x.req.BodySHA256})
}

func (x *exchange) replyJSON(v any) End {
	b, err := json.Marshal(v)
	if err != nil {
		return x.reject(err.Error())
	}
	return x.reply(answer{status: 200, fields: asJSON, body: append(b, '\n')})
}

func echoBody(x *exchange) End {
	x.body.proceed()
	s := x.startStream(binary...)
	buf := make([]byte, 32<<10)
	for {
		n, err := x.body.Read(buf)
		s.write(buf[:n])
		if err != nil {
			if x.body.atEnd() {
				return s.finish()
			}
			return Close
		}
		if x.c.broken {
			return Close
		}
	}
}

func status(x *exchange) End {
	code, err := strconv.Atoi(x.arg)
	if err != nil || code < 200 || code > 999 {
		return x.reject("/status/NNN needs a final status")
	}
	a := answer{status: code, fields: plain, body: fmt.Appendf(nil, "status %d\n", code)}
	if after := x.params.text("retry-after"); after != "" {
		a.fields = []string{plain[0], "Retry-After: " + after}
	}
	return x.reply(a)
}

func closing(x *exchange) End {
	return x.reply(answer{status: 200, fields: plain, body: []byte("the last one\n"), close: true})
}

func closeAfter(x *exchange) End {
	if end := x.reply(answer{status: 200, fields: plain, body: []byte("see you again\n")}); end != Keep {
		return end
	}
	return x.params.then()
}

func trailers(x *exchange) End {
	s := x.startStream("Content-Type: text/plain", "Trailer: X-Lab-Sum, X-Lab-Bytes")
	s.write([]byte("body before the trailers\n"))
	return s.finish("X-Lab-Sum: 0123456789abcdef", "X-Lab-Bytes: 25")
}

// atEnd reports whether the body was read whole.
func (b *bodyReader) atEnd() bool { return errors.Is(b.err, io.EOF) }
