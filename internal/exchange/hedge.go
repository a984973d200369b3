// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"sync"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// race is two attempts of one exchange side by side. The second one begins when the
// server of the first has gone silent, and the first answer wins. It is what the
// second attempt waits by, and what the client's departure cancels.
type race struct {
	x      *Exchange
	first  answer
	err    *failure.Error // of the first
	done   chan struct{}  // closed when the first has come to its end
	chosen uint64         // Want.Chosen of the second
	// settled says that the exchange has taken over what is left of both.
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
		x.inTime() && x.route.Upstream.Hangs(&x.want) && x.route.Upstream.MayRepeat()
}

// hedge asks a second server. The head that came first is in x.res afterwards, with
// its lease in x.lease.
func (x *Exchange) hedge() *failure.Error {
	r := &race{x: x, done: make(chan struct{})}
	r.first.lease = x.lease
	x.race = r
	x.client.Watch(r)
	go r.runFirst()
	lease, err := x.second(r)
	if err == nil && r.claim(theSecond) {
		r.first.lease.Cancel()
	}
	<-r.done
	r.settled = true
	if r.won == theSecond {
		x.lease, x.want.Chosen = lease, r.chosen
		x.loseFirst(r)
		return nil
	}
	// The first won, or both failed: then it is the first that tells what was wrong.
	x.rec.DropAttempt()
	if lease != nil {
		lease.Release(failure.Code{})
	}
	x.lease = r.first.lease
	if r.won == theFirst {
		x.res = r.first.res
		return nil
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
	for {
		if r.err = r.first.lease.ReadHead(&r.first.res); r.err == Slow {
			continue
		}
		if r.err != nil {
			return
		}
		if !r.first.res.Interim() {
			if r.claim(theFirst) {
				r.stopSecond()
			}
			return
		}
	}
}

// second asks another server, up to the head of its answer in x.res.
func (x *Exchange) second(r *race) (Lease, *failure.Error) {
	w := x.want
	a := x.rec.AddAttempt()
	a.Start = x.env.Now().Sub(x.rec.Start)
	w.Attempt, w.Waiter, w.Fresh, w.Trial, w.Bound = a, r, false, false, 0
	lease, err := x.route.Upstream.Acquire(&w)
	x.want.Tried, x.want.TriedLen, r.chosen = w.Tried, w.TriedLen, w.Chosen
	if err != nil {
		return nil, err
	}
	x.reached++
	lease.Note(a)
	r.Watch(lease)
	x.lease = lease // the request names it
	x.makeRequest()
	if err = lease.SendHead(&x.out); err == nil {
		err = lease.EndBody(nil)
	}
	if err == nil {
		lease.RequestDone(x.env.Now())
	}
	for err == nil {
		if err = lease.ReadHead(&x.res); err == nil && !x.res.Interim() {
			return lease, nil
		}
		if err == Slow {
			err = nil
		}
	}
	a.Failure = x.checked(err).Code
	return lease, err
}

// loseFirst writes down that the first attempt was given up, or failed meanwhile.
func (x *Exchange) loseFirst(r *race) {
	why := failure.Code{Party: failure.Upstream, Phase: phase.AwaitHead, Kind: failure.Timeout}
	if r.err != nil && r.err != Canceled {
		why = x.checked(r.err).Code
	}
	a := &x.rec.Attempts[x.rec.AttemptLen-2]
	a.Failure, a.Took = why, x.env.Now().Sub(x.rec.Start)-a.Start
	r.first.lease.Release(why)
	x.rec.Saved |= record.ByHedge
}

// end joins what a bug left running.
func (r *race) end() {
	if r == nil || r.settled {
		return
	}
	r.Cancel()
	<-r.done
	r.settled = true
	if r.x.lease != r.first.lease {
		r.first.lease.Release(failure.Code{})
	}
}
