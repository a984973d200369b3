// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"causey/internal/upstream"
)

// Options are the rules of one feed.
type Options struct {
	Upstream string
	Clock    Clock
	// Tell is told of each change; it must return soon and not call the feed.
	Tell func(Event)
}

// Wanted is a source that a configuration asks for.
type Wanted struct {
	// Name says what is looked at: "dns app:3000". It is unique in its upstream.
	Name string
	// Key is equal for sources that would do the same.
	Key string
	// New makes the source. nil: there is nothing to look for, Fixed is the list.
	New   func() Source
	Fixed []upstream.Spec
}

// Plan is what a configuration says of one upstream.
type Plan struct {
	Sources []Wanted
	// Grace is how long the last servers stay when a source finds none any more.
	Grace time.Duration
}

// Feed joins the sources of one upstream.
type Feed struct {
	opts Options
	wg   sync.WaitGroup
	// look is what LookAgain reads without a lock: requests wait for it.
	look atomic.Pointer[[]Source]

	mu      sync.Mutex
	plan    Plan
	parts   []*part
	use     func([]upstream.Spec)
	inUse   []upstream.Spec
	running bool
	closed  bool
}

// NewFeed returns a feed without sources.
func NewFeed(o Options) *Feed { return &Feed{opts: o} }

// Preview returns the servers that there will be once p is put to use: what p fixes,
// and what sources that stay have found.
func (f *Feed) Preview(p Plan) []upstream.Spec {
	f.mu.Lock()
	defer f.mu.Unlock()
	return union(f.partsFor(p))
}

// Change puts p to use. Sources that stay go on; the others end or begin. use is
// called with the list, now and at each change.
func (f *Feed) Change(p Plan, use func([]upstream.Spec)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	parts := f.partsFor(p)
	for _, old := range f.parts {
		if !slices.Contains(parts, old) {
			old.end()
		}
	}
	f.plan, f.parts, f.use = p, parts, use
	var look []Source
	for _, p := range parts {
		if p.source != nil {
			look = append(look, p.source)
		}
	}
	f.look.Store(&look)
	f.begin()
	f.inUse = union(parts)
	use(f.inUse)
}

// partsFor returns the parts that p asks for: those that there are where they do the
// same, and new ones; f.mu is held.
func (f *Feed) partsFor(p Plan) []*part {
	var parts []*part
	for _, w := range p.Sources {
		have := slices.IndexFunc(f.parts, func(old *part) bool { return old.name == w.Name })
		if have >= 0 && f.parts[have].key == w.Key && w.New != nil {
			parts = append(parts, f.parts[have])
			continue
		}
		n := &part{name: w.Name, key: w.Key, specs: w.Fixed}
		if w.New != nil {
			n.source = w.New()
			if have >= 0 {
				n.specs = f.parts[have].specs // until it has looked itself
			}
		}
		parts = append(parts, n)
	}
	return parts
}

// Start lets the sources run.
func (f *Feed) Start() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = true
	f.begin()
}

// begin starts the sources that do not run yet; f.mu is held.
func (f *Feed) begin() {
	if !f.running || f.closed {
		return
	}
	for _, p := range f.parts {
		if p.source == nil || p.cancel != nil {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		p.cancel = cancel
		f.wg.Go(func() { p.source.Run(ctx, func(n Finding) { f.found(p, n) }) })
	}
}

// Close ends the sources and waits for them. I4.
func (f *Feed) Close() {
	f.mu.Lock()
	f.closed = true
	for _, p := range f.parts {
		p.end()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

// LookAgain says that no connection could be opened to s.
func (f *Feed) LookAgain(s *upstream.Server) {
	if look := f.look.Load(); look != nil {
		for _, source := range *look {
			source.LookAgain(s)
		}
	}
}

// found takes what the source of p found.
func (f *Feed) found(p *part, n Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || p.ended {
		return
	}
	p.lookedAt = f.opts.Clock.Now()
	if n.Err != nil { // I1
		f.trouble(p, n.Err.Error(), len(p.specs))
		return
	}
	if len(n.Specs) > MaxServers {
		n.Doubt = fmt.Sprintf("finds %d servers; the first %d of them are used", len(n.Specs), MaxServers)
		n.Specs = n.Specs[:MaxServers]
	}
	f.trouble(p, n.Doubt, 0)
	if len(n.Specs) == 0 && len(p.specs) > 0 && !n.Left && f.plan.Grace > 0 {
		f.doubt(p)
		return
	}
	f.believe(p, n.Specs)
}

// problemLimitBytes bounds the text of a problem.
const problemLimitBytes = 1000

// trouble notes what is wrong with the source of p, "" for nothing, and tells it if
// that is new, and how many servers stay in spite of it; f.mu is held.
func (f *Feed) trouble(p *part, problem string, stay int) {
	if len(problem) > problemLimitBytes { // it may quote what strangers wrote
		problem = strings.ToValidUTF8(problem[:problemLimitBytes], "") + "…"
	}
	now := f.opts.Clock.Now()
	was := p.problem
	p.problem = problem
	switch {
	case was == "" && problem != "":
		p.problemSince = now
		text := problem
		if stay > 0 {
			text += "; what was found before stays: " + servers(stay)
		}
		f.tell(p, text, true)
	case was != "" && problem == "":
		f.tell(p, "is in order again after "+now.Sub(p.problemSince).Round(100*time.Millisecond).String(), false)
	}
}

// doubt begins the grace of a list that became empty; f.mu is held. I2.
func (f *Feed) doubt(p *part) {
	if p.grace != nil {
		return
	}
	stop := make(chan struct{})
	p.grace = stop
	f.tell(p, fmt.Sprintf("has no servers any more; the last %s if that does not change in %s", leave(len(p.specs)), f.plan.Grace), true)
	over := f.opts.Clock.After(f.plan.Grace)
	f.wg.Go(func() {
		select {
		case <-stop:
			return
		case <-over:
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if p.grace == stop {
			f.believe(p, nil)
		}
	})
}

// believe makes specs the list of p; f.mu is held.
func (f *Feed) believe(p *part, specs []upstream.Spec) {
	doubted := p.trust()
	change := difference(p.specs, specs)
	p.specs = specs
	if change == "" {
		if doubted {
			f.tell(p, "has its servers again", false)
		}
		return
	}
	p.changedAt = f.opts.Clock.Now()
	f.tell(p, change, len(specs) == 0)
	f.inUse = union(f.parts)
	f.use(f.inUse)
}

func (f *Feed) tell(p *part, text string, trouble bool) {
	if f.opts.Tell != nil {
		f.opts.Tell(Event{Upstream: f.opts.Upstream, Source: p.name, Text: text, Trouble: trouble})
	}
}

// Status is how one source stands.
type Status struct {
	Source string
	// Servers counts what it found.
	Servers int
	// Problem is why it cannot look, or what is in doubt; "" if nothing is.
	Problem string
	// LookedAt and ChangedAt are zero where that has not happened yet.
	LookedAt, ChangedAt time.Time
}

// Status tells how the sources stand, in the order of the configuration. What is
// fixed is none.
func (f *Feed) Status() []Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Status
	for _, p := range f.parts {
		if p.source != nil {
			all = append(all, Status{p.name, len(p.specs), p.problem, p.lookedAt, p.changedAt})
		}
	}
	return all
}
