// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"bytes"
	"strings"
	"testing"

	"causey/internal/wire"
)

const browserGET = "GET /shop/item?id=42 HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Referer: https://shop.example.com/\r\n" +
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n" +
	"Connection: keep-alive\r\n" +
	"Cache-Control: no-cache\r\n" +
	"X-Forwarded-For: 192.0.2.7\r\n\r\n"

const originAnswer = "HTTP/1.1 200 OK\r\n" +
	"Server: nginx/1.22.1\r\n" +
	"Date: Sat, 04 Oct 2025 10:00:00 GMT\r\n" +
	"Content-Type: text/html; charset=utf-8\r\n" +
	"Content-Length: 1024\r\n" +
	"Last-Modified: Fri, 03 Oct 2025 09:00:00 GMT\r\n" +
	"Connection: keep-alive\r\n" +
	"ETag: \"68df8a10-400\"\r\n" +
	"Accept-Ranges: bytes\r\n\r\n"

// hotPath is the codec's part of relaying one keep-alive GET.
type hotPath struct {
	limits   wire.Limits
	reqs     RequestParser
	ress     ResponseParser
	req      wire.Request
	res      wire.Response
	body     BodyDecoder
	out      []byte
	in, back []byte
	chunks   []byte
	skip     [wire.FieldCount]bool
}

func newHotPath() *hotPath {
	h := &hotPath{limits: defaults, in: []byte(browserGET), back: []byte(originAnswer), out: make([]byte, 0, 4096)}
	for range 16 {
		h.chunks = append(AppendChunkHeader(h.chunks, 1000), bytes.Repeat([]byte("x"), 1000)...)
		h.chunks = append(h.chunks, ChunkEnd...)
	}
	h.chunks = append(h.chunks, LastChunk+"\r\n"...)
	h.skip[wire.Host], h.skip[wire.XForwardedFor], h.skip[wire.Date] = true, true, true
	return h
}

func (h *hotPath) parseRequest() bool {
	h.reqs.Reset(&h.limits)
	n, rej := h.reqs.Parse(&h.req, h.in)
	return n == len(h.in) && rej == nil
}

func (h *hotPath) parseResponse() bool {
	h.ress.Reset(&h.limits, wire.GET, false)
	n, rej := h.ress.Parse(&h.res, h.back)
	return n == len(h.back) && rej == nil
}

func (h *hotPath) appendRequest() bool {
	h.out = AppendRequestLine(h.out[:0], h.req.Bytes(h.req.MethodSpan), h.req.Bytes(h.req.PathSpan))
	h.out = AppendFieldBytes(h.out, "Host", h.req.Bytes(h.req.HostSpan))
	h.out = AppendFields(h.out, &h.req.Head, &h.skip)
	return len(h.out) > 100
}

func (h *hotPath) appendResponse() bool {
	h.out = AppendStatusLine(h.out[:0], h.res.Status, h.res.Bytes(h.res.ReasonSpan))
	h.out = AppendFields(h.out, &h.res.Head, &h.skip)
	return len(h.out) > 100
}

func (h *hotPath) decodeChunks() bool {
	h.body.Reset(wire.FramingChunked, 0, &h.limits)
	rest, total := h.chunks, 0
	for {
		data, n, end, rej := h.body.Next(rest)
		total += len(data)
		rest = rest[n:]
		if end || rej != nil {
			return end && total == 16_000
		}
	}
}

func (h *hotPath) steps() []hotStep {
	return []hotStep{
		{"ParseRequest", len(h.in), h.parseRequest},
		{"ParseResponse", len(h.back), h.parseResponse},
		{"AppendRequest", len(h.in), h.appendRequest},
		{"AppendResponse", len(h.back), h.appendResponse},
		{"Chunks", len(h.chunks), h.decodeChunks},
	}
}

type hotStep struct {
	name  string
	bytes int
	run   func() bool
}

// I5: the budget of every step is 0 allocations.
func TestAllocs(t *testing.T) {
	h := newHotPath()
	for _, s := range h.steps() {
		if !s.run() {
			t.Fatalf("%s went wrong", s.name)
		}
		if n := testing.AllocsPerRun(100, func() { s.run() }); n != 0 {
			t.Errorf("%s allocates %v times", s.name, n)
		}
	}
}

// I2: what was searched for a line's end is not searched again when more comes.
func TestDripFedHeadIsSearchedOnce(t *testing.T) {
	in := []byte("GET / HTTP/1.1\r\nHost: h\r\nCookie: " + strings.Repeat("x", 5000) + "\r\n\r\n")
	var p RequestParser
	var req wire.Request
	p.Reset(&defaults)
	for n := 1; n < len(in); n++ {
		if got, rej := p.Parse(&req, in[:n]); got != 0 || rej != nil {
			t.Fatalf("after %d bytes: %d, %+v", n, got, rej)
		}
		// A CR waits for its LF; everything before it is done with.
		if p.scan < n-1 {
			t.Fatalf("after %d bytes the search begins at %d", n, p.scan)
		}
	}
	if got, rej := p.Parse(&req, in); got != len(in) || rej != nil {
		t.Fatalf("%d, %+v", got, rej)
	}
}

func benchmark(b *testing.B, name string) {
	h := newHotPath()
	for _, s := range h.steps() {
		if !s.run() {
			b.Fatalf("%s went wrong", s.name)
		}
		if s.name != name {
			continue
		}
		b.SetBytes(int64(s.bytes))
		b.ReportAllocs()
		for b.Loop() {
			s.run()
		}
		return
	}
	b.Fatalf("no step %s", name)
}

func BenchmarkParseRequest(b *testing.B)   { benchmark(b, "ParseRequest") }
func BenchmarkParseResponse(b *testing.B)  { benchmark(b, "ParseResponse") }
func BenchmarkAppendRequest(b *testing.B)  { benchmark(b, "AppendRequest") }
func BenchmarkAppendResponse(b *testing.B) { benchmark(b, "AppendResponse") }
func BenchmarkBodyChunks(b *testing.B)     { benchmark(b, "Chunks") }
