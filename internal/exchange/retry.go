// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"slices"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/wire"
)

// Retry says what an exchange does about attempts that fail. The zero value repeats
// what provably was not processed, and what a reused connection lost, and nothing
// else.
type Retry struct {
	// Tries bounds how many tries may reach a server, 0 for 3. Those that find nobody
	// cost no server anything and are bounded by Hold and by attemptsMax.
	Tries int
	// Broken, Malformed and Timeout say after which failures a safe request (RFC 9110
	// section 9.2.1) is repeated: a connection that ended, bytes that are no answer,
	// no answer in time.
	Broken, Malformed, Timeout bool
	// Statuses are answers after which another server is asked, if there is one.
	Statuses []int
	// Unsafe says that the owner allows requests of every method to be repeated.
	Unsafe bool
	// Within bounds the time from the request's first byte to its last further try, 0
	// for none.
	Within time.Duration
	// Hold is how long after its first byte a request may wait for a server when none
	// can be asked.
	Hold time.Duration
	// Body is how many bytes of a request body are kept while it is streamed, for
	// requests that may be repeated: as long as there are no more it can be sent again.
	Body int
	// Hedge asks a second server when the first one has gone silent.
	Hedge bool
}

const (
	// triesUsual is enough for one stale connection and one dead server.
	triesUsual = 3
	// attemptsMax bounds all attempts of one exchange, those too that found nobody.
	attemptsMax = 64
)

func (r *Retry) tries() int {
	if r.Tries == 0 {
		return triesUsual
	}
	return r.Tries
}

// mayRepeat decides whether the request may go out once more after err, which is not
// final. I2.
func (x *Exchange) mayRepeat(err *failure.Error) bool {
	e := failure.Lookup(err.Code)
	switch {
	case e.Retry == failure.RetryUnsent && x.sent == 0:
	case connected(err) && x.sent == 0:
	case !x.heard && x.repeatable() && (e.Retry == failure.RetryReused || x.diedReused(err)):
	case connected(err) && err.Code.Party == failure.Upstream && x.safe() && x.route.Retry.covers(e):
	default:
		return false
	}
	return x.bodyAtHand()
}

// connected reports that an attempt which failed by err had a connection.
func connected(err *failure.Error) bool { return err.Code.Phase > phase.UpHandshake }

// brokeOff reports that an attempt failed by err because its connection ended.
func brokeOff(err *failure.Error) bool {
	return err.Code.Kind == failure.Closed || err.Code.Kind == failure.Reset
}

// diedReused reports that a reused connection ended while the request was on its way.
// That is told as a failure to send it.
func (x *Exchange) diedReused(err *failure.Error) bool {
	p := err.Code.Phase
	return (p == phase.SendHead || p == phase.SendBody) && brokeOff(err) && err.Code.Party == failure.Upstream && x.rec.LastAttempt().Reused
}

// covers reports whether the policy repeats safe requests after such a failure.
func (r *Retry) covers(e *failure.Entry) bool {
	if e.Code.Phase > phase.ReadHeadUp {
		return false
	}
	switch e.Family {
	case failure.FamilyTimeout:
		return r.Timeout
	case failure.FamilyClosed, failure.FamilyReset:
		return r.Broken
	case failure.FamilyMalformed, failure.FamilyTooLarge:
		return r.Malformed
	}
	return false
}

// repeatable reports whether the request has the same effect when done twice: by
// its method, by the owner's word, or by the client's own Idempotency-Key.
func (x *Exchange) repeatable() bool {
	return x.req.Method.Idempotent() || x.route.Retry.Unsafe || x.req.Find(wire.IdempotencyKey) >= 0
}

// safe reports whether the request is one that changes nothing, or may be repeated
// by the owner's word.
func (x *Exchange) safe() bool {
	return x.req.Method.Safe() || x.route.Retry.Unsafe
}

// inTime reports whether there is time for a further try.
func (x *Exchange) inTime() bool {
	w := x.route.Retry.Within
	return w == 0 || x.env.Now().Sub(x.rec.Start) < w
}

// wantsAnother reports whether the answer whose head has come is one for which
// another server is to be asked. One that came before the request was whole is passed
// on: what is left of the request cannot be stopped without losing the answer.
func (x *Exchange) wantsAnother() bool {
	return x.res.Status >= 400 && slices.Contains(x.route.Retry.Statuses, x.res.Status) && x.safe() && !x.req.Upgrade &&
		x.reached < x.route.Retry.tries() && x.inTime() && x.uploaded() &&
		x.route.Upstream.MayRepeat(&x.want, true) && x.bodyAtHand()
}
