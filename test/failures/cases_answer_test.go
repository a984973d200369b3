// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"strings"

	"causey/lab/client"
	"causey/lab/origin"
)

// onReused makes one good exchange and then another request on the same connection to the server.
func onReused(request string) func(*stage) client.Result {
	return func(s *stage) client.Result {
		if _, err := s.dial().Ask([]byte(get("/"))); err != nil {
			s.t.Fatalf("the first exchange: %v", err)
		}
		// Its connection is given back before its record is written.
		s.eventually("record of the first exchange", func() bool { return len(s.lines()) == 1 })
		return ask(request)(s)
	}
}

func answerHeadCases() []Case {
	const brief = "await_head: 150ms"
	// none is the evidence of a server that read the whole request and said nothing.
	none := func(end string) evidence {
		return evidence{"end": end, "reused": false, "request_number": 1, "bytes_written": above(50), "bytes_acked": above(50),
			"response_bytes": 0, "first_bytes": absent, "dialled": begins("127.0.0.1:")}
	}
	stale := func(end string) evidence {
		return evidence{"end": end, "reused": true, "request_number": 2, "idle_ms": atLeast(0), "bytes_written": above(50), "response_bytes": 0}
	}
	some := func(end string) evidence {
		return evidence{"end": end, "reused": false, "response_bytes": above(0), "first_bytes": begins("HTTP/1.1 2")}
	}
	bad := func(kind, mode, first string, more evidence) Case {
		e := evidence{"end": "open", "reused": false, "first_bytes": begins(first), "response_bytes": above(0)}
		for k, v := range more {
			e[k] = v
		}
		return Case{code: "upstream.read-head-up." + kind, play: ask(get("/lab/" + mode)), evidence: e, attempts: 1}
	}
	const ok = `HTTP/1.1 200 OK\r\n`
	return []Case{
		{code: "upstream.await-head.closed", play: ask(get("/lab/fin")), evidence: none("fin"), attempts: 1},
		{code: "upstream.await-head.reset", play: ask(get("/lab/rst")), evidence: none("rst"), attempts: 1},
		{code: "upstream.await-head.timeout", timeouts: brief, play: ask(get("/lab/stall")), evidence: none("open"), attempts: 1},
		{code: "upstream.await-head.closed", as: "after-upload", play: ask(post("/lab/fin", 100, strings.Repeat("x", 100))),
			evidence: none("fin"), attempts: 1},
		{code: "upstream.await-head.closed-reused", origin: origin.Options{ReuseHow: origin.FIN},
			play: onReused(post("/", 4, "body")), evidence: stale("fin"), attempts: 1},
		{code: "upstream.await-head.reset-reused", origin: origin.Options{ReuseHow: origin.RST},
			play: onReused(post("/", 4, "body")), evidence: stale("rst"), attempts: 1},

		{code: "upstream.read-head-up.closed", play: ask(get("/lab/half-head?then=fin")), evidence: some("fin"), attempts: 1},
		{code: "upstream.read-head-up.reset", play: ask(get("/lab/half-head?then=rst")), evidence: some("rst"), attempts: 1},
		{code: "upstream.read-head-up.timeout", timeouts: brief, play: ask(get("/lab/half-head")), evidence: some("open"), attempts: 1},
		bad("bad-status-line", "status-alpha", "HTTP/1.1 abc", evidence{"offset": 9}),
		bad("not-http", "http09", "<html>", evidence{"offset": 0}),
		bad("other-protocol", "as-mysql", `J\x00\x00\x00\n8.0`, evidence{"field": "mysql"}),
		bad("bad-version", "version-2", "HTTP/2.0 200", nil),
		bad("bad-field", "space-before-colon", ok+"X-A : b", evidence{"offset": 20, "field": "X-A"}),
		bad("obs-fold", "obs-fold", ok+`X-A: b\r\n c`, evidence{"offset": 25}),
		bad("bare-lf", "bare-lf-all", `HTTP/1.1 200 OK\nCon`, evidence{"offset": 15}),
		bad("bare-cr", "bare-cr", ok+`X-A: b\rX-B`, evidence{"offset": 23}),
		bad("cl-te", "cl-te", ok, nil),
		bad("dup-cl", "cl-dup-equal", ok, evidence{"field": "Content-Length"}),
		bad("bad-cl", "cl-negative", ok, evidence{"field": "Content-Length"}),
		bad("bad-te", "te-unknown", ok, evidence{"field": "Transfer-Encoding"}),
		withLimits(bad("head-too-large", "head-large?bytes=8192", ok, evidence{"limit": 2048, "size": above(2048)})),
		withLimits(bad("too-many-fields", "fields-many?n=40", ok, evidence{"limit": 20, "size": 21})),
		{code: "upstream.read-head-up.too-many-interim", limits: "interims: 4", play: ask(get("/lab/interim-flood?n=100&then=stall")),
			evidence: evidence{"limit": 4, "size": 5}},
		bad("unexpected-upgrade", "101-unasked", "HTTP/1.1 101", nil),
		{code: "upstream.read-head-up.bad-upgrade", play: ask(get("/lab/101-wrong", "Connection: Upgrade", "Upgrade: websocket"))},
		{code: "upstream.read-head-up.bad-upgrade", as: "no-field", play: ask(get("/lab/101-no-upgrade", "Connection: Upgrade", "Upgrade: websocket"))},
	}
}

func withLimits(c Case) Case {
	c.limits = limitsOfHeads
	return c
}

const (
	okHead   = "HTTP/1.1 200 OK\r\n"
	inChunks = okHead + "Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n"
)

// http10 makes a request one of HTTP/1.0.
func http10(request string) string { return strings.Replace(request, "HTTP/1.1", "HTTP/1.0", 1) }

func answerBodyCases() []Case {
	began := func(more evidence) evidence {
		e := evidence{"reused": false, "request_number": 1, "response_bytes": above(20), "first_bytes": begins("HTTP/1.1 200"), "bytes_written": above(50)}
		for k, v := range more {
			e[k] = v
		}
		return e
	}
	fin, rst, open := evidence{"end": "fin"}, evidence{"end": "rst"}, evidence{"end": "open"}
	long := strings.Repeat("x", 400)
	const brief = "body_stall: 150ms"
	return []Case{
		{code: "upstream.relay-body.short", seen: cut, play: ask(get("/lab/short-body?len=100&sent=60")),
			evidence: began(evidence{"end": "fin", "missing": 40})},
		{code: "upstream.relay-body.short", as: "http10", seen: cut, play: ask(http10(get("/lab/short-body?len=100&sent=60"))),
			evidence: began(evidence{"end": "fin", "missing": 40})},
		{code: "upstream.relay-body.reset", seen: cut, play: ask(get("/lab/cut?at=300&len=1024&then=rst")), evidence: began(rst)},
		{code: "upstream.relay-body.reset", as: "until-close", seen: cut, play: ask(get("/lab/until-close-rst")), evidence: began(rst)},
		{code: "upstream.relay-body.reset", as: "until-close-http10", seen: cut, play: ask(http10(get("/lab/until-close-rst"))), evidence: began(rst)},
		{code: "upstream.relay-body.timeout", timeouts: brief, seen: cut, play: ask(get("/lab/stall-at?at=50&len=100")),
			evidence: began(evidence{"end": "open", "missing": 50})},
		{code: "upstream.relay-body.bad-chunk", seen: cut, play: ask(get(exactly(origin.Keep, inChunks, "zz\r\nbad!\r\n0\r\n\r\n"))), evidence: began(open)},
		{code: "upstream.relay-body.bad-chunk", as: "before-the-head-left", play: ask(get("/lab/chunk-size-alpha")), evidence: began(open)},
		{code: "upstream.relay-body.bad-chunk", as: "http10", seen: cut,
			play: ask(http10(get(exactly(origin.Keep, inChunks, "zz\r\nbad!\r\n0\r\n\r\n")))), evidence: began(open)},
		{code: "upstream.relay-body.chunk-ext-too-large", limits: "chunk_line: 64", seen: cut,
			play: ask(get(exactly(origin.Keep, inChunks, "4;e="+long+"\r\ngood\r\n0\r\n\r\n"))), evidence: began(evidence{"limit": 64, "size": above(64)})},
		{code: "upstream.relay-body.no-last-chunk", seen: cut, play: ask(get("/lab/no-last-chunk")), evidence: began(fin)},
		{code: "upstream.relay-body.no-last-chunk", as: "http10", seen: cut, play: ask(http10(get("/lab/no-last-chunk"))), evidence: began(fin)},
		{code: "upstream.relay-body.no-last-chunk", as: "in-a-chunk", seen: cut, play: ask(get("/lab/chunk-cut")), evidence: began(fin)},
		{code: "upstream.relay-body.bad-trailer", seen: cut, play: ask(get(exactly(origin.Keep, inChunks, "0\r\nBroken\r\n\r\n"))), evidence: began(open)},
		{code: "upstream.relay-body.trailers-too-large", limits: "trailers: 256", seen: cut,
			play: ask(get(exactly(origin.Keep, inChunks, "0\r\nX-A: "+long+"\r\n\r\n"))), evidence: began(evidence{"limit": 256, "size": above(256)})},
		{code: "upstream.relay-body.excess", seen: whole, play: ask(get("/lab/long-body")),
			evidence: began(evidence{"first_bytes": "!!!"})},
		{code: "upstream.tunnel.reset", seen: broken, play: func(s *stage) client.Result {
			return s.tunnel("/ws?after=1&then=rst").Leave(client.Wait)
		}, evidence: evidence{"end": "rst", "errno": "ECONNRESET", "reused": false}},
	}
}
