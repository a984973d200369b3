// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package steady is visitors who keep coming at the same rate, whatever becomes of
// the servers, and who remember what they got.
//
// What it is: an open-loop client of a gateway. Requests fall due at times fixed in
// advance, on connections that are kept and on some new ones; each is classified,
// and examples of what went wrong are kept.
//
// What it never does: it asks again for nobody. A request is sent once, so what a
// gateway does not save is lost, as it is for the visitor.
//
// Invariants:
//
//	I1. Each request that was due has exactly one verdict.
//	I2. Latency runs from when the request was due, and is recorded for every whole
//	    answer and for every visitor who left: a gateway that holds requests cannot
//	    hide it by being slow to take the next one.
//	I3. Nothing counts as whole but a status 200 with the very bytes expected.
//	I4. Cut means that bytes of an answer had arrived; failed means that none had,
//	    or that it was an error or no answer of HTTP.
//
// Start reading with Run.
package steady

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// Plan is who comes, and when.
type Plan struct {
	// Addr is the gateway, host:port.
	Addr string
	// PerSecond is how many requests are due in a second.
	PerSecond float64
	// Burst is how many of them are due at the same moment; 0 is 1.
	Burst int
	// Length is how long requests fall due.
	Length time.Duration
	// Patience is how long after it was due a visitor waits for the end of the answer.
	Patience time.Duration
	// Held is from when on an answer counts as late.
	Held time.Duration
	// Conns are kept open. While all are busy, further ones are opened: a visitor does
	// not wait for the answer to another.
	Conns int
	// Fresh is the share of requests, 0 to 1, that come on a connection of their own.
	Fresh float64
	// Posts is the share of requests that are POSTs.
	Posts float64
	// Page is the path of GETs, Want the body that belongs to it.
	Page string
	Want []byte
	// Form is the path of POSTs.
	Form string
}

// Run makes the visits and waits until the last visitor was served or left. An error
// means that they could not be made; what became of each is in the outcome.
func Run(ctx context.Context, p Plan) (*Outcome, error) {
	if p.PerSecond <= 0 || p.Length <= 0 || p.Patience <= 0 || p.Held <= 0 {
		return nil, fmt.Errorf("no visits of %v/s for %s, with a patience of %s and late after %s", p.PerSecond, p.Length, p.Patience, p.Held)
	}
	pool, err := openPool(ctx, p.Addr, p.Conns)
	if err != nil {
		return nil, err
	}
	defer pool.close()
	start := time.Now()
	out := newOutcome(start)
	var visitors sync.WaitGroup
	err = p.schedule(ctx, start, func(k int, due time.Time) {
		out.sent(due)
		visitors.Go(func() {
			v := visit{plan: &p, order: p.order(k), due: due}
			v.make(ctx, pool, p.fresh(k))
			out.add(&v, time.Now())
		})
	})
	visitors.Wait()
	return out, err
}

// schedule calls send for each request when it is due. A schedule that is late, as
// the machine may be, sends at once what is overdue and skips nothing.
func (p *Plan) schedule(ctx context.Context, start time.Time, send func(k int, due time.Time)) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for k := range p.count() {
		due := start.Add(p.due(k))
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		send(k, due)
	}
	return nil
}

// count is how many requests there are.
func (p *Plan) count() int { return max(1, int(p.PerSecond*p.Length.Seconds())) }

// due is when request k is to be sent, from the start.
func (p *Plan) due(k int) time.Duration {
	burst := max(1, p.Burst)
	return time.Duration(float64(k/burst*burst) / p.PerSecond * float64(time.Second))
}

// order is the number of the order that request k posts, 0 if it is a GET.
func (p *Plan) order(k int) int {
	if chosen(k, math.Phi, p.Posts) {
		return k + 1
	}
	return 0
}

func (p *Plan) fresh(k int) bool { return chosen(k, math.Sqrt2, p.Fresh) }

// chosen spreads a share of requests evenly, and the same ones in every run: the
// multiples of an irrational number are equidistributed, and those of two such
// numbers have nothing to do with each other.
func chosen(k int, by, share float64) bool {
	_, fraction := math.Modf(float64(k) * by)
	return fraction < share
}
