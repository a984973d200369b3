// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
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

func BenchmarkParseRequest(b *testing.B) {
	var p RequestParser
	var req wire.Request
	buf := []byte(browserGET)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		p.Reset(&defaults)
		if n, rej := p.Parse(&req, buf); n != len(buf) || rej != nil {
			b.Fatal(n, rej)
		}
	}
}

func TestParseRequestAndBody(t *testing.T) {
	in := []byte("POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: x-a\r\nX-A: 1\r\nX-B: 2\r\n\r\n" +
		"5;e=1\r\nhello\r\n0\r\nX-T: 1\r\nHost: x\r\n\r\nGET")
	var p RequestParser
	var req wire.Request
	p.Reset(&defaults)
	n, rej := p.Parse(&req, in)
	if rej != nil {
		t.Fatal(rej)
	}
	if got := string(AppendFields(nil, &req.Head, nil)); got != "Host: h\r\nX-B: 2\r\n" {
		t.Errorf("forwarded fields: %q", got)
	}
	var d BodyDecoder
	d.Reset(req.Framing, req.ContentLength, &defaults)
	data, used, end, rej := d.Next(in[n:])
	if string(data) != "hello" || !end || rej != nil || string(in[n+used:]) != "GET" {
		t.Errorf("body: %q, end %v, rej %v, rest %q", data, end, rej, in[n+used:])
	}
	if got := string(d.Trailers()); got != "X-T: 1\r\n" {
		t.Errorf("trailers: %q", got)
	}
}

func TestParseResponse(t *testing.T) {
	in := []byte("HTTP/1.1 200\r\nContent-Length: 005\r\nKeep-Alive: timeout=7, max=3\r\n\r\nhello")
	var p ResponseParser
	var res wire.Response
	p.Reset(&defaults, wire.GET, false)
	n, rej := p.Parse(&res, in)
	if rej != nil || n != len(in)-5 || res.ContentLength != 5 || res.KeepAliveTimeout != 7 {
		t.Fatalf("n %d, rej %+v, res %+v", n, rej, res)
	}
	if got := string(AppendFields(nil, &res.Head, nil)); got != "Content-Length: 5\r\n" {
		t.Errorf("forwarded fields: %q", got)
	}
}
