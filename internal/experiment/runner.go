// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"causey/internal/cause"
	"causey/internal/incident"
	"causey/internal/sensor"
)

// The times of what was tried.
const (
	// counts is how long an outcome counts while its case fails on; again is when it may
	// be tried again, so that the new outcome is there before the old one is none.
	counts = time.Minute
	again  = 45 * time.Second
	// pause is how long a case rests for which nothing was worth trying.
	pause = 5 * time.Second
	// forget is how long a case is kept that nobody asks about.
	forget = 5 * time.Minute
)

// casesMax bounds the cases that are known, waitingMax those that wait for a choice.
const (
	casesMax   = 256
	waitingMax = 16
)

// Runner tries things out. Its methods may be called from any goroutine.
type Runner struct {
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc
	wait   chan *incident.Doubt
	done   sync.WaitGroup

	mu     sync.Mutex
	cases  map[sensor.Key]*tried
	budget budget
	tally  map[string]*Count
}

// tried is what was tried of a case in its present episode.
type tried struct {
	onset    time.Time
	asked    time.Time // when it was last asked about
	rest     time.Time // nothing is tried before
	busy     bool
	outcomes map[string]outcome // by fact
}

// outcome is what came out; seen is false where nothing could be observed.
type outcome struct {
	at    time.Time
	value cause.Value
	seen  bool
}

// Count says how often something was tried, and what came out; Unseen is nothing.
type Count struct {
	// Experiment is its name: its fact without "try_".
	Experiment      string
	Yes, No, Unseen uint64
}

// New starts a Runner. Close ends it.
func New(o Options) *Runner {
	r := &Runner{opts: o, wait: make(chan *incident.Doubt, waitingMax), cases: map[sensor.Key]*tried{}, budget: newBudget(), tally: map[string]*Count{}}
	for i := range experiments {
		fact := experiments[i].fact
		r.tally[fact] = &Count{Experiment: strings.TrimPrefix(fact, "try_")}
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.done.Go(r.work)
	return r
}

// Close ends what runs and waits for it. It may be called more than once. I6.
func (r *Runner) Close() {
	r.cancel()
	r.done.Wait()
}

// Consider implements incident.Experiments. I6.
func (r *Runner) Consider(d *incident.Doubt) cause.Facts {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.of(d)
	if t == nil {
		return nil
	}
	if d.FailsOn && !t.busy && !d.Now.Before(t.rest) && d.Upstream != "" && r.opts.May().Experiments && r.ctx.Err() == nil {
		select {
		case r.wait <- d:
			t.busy = true
		default: // it comes again in a second
		}
	}
	return t.facts(d.Now, d.FailsOn)
}

// of returns what is known of a case, nil where there is no place for it.
func (r *Runner) of(d *incident.Doubt) *tried {
	t := r.cases[d.Key]
	if t == nil {
		maps.DeleteFunc(r.cases, func(_ sensor.Key, t *tried) bool { return !t.busy && d.Now.Sub(t.asked) > forget })
		if len(r.cases) >= casesMax {
			return nil
		}
		t = &tried{onset: d.Onset, outcomes: map[string]outcome{}}
		r.cases[d.Key] = t
	}
	if !t.onset.Equal(d.Onset) { // another episode: what was true then may not be now
		t.onset, t.rest = d.Onset, time.Time{}
		clear(t.outcomes)
	}
	t.asked = d.Now
	return t
}

// facts returns what counts at present.
func (t *tried) facts(now time.Time, failsOn bool) cause.Facts {
	f := cause.Facts{}
	for fact, o := range t.outcomes {
		if o.seen && (!failsOn || now.Sub(o.at) < counts) {
			f[fact] = o.value
		}
	}
	derive(f)
	return f
}

// work chooses, for one case after the other.
func (r *Runner) work() {
	for {
		select {
		case <-r.ctx.Done():
			return
		case d := <-r.wait:
			if x, s := r.choose(d); x == nil || r.ctx.Err() != nil {
				r.finish(d, nil, outcome{})
			} else {
				r.done.Go(func() { r.run(d, x, s) })
			}
		}
	}
}

// choose returns the experiment that tells most, nil for none; it has its place in the
// budget.
func (r *Runner) choose(d *incident.Doubt) (*experiment, *subject) {
	allowed := r.opts.May()
	s := newSubject(&r.opts, d)
	if s == nil || !allowed.Experiments {
		return nil, nil
	}
	facts, fresh := r.known(d)
	ranking := r.opts.Catalogue.Rank(d.Symptom, facts)
	poisoned, open := isPoisoned(&ranking), opens(d.Mode, facts)
	var best *experiment
	most := leastGain
	for i := range experiments {
		x := &experiments[i]
		if fresh[x.fact] || x.open && !open || x.fact == neighbours && !allowed.Neighbours || !x.mayAsk(s, poisoned) {
			continue
		}
		if x.fits != nil && !x.fits(s) || !r.has(x, s) {
			continue
		}
		if g := gain(r.opts.Catalogue, d.Symptom, facts, &ranking, x.fact); g > most {
			best, most = x, g+tie
		}
	}
	if best == nil {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.budget.take(best.place(s), r.opts.Now()) {
		return nil, nil
	}
	return best, s
}

// known returns all facts of a case, and which were tried so lately that it is no use
// to try them again.
func (r *Runner) known(d *incident.Doubt) (facts cause.Facts, fresh map[string]bool) {
	facts, fresh = maps.Clone(d.Facts), map[string]bool{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for fact, o := range r.cases[d.Key].outcomes {
		if r.opts.Now().Sub(o.at) >= again {
			continue
		}
		if fresh[fact] = true; o.seen {
			facts[fact] = o.value
		}
	}
	derive(facts)
	return facts, fresh
}

func (r *Runner) has(x *experiment, s *subject) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.budget.has(x.place(s), r.opts.Now())
}

// place is where an experiment takes place, for the budget: a server by its address,
// or the network of the gateway.
func (x *experiment) place(s *subject) string {
	switch x.fact {
	case "try_resolve", "try_resolver", "try_uplink":
		return x.fact
	case "try_other_server":
		return s.other.Name
	}
	return s.server.Name
}

// run tries it out.
func (r *Runner) run(d *incident.Doubt, x *experiment, s *subject) {
	ctx, cancel := context.WithTimeout(r.ctx, Longest)
	defer cancel()
	o := r.attempt(ctx, x, s)
	r.mu.Lock()
	r.budget.done(x.place(s))
	r.mu.Unlock()
	r.finish(d, x, o)
}

// attempt tries it out; a bug in that must not end what serves, and shows nothing.
func (r *Runner) attempt(ctx context.Context, x *experiment, s *subject) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{}
			r.opts.Bug(x.fact, p)
		}
		o.at = r.opts.Now()
	}()
	o.value, o.seen = x.try(ctx, s)
	return o
}

// finish enters an outcome: of x, or that there was nothing to try.
func (r *Runner) finish(d *incident.Doubt, x *experiment, o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.cases[d.Key]
	t.busy = false
	switch {
	case x == nil:
		t.rest = r.opts.Now().Add(pause)
	case r.ctx.Err() != nil: // it was broken off, which says nothing
	default:
		if t.onset.Equal(d.Onset) {
			t.outcomes[x.fact] = o
		}
		r.count(x.fact, o)
	}
}

func (r *Runner) count(fact string, o outcome) {
	c := r.tally[fact]
	switch {
	case !o.seen:
		c.Unseen++
	case o.value.True || len(o.value.Words) > 0:
		c.Yes++
	default:
		c.No++
	}
}

// Counts returns how often each experiment was tried, in their order.
func (r *Runner) Counts() []Count {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Count, 0, len(experiments))
	for i := range experiments {
		list = append(list, *r.tally[experiments[i].fact])
	}
	return list
}
