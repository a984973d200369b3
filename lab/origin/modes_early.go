// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"fmt"
	"io"
	"net/http"
)

// earlyModes do not wait for the request's body, or do not want it.
var earlyModes = []Mode{
	{Name: "early", Doc: "the final answer after so many bytes of the request's body; then=keep reads the rest",
		Params: "status=413 after=0 len=20 then=fin", Early: true, Sound: true, run: early},
	{Name: "never-read", Doc: "reads the head and then neither reads nor answers", Early: true, run: func(*exchange) End { return Stall }},
	{Name: "read-some", Doc: "reads so many bytes of the request's body, then ends without an answer",
		Params: "after=1000 then=stall", Early: true, run: func(x *exchange) End {
			x.readSome(x.params.num("after"))
			return x.params.then()
		}},
	{Name: "slow-read", Doc: "reads the request's body n bytes at a time, then answers", Params: "n=1024 every=20ms",
		Early: true, Sound: true, run: slowRead},
	{Name: "close-head", Doc: "ends when the head has been read, body or not", Params: "then=close", Early: true,
		run: func(x *exchange) End { return x.params.then() }},
	{Name: "continue-stall", Doc: "answers 100 (Continue) and then neither reads nor answers", Early: true, run: func(x *exchange) End {
		x.body.proceed()
		return Stall
	}},
	{Name: "continue-end", Doc: "answers 100 (Continue) and then ends", Params: "then=close", Early: true, run: func(x *exchange) End {
		x.body.proceed()
		return x.params.then()
	}},
	{Name: "continue-never", Doc: "never sends 100 (Continue) and waits for the body", Early: true, Sound: true, run: func(x *exchange) End {
		x.body.expects = false
		if x.body.discard() != nil {
			return Close
		}
		return upload(x)
	}},
	{Name: "continue-many", Doc: "sends n answers 100 (Continue), then reads the body", Params: "n=3", Early: true, Sound: true,
		run: func(x *exchange) End {
			x.body.expects = false
			x.repeat("HTTP/1.1 100 Continue\r\n\r\n", x.params.num("n"))
			if x.body.discard() != nil {
				return Close
			}
			return upload(x)
		}},
}

func early(x *exchange) End {
	code := int(x.params.num("status"))
	if code < 200 || code > 999 {
		return x.reject("status is a final status")
	}
	x.readSome(x.params.num("after"))
	body := patternBytes(int(min(x.params.num("len"), maxBuffer)))
	x.c.write(append(fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n\r\n", code, http.StatusText(code), len(body)), body...))
	return x.params.then()
}

// readSome reads n bytes of the body, or fewer if it is shorter.
func (x *exchange) readSome(n int64) {
	if n > 0 {
		_, _ = io.CopyN(io.Discard, x.body, n)
	}
}

func slowRead(x *exchange) End {
	buf := make([]byte, min(max(x.params.num("n"), 1), maxBuffer))
	for {
		if _, err := x.body.Read(buf); err != nil {
			break
		}
		if !x.c.sleep(x.params.dur("every")) {
			return Close
		}
	}
	if !x.body.atEnd() {
		return Close
	}
	return upload(x)
}
