// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"bufio"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// conn is one accepted connection, owned by one goroutine.
type conn struct {
	srv  *Server
	raw  socket
	nc   duplex        // raw, or TLS over it
	in   *bufio.Reader // reads through tap
	seen *Connection   // its entry in the log

	seq      int // requests read on it
	answered int
	jabbered bool // IdleBytes were sent
	broken   bool // a write failed: nobody is listening any more
}

func newConn(s *Server, nc socket) *conn {
	c := &conn{srv: s, raw: nc, nc: nc, seen: s.log.opened(nc.RemoteAddr().String())}
	c.in = bufio.NewReaderSize(tap{c}, 4096)
	return c
}

// tap reads from the socket and tells the log every byte and the peer's end.
type tap struct{ c *conn }

func (t tap) Read(p []byte) (int, error) {
	n, err := t.c.nc.Read(p)
	if n > 0 {
		t.c.srv.log.received(t.c.seen, p[:n])
	}
	switch {
	case errors.Is(err, io.EOF):
		t.c.srv.log.peerEnded(t.c.seen, PeerFIN)
	case errors.Is(err, unix.ECONNRESET):
		t.c.srv.log.peerEnded(t.c.seen, PeerRST)
	}
	return n, err
}

// write sends p whole unless the connection is broken or the server closes.
func (c *conn) write(p []byte) {
	if c.broken || len(p) == 0 {
		return
	}
	if _, err := c.nc.Write(p); err != nil {
		c.broken = true
	}
}

// serve is the life of a connection whose accept mode is "serve".
func (c *conn) serve() {
	if !c.startTLS() {
		c.end(Bare) // the alert, if there was one, is not to be lost to a reset
		return
	}
	for {
		if how := c.awaitRequest(); how != Keep {
			c.end(how)
			return
		}
		x, err := c.readHead()
		if err != nil {
			c.end(c.refuse(x, err))
			return
		}
		how := c.diesReused(x)
		if how == Keep {
			how = x.answer()
			c.answered++
		}
		how = c.afterAnswer(x, how)
		if how != Keep {
			c.end(how)
			return
		}
	}
}

// awaitRequest waits for the first byte of a request, with what Options says about idle connections.
func (c *conn) awaitRequest() End {
	o := &c.srv.opts
	idleSince := time.Now()
	if len(o.IdleBytes) > 0 && c.answered > 0 && !c.jabbered {
		switch c.peek(idleSince.Add(o.IdleBytesAfter)) {
		case arrived:
			return Keep
		case gone:
			return Close
		}
		c.jabbered = true
		c.write(o.IdleBytes)
	}
	var deadline time.Time
	if o.IdleClose > 0 {
		deadline = idleSince.Add(o.IdleClose)
	}
	switch c.peek(deadline) {
	case arrived:
		return Keep
	case gone:
		return Close
	}
	return o.CloseHow
}

type arrival int

const (
	arrived arrival = iota
	late
	gone
)

// peek waits for a byte until deadline (zero: for ever) and leaves it unread.
func (c *conn) peek(deadline time.Time) arrival {
	_ = c.nc.SetReadDeadline(deadline)
	_, err := c.in.Peek(1)
	_ = c.nc.SetReadDeadline(time.Time{})
	switch {
	case err == nil:
		return arrived
	case errors.Is(err, os.ErrDeadlineExceeded):
		return late
	}
	return gone
}

// diesReused is ReuseHow if this request is one that Options.ReuseHow is meant for, otherwise Keep. The request is
// read whole, so that a close is a FIN.
func (c *conn) diesReused(x *exchange) End {
	o := &c.srv.opts
	if o.ReuseHow == "" || x.req.Seq == 1 || (o.ReuseMethod != "" && o.ReuseMethod != x.req.Method) {
		return Keep
	}
	_ = x.body.discard()
	return o.ReuseHow
}

// afterAnswer turns Keep into an end where the connection cannot or shall not go on.
func (c *conn) afterAnswer(x *exchange, how End) End {
	if how != Keep {
		return how
	}
	if x.body.err == nil && x.body.expects {
		return FIN // a final answer instead of the 100: nobody can tell whether the body still comes
	}
	if c.broken || x.body.discard() != nil {
		return Close
	}
	if n := c.srv.opts.CloseAfter; n > 0 && c.answered >= n {
		return c.srv.opts.CloseHow
	}
	return Keep
}

// refuse answers a head that could not be used and says how to end the connection.
func (c *conn) refuse(x *exchange, err error) End {
	switch {
	case errors.Is(err, errHeadTooLarge):
		x.reply(answer{status: 431, body: []byte("request head too large\n"), close: true})
		return FIN
	case errors.Is(err, errHead):
		x.reply(answer{status: 400, body: []byte("no request line\n"), close: true})
		return FIN
	}
	return Close
}
