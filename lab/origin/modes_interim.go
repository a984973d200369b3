// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"

// interimModes misuse 1xx (RFC 9110 section 15.2).
var interimModes = []Mode{
	{Name: "interim-flood", Doc: "interim answers and never a final one, up to n", Params: "n=1073741824 code=103 then=fin", run: func(x *exchange) End {
		for i := int64(0); i < x.params.num("n") && !x.c.broken; i++ {
			x.send(interimHead(x.params.num("code"), i))
		}
		return x.params.then()
	}},
	fixed("interim-end", "one interim answer, then the end", hints, FIN),
	fixed("interim-length", "103 with a Content-Length and a body", "HTTP/1.1 103 Early Hints\r\n"+twoBytes+"\r\nok"+okHead+twoBytes+"\r\nok", Keep),
	fixed("interim-bad", "a malformed interim head", "HTTP/1.1 103 Early Hints\r\nLink\r\n\r\n"+okHead+twoBytes+"\r\nok", Keep),
	fixed("interim-1.0", "an interim answer of HTTP/1.0", "HTTP/1.0 103 Early Hints\r\n\r\n"+okHead+twoBytes+"\r\nok", Keep),
	{Name: "interim-large", Doc: "one interim head of so many bytes", Params: "bytes=262144 then=keep", run: func(x *exchange) End {
		return x.padded("HTTP/1.1 103 Early Hints\r\nLink: ", "\r\n\r\n"+okHead+twoBytes+"\r\nok")
	}},
	sound("100-unasked", "a 100 (Continue) that nobody asked for, which is legal", "HTTP/1.1 100 Continue\r\n\r\n"+okHead+twoBytes+"\r\nok", Keep),
	sound("102", "a 102 (Processing) first, which is legal", "HTTP/1.1 102 Processing\r\n\r\n"+okHead+twoBytes+"\r\nok", Keep),
	sound("199", "an unknown interim status first, which is legal", "HTTP/1.1 199 Odd\r\n\r\n"+okHead+twoBytes+"\r\nok", Keep),
}

const (
	switching = "HTTP/1.1 101 Switching Protocols\r\n"
	toWS      = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	// The right key for "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" and wrong for every other.
	sampleKey = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)

// upgradeModes misuse 101 (RFC 9110 section 7.8).
var upgradeModes = []Mode{
	fixed("101-unasked", "101 though nobody asked for an upgrade", switching+toWS+"\r\n", Stall),
	fixed("101-wrong", "101 to another protocol than the one asked for", switching+"Upgrade: quantum\r\nConnection: Upgrade\r\n\r\n", Stall),
	fixed("101-no-upgrade", "101 without Upgrade", switching+"Connection: Upgrade\r\n\r\n", Stall),
	fixed("101-no-connection", "101 without Connection: Upgrade", switching+"Upgrade: websocket\r\n\r\n", Stall),
	fixed("101-length", "101 with a Content-Length", switching+toWS+twoBytes+"\r\nok", Stall),
	fixed("101-end", "101, and the tunnel ends at once", switching+toWS+sampleKey+"\r\n", FIN),
	fixed("101-early", "101 with tunnel bytes in the same write (a text frame), then the end",
		switching+toWS+sampleKey+"\r\n\x81\x05hello", FIN),
	sound("upgrade-ignored", "200 instead of 101, which is legal", okHead+twoBytes+"\r\nok", Keep),
	sound("upgrade-refused", "403 instead of 101, which is legal", "HTTP/1.1 403 Forbidden\r\n"+twoBytes+"\r\nno", Keep),
	sound("426", "426 (Upgrade Required), which is legal",
		"HTTP/1.1 426 Upgrade Required\r\n"+toWS+twoBytes+"\r\nno", Keep),
}
