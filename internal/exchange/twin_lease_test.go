// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"strings"
	"sync/atomic"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// leaseTwin is an exchange.Lease. Its far side is the script's origin.
type leaseTwin struct {
	*air
	group   *groupTwin
	server  *serverTwin
	conn    *upConnection
	times   *exchange.Timeouts
	reused  bool
	number  uint32
	idleFor time.Duration
	up      flow
	down    flow
	scribbler

	// The request side.
	pendingHead *renderedHead
	pending     []byte
	head        *renderedHead // as it arrived
	sent        int64
	requestEnd  bool
	sendBroken  bool

	// The answer's side.
	raw       []byte // heads as the origin sent them
	firstAt   time.Time
	headAt    time.Time
	deadline  time.Time
	patience  time.Duration
	slowAt    time.Time // zero: never
	status    int
	framing   wire.Framing
	remaining int64
	answered  bool
	bodyDone  bool
	bad       bool // the bytes behind those in flight are no body

	canceled bool
	released bool
	why      failure.Code // of the release
	quiet    exchange.QuietRule
	reading  atomic.Int32
	writing  atomic.Int32
}

// use checks that nobody uses the lease after its release, and counts who is in.
func (l *leaseTwin) use(n *atomic.Int32, method string) func() {
	l.group.may("lease." + method)
	n.Add(1)
	l.mu.Lock()
	if l.released {
		l.group.t.Errorf("%s of a lease that was released", method)
	}
	l.mu.Unlock()
	return func() { n.Add(-1) }
}

// Cancel implements exchange.Lease.
func (l *leaseTwin) Cancel() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.canceled = true
	l.cond.Broadcast()
}

// Authority implements exchange.Lease.
func (l *leaseTwin) Authority() string { return l.server.name + ".internal:8080" }

func (l *leaseTwin) Fault(p phase.Phase, k failure.Kind) *failure.Error {
	return &failure.Error{Code: failure.Code{Party: failure.Upstream, Phase: p, Kind: k}}
}

// Sent implements exchange.Lease.
func (l *leaseTwin) Sent() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// FirstByteAt implements exchange.Lease.
func (l *leaseTwin) FirstByteAt() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.firstAt
}

// HeadAt implements exchange.Lease.
func (l *leaseTwin) HeadAt() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.headAt
}

// Note implements exchange.Lease.
func (l *leaseTwin) Note(a *record.Attempt) {
	l.group.may("lease.Note")
	a.Dialled, a.Reused, a.RequestNumber, a.IdleFor = serverAddr, l.reused, l.number, l.idleFor
	if !l.reused {
		a.Connect = l.server.delay
	}
}

// SendHead implements exchange.Lease.
func (l *leaseTwin) SendHead(o *exchange.Out) *failure.Error {
	defer l.use(&l.writing, "SendHead")()
	h := render(o)
	l.pendingHead = &h
	return nil
}

// WriteBody implements exchange.Lease.
func (l *leaseTwin) WriteBody(p []byte) *failure.Error {
	defer l.use(&l.writing, "WriteBody")()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, p...)
	if len(l.pending) < l.group.twin.piece {
		return nil
	}
	return l.flush()
}

// EndBody implements exchange.Lease.
func (l *leaseTwin) EndBody(trailers []byte) *failure.Error {
	defer l.use(&l.writing, "EndBody")()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.flush(); err != nil {
		return err
	}
	l.requestEnd = true
	l.up.end(string(trailers))
	return nil
}

// Flush implements exchange.Lease.
func (l *leaseTwin) Flush() *failure.Error {
	defer l.use(&l.writing, "Flush")()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush()
}

func (l *leaseTwin) sendPhase() phase.Phase {
	switch {
	case l.quiet != nil:
		return phase.Tunnel
	case l.sent == 0:
		return phase.SendHead
	}
	return phase.SendBody
}

func (l *leaseTwin) flush() *failure.Error {
	for l.pendingHead != nil || len(l.pending) > 0 {
		if l.server.takes > 0 && l.up.total >= l.server.takes {
			l.conn.deaf = byRST
		}
		switch {
		case l.canceled:
			return exchange.Canceled
		case l.conn.deaf != whole:
			l.sendBroken = true
			return newFailure(failure.Upstream, l.sendPhase(), kindOf(l.conn.deaf))
		case l.down.cut == byRST:
			l.sendBroken = true
			return newFailure(failure.Upstream, l.sendPhase(), failure.Reset)
		case l.pendingHead != nil:
			l.head, l.pendingHead = l.pendingHead, nil
			l.sent += 100
			l.group.arrived = append(l.group.arrived, l)
			l.cond.Broadcast()
			continue
		}
		n := len(l.pending)
		if l.server.takes > 0 {
			n = min(n, l.server.takes-l.up.total)
		}
		n = l.up.put(l.pending[:n])
		l.sent += int64(n)
		if l.pending = l.pending[n:]; n > 0 {
			if l.quiet != nil {
				l.quiet.Note(time.Now())
			}
			continue
		}
		patience := time.Now().Add(l.times.SendStall)
		if !l.wait(func() bool {
			return l.canceled || l.conn.deaf != whole || l.down.cut == byRST || min(l.up.window-len(l.up.data), l.up.conn.left) > 0
		}, func() time.Time {
			if l.quiet != nil || l.times.SendStall == 0 {
				return time.Time{}
			}
			return patience
		}) {
			l.sendBroken = true
			return newFailure(failure.Upstream, l.sendPhase(), failure.Timeout)
		}
	}
	return nil
}

// RequestDone implements exchange.Lease.
func (l *leaseTwin) RequestDone(now time.Time) {
	l.group.may("lease.RequestDone")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times.AwaitHead > 0 {
		l.deadline = now.Add(l.times.AwaitHead)
	}
	if l.patience > 0 {
		l.slowAt = now.Add(l.patience)
	}
	l.cond.Broadcast()
}

// ReadHead implements exchange.Lease.
func (l *leaseTwin) ReadHead(res *wire.Response) *failure.Error {
	defer l.use(&l.reading, "ReadHead")()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scribble()
	var p h1.ResponseParser
	method, upgrade := wire.OtherMethod, false
	if h := l.head; h != nil {
		m, _, _ := strings.Cut(h.line, " ")
		method, upgrade = wire.LookupMethod([]byte(m)), h.upgrade != ""
	}
	p.Reset(&wire.Limits{}, method, upgrade)
	for {
		have := len(l.raw)
		if have > 0 {
			n, rej := p.Parse(res, append([]byte(nil), l.raw...))
			if rej != nil {
				return newFailure(failure.Upstream, phase.ReadHeadUp, rej.Kind)
			}
			if n > 0 {
				l.raw = l.raw[n:]
				l.headRead(res)
				l.headAt = time.Now()
				return nil
			}
		}
		if !l.wait(func() bool { return l.canceled || len(l.raw) > have || l.down.cut != whole }, l.headDue) {
			if !l.slowAt.IsZero() && !time.Now().Before(l.slowAt) {
				if l.slowAt = (time.Time{}); l.firstAt.IsZero() {
					return exchange.Slow
				}
				continue
			}
			return l.lost(failure.Timeout)
		}
		switch {
		case l.canceled:
			return exchange.Canceled
		case len(l.raw) > have:
		default:
			return l.lost(kindOf(l.down.cut))
		}
	}
}

// headDue is when ReadHead gives up next.
func (l *leaseTwin) headDue() time.Time {
	if l.slowAt.IsZero() || !l.deadline.IsZero() && l.deadline.Before(l.slowAt) {
		return l.deadline
	}
	return l.slowAt
}

// lost is the failure of a connection that ended before a head had come.
func (l *leaseTwin) lost(k failure.Kind) *failure.Error {
	if !l.firstAt.IsZero() {
		return newFailure(failure.Upstream, phase.ReadHeadUp, k)
	}
	switch {
	case l.reused && k == failure.Closed:
		k = failure.ClosedReused
	case l.reused && k == failure.Reset:
		k = failure.ResetReused
	}
	return newFailure(failure.Upstream, phase.AwaitHead, k)
}

func (l *leaseTwin) headRead(res *wire.Response) {
	l.lend(res.Buf)
	if res.Interim() {
		l.slowAt = time.Time{}
		if !l.deadline.IsZero() {
			l.deadline = time.Now().Add(l.times.AwaitHead)
		}
		return
	}
	l.answered, l.status = true, res.Status
	l.framing, l.remaining = res.Framing, res.ContentLength
	l.bodyDone = res.Framing == wire.FramingNone
}

// BodyHere implements exchange.Lease.
func (l *leaseTwin) BodyHere() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bodyDone || l.bad || len(l.down.data) > 0
}

// ReadBody implements exchange.Lease. The head goes with the first wait.
func (l *leaseTwin) ReadBody() (piece []byte, end bool, err *failure.Error) {
	defer l.use(&l.reading, "ReadBody")()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scribble()
	if l.quiet != nil {
		return l.readTunnel()
	}
	for !l.bodyDone {
		switch {
		case l.canceled:
			return nil, false, exchange.Canceled
		case len(l.down.data) > 0:
			n := l.group.twin.piece
			if l.framing == wire.FramingLength {
				n = int(min(int64(n), l.remaining))
			}
			p := l.down.take(n)
			l.remaining -= int64(len(p))
			l.bodyDone = l.framing == wire.FramingLength && l.remaining == 0
			return l.lend(p), l.bodyDone, nil
		case l.bad:
			return nil, false, newFailure(failure.Upstream, phase.RelayBody, failure.BadChunk)
		case l.down.ended, l.framing == wire.FramingClose && l.down.cut == byFIN:
			l.bodyDone = true
			continue
		case l.down.cut == byRST:
			return nil, false, newFailure(failure.Upstream, phase.RelayBody, failure.Reset)
		case l.down.cut == byFIN && l.framing == wire.FramingLength:
			return nil, false, newFailure(failure.Upstream, phase.RelayBody, failure.Short)
		case l.down.cut == byFIN:
			return nil, false, newFailure(failure.Upstream, phase.RelayBody, failure.NoLastChunk)
		}
		patience := time.Now().Add(l.times.BodyStall)
		if !l.wait(func() bool { return l.canceled || l.down.cut != whole || len(l.down.data) > 0 || l.down.ended },
			func() time.Time { return patience }) {
			return nil, false, newFailure(failure.Upstream, phase.RelayBody, failure.Timeout)
		}
	}
	return nil, true, nil
}

func (l *leaseTwin) readTunnel() ([]byte, bool, *failure.Error) {
	if !l.wait(func() bool { return l.canceled || l.down.cut != whole || len(l.down.data) > 0 || l.down.ended }, l.quiet.Until) {
		return nil, false, newFailure(failure.Gateway, phase.Tunnel, failure.Idle)
	}
	switch {
	case l.canceled:
		return nil, false, exchange.Canceled
	case l.down.cut == byRST:
		return nil, false, newFailure(failure.Upstream, phase.Tunnel, failure.Reset)
	case len(l.down.data) > 0:
		l.quiet.Note(time.Now())
		return l.lend(l.down.take(l.group.twin.piece)), false, nil
	}
	return nil, true, nil
}

// Trailers implements exchange.Lease.
func (l *leaseTwin) Trailers() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down.trailers == "" {
		return nil
	}
	return []byte(l.down.trailers)
}

// Tunnel implements exchange.Lease.
func (l *leaseTwin) Tunnel(q exchange.QuietRule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quiet, l.up.ended = q, false // the request has ended, the tunnel has not
}

// Release implements exchange.Lease.
func (l *leaseTwin) Release(why failure.Code) *failure.Error {
	defer l.use(&l.reading, "Release")()
	if l.writing.Load() > 0 || l.reading.Load() > 1 {
		l.group.t.Error("a lease was released while in use") // I4
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released, l.why = true, why
	l.scribble()
	l.conn.active--
	l.conn.since = time.Now()
	var excess *failure.Error
	if l.bodyDone && l.quiet == nil && len(l.down.data) > 0 {
		excess = newFailure(failure.Upstream, phase.RelayBody, failure.Excess)
	}
	clean := l.requestEnd && l.bodyDone && l.down.cut == whole && !l.sendBroken && excess == nil && l.quiet == nil && !l.canceled
	if !clean && !l.group.twin.mux || l.conn.deaf != whole {
		l.conn.closed = true
	}
	// What is in flight on a stream that is over counts for nobody.
	l.up.take(len(l.up.data))
	l.down.take(len(l.down.data))
	return excess
}
