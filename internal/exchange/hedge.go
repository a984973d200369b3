// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"sync"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/wire"
)

// race is two attempts of one exchange side by side. The second one begins when the
// server of the first has gone silent, and the first answer wins. It is what the
// second attempt waits by, and what the client's departure cancels.
type race struct {
	x     *Exchange
	first answer
	err   *failure.Error // of the first
	done  chan struct{}  // closed when the first has come to its end
	asked Want           // of the second
	// settled says that the loser's lease was given back.
	settled bool

	mu     sync.Mutex
	won    winner
	second Canceler
	// over says that whatever the second waits for is to give up.
	over bool
}

// winner is whose answer came first. Whoever has one asks, and exactly one is told
// that it won: the other's connection may be cut off at once.
type winner uint8

const (
	nobody winner = iota
	theFirst
	theSecond
)

// claim makes w the winner if nobody is, and reports whether it is.
func (r *race) claim(w winner) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.won == nobody {
		r.won = w
	}
	return r.won == w
}

// Cancel implements Canceler: the client has left.
func (r *race) Cancel() {
	r.first.lease.Cancel()
	r.stopSecond()
}

func (r *race) stopSecond() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	if r.second != nil {
		r.second.Cancel()
	}
}

// Enter implements Waiter. The exchange stays in the phase of its first attempt.
func (r *race) Enter(phase.Phase) {}

// Watch implements Waiter.
func (r *race) Watch(c Canceler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.second = c; r.over {
		c.Cancel()
	}
}

// mayHedge decides whether a second server is asked beside the one that is slow. The
// request has to be safe and without a body; and its server must have gone silent
// altogether: one that answers others is only slow with this.
func (x *Exchange) mayHedge() bool {
	return x.route.Retry.Hedge && x.req.Method.Safe() && !x.req.HasBody() && !x.req.Upgrade &&
		x.race == nil && x.rec.AttemptLen < record.AttemptsMax && x.reached < x.route.Retry.tries() &&
		x.inTime() && x.route.Upstream.Hangs(&x.want) && x.route.Upstream.MayRepeat(&x.want, true)
}

// hedge asks a second server. The head that came first is in x.res afterwards, with
// its lease in x.lease.
func (x *Exchange) hedge() *failure.Error {
	r := &race{x: x, done: make(chan struct{})}
	r.first.lease = x.lease
	x.client.Watch(r)
	x.race = r
	go r.runFirst()
	err := x.second(r)
	if err == nil && r.claim(theSecond) {
		r.first.lease.Cancel()
	}
	<-r.done
	if r.won == theSecond {
		x.loseFirst(r)
		return nil
	}
	x.loseSecond(r, err)
	if r.won == theFirst {
		x.res = r.first.res
		return nil
	}
	// Both failed: it is the first that tells what was wrong.
	if err != Canceled && err != NoServer {
		x.later = append(x.later, err)
	}
	return r.err
}

// runFirst waits on for the first attempt's answer. It has the fields of first to
// itself until done is closed.
func (r *race) runFirst() {
	defer close(r.done)
	defer func() {
		if v := recover(); v != nil {
			r.x.env.Bug(v)
			r.err = gatewayFound(bug.Party, bug.Phase, bug.Kind)
		}
	}()
	r.first.res.Reset()
	r.err = r.x.readFinal(r.first.lease, &r.first.res)
	if r.err == nil && r.claim(theFirst) {
		r.stopSecond()
	}
}

// readFinal reads l's next final head. Interim ones are for nobody while it is open
// whose answer counts.
func (x *Exchange) readFinal(l Lease, res *wire.Response) *failure.Error {
	for interims := 0; ; {
		err := l.ReadHead(res)
		switch {
		case err == Slow:
		case err != nil || !res.Interim():
			return err
		case interims >= x.plan.Interims:
			return tooManyInterim(l, interims+1, x.plan.Interims)
		default:
			interims++
		}
	}
}

// second asks another server, up to the head of its answer in x.res. From when there
// is a lease on it, that is x.lease.
func (x *Exchange) second(r *race) *failure.Error {
	a := x.rec.AddAttempt()
	a.Start = x.env.Now().Sub(x.rec.Start)
	w := &r.asked
	*w = x.want
	w.Attempt, w.Waiter, w.Fresh, w.Trial, w.Bound = a, r, false, false, 0
	lease, err := x.route.Upstream.Acquire(w)
	x.want.Tried, x.want.TriedLen = w.Tried, w.TriedLen
	if err != nil {
		return err
	}
	x.lease = lease
	x.reached++
	lease.Note(a)
	r.Watch(lease)
	x.makeRequest()
	if err = lease.SendHead(&x.out); err == nil {
		err = lease.EndBody(nil)
	}
	if err != nil {
		return err
	}
	lease.RequestDone(x.env.Now())
	return x.readFinal(lease, &x.res)
}

// loseFirst writes down that the first attempt was given up, or failed meanwhile, and
// gives its lease back. From then on its connection may be another exchange's, and
// must not be canceled by our client's departure.
func (x *Exchange) loseFirst(r *race) {
	x.client.Watch(x.lease)
	x.want.Chosen, x.want.Last = r.asked.Chosen, r.asked.Last
	a := &x.rec.Attempts[x.rec.AttemptLen-2]
	x.ended(a)
	switch {
	case r.err == nil: // it came a moment too late
		a.Status = r.first.res.Status
	case r.err == Canceled:
		a.Error = r.first.lease.Fault(phase.AwaitHead, failure.Timeout)
		a.Failure = a.Error.Code
	default:
		a.Error = x.checked(r.err)
		a.Failure = r.err.Code
	}
	x.rec.Saved |= record.ByHedge
	r.settled = true
	r.first.lease.Release(a.Failure)
}

// loseSecond takes the second attempt back, which ended with err: the record tells of
// the one whose answer, or failure, counts.
func (x *Exchange) loseSecond(r *race, err *failure.Error) {
	x.client.Watch(r.first.lease)
	x.rec.DropAttempt()
	second := x.lease
	x.lease, r.settled = r.first.lease, true
	if second == r.first.lease {
		return // nobody was asked
	}
	var why failure.Code
	if err != nil && err != Canceled {
		why = x.checked(err).Code
	}
	second.Release(why)
}

// end joins what a bug left running.
func (r *race) end() {
	if r == nil || r.settled {
		return
	}
	r.settled = true
	r.Cancel()
	<-r.done
	if r.x.lease != r.first.lease {
		r.first.lease.Release(failure.Code{})
	}
}
