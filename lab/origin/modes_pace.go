// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import "fmt"

// paceModes answer correctly, but not at the speed one hopes for.
var paceModes = []Mode{
	{Name: "trickle", Doc: "a good answer with len body bytes, n bytes at a time; what=head trickles the head only, what=body the body only",
		Params: "n=1 every=50ms len=100 what=all then=keep", Sound: true, run: trickle},
	{Name: "stall-at", Doc: "a good answer with len body bytes that falls silent after exactly at of them (never closes)",
		Params: "at=50 len=100 then=stall", run: func(x *exchange) End {
			out := lengthAnswer(int(min(x.params.num("len"), maxBuffer)))
			body := len(out) - int(min(x.params.num("len"), maxBuffer))
			x.c.write(out[:min(len(out), body+int(min(x.params.num("at"), maxBuffer)))])
			return x.params.then()
		}},
	{Name: "pause", Doc: "a good answer, with a pause of ms after its first at bytes, head included",
		Params: "at=20 ms=500 len=100 then=keep", Sound: true, run: func(x *exchange) End {
			out := lengthAnswer(int(min(x.params.num("len"), maxBuffer)))
			at := int(min(x.params.num("at"), int64(len(out))))
			x.c.write(out[:at])
			if !x.c.sleep(x.params.millis("ms")) {
				return Close
			}
			x.c.write(out[at:])
			return x.params.then()
		}},
	{Name: "late-close", Doc: "no byte for ms, then the connection ends", Params: "ms=500 then=close", run: func(x *exchange) End {
		if !x.c.sleep(x.params.millis("ms")) {
			return Close
		}
		return x.params.then()
	}},
}

// lengthAnswer is a whole answer with n bytes of the pattern.
func lengthAnswer(n int) []byte {
	return append(fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", okHead, n), patternBytes(n)...)
}

func trickle(x *exchange) End {
	n := int(min(x.params.num("len"), maxBuffer))
	out := lengthAnswer(n)
	from, to := 0, len(out)
	switch x.params.text("what") {
	case "head":
		to = len(out) - n
	case "body":
		from = len(out) - n
	}
	x.c.write(out[:from])
	step := int(min(max(x.params.num("n"), 1), maxBuffer))
	for at := from; at < to; at += step {
		x.c.write(out[at:min(at+step, to)])
		if x.c.broken || !x.c.sleep(x.params.dur("every")) {
			return Close
		}
	}
	x.c.write(out[to:])
	return x.params.then()
}
