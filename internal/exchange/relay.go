// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// relayAnswer sends the upstream's final answer to the client.
func (x *Exchange) relayAnswer() *failure.Error {
	x.enterRelay()
	x.makeAnswer()
	x.rec.Status = x.res.Status
	if err := x.client.SendHead(&x.out); err != nil {
		return x.orStopped(err)
	}
	if x.res.Framing != wire.FramingNone {
		if err := x.relayBody(); err != nil {
			return x.orStopped(err)
		}
	}
	if x.visit != nil {
		x.visit.Complete()
	}
	if err := x.client.EndBody(x.lease.Trailers()); err != nil {
		return x.orStopped(err)
	}
	x.rec.Outcome = record.Relayed
	return nil
}

// enterRelay begins the phase of the answer's body when the head was whole, or now if
// the answer had been laid aside.
func (x *Exchange) enterRelay() {
	at := x.lease.HeadAt()
	if at.Before(x.last) {
		at = x.last
	}
	x.enterAt(phase.RelayBody, at)
}

// relayBody moves the answer's body piece by piece. What was read goes out before
// it waits for more, so that a server that streams is heard at once.
func (x *Exchange) relayBody() *failure.Error {
	x.endless = x.res.ContentLength < 0 && x.res.IsEventStream()
	splicer, _ := x.client.(Splicer)
	keeps := x.visit != nil && x.visit.Keeps()
	if keeps {
		splicer = nil // what goes through the kernel cannot be kept
	}
	for {
		if splicer != nil && !x.lease.BodyHere() && x.res.ContentLength-x.rec.BodyOut >= spliceMin {
			x.Watch(x.lease)
			n, err := splicer.SpliceFrom(x.lease)
			x.rec.BodyOut += n
			if err := x.waited(err, false); err != nil {
				return err
			}
		}
		piece, end, err := x.nextPiece()
		if err != nil {
			return err
		}
		if len(piece) > 0 {
			if x.bad != nil {
				x.bad.KeepBody(piece)
			}
			if keeps {
				if x.visit.Write(piece); !x.visit.Keeps() { // it was too long
					keeps = false
					splicer, _ = x.client.(Splicer)
				}
			}
			if err := x.client.WriteBody(piece); err != nil {
				return err
			}
			x.rec.BodyOut += int64(len(piece))
		}
		if end {
			return nil
		}
	}
}

// nextPiece reads on in the answer's body. Where it has to wait, what is there
// goes out first, and the client is watched: a server may be silent for long.
func (x *Exchange) nextPiece() (piece []byte, end bool, err *failure.Error) {
	if x.lease.BodyHere() {
		return x.lease.ReadBody()
	}
	if err := x.client.Flush(); err != nil {
		return nil, false, err
	}
	x.Watch(x.lease)
	from := x.env.Now()
	piece, end, err = x.lease.ReadBody()
	if !x.endless {
		x.rec.BodyWait += x.env.Now().Sub(from)
	}
	return piece, end, x.waited(err, end)
}

// waited ends the watch over a wait for the answer's body that ended with err. If
// the client's departure was seen it counts even where a piece came in the same
// moment: the lease was canceled, and the next wait would not know why.
func (x *Exchange) waited(err *failure.Error, end bool) *failure.Error {
	gone := x.unwatch()
	if gone != Present && (err == Canceled || err == nil && !end) {
		return x.departed(gone)
	}
	return err
}

// orStopped names a cancellation: while an answer is sent only our own stop, or a
// broken upload, cancels.
func (x *Exchange) orStopped(err *failure.Error) *failure.Error {
	if err != Canceled {
		return err
	}
	return x.departed(Present)
}

// fail ends an exchange that failed: with an answer of our own if none was begun,
// else by making sure that the one that was begun does not look complete. I3.
func (x *Exchange) fail(err *failure.Error) {
	x.joinUpload()
	if x.refresh != nil { // nobody waits for an answer, and nobody saw this
		x.rec.Hidden = x.checked(err).Code
		return
	}
	x.note(err)
	for _, l := range x.later {
		x.note(l)
	}
	x.answerFailure(err)
}

// failFinally is fail for a bug, where the ports may be in any state.
func (x *Exchange) failFinally(err *failure.Error) {
	defer func() {
		if v := recover(); v != nil {
			x.env.Bug(v)
			x.unanswered()
		}
	}()
	x.fail(err)
}
