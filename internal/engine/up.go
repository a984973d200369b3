// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// upConn is a connection to a server that speaks HTTP/1.1, and the
// exchange.Lease of each of its exchanges in turn.
type upConn struct {
	sock
	member *member
	times  *exchange.Timeouts
	// patience is when ReadHead says Slow; waits reports that the server is to answer
	// a request that it has whole, since askedAt. mu guards the three.
	patience time.Duration
	waits    bool
	askedAt  time.Time
	addr     netip.AddrPort

	born      int64 // engine's clock
	idleSince int64
	idleFor   time.Duration // before the present exchange
	requests  uint32
	placed    bool          // it has one of the group's places
	took      time.Duration // to resolve and connect

	// The request side.
	out        []byte
	framing    wire.Framing
	method     wire.Method
	upgrade    bool
	sentBefore int64 // bytes written before this exchange
	sendPace   pace
	requestEnd bool
	// held reports that the whole request is in out and not sent yet.
	held       bool
	sendBroken bool

	// The answer's side.
	parser    h1.ResponseParser
	decoder   h1.BodyDecoder
	gotBefore int64 // bytes read before this exchange
	firstAt   time.Time
	headAt    time.Time  // when bytes of a head came last
	mu        sync.Mutex // guards first, firstLen, and answered with its deadline
	first     [failure.FirstBytesMax]byte
	firstLen  uint8
	answered  bool // a final head was read
	bodyDone  bool
	endless   bool // an event stream: its silence is no failure
	closes    bool // the server will close after this answer
	bodyPace  pace
}

// begin makes the connection ready for the next exchange.
func (u *upConn) begin(now int64, w *exchange.Want) {
	u.times, u.patience = w.Timeouts, w.Patience
	u.requests++
	u.idleFor = 0
	if u.requests > 1 {
		u.idleFor = time.Duration(now - u.idleSince)
	}
	u.sentBefore, u.gotBefore = u.w.total.Load(), u.r.total.Load()
	u.requestEnd, u.held, u.sendBroken, u.answered, u.bodyDone = false, false, false, false, false
	u.endless, u.closes, u.quiet = false, false, nil
	u.firstAt, u.firstLen = time.Time{}, 0
}

// adopt takes over the socket of a connection that won a race.
func (u *upConn) adopt(rival *upConn) {
	u.sock.takeOver(&rival.sock)
	u.addr = rival.addr
}

// Cancel implements exchange.Lease.
func (u *upConn) Cancel() { u.cancel() }

// Authority implements exchange.Lease.
func (u *upConn) Authority() string { return u.member.server.Authority }

// reused reports that the connection had carried an exchange before.
func (u *upConn) reused() bool { return u.requests > 1 }

// Sent implements exchange.Lease.
func (u *upConn) Sent() int64 { return u.w.total.Load() - u.sentBefore }

// FirstByteAt implements exchange.Lease.
func (u *upConn) FirstByteAt() time.Time { return u.firstAt }

// HeadAt implements exchange.Lease.
func (u *upConn) HeadAt() time.Time { return u.headAt }

// Note implements exchange.Lease.
func (u *upConn) Note(a *record.Attempt) {
	a.Dialled, a.Reused, a.RequestNumber, a.IdleFor = u.addr, u.reused(), u.requests, u.idleFor
	if !a.Reused {
		a.Connect = u.took
	}
}

// Release implements exchange.Lease.
func (u *upConn) Release(why failure.Code) *failure.Error {
	u.member.noteEnd(why, u.idleFor)
	if u.waits {
		u.waits = false
		u.member.server.GivesUp()
	}
	var excess *failure.Error
	if u.bodyDone && u.quiet == nil && u.in.r < u.in.w {
		excess = u.fail(phase.RelayBody, failure.Excess, ioOK)
		excess.Evidence.SetFirst(u.in.bytes())
		excess.Evidence.Size = int64(u.in.w - u.in.r)
	}
	if u.out != nil {
		putBuf(u.out)
		u.out = nil
	}
	// A Cancel when both sides had ended stopped nothing.
	clean := u.requestEnd && !u.held && u.bodyDone && !u.closes && !u.sendBroken && excess == nil && u.quiet == nil
	if clean {
		u.canceled.Store(false)
	}
	if !u.requestEnd || u.held || u.sendBroken || u.quiet != nil { // a tunnel that ended well has said so
		u.tls.leaveSilently() // a request that was cut must not look whole
	}
	u.member.giveBack(u, clean)
	return excess
}

// Fault implements exchange.Lease.
func (u *upConn) Fault(p phase.Phase, k failure.Kind) *failure.Error { return u.fail(p, k, ioOK) }

// fail makes a failure that blames the upstream, with the connection's evidence.
func (u *upConn) fail(p phase.Phase, k failure.Kind, end ioEnd) *failure.Error {
	err := newError(failure.Upstream, p, k)
	ev := &err.Evidence
	ev.End = endOf(end, 0)
	ev.HasConn, ev.Reused, ev.RequestNumber = true, u.reused(), u.requests
	ev.ConnAge, ev.IdleFor = time.Duration(u.eng.mono()-u.born), u.idleFor
	ev.BytesWritten, ev.ResponseBytes = u.Sent(), u.r.total.Load()-u.gotBefore
	u.mu.Lock()
	ev.First, ev.FirstLen = u.first, u.firstLen
	u.mu.Unlock()
	ev.Dialled = u.addr
	if u.addr.IsValid() {
		ev.Local = localAddr(u.fd)
	}
	u.tcpInfo(ev)
	return err
}

// tcpInfo adds the kernel's view. The count of acknowledged bytes holds the SYN
// and everything since the connection was opened.
func (u *upConn) tcpInfo(ev *failure.Evidence) {
	if !u.addr.IsValid() {
		return
	}
	info, err := unix.GetsockoptTCPInfo(u.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return
	}
	ev.BytesAcked = max(int64(info.Bytes_acked)-1-u.sentBefore, 0)
	ev.Unacked, ev.Retransmits = info.Unacked, info.Total_retrans
	ev.RTT = time.Duration(info.Rtt) * time.Microsecond
}

// lost makes the failure for a connection that ended in phase p.
func (u *upConn) lost(p phase.Phase, end ioEnd, errno syscall.Errno) *failure.Error {
	if end == ioCanceled {
		return exchange.Canceled
	}
	kind := upstreamKind(end, errno)
	if p == phase.Tunnel {
		kind = failure.Reset // a tunnel's server has one way to break it
	}
	if p == phase.AwaitHead && u.reused() {
		switch kind {
		case failure.Closed:
			kind = failure.ClosedReused
		case failure.Reset:
			kind = failure.ResetReused
		}
	}
	err := u.fail(p, kind, end)
	if end == ioErrno {
		err.Evidence.Errno, err.Evidence.End = errno, endOf(end, errno)
		u.tlsEnded(err)
	}
	return err
}

// refused makes the failure for bytes that the codec refused.
func (u *upConn) refused(p phase.Phase, rej *h1.Reject, end ioEnd) *failure.Error {
	err := u.fail(p, rej.Kind, end)
	err.Site = rej.Site
	ev := &err.Evidence
	ev.Offset, ev.Size, ev.Limit, ev.Field = int64(rej.Offset), int64(rej.Size), int64(rej.Limit), rej.Field
	return err
}
