// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/wire"
)

// The answer's side of upConn as an exchange.Lease.

// ReadHead implements exchange.Lease. Its deadline is set by RequestDone, which
// may come while it waits; an interim answer starts the time anew.
func (u *upConn) ReadHead(res *wire.Response) *failure.Error {
	u.in.unpin()
	u.r.pace = nil
	u.parser.Reset(&u.eng.opts.Load().Limits, u.method, u.upgrade)
	for {
		if b := u.in.bytes(); len(b) > 0 {
			n, rej := u.parser.Parse(res, b)
			if rej != nil {
				u.r.deadline.Store(0)
				return u.refused(phase.ReadHeadUp, rej, ioOK)
			}
			if n > 0 {
				u.headRead(res, n)
				return nil
			}
		}
		end, err := u.awaitBytes()
		if err != nil {
			u.r.deadline.Store(0)
			return err
		}
		if end == ioTimeout && u.onlyImpatient() {
			if u.r.total.Load() == u.gotBefore {
				return exchange.Slow
			}
			continue // it has begun to answer, which may take its time
		}
		if end != ioOK {
			u.r.deadline.Store(0)
			p := phase.ReadHeadUp
			if u.r.total.Load() == u.gotBefore {
				p = phase.AwaitHead
			}
			return u.lost(p, end, u.r.errno)
		}
		u.keepFirst(u.in.bytes())
	}
}

// onlyImpatient reports that what is over is not the time for the answer but our
// patience, and sets the deadline that is left.
func (u *upConn) onlyImpatient() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	p, all := u.patience, u.times.AwaitHead
	u.patience = 0
	if p == 0 || all > 0 && p >= all {
		return false
	}
	u.r.deadline.Store(0)
	if all > 0 {
		u.r.deadline.Store(u.eng.monoOf(u.askedAt) + int64(all))
	}
	return true
}

// awaitBytes waits for more of the answer, and sends a request that waits whole
// before that. The connection was quiet when it was chosen, so that nothing can be
// there before the request is out.
func (u *upConn) awaitBytes() (ioEnd, *failure.Error) {
	if !u.held {
		return u.fill(), nil
	}
	u.held = false
	if err := u.Flush(); err != nil {
		return ioOK, err
	}
	return u.fillLater(), nil
}

// keepFirst keeps the first bytes of the answer as evidence, and the times.
func (u *upConn) keepFirst(unread []byte) {
	u.headAt = u.eng.env.Now()
	if u.firstAt.IsZero() {
		u.firstAt = u.headAt
	}
	if int(u.firstLen) < failure.FirstBytesMax {
		u.mu.Lock() // a failing upload tells them as well
		defer u.mu.Unlock()
		from := len(unread) - u.r.n
		u.firstLen += uint8(copy(u.first[u.firstLen:], unread[from:]))
	}
}

func (u *upConn) headRead(res *wire.Response, n int) {
	u.in.pinHead(n)
	if res.Interim() {
		u.afterInterim()
		return
	}
	u.mu.Lock() // an upload that ends now must not set it again
	u.answered = true
	u.r.deadline.Store(0)
	if u.waits {
		u.waits = false
		// Not since its first byte: that may have been of a 100, before the request was
		// whole.
		now, latency := u.eng.sweep.now(), max(u.headAt.Sub(u.askedAt), 0)
		u.member.server.Answers(now, latency)
		if res.Status < 500 {
			u.member.group.Limit.Answers(now, latency)
		}
	}
	u.mu.Unlock()
	u.member.noteAnswer(res.Status)
	u.hearDate(res)
	u.closes = res.Close || res.Framing == wire.FramingClose
	u.bodyDone = res.Framing == wire.FramingNone
	if !u.bodyDone {
		u.decoder.Reset(res.Framing, res.ContentLength, &u.eng.opts.Load().Limits)
		u.endless = res.IsEventStream()
	}
	if u.endless || u.member.group.Limit.UntilHead() {
		u.leavePlace()
	}
}

// afterInterim begins the time for the answer anew, if it has begun: whoever says that
// it is at work does not hang.
func (u *upConn) afterInterim() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.patience = 0
	switch t := u.times.AwaitHead; {
	case !u.waits:
	case t > 0:
		u.r.deadline.Store(u.eng.mono() + int64(t))
	default:
		u.r.deadline.Store(0)
	}
}

// BodyHere implements exchange.Lease.
func (u *upConn) BodyHere() bool { return u.bodyDone || u.in.r < u.in.w }

// ReadBody implements exchange.Lease. The head that came before it is gone when
// it has to read more.
func (u *upConn) ReadBody() (piece []byte, end bool, err *failure.Error) {
	if u.quiet != nil {
		return u.readTunnel()
	}
	for !u.bodyDone {
		if b := u.in.bytes(); len(b) > 0 {
			data, n, end, rej := u.decoder.Next(b)
			u.in.r += n
			if rej != nil {
				return nil, false, u.refused(phase.RelayBody, rej, ioOK)
			}
			u.bodyDone = end
			if end || len(data) > 0 {
				return data, end, nil
			}
			continue
		}
		if err := u.refill(); err != nil {
			return nil, false, err
		}
	}
	return nil, true, nil
}

// refill waits for more of the body.
func (u *upConn) refill() *failure.Error {
	u.in.pin, u.in.r, u.in.w = 0, 0, 0
	u.r.pace = &u.bodyPace
	u.bodyPace.reset(Rate{Grace: u.times.BodyStall})
	if u.endless {
		u.bodyPace.reset(Rate{})
	}
	io := u.fill()
	u.r.pace = nil
	u.r.deadline.Store(0)
	switch io {
	case ioOK:
		return nil
	case ioEOF:
		end, rej := u.decoder.EOF()
		if rej == nil && end {
			u.bodyDone = true
			if u.tls.cut() {
				// RFC 9112 section 9.8: without close_notify nobody knows whether it
				// is whole.
				return u.fail(phase.RelayBody, failure.NoCloseNotify, io)
			}
			return nil
		}
		err := u.refused(phase.RelayBody, rej, io)
		err.Evidence.Missing, err.Evidence.Size = err.Evidence.Size, 0
		return err
	}
	err := u.lost(phase.RelayBody, io, u.r.errno)
	if io != ioCanceled {
		err.Evidence.Missing = u.decoder.Remaining()
	}
	return err
}

func (u *upConn) readTunnel() ([]byte, bool, *failure.Error) {
	piece, io := u.tunnelRead()
	switch io {
	case ioOK:
		return piece, false, nil
	case ioEOF:
		return nil, true, nil
	case ioTimeout:
		return nil, false, wentQuiet()
	}
	return nil, false, u.lost(phase.Tunnel, io, u.r.errno)
}

// Trailers implements exchange.Lease.
func (u *upConn) Trailers() []byte {
	if u.quiet != nil || !u.bodyDone {
		return nil
	}
	return u.decoder.Trailers()
}
