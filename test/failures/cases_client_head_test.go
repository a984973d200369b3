// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"strings"

	"causey/lab/client"
)

// site is the host that clients ask for.
const site = "Host: shop.example\r\n"

// get is a GET request.
func get(path string, fields ...string) string {
	return "GET " + path + " HTTP/1.1\r\n" + site + lines(fields) + "\r\n"
}

func lines(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return strings.Join(fields, "\r\n") + "\r\n"
}

// ask sends a request and waits for its whole answer, or for the end of the connection.
func ask(request string) func(*stage) client.Result {
	method, _, _ := strings.Cut(request, " ")
	return func(s *stage) client.Result {
		return client.RawUntil(s.ctx, s.target(), []byte(request), client.Responses(method))
	}
}

// headCase is a request that is refused before its head was read.
func headCase(code, request string, e evidence) Case {
	return Case{code: "client.read-head." + code, play: ask(request), evidence: e}
}

// refusedAs wants the first bytes of the request as evidence, and nothing about a server.
func refusedAs(more evidence) evidence {
	e := evidence{"first_bytes": begins("G"), "reused": absent, "dialled": absent}
	for k, v := range more {
		e[k] = v
	}
	return e
}

const limitsOfHeads = "head: 2KiB, line: 1KiB, target: 512, fields: 20"

var clientHeadCases = []Case{
	headCase("bad-request-line", "GET  / HTTP/1.1\r\n"+site+"\r\n", refusedAs(nil)),
	headCase("bad-method", "G@T / HTTP/1.1\r\n"+site+"\r\n", refusedAs(evidence{"offset": 1})),
	headCase("bad-target", "GET shop HTTP/1.1\r\n"+site+"\r\n", refusedAs(evidence{"offset": 4})),
	headCase("bad-version", "GET / HTTP/3.0\r\n"+site+"\r\n", refusedAs(evidence{"offset": 11})),
	headCase("bad-field", "GET / HTTP/1.1\r\n"+site+"X A: b\r\n\r\n", refusedAs(evidence{"offset": 16 + len(site) + 1})),
	headCase("obs-fold", "GET / HTTP/1.1\r\n"+site+"X-A: b\r\n c\r\n\r\n", refusedAs(nil)),
	headCase("bare-lf", "GET / HTTP/1.1\nHost: shop.example\n\n", refusedAs(evidence{"offset": 14})),
	headCase("bare-cr", "GET / HTTP/1.1\r\n"+site+"X-A: b\rc\r\n\r\n", refusedAs(nil)),
	headCase("no-host", "GET / HTTP/1.1\r\nAccept: text/html\r\n\r\n", refusedAs(nil)),
	headCase("bad-host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", refusedAs(evidence{"field": "Host"})),
	headCase("cl-te", "GET / HTTP/1.1\r\n"+site+"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", refusedAs(nil)),
	headCase("dup-cl", "GET / HTTP/1.1\r\n"+site+"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", refusedAs(evidence{"field": "Content-Length"})),
	headCase("bad-cl", "GET / HTTP/1.1\r\n"+site+"Content-Length: +1\r\n\r\na", refusedAs(evidence{"field": "Content-Length"})),
	headCase("bad-te", "GET / HTTP/1.1\r\n"+site+"Transfer-Encoding: gzip\r\n\r\n", refusedAs(evidence{"field": "Transfer-Encoding"})),
	headCase("bad-expect", "GET / HTTP/1.1\r\n"+site+"Expect: gold\r\n\r\n", refusedAs(evidence{"field": "Expect"})),
	{code: "client.read-head.head-too-large", limits: limitsOfHeads,
		play:     ask(get("/", strings.Split(strings.Repeat("X-Pad: "+strings.Repeat("p", 400)+"\n", 6), "\n")[:6]...)),
		evidence: refusedAs(evidence{"limit": 2048, "size": above(2048)})},
	{code: "client.read-head.target-too-long", limits: limitsOfHeads,
		play: ask(get("/" + strings.Repeat("t", 600))), evidence: refusedAs(evidence{"limit": 512, "size": above(512)})},
	{code: "client.read-head.too-many-fields", limits: limitsOfHeads,
		play:     ask(get("/", strings.Split(strings.Repeat("X-A: b\n", 30), "\n")[:30]...)),
		evidence: refusedAs(evidence{"limit": 20, "size": 21})},
	headCase("other-protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", evidence{"field": "tls", "first_bytes": begins(`\x16\x03\x01`)}),
	{code: "client.read-head.timeout", timeouts: "read_head: 150ms", play: ask("GET / HTTP/1.1\r\nHost: sh"),
		evidence: evidence{"end": "open", "first_bytes": begins(`GET / HTTP/1.1\r\nHost: sh`)}},
	{code: "client.read-head.closed", seen: left, play: leave("GET / HTTP/1.1\r\nHost: sh", client.FIN),
		evidence: evidence{"end": "fin", "errno": absent, "first_bytes": begins("GET / HTTP/1.1")}},
	{code: "client.read-head.reset", seen: left, play: func(s *stage) client.Result {
		c := s.dial()
		c.Send([]byte("GET / HTTP/1.1\r\nHost: sh"))
		s.active(1)
		return c.Leave(client.RST)
	}, evidence: evidence{"end": "rst", "errno": "ECONNRESET", "first_bytes": begins("GET / HTTP/1.1")}},
}

// leave sends bytes and ends the connection.
func leave(request string, how client.How) func(*stage) client.Result {
	return func(s *stage) client.Result {
		return client.HalfRequest(s.ctx, s.target(), []byte(request), len(request), how)
	}
}
