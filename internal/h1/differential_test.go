// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"causey/internal/wire"
)

// An outcome is what one implementation makes of the first message of some
// bytes. refused says why it does not take the head, bodyRefused why not the
// body; both are empty if it does.
type outcome struct {
	refused, bodyRefused string
	unfinished           bool // more bytes could come

	method, target, host string
	status               int
	version              uint8
	length               int64 // -1: chunked or until the connection ends
	chunked, close       bool
	body                 string
	rest                 int // bytes behind the message
}

// ours reads the first message of input with this codec.
func ours(input []byte, response bool) (o outcome) {
	var req wire.Request
	var res wire.Response
	var n int
	var rej *Reject
	h := &req.Head
	if response {
		var p ResponseParser
		p.Reset(&defaults, wire.GET, true)
		n, rej = p.Parse(&res, input)
		h = &res.Head
	} else {
		var p RequestParser
		p.Reset(&defaults)
		n, rej = p.Parse(&req, input)
	}
	if rej != nil {
		return outcome{refused: rej.Site}
	}
	if n == 0 {
		return outcome{unfinished: true}
	}
	o = outcome{
		version: h.Version, close: h.Close, length: h.ContentLength, chunked: h.Framing == wire.FramingChunked,
		status: res.Status, method: string(h.Bytes(req.MethodSpan)), target: string(h.Bytes(req.TargetSpan)),
		host: string(h.Bytes(req.HostSpan)),
	}
	if h.Framing == wire.FramingNone && (!response || o.length < 0) {
		o.length = 0
	}
	var d BodyDecoder
	d.Reset(h.Framing, h.ContentLength, &defaults)
	rest := input[n:]
	for {
		data, used, end, rej := d.Next(rest)
		o.body += string(data)
		rest = rest[used:]
		if rej != nil {
			o.bodyRefused = rej.Site
			return o
		}
		if end {
			break
		}
		if len(rest) == 0 {
			done, _ := d.EOF()
			o.unfinished = !done
			break
		}
	}
	o.rest = len(rest)
	return o
}

// theirs reads the first message of input with net/http.
func theirs(input []byte, response bool) (o outcome) {
	src := bufio.NewReader(bytes.NewReader(input))
	var body io.ReadCloser
	if response {
		res, err := http.ReadResponse(src, &http.Request{Method: "GET"})
		if err != nil {
			return outcome{refused: err.Error(), unfinished: isCut(err)}
		}
		body = res.Body
		o = outcome{status: res.StatusCode, version: version(res.ProtoMajor, res.ProtoMinor), length: res.ContentLength,
			chunked: len(res.TransferEncoding) > 0, close: res.Close}
	} else {
		req, err := http.ReadRequest(src)
		if err != nil {
			return outcome{refused: err.Error(), unfinished: isCut(err)}
		}
		body = req.Body
		o = outcome{method: req.Method, target: req.RequestURI, host: req.Host, version: version(req.ProtoMajor, req.ProtoMinor),
			length: req.ContentLength, chunked: len(req.TransferEncoding) > 0, close: req.Close}
	}
	b, err := io.ReadAll(body)
	o.body = string(b)
	switch {
	case isCut(err):
		o.unfinished = true
	case err != nil:
		o.bodyRefused = err.Error()
	}
	rest, _ := io.ReadAll(src)
	o.rest = len(rest)
	return o
}

func version(major, minor int) uint8 { return uint8(major*10 + minor) }

func isCut(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// differ compares two outcomes and describes the first difference, in a form that
// the tables of accepted differences can match: who refuses, and where.
func differ(a, b outcome) string {
	switch {
	case a.refused == "" && a.unfinished && a.version == 0:
		return "" // the head is not complete; net/http judges halves of lines too
	case a.refused != "" && b.refused != "":
		return ""
	case a.refused != "":
		return "we refuse: " + a.refused
	case b.refused != "":
		return "net/http refuses: " + b.refused
	case a.bodyRefused != "" && (b.bodyRefused != "" || b.unfinished):
		return ""
	case a.bodyRefused != "":
		return "we refuse: " + a.bodyRefused
	case b.bodyRefused != "":
		return "net/http refuses: " + b.bodyRefused
	}
	for _, f := range []struct {
		name string
		a, b any
	}{
		{"method", a.method, b.method}, {"target", a.target, b.target}, {"host", a.host, b.host},
		{"status", a.status, b.status}, {"version", a.version, b.version}, {"chunked", a.chunked, b.chunked},
		{"length", a.length, b.length}, {"close", a.close, b.close}, {"unfinished", a.unfinished, b.unfinished},
		{"body", a.body, b.body}, {"rest", a.rest, b.rest},
	} {
		if f.a != f.b {
			return fmt.Sprintf("%s: %v, net/http: %v", f.name, f.a, f.b)
		}
	}
	return ""
}

// TestDifferential compares the codec with net/http over the corpora and over
// mutations of good messages. Every difference must stand in accepted, with its
// reason, and the example of every entry must still show it.
func TestDifferential(t *testing.T) {
	for i := range accepted {
		a := &accepted[i]
		input, response := []byte(a.shows), strings.HasPrefix(a.shows, "HTTP/")
		if d := differ(ours(input, response), theirs(input, response)); explain(d, input, response) != a {
			t.Errorf("the example of %q shows %q", a.difference, d)
		}
	}
	failures := 0
	compare := func(input []byte, response bool) {
		d := differ(ours(input, response), theirs(input, response))
		if d == "" {
			return
		}
		if explain(d, input, response) != nil {
			return
		}
		if failures++; failures <= 20 {
			t.Errorf("%s\n%q", d, input)
		}
	}
	seeds := [2][][]byte{}
	for _, pattern := range []string{"testdata/*.txt", "testdata/smuggling/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for _, c := range loadCases(t, file) {
				setup := strings.Join(c.setup, " ")
				if strings.ReplaceAll(setup, "response", "") != "" {
					continue // limits and request methods of its own
				}
				role := 0
				if setup != "" {
					role = 1
				}
				compare(c.input, role == 1)
				if len(c.input) < 400 {
					seeds[role] = append(seeds[role], c.input)
				}
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40_000 {
		role := rng.IntN(2)
		compare(mutate(rng, seeds[role]), role == 1)
	}
}

// pieces are what mutations put in.
var pieces = []string{
	" ", "\t", "\r", "\n", "\r\n", "\x00", "\x0b", "\x7f", "\x80", ":", ";", ",", "0", "5", "a", "-", "+", "_", "/", "#", "%", "@", "[", "*",
	"\r\n ", "\r\n\r\n", "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n",
	"Host: x\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", "Trailer: X\r\n", "HTTP/1.0", "HTTP/1.1", "chunked", "0\r\n\r\n", "5;x\r\n",
}

// mutate changes one to three places of a good message.
func mutate(rng *rand.Rand, seeds [][]byte) []byte {
	b := bytes.Clone(seeds[rng.IntN(len(seeds))])
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(b) + 1)
		end := min(len(b), at+rng.IntN(3))
		piece := pieces[rng.IntN(len(pieces))]
		switch rng.IntN(4) {
		case 0: // insert
			end = at
		case 1: // delete
			piece = ""
		case 2: // insert at the beginning of a line
			if i := bytes.LastIndexByte(b[:at], '\n'); i >= 0 {
				at, end = i+1, i+1
			}
		case 3: // replace
		}
		b = append(b[:at:at], append([]byte(piece), b[end:]...)...)
	}
	return b
}
