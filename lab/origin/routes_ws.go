// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"causey/lab/ws"
)

const maxFrame = 1 << 20

func webSocket(x *exchange) End {
	key := x.req.Get("Sec-WebSocket-Key")
	if !x.req.has("Upgrade", "websocket") || !x.req.has("Connection", "upgrade") || key == "" {
		return x.reply(answer{status: 426, fields: []string{"Upgrade: websocket", "Connection: Upgrade"}, body: []byte("this is a WebSocket\n")})
	}
	x.send("HTTP/1.1 101 Switching Protocols\r\n" +
		lines("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: "+ws.AcceptKey(key)) + "\r\n")
	after := x.params.num("after")
	for n := int64(1); ; n++ {
		f, err := ws.ReadFrame(x.c.in, maxFrame)
		if err != nil || x.c.broken {
			return FIN
		}
		switch f.Opcode {
		case ws.Ping:
			f.Opcode = ws.Pong
		case ws.Pong:
			continue
		}
		x.c.write(ws.AppendFrame(nil, f, nil))
		if f.Opcode == ws.Goaway {
			return FIN
		}
		if n == after {
			return x.params.then()
		}
	}
}
