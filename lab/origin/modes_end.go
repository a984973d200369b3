// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"fmt"

	"causey/lab/pattern"
)

// endModes end the connection at a chosen byte of an otherwise good answer.
var endModes = []Mode{
	fixed("fin", "FIN before any byte of the answer", "", FIN),
	fixed("close", "close(2) before any byte of the answer", "", Close),
	fixed("rst", "RST before any byte of the answer", "", RST),
	fixed("stall", "reads the request and never answers", "", Stall),
	fixed("half-head", "half of a head", "HTTP/1.1 200 OK\r\nContent-Type: text/pl", Stall),
	fixed("half-status", "half of a status line", "HTTP/1.1 2", Stall),
	fixed("head-only", "a head that promises a body, and none of it", okHead+"Content-Length: 100\r\n\r\n", Stall),
	{Name: "cut", Doc: "a good answer with len body bytes, ended after exactly at bytes, head included",
		Params: "at=100 len=1024 chunked=0 then=fin", run: cut},
	{Name: "reused", Doc: "good on a fresh connection, ends a reused one unanswered (the keep-alive race)",
		Params: "then=close", run: func(x *exchange) End {
			if x.req.Seq == 1 {
				return hello(x)
			}
			return x.params.then()
		}},
	{Name: "flaky", Doc: "fails the first n requests that carry the same key, then is good (status=0: ends unanswered)",
		Params: "key=a n=1 status=0 then=close", run: func(x *exchange) End {
			if !x.c.srv.failAgain(x.params.text("key"), int(x.params.num("n"))) {
				return hello(x)
			}
			if code := x.params.num("status"); code >= 200 && code <= 999 {
				return x.reply(answer{status: int(code), body: []byte("not yet\n")})
			}
			return x.params.then()
		}},
}

func cut(x *exchange) End {
	left, n := x.params.num("at"), x.params.num("len")
	head := okHead + fmt.Sprintf("Content-Length: %d\r\n\r\n", n)
	if x.params.yes("chunked") {
		head = okHead + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", n)
	}
	send := func(p []byte) {
		p = p[:min(int64(len(p)), left)]
		left -= int64(len(p))
		x.c.write(p)
	}
	send([]byte(head))
	body := pattern.NewReader(n)
	for buf := make([]byte, min(n+1, pattern.BlockBytes)); left > 0 && !x.c.broken; {
		k, err := body.Read(buf)
		if err != nil {
			break
		}
		send(buf[:k])
	}
	if x.params.yes("chunked") {
		send([]byte("\r\n0\r\n\r\n"))
	}
	return x.params.then()
}
