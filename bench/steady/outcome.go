// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package steady

import (
	"fmt"
	"sync"
	"time"

	"causey/bench/load"
)

// Tally counts requests of one kind: Due = Whole + Failed + Cut (I1).
type Tally struct {
	Due, Whole, Failed, Cut int
	// Held are those of Whole that came later than Plan.Held.
	Held int
}

// Plus is the sum of both.
func (t Tally) Plus(o Tally) Tally {
	return Tally{t.Due + o.Due, t.Whole + o.Whole, t.Failed + o.Failed, t.Cut + o.Cut, t.Held + o.Held}
}

// Example is a visit that went wrong.
type Example struct {
	// What is the method, the verdict and the reason: "GET failed: status 502".
	What string
	// Due is when the request was to be sent, from the start; Took how long after that
	// its end came.
	Due, Took time.Duration
	// ProxyStatus is the answer's field of that name, Body the beginning of its body.
	ProxyStatus, Body string
	// Err is what the socket said, nil if nothing.
	Err error
}

func (e Example) String() string {
	s := fmt.Sprintf("%s, due at %.2f s, ended %.2f s later", e.What, e.Due.Seconds(), e.Took.Seconds())
	if e.ProxyStatus != "" {
		s += fmt.Sprintf(", Proxy-Status %s", e.ProxyStatus)
	}
	if e.Err != nil {
		s += fmt.Sprintf(", %v", e.Err)
	}
	if e.Body != "" {
		s += fmt.Sprintf(", body %q", e.Body)
	}
	return s
}

// Order is one POST.
type Order struct {
	Number int
	// Confirmed: the visitor got the whole answer, of status 200.
	Confirmed bool
}

// Outcome is what became of all visits.
type Outcome struct {
	mu    sync.Mutex
	start time.Time

	// Gets and Posts are counted apart: what a POST may have done forbids to repeat it.
	Gets, Posts Tally
	// Latency is that of whole answers and of visitors who left (I2). Lag is how much
	// later than due requests were sent, the client's own share.
	Latency, Lag load.Histogram
	// Reasons counts what Example.What says.
	Reasons map[string]int
	// Examples are the first ones of each reason.
	Examples []Example
	// Orders are the POSTs, in the order of their ends.
	Orders []Order
}

// examplesKept is how many examples of one reason are kept.
const examplesKept = 2

func newOutcome(start time.Time) *Outcome { return &Outcome{start: start, Reasons: map[string]int{}} }

// sent notes that a request is sent now.
func (o *Outcome) sent(due time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.Lag.Record(time.Since(due))
}

// add counts a visit that ended now.
func (o *Outcome) add(v *visit, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	took := now.Sub(v.due)
	tally, method := &o.Gets, "GET"
	if v.order != 0 {
		tally, method = &o.Posts, "POST"
		o.Orders = append(o.Orders, Order{v.order, v.verdict == Whole})
	}
	tally.Due++
	switch v.verdict {
	case Whole:
		tally.Whole++
		if took > v.plan.Held {
			tally.Held++
		}
	case Failed:
		tally.Failed++
	case Cut:
		tally.Cut++
	}
	if v.verdict == Whole || v.reason == reasonTimeout {
		o.Latency.Record(took)
	}
	if v.verdict == Whole {
		return
	}
	what := fmt.Sprintf("%s %s: %s", method, v.verdict, v.reason)
	o.Reasons[what]++
	if o.Reasons[what] <= examplesKept {
		o.Examples = append(o.Examples, Example{what, v.due.Sub(o.start), took, v.proxy, v.began, v.err})
	}
}
