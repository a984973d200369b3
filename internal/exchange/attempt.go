// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"net/netip"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/wire"
)

// triesMax bounds the attempts of one exchange. An owner's retry policy will
// choose it; until then it is enough for one stale connection and one dead server.
const triesMax = 3

// attempts asks servers until the head of a final answer is in x.res.
func (x *Exchange) attempts() *failure.Error {
	x.want = Want{Waiter: x, Timeouts: &x.timeouts, Client: x.rec.Peer, Socket: x.client.Arrival().Socket}
	if x.rec.Client != x.rec.Peer.Addr() {
		x.want.Client = netip.AddrPortFrom(x.rec.Client, 0) // its port is its proxy's knowledge
	}
	var first *failure.Error
	for try := 1; ; try++ {
		err := x.attempt()
		if err == nil {
			return nil
		}
		if err == NoneLeft {
			return first
		}
		if first == nil {
			first = err
		} else if final(err) {
			return err // while we tried again
		} else {
			x.later = append(x.later, err)
		}
		if try == triesMax || !x.prepareAgain(err) {
			return first
		}
	}
}

// final reports a failure that ends the exchange whatever came before: the client
// left or went wrong, or we were stopped.
func final(err *failure.Error) bool {
	return err.Code.Party == failure.Client || err.Code.Kind == failure.Shutdown || err.Code == bug
}

// attempt asks one server.
func (x *Exchange) attempt() *failure.Error {
	a := x.rec.AddAttempt()
	x.want.Attempt, x.opening = a, a
	lease, err := x.route.Upstream.Acquire(&x.want)
	if err == NoneLeft {
		x.rec.DropAttempt()
		x.opening = nil
		return err
	}
	x.sent = 0
	if err == nil {
		x.lease = lease
		lease.Note(a)
		if err = x.ask(); err == nil {
			return nil
		}
		x.joinUpload()
		x.sent = lease.Sent()
		x.lease = nil
		lease.Release()
	}
	if err == Canceled {
		err = x.departed(x.unwatch())
	}
	a.Failure = x.checked(err).Code
	if x.opening = nil; a.Start >= 0 {
		a.Took = x.env.Now().Sub(x.rec.Start) - a.Start
	}
	return err
}

// ask sends the request and reads the head of the answer.
func (x *Exchange) ask() *failure.Error {
	x.Enter(phase.SendHead)
	x.makeRequest()
	x.Watch(x.lease)
	sendErr := x.sendRequest()
	if sendErr != nil && (x.lease.Sent() == 0 || sendErr.Code.Party != failure.Upstream) {
		return sendErr
	}
	if sendErr != nil {
		if sendErr.Code.Kind == failure.Timeout {
			return sendErr
		}
		// A server may answer before it has read the request, and then close: the
		// answer lies in our socket although sending failed.
		x.lease.RequestDone(x.env.Now())
	}
	x.Enter(phase.AwaitHead)
	err := x.awaitAnswer()
	gone := x.unwatch()
	if err == nil {
		return nil
	}
	return x.blame(err, sendErr, gone)
}

// awaitAnswer reads heads until a final one, and passes interim ones on.
func (x *Exchange) awaitAnswer() *failure.Error {
	for interims := 0; ; interims++ {
		if err := x.lease.ReadHead(&x.res); err != nil {
			if !x.lease.FirstByteAt().IsZero() {
				x.enterAt(phase.ReadHeadUp, x.lease.FirstByteAt())
			}
			return err
		}
		if !x.res.Interim() {
			x.enterAt(phase.ReadHeadUp, x.lease.FirstByteAt())
			x.rec.UpStatus = x.res.Status
			return x.checkUpgrade()
		}
		if interims >= x.plan.Interims {
			err := x.lease.Fault(phase.ReadHeadUp, failure.TooManyInterim)
			err.Evidence.Size, err.Evidence.Limit = int64(interims+1), int64(x.plan.Interims)
			return err
		}
		if x.req.Version < 11 || x.res.Status == 100 && !x.req.Expect100 {
			continue // RFC 9110 section 15.2: never to an HTTP/1.0 client
		}
		x.makeInterim()
		if err := x.client.Interim(&x.out); err != nil {
			return err
		}
	}
}

// checkUpgrade refuses a change of protocol that nobody asked for, or to another
// protocol than was asked for (RFC 9110 section 7.8).
func (x *Exchange) checkUpgrade() *failure.Error {
	if x.res.Status != 101 {
		return nil
	}
	asked, got := x.req.Bytes(x.req.UpgradeSpan), x.res.Bytes(x.res.UpgradeSpan)
	switch {
	case !x.req.Upgrade:
		return x.lease.Fault(phase.ReadHeadUp, failure.UnexpectedUpgrade)
	case !listsFold(asked, got):
		err := x.lease.Fault(phase.ReadHeadUp, failure.BadUpgrade)
		err.Evidence.SetFirst(got)
		return err
	}
	return nil
}

// blame decides whose failure ends an attempt when several things went wrong:
// what made us give up, else what failed first in the order of the wire.
func (x *Exchange) blame(err, sendErr *failure.Error, gone Departure) *failure.Error {
	x.joinUpload()
	up := x.upload.err
	switch {
	case gone != Present || ours(up):
		return x.departed(gone)
	case sendErr == nil && (up == nil || up == Canceled && x.upload.bytes == 0):
		return err
	case sendErr == nil:
		sendErr = up
	}
	return brokenRequest(sendErr, err)
}

// brokenRequest names the end of a connection on which the request was still on its
// way. Both sides of ours are told, in any order: of a reset once, then of an end.
// sendErr is Canceled where the answer's side was told first.
func brokenRequest(sendErr, err *failure.Error) *failure.Error {
	kind := failure.NoKind
	if err.Code.Party == failure.Upstream && err.Code.Phase == phase.AwaitHead {
		switch err.Code.Kind {
		case failure.Closed, failure.ClosedReused:
			kind = failure.Closed
		case failure.Reset, failure.ResetReused:
			kind = failure.Reset
		}
	}
	switch {
	case sendErr == Canceled && kind == failure.NoKind:
		return err
	case sendErr == Canceled:
		err.Code.Phase, err.Code.Kind = phase.SendBody, kind
		return err
	case sendErr.Code.Kind == failure.Closed && kind == failure.Reset:
		sendErr.Code.Kind = failure.Reset
		sendErr.Evidence.End, sendErr.Evidence.Errno = err.Evidence.End, err.Evidence.Errno
	}
	return sendErr
}

// ours reports a failure of an upload that is not the upstream's.
func ours(up *failure.Error) bool {
	return up != nil && up != Canceled && up.Code.Party != failure.Upstream
}

// departed says why we gave up: what broke the upload, else the client's
// departure, else our own stop, in the present phase. A client that left before
// its request was whole failed on that side, whoever noticed first.
func (x *Exchange) departed(d Departure) *failure.Error {
	x.joinUpload()
	if ours(x.upload.err) {
		return x.upload.err
	}
	kind := failure.Closed
	switch d {
	case Killed, Present:
		return x.stopped()
	case LeftByReset:
		kind = failure.Reset
	}
	p := x.cur
	switch {
	case p == phase.Tunnel: // a tunnel's client has one way to break it
		kind = failure.Reset
	case p <= phase.UpHandshake:
		p = phase.Connect
	case x.upload.err == Canceled:
		p = phase.SendBody
	case p < phase.AwaitHead:
		p = phase.AwaitHead
	}
	err := gatewayFound(failure.Client, p, kind)
	err.Evidence.End = failure.EndFIN
	if kind == failure.Reset {
		err.Evidence.End = failure.EndRST
	}
	return err
}

// prepareAgain decides whether the request may go out once more after err, and if
// so makes ready for it. I2.
func (x *Exchange) prepareAgain(err *failure.Error) bool {
	e := failure.Lookup(err.Code)
	if e == nil || final(err) {
		return false
	}
	connected := err.Code.Phase > phase.UpHandshake
	switch {
	case e.Retry == failure.RetryUnsent && x.sent == 0:
	case connected && x.sent == 0:
	case e.Retry == failure.RetryReused && x.repeatable():
	default:
		return false
	}
	// A body whose upload was stopped cannot be read any more.
	if x.upload.stopped || x.upload.begun && !x.client.Rewind() {
		return false
	}
	x.upload.reset()
	// A reused connection that died says nothing about its server.
	x.want.Fresh = connected && x.rec.LastAttempt().Reused
	return true
}

// repeatable reports whether the request has the same effect when done twice: by
// its method, by the owner's word, or by the client's own Idempotency-Key.
func (x *Exchange) repeatable() bool {
	return x.req.Method.Idempotent() || x.route.Idempotent || x.req.Find(wire.IdempotencyKey) >= 0
}
