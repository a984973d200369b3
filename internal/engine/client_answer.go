// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"syscall"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/wire"
)

// The answer's side of clientConn as an exchange.ClientStream.

// Interim implements exchange.ClientStream.
func (c *clientConn) Interim(o *exchange.Out) *failure.Error {
	b := h1.AppendStatusLine(c.outBuf(), o.Status, reason(o))
	b = appendHead(b, o)
	c.out = append(b, "\r\n"...)
	begun := c.begun
	err := c.Flush()
	c.begun = begun // an interim answer is not the answer
	return err
}

// SendHead implements exchange.ClientStream.
func (c *clientConn) SendHead(o *exchange.Out) *failure.Error {
	old := c.req.Version < 11
	if o.Head == nil && c.dead.Load() && !c.begun {
		c.reprieve()
	}
	c.out = c.outBuf()[:0]
	b := h1.AppendStatusLine(c.out, o.Status, reason(o))
	b = appendHead(b, o)
	if o.Head == nil || o.Head.Find(wire.Date) < 0 {
		b = h1.AppendFieldBytes(b, "Date", c.eng.date())
	}
	c.framing = wire.FramingNone
	switch {
	case o.Upgrade != nil:
		b = h1.AppendField(b, "Connection", "Upgrade")
		b = h1.AppendFieldBytes(b, "Upgrade", o.Upgrade)
		c.keep, c.framing = false, wire.FramingTunnel
		c.out = append(b, "\r\n"...)
		return nil
	case o.NoBody:
	case o.Framing == wire.FramingChunked && old:
		c.framing, c.keep = wire.FramingClose, false
	case o.Framing == wire.FramingChunked:
		c.framing = wire.FramingChunked
		b = h1.AppendField(b, "Transfer-Encoding", "chunked")
	default:
		c.framing = o.Framing
	}
	// What is left of the request's body, and what a draining gateway may not
	// wait for, ends the connection.
	if c.req.Close || !c.bodyDone.Load() || c.eng.draining.Load() {
		c.keep = false
	}
	switch {
	case !c.keep:
		b = h1.AppendField(b, "Connection", "close")
	case old:
		b = h1.AppendField(b, "Connection", "keep-alive")
	}
	c.out = append(b, "\r\n"...)
	return nil
}

// WriteBody implements exchange.ClientStream. What fits behind the bytes that
// wait is copied there, so that a head and a short body leave in one packet.
func (c *clientConn) WriteBody(piece []byte) *failure.Error {
	if c.quiet != nil {
		if end := c.tunnelWrite(piece); end != ioOK {
			return c.unsent(end)
		}
		return nil
	}
	chunked := c.framing == wire.FramingChunked
	if len(c.out)+len(piece)+chunkOverhead > largeBuf || !chunked && len(piece) >= copyMax {
		return c.writeLarge(piece, chunked)
	}
	b := c.outBuf()
	if chunked {
		b = h1.AppendChunkHeader(b, len(piece))
	}
	b = append(b, piece...)
	if chunked {
		b = append(b, h1.ChunkEnd...)
	}
	c.out = b
	return nil
}

// copyMax is the shortest piece that is sent from where it lies although it could
// be copied behind what waits, where that costs no system call more.
const copyMax = 8 << 10

// writeLarge sends a piece from where it lies, behind what waits. A reader who is
// slow to take it costs that one buffer: what frames the piece stands in a small
// one.
func (c *clientConn) writeLarge(piece []byte, chunked bool) *failure.Error {
	if chunked {
		if c.out == nil {
			c.out = getSmall()
		}
		c.out = h1.AppendChunkHeader(c.out, len(piece))
	}
	err := c.send(c.out, piece)
	if c.out != nil {
		putBuf(c.out)
		c.out = nil
	}
	if err == nil && chunked {
		c.out = append(getSmall(), h1.ChunkEnd...)
	}
	return err
}

// chunkOverhead is what framing adds to a piece at most.
const chunkOverhead = 32

// EndBody implements exchange.ClientStream.
func (c *clientConn) EndBody(trailers []byte) *failure.Error {
	switch c.framing {
	case wire.FramingChunked:
		b := append(c.outBuf(), h1.LastChunk...)
		b = append(b, trailers...)
		c.out = append(b, "\r\n"...)
	case wire.FramingTunnel:
		if err := c.Flush(); err != nil {
			return err
		}
		c.tunnelEnd()
		return nil
	}
	if err := c.Flush(); err != nil {
		return err
	}
	c.complete = true
	return nil
}

// Flush implements exchange.ClientStream.
func (c *clientConn) Flush() *failure.Error {
	if len(c.out) == 0 {
		return nil
	}
	err := c.send(c.out, nil)
	putBuf(c.out)
	c.out = nil
	return err
}

// send writes p and then q, as slowly as the client's pace allows.
func (c *clientConn) send(p, q []byte) *failure.Error {
	before := c.w.total.Load()
	c.w.pace = &c.downPace
	end := c.write(p, q)
	c.w.deadline.Store(0)
	if c.w.total.Load() > before {
		c.begun = true
	}
	if end != ioOK {
		return c.unsent(end)
	}
	return nil
}

// unsent makes the failure for an answer that could not be sent.
func (c *clientConn) unsent(end ioEnd) *failure.Error {
	if end == ioCanceled {
		return exchange.Canceled
	}
	c.keep = false
	p := phase.RelayBody
	if c.quiet != nil {
		p = phase.Tunnel
	}
	kind := failure.Reset
	switch {
	case p == phase.Tunnel && end == ioTimeout:
		return wentQuiet()
	case p == phase.Tunnel: // a tunnel's client has one way to break it
	case end == ioTimeout:
		kind = failure.TooSlow
	case c.w.errno == syscall.EPIPE:
		kind = failure.Closed
	}
	err := newError(failure.Client, p, kind)
	err.Evidence.Errno, err.Evidence.End = c.w.errno, endOf(end, c.w.errno)
	c.tls.tell(err)
	return err
}

// Begun implements exchange.ClientStream.
func (c *clientConn) Begun() bool { return c.begun }

// Abort implements exchange.ClientStream.
func (c *clientConn) Abort() {
	c.keep, c.complete = false, false
	if c.out != nil {
		putBuf(c.out)
		c.out = nil
	}
	if c.begun {
		c.tls.leaveSilently()
	}
	if c.begun && c.framing == wire.FramingClose {
		// Only the end of the connection ends this body: a FIN would say that it
		// is whole.
		c.resetOnClose()
	}
}

// Tunnel implements exchange.ClientStream.
func (c *clientConn) Tunnel(q exchange.QuietRule) {
	c.mu.Lock() // the sweeper may be looking
	c.quiet = q
	c.mu.Unlock()
	c.in.unpin()
	c.in.brief = false
}

// outBuf returns the answer's buffer, taking one if there is none.
func (c *clientConn) outBuf() []byte {
	switch cap(c.out) {
	case 0:
		c.out = getLarge()
	case smallBuf:
		small := c.out
		c.out = append(getLarge(), small...)
		putBuf(small)
	}
	return c.out
}
