// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/wire"
)

// The request side of upConn as an exchange.Lease.

// SendHead implements exchange.Lease.
func (u *upConn) SendHead(o *exchange.Out) *failure.Error {
	b := h1.AppendRequestLine(getLarge(), o.Method, o.Path)
	b = appendHead(b, o)
	if o.Framing == wire.FramingChunked {
		b = h1.AppendField(b, "Transfer-Encoding", "chunked")
	}
	switch {
	case o.Upgrade != nil:
		b = h1.AppendField(b, "Connection", "Upgrade")
		b = h1.AppendFieldBytes(b, "Upgrade", o.Upgrade)
	case hasTE(o):
		b = h1.AppendField(b, "Connection", "TE")
	}
	u.out = append(b, "\r\n"...)
	u.framing, u.upgrade, u.method = o.Framing, o.Upgrade != nil, wire.LookupMethod(o.Method)
	return nil
}

func hasTE(o *exchange.Out) bool {
	for i := range o.Add {
		if o.Add[i].Name == "TE" {
			return true
		}
	}
	return false
}

// WriteBody implements exchange.Lease.
func (u *upConn) WriteBody(piece []byte) *failure.Error {
	if u.quiet != nil {
		return u.unsent(phase.Tunnel, u.tunnelWrite(piece))
	}
	b := u.out
	if b == nil {
		b = getLarge()
	}
	fits := len(b)+len(piece)+chunkOverhead <= largeBuf
	if u.framing == wire.FramingChunked {
		b = h1.AppendChunkHeader(b, len(piece))
	}
	if fits {
		b = append(b, piece...)
	} else {
		err := u.send(u.sendPhase(), b, piece)
		if b = b[:0]; err != nil {
			u.out = b
			return err
		}
	}
	if u.framing == wire.FramingChunked {
		b = append(b, h1.ChunkEnd...)
	}
	u.out = b
	return nil
}

// EndBody implements exchange.Lease.
func (u *upConn) EndBody(trailers []byte) *failure.Error {
	if u.quiet != nil {
		u.tunnelEnd()
		return nil
	}
	if u.framing == wire.FramingChunked {
		if u.out == nil {
			u.out = getLarge()
		}
		u.out = append(append(append(u.out, h1.LastChunk...), trailers...), "\r\n"...)
	}
	if u.Sent() == 0 && len(u.out) <= largeBuf {
		// The whole request is here and nobody waits for its answer yet: ReadHead
		// sends it on its way to waiting.
		u.requestEnd, u.held = true, true
		return nil
	}
	if err := u.Flush(); err != nil {
		return err
	}
	u.requestEnd = true
	return nil
}

// Flush implements exchange.Lease.
func (u *upConn) Flush() *failure.Error {
	if len(u.out) == 0 {
		return nil
	}
	err := u.send(u.sendPhase(), u.out, nil)
	putBuf(u.out)
	u.out = nil
	return err
}

// sendPhase tells whether the head is still on its way.
func (u *upConn) sendPhase() phase.Phase {
	if u.Sent() == 0 {
		return phase.SendHead
	}
	return phase.SendBody
}

// send writes p and then q. A server that takes nothing for too long has stalled.
func (u *upConn) send(ph phase.Phase, p, q []byte) *failure.Error {
	u.sendPace.reset(Rate{Grace: u.times.SendStall})
	u.w.pace = &u.sendPace
	end := u.write(p, q)
	u.w.deadline.Store(0)
	return u.unsent(ph, end)
}

// unsent makes the failure for a write that did not end well.
func (u *upConn) unsent(ph phase.Phase, end ioEnd) *failure.Error {
	switch {
	case end == ioOK:
		return nil
	case end == ioTimeout && ph == phase.Tunnel:
		return wentQuiet()
	}
	u.sendBroken = true
	return u.lost(ph, end, u.w.errno)
}

// RequestDone implements exchange.Lease. Where the answer began before the request
// was whole there is nothing left to wait for.
func (u *upConn) RequestDone(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.answered || u.waits {
		return
	}
	at := u.eng.monoOf(now)
	u.waits, u.askedAt = true, now
	u.member.server.Waits(at)
	d := u.times.AwaitHead
	if p := u.patience; p > 0 && (d == 0 || p < d) {
		d = p
	}
	if d > 0 {
		u.r.deadline.Store(at + int64(d))
	}
}

// Tunnel implements exchange.Lease.
func (u *upConn) Tunnel(q exchange.QuietRule) {
	u.quiet = q
	u.in.unpin()
	u.leavePlace()
}
