// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/wire"
)

// The request side of clientConn as an exchange.ClientStream.

// ReadHead reads a request head. Its first byte has come.
func (c *clientConn) ReadHead(req *wire.Request) *failure.Error {
	e := c.eng
	o := e.opts.Load()
	c.opts, c.req = o, req
	c.bodyDone.Store(false)
	c.refilled = false
	c.keep, c.complete, c.begun, c.quiet = true, false, false, nil
	c.out = c.out[:0]
	c.r.pace = nil
	// One pace for a whole body: what counts is the rate, not each piece.
	c.upPace.reset(o.Upload)
	c.downPace.reset(o.Download)
	c.parser.Reset(&o.Limits)
	c.arrival.HeadAt = c.arrival.First
	deadline := e.monoOf(c.arrival.First) + int64(o.ReadHead)
	for {
		n, rej := c.parser.Parse(req, c.in.bytes())
		if rej != nil {
			return c.refuse(phase.ReadHead, rej)
		}
		if n > 0 {
			c.headRead(req, n)
			return nil
		}
		c.r.deadline.Store(deadline)
		end := c.fillRequest()
		c.r.deadline.Store(0)
		if end != ioOK {
			return c.broken(phase.ReadHead, end)
		}
		c.arrival.HeadAt = e.env.Now()
	}
}

// fillRequest waits for more of a request.
func (c *clientConn) fillRequest() ioEnd {
	c.isAsking(true)
	end := c.fill()
	c.isAsking(false)
	return end
}

// isAsking says that bytes of the request are waited for, or no longer. A nil c asks
// nothing.
func (c *clientConn) isAsking(waits bool) {
	switch {
	case c == nil:
	case waits:
		c.asking.Store(max(c.eng.monoOf(c.arrival.First), 1))
	default:
		c.asking.Store(0)
	}
}

// headRead makes the connection ready for the body and lets go of the big buffer
// if nothing follows.
func (c *clientConn) headRead(req *wire.Request, n int) {
	c.in.pinHead(n)
	c.decoder.Reset(req.Framing, req.ContentLength, &c.opts.Limits)
	c.in.brief = !req.HasBody() // and so, most likely, is the next request
	if c.in.brief {
		c.bodyDone.Store(true)
		req.Buf = c.in.settle()[:n]
		return
	}
	switch room := len(c.in.b) - c.in.pin; {
	case room >= readMin:
		return
	case len(c.in.b) == smallBuf:
		c.in.moveTo(getLarge()[:largeBuf])
	default:
		c.in.moveTo(make([]byte, c.in.pin+largeBuf))
	}
	req.Buf = c.in.b[:n]
}

// BodyHere implements exchange.ClientStream.
func (c *clientConn) BodyHere() bool {
	return c.bodyDone.Load() || c.req.Framing == wire.FramingLength && int64(c.in.w-c.in.r) >= c.decoder.Remaining()
}

// Rewind implements exchange.ClientStream.
func (c *clientConn) Rewind() bool {
	if c.refilled || c.canceled.Load() {
		return false
	}
	c.in.r = c.in.pin
	c.bodyDone.Store(!c.req.HasBody())
	c.decoder.Reset(c.req.Framing, c.req.ContentLength, &c.opts.Limits)
	return true
}

// ReadBody implements exchange.ClientStream.
func (c *clientConn) ReadBody() (piece []byte, end bool, err *failure.Error) {
	if c.quiet != nil {
		piece, io := c.tunnelRead()
		switch io {
		case ioOK:
			return piece, false, nil
		case ioEOF:
			return nil, true, nil
		case ioTimeout:
			return nil, false, wentQuiet()
		}
		return nil, false, c.broken(phase.Tunnel, io)
	}
	for !c.bodyDone.Load() {
		if b := c.in.bytes(); len(b) > 0 {
			data, n, end, rej := c.decoder.Next(b)
			c.in.r += n
			if rej != nil {
				return nil, false, c.refuse(phase.SendBody, rej)
			}
			c.bodyDone.Store(end)
			if end || len(data) > 0 {
				return data, end, nil
			}
			continue
		}
		c.refilled = true
		c.r.pace = &c.upPace
		io := c.fillRequest()
		c.r.pace = nil
		c.r.deadline.Store(0)
		if io != ioOK {
			return nil, false, c.broken(phase.SendBody, io)
		}
	}
	return nil, true, nil
}

// RequestTrailers implements exchange.ClientStream.
func (c *clientConn) RequestTrailers() []byte { return c.decoder.Trailers() }

// StopBody implements exchange.ClientStream. Unless the body was at its end the
// connection is not used again, but the answer can still be sent.
func (c *clientConn) StopBody() {
	c.stopReading()
}

// ResumeBody implements exchange.ClientStream.
func (c *clientConn) ResumeBody() { c.readStopped.Store(false) }

// refuse makes the failure for bytes that the codec refused.
func (c *clientConn) refuse(p phase.Phase, rej *h1.Reject) *failure.Error {
	err := newError(failure.Client, p, rej.Kind)
	if rej.Kind == failure.OtherProtocol && rej.Field == "proxy-protocol" && c.pretends() {
		err.Code.Phase, err.Code.Kind = phase.Accept, failure.ProxyUntrusted
	}
	err.Site = rej.Site
	ev := &err.Evidence
	ev.Offset, ev.Size, ev.Limit, ev.Field = int64(rej.Offset), int64(rej.Size), int64(rej.Limit), rej.Field
	if p == phase.ReadHead {
		c.keep = false // in a body, bodyDone says so
		ev.SetFirst(c.in.bytes())
	}
	return err
}

// broken makes the failure for a client's connection that ended, or took too
// long, in phase p.
func (c *clientConn) broken(p phase.Phase, end ioEnd) *failure.Error {
	if end == ioCanceled {
		return exchange.Canceled
	}
	kind := failure.Closed
	switch {
	case end == ioErrno || p == phase.Tunnel:
		kind = failure.Reset
	case end == ioTimeout && p == phase.ReadHead:
		kind = failure.Timeout
	case end == ioTimeout:
		kind = failure.TooSlow
	}
	err := newError(failure.Client, p, kind)
	ev := &err.Evidence
	ev.End, ev.Errno = endOf(end, c.r.errno), c.r.errno
	c.tls.tell(err)
	if p == phase.ReadHead {
		c.keep = false
		ev.SetFirst(c.in.bytes())
	}
	if p == phase.SendBody {
		ev.Missing = c.decoder.Remaining()
	}
	return err
}
