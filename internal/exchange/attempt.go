// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"math"
	"net/netip"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// attempts asks servers until the head of a final answer is in x.res.
func (x *Exchange) attempts() *failure.Error {
	x.want = Want{Waiter: x, Timeouts: &x.timeouts, Client: x.rec.Peer, Socket: x.client.Arrival().Socket}
	if x.rec.Client != x.rec.Peer.Addr() {
		x.want.Client = netip.AddrPortFrom(x.rec.Client, 0) // its port is its proxy's knowledge
	}
	x.want.Trial = x.safe() && x.route.Retry.Broken && x.route.Retry.tries() > 1 && !x.req.HasBody()
	x.tie()
	var first *failure.Error
	for {
		switch err := x.attempt(); {
		case err == NoServer && x.kept.lease != nil:
			return x.useKept()
		case err == NoServer && x.want.Anyway:
			return gatewayFound(failure.Gateway, phase.Queue, failure.NoServer)
		case err == NoServer:
			if err = x.hold(first); err != nil {
				return err
			}
		case err == nil && x.wantsAnother():
			x.keep()
		case err == nil:
			x.dropKept()
			if first != nil && (len(x.later) > 0 || x.rec.Saved == 0) {
				x.rec.Saved |= record.ByRetry
			}
			return nil
		case final(err):
			return err
		case x.kept.lease != nil:
			return x.useKept()
		default:
			if first == nil {
				first = err
			} else {
				x.later = append(x.later, err)
			}
			if !x.goOn(err) {
				return first
			}
		}
	}
}

// goOn decides whether there is one more attempt after err, and makes ready for it.
func (x *Exchange) goOn(err *failure.Error) bool {
	if x.want.Anyway || x.rec.AttemptLen == attemptsMax || !x.mayRepeat(err) || !x.inTime() {
		return false
	}
	had := connected(err)
	if had && x.reached >= x.route.Retry.tries() {
		return false
	}
	// Where there is no other server the same one may be asked again: after a rest, and
	// once only if it has got the request. What it answered it would answer again.
	x.want.Again = !had || brokeOff(err) && x.want.Round == 0
	// A reused connection that died says nothing about its server.
	x.want.Fresh = had && x.rec.LastAttempt().Reused
	// What no server has got costs none, and a connection that was closed while it was
	// idle is no sign of trouble.
	if x.sent > 0 && !x.want.Fresh && !x.route.Upstream.MayRepeat(&x.want, false) {
		return false
	}
	x.upload.again()
	return true
}

// hold waits for a server. A failure it returns is the one that the exchange ends
// with: first, if there was one. Else a last attempt finds out what is wrong.
func (x *Exchange) hold(first *failure.Error) *failure.Error {
	x.Enter(phase.Queue)
	until := x.rec.Start.Add(x.route.Retry.Hold)
	if x.visit != nil && x.visit.StandsBy() > 0 {
		until = x.rec.Start // a stale answer now is better than a fresh one in seconds
	}
	err := x.route.Upstream.Hold(&x.want, until)
	switch gone := x.unwatch(); {
	case err == Canceled || gone != Present:
		x.route.Upstream.Leave(&x.want)
		return x.departed(gone)
	case err == nil:
		x.want.Called = true
		if !x.want.Crowded {
			x.want.TriedLen = 0
			x.want.Round++
			x.rec.Saved |= record.ByHold // to wait for a place is no failure
		}
		return nil
	case first != nil:
		return first
	case err != NoServer:
		return err
	}
	x.want.Anyway = true
	return nil
}

// final reports a failure that ends the exchange whatever came before: the client
// left or went wrong, or we were stopped.
func final(err *failure.Error) bool {
	return err.Code.Party == failure.Client || err.Code.Kind == failure.Shutdown || err.Code == bug
}

// attempt asks one server.
func (x *Exchange) attempt() *failure.Error {
	var newest record.Attempt
	if x.rec.AttemptLen >= record.AttemptsMax {
		newest = *x.rec.LastAttempt() // which gives its place up
	}
	a := x.rec.AddAttempt()
	x.want.Attempt, x.opening = a, a
	lease, err := x.route.Upstream.Acquire(&x.want)
	x.want.Called = false
	if err == NoServer {
		if x.rec.DropAttempt(); x.rec.AttemptLen >= record.AttemptsMax {
			*x.rec.LastAttempt() = newest
		}
		x.opening = nil
		return err
	}
	x.sent, x.heard = 0, false
	if err == nil {
		x.lease = lease
		x.reached++
		lease.Note(a)
		if err = x.ask(); err == nil {
			x.rec.LastAttempt().Status = x.res.Status
			return nil
		}
		x.joinUpload()
		x.sent, lease = x.lease.Sent(), x.lease
		x.heard = !lease.FirstByteAt().IsZero()
		x.lease = nil
	}
	if err == Canceled {
		err = x.departed(x.unwatch())
	}
	a = x.rec.LastAttempt()
	a.Error = x.checked(err)
	a.Failure = err.Code
	if lease != nil {
		lease.Release(a.Failure)
	}
	x.opening = nil
	x.ended(a)
	return err
}

// ended notes how long a took, if it had a server.
func (x *Exchange) ended(a *record.Attempt) {
	if a.Start >= 0 {
		a.Took = x.env.Now().Sub(x.rec.Start) - a.Start
	}
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
	switch gone := x.unwatch(); {
	case err != nil:
		return x.blame(err, sendErr, gone)
	case gone != Present:
		// The answer comes too late: the lease was canceled, and whoever reads on would
		// not know why.
		return x.departed(gone)
	}
	return nil
}

// awaitAnswer reads heads until a final one, and passes interim ones on.
func (x *Exchange) awaitAnswer() *failure.Error {
	for interims := 0; ; interims++ {
		if err := x.readHead(); err != nil {
			if !x.lease.FirstByteAt().IsZero() {
				x.enterAt(phase.ReadHeadUp, x.lease.FirstByteAt())
			}
			return err
		}
		if !x.res.Interim() {
			return x.headCame()
		}
		if n := &x.rec.LastAttempt().Interims; *n < math.MaxUint8 {
			*n++
		}
		if interims >= x.plan.Interims {
			return tooManyInterim(x.lease, interims+1, x.plan.Interims)
		}
		if x.req.Version < 11 || x.res.Status == 100 && (!x.req.Expect100 || x.continued) {
			continue // RFC 9110 section 15.2: never to an HTTP/1.0 client
		}
		x.continued = x.continued || x.res.Status == 100
		x.makeInterim()
		if err := x.client.Interim(&x.out); err != nil {
			return err
		}
	}
}

// readHead reads the next head, or that of another server if this one is silent.
func (x *Exchange) readHead() *failure.Error {
	for {
		if err := x.lease.ReadHead(&x.res); err != Slow {
			return err
		}
		if x.mayHedge() {
			return x.hedge()
		}
	}
}

func tooManyInterim(l Lease, n, limit int) *failure.Error {
	err := l.Fault(phase.ReadHeadUp, failure.TooManyInterim)
	err.Evidence.Size, err.Evidence.Limit = int64(n), int64(limit)
	return err
}

// headCame notes that the head of a final answer is here.
func (x *Exchange) headCame() *failure.Error {
	x.enterAt(phase.ReadHeadUp, x.lease.FirstByteAt())
	x.rec.UpStatus = x.res.Status
	x.rec.LastAttempt().Coded = x.res.Find(wire.ContentEncoding) >= 0
	x.noteBad()
	x.noteSoftware()
	return x.checkUpgrade()
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
