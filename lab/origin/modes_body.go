// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"fmt"

	"causey/lab/pattern"
)

// maxBuffer bounds what a mode builds in memory (I2); longer things are streamed.
const maxBuffer = 1 << 20

func patternBytes(n int) []byte {
	b := make([]byte, n)
	pattern.Fill(b, 0)
	return b
}

// bodyModes disagree with the length they announced, or send a body where none may be.
var bodyModes = []Mode{
	{Name: "short-body", Doc: "promises len bytes and sends only sent of them", Params: "len=100 sent=50 then=fin", run: shortBody},
	fixed("long-body", "three bytes more than Content-Length, in the same write", okHead+twoBytes+"\r\nok!!!", Keep),
	{Name: "leftover", Doc: "a whole answer and, a little later, stray bytes on the idle connection",
		Params: "ms=20 text=stray then=keep", run: func(x *exchange) End {
			return x.later(x.params.text("text"))
		}},
	{Name: "second-response", Doc: "a whole answer and, a little later, another that nobody asked for",
		Params: "ms=20 then=keep", run: func(x *exchange) End {
			return x.later(okHead + "Content-Length: 4\r\n\r\nevil")
		}},
	fixed("second-response-glued", "two whole answers in one write",
		okHead+twoBytes+"\r\nok"+okHead+"Content-Length: 4\r\n\r\nevil", Keep),
	sound("until-close", "a body that the close ends", okHead+"\r\nuntil the close", FIN),
	fixed("until-close-rst", "a body that an RST ends: nobody knows whether it is whole", okHead+"\r\nuntil the close", RST),
	sound("until-close-1.0", "an HTTP/1.0 body that the close ends", "HTTP/1.0 200 OK\r\n\r\nuntil the close", FIN),
	sound("empty-body", "Content-Length: 0", okHead+"Content-Length: 0\r\n\r\n", Keep),
	fixed("204-body", "204 followed by a body", "HTTP/1.1 204 No Content\r\n\r\nbody after 204", Keep),
	fixed("204-length", "204 with Content-Length and a body", "HTTP/1.1 204 No Content\r\n"+twoBytes+"\r\nok", Keep),
	fixed("204-chunked", "204 with Transfer-Encoding and chunks", "HTTP/1.1 204 No Content\r\n"+teChunked+"\r\n"+chunkedOK, Keep),
	sound("304-length", "304 with the length of what it stands for, and no body: legal",
		"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 1000\r\n\r\n", Keep),
	fixed("304-body", "304 followed by a body", "HTTP/1.1 304 Not Modified\r\n"+twoBytes+"\r\nok", Keep),
	{Name: "head-body", Doc: "sends the body in answer to HEAD as well", Params: "then=keep", run: func(x *exchange) End {
		x.send(okHead + twoBytes + "\r\nok")
		return x.params.then()
	}},
	{Name: "endless", Doc: "a chunked body without end, as fast as it is taken", Params: "limit=1099511627776 then=fin", run: endless},
}

func shortBody(x *exchange) End {
	n := x.params.num("len")
	x.sendPattern(fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", okHead, n), min(x.params.num("sent"), n))
	return x.params.then()
}

// later answers, waits until that has certainly been read on its own, and then sends more.
func (x *exchange) later(more string) End {
	x.send(okHead + twoBytes + "\r\nok")
	if !x.c.sleep(x.params.millis("ms")) {
		return Close
	}
	x.send(more)
	return x.params.then()
}

func endless(x *exchange) End {
	x.send(okHead + teChunked + "\r\n")
	out := append([]byte("10000\r\n"), patternBytes(pattern.BlockBytes)...)
	out = append(out, "\r\n"...)
	for left := x.params.num("limit"); left > 0 && !x.c.broken; left -= pattern.BlockBytes {
		x.c.write(out)
	}
	return x.params.then()
}
