// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"crypto/tls"
	"io"
	"time"
)

// tlsModes are servers that fail a TLS handshake, each after it has read a ClientHello. A server that fails it by its
// certificate, versions or wishes is "serve" with Options.TLS.
var tlsModes = []AcceptMode{
	{"hello-alert", "reads a ClientHello, answers with the fatal alert of that number, and sends FIN", true, afterHello(func(c *conn) End {
		c.write([]byte{recordAlert, 3, 3, 0, 2, alertFatal, c.srv.arg})
		return FIN
	})},
	{"hello-hold", "reads a ClientHello, and then neither reads nor writes", false, afterHello(func(*conn) End { return Stall })},
	{"hello-plain", "answers a ClientHello in plain HTTP", false, afterHello(func(c *conn) End {
		c.write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		return FIN
	})},
	{"hello-garbage", "answers a ClientHello with bytes of no protocol", false, afterHello(func(c *conn) End {
		c.write([]byte("\x00\x01\x02garbage\xff\xfe\r\n"))
		return FIN
	})},
	{"hello-broken", "answers a ClientHello with a ServerHello that is shorter than it says inside", false, afterHello(func(c *conn) End {
		c.write([]byte{recordHandshake, 3, 3, 0, 8, 2, 0, 0, 4, 3, 3, 1, 2})
		return FIN
	})},
	{"hello-fin", "reads a ClientHello and sends FIN", false, afterHello(func(*conn) End { return FIN })},
	{"hello-rst", "reads a ClientHello and sends RST", false, afterHello(func(*conn) End { return RST })},
}

// Of RFC 8446: the types of records (section 5.1), and the level of alerts (section 6).
const (
	recordAlert     = 21
	recordHandshake = 22
	alertFatal      = 2
)

// afterHello reads one record whole and then does f.
func afterHello(f func(*conn) End) func(*conn) {
	return func(c *conn) {
		var head [5]byte
		if _, err := io.ReadFull(c.in, head[:]); err != nil {
			c.end(Close)
			return
		}
		if _, err := io.CopyN(io.Discard, c.in, int64(head[3])<<8|int64(head[4])); err != nil {
			c.end(Close)
			return
		}
		c.end(f(c))
	}
}

// startTLS shakes hands where Options.TLS asks for it; false if that failed.
func (c *conn) startTLS() bool {
	if c.srv.opts.TLS == nil {
		return true
	}
	t := tls.Server(c.raw, c.srv.opts.TLS)
	_ = c.raw.SetDeadline(time.Now().Add(c.srv.opts.HoldLimit))
	if err := t.Handshake(); err != nil {
		return false
	}
	_ = c.raw.SetDeadline(time.Time{})
	c.nc = t
	return true
}
