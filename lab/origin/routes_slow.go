// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"fmt"
	"time"
)

func (p params) millis(name string) time.Duration {
	return time.Duration(p.num(name)) * time.Millisecond
}

func slow(x *exchange) End {
	if !x.c.sleep(x.params.millis("ms")) {
		return Close
	}
	return x.reply(answer{status: 200, fields: plain, body: []byte("slow, but here\n")})
}

func slowBody(x *exchange) End {
	n := int(min(x.params.num("len"), maxBuffer))
	out := append(x.head(200, []string{fmt.Sprintf("Content-Length: %d", n)}, x.ending(false)), patternBytes(n)...)
	x.c.write(out[:len(out)-n/2])
	if !x.c.sleep(x.params.millis("ms")) {
		return Close
	}
	x.c.write(out[len(out)-n/2:])
	return x.ending(false)
}

// expect shows each way to meet "Expect: 100-continue". A client that did not ask for it gets no 100.
func expect(x *exchange) End {
	if !x.c.sleep(x.params.millis("ms")) {
		return Close
	}
	switch code := x.params.num("answer"); {
	case code == 100:
		x.body.proceed()
	case code == 0:
		x.body.expects = false
	case code < 200 || code > 999:
		return x.reject("answer is 100, 0 or a final status")
	default:
		return x.reply(answer{status: int(code), fields: plain, body: []byte("not even started\n")})
	}
	if x.body.discard() != nil {
		return Close
	}
	return upload(x)
}

func interim(x *exchange) End {
	code := x.params.num("code")
	if code < 100 || code > 199 || code == 101 {
		return x.reject("code is an interim status other than 101")
	}
	for i := int64(0); i < x.params.num("n") && !x.c.broken; i++ {
		x.send(interimHead(code, i))
	}
	return hello(x)
}

func interimHead(code, i int64) string {
	if code == 103 {
		return fmt.Sprintf("HTTP/1.1 103 Early Hints\r\nLink: </style-%d.css>; rel=preload; as=style\r\n\r\n", i)
	}
	return fmt.Sprintf("HTTP/1.1 %d Interim\r\n\r\n", code)
}

func serverSent(x *exchange) End {
	s := x.startStream("Content-Type: text/event-stream", "Cache-Control: no-cache")
	n := x.params.num("n")
	for i := int64(1); (i <= n || n == 0) && !s.silent; i++ {
		s.write(fmt.Appendf(nil, "id: %d\ndata: event %d\n\n", i, i))
		if x.c.broken || (i != n && !x.c.sleep(x.params.dur("every"))) {
			return Close
		}
	}
	return s.finish()
}
