// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// Sensor watches records. Its methods may be called from any goroutine.
type Sensor struct {
	mu    sync.Mutex
	pools map[string]*pool
	cases map[Key]*Case
	all   seconds // of the whole gateway
	// now is the newest time seen.
	now     time.Time
	changes changes
	seed    maphash.Seed
	// noPlace counts what found no place. I1.
	noPlace atomic.Uint64
}

// New returns a sensor.
func New() *Sensor {
	return &Sensor{pools: map[string]*pool{}, cases: map[Key]*Case{}, all: make(seconds, 60*minutes), seed: maphash.MakeSeed()}
}

// Consume implements record.Sink.
func (s *Sensor) Consume(batch []record.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		s.take(&batch[i])
	}
}

// take takes in one record. I3.
func (s *Sensor) take(r *record.Record) {
	at := r.Start.Add(r.Total)
	if at.After(s.now) {
		s.now = at
	}
	sec := at.Unix()
	total := s.all.of(sec)
	total.requests++
	total.attempts += uint32(r.AttemptLen)
	if r.Failure.Party == failure.Client && isLeaving(r) {
		total.left++
	}
	p := s.pool(r.Upstream)
	if p == nil {
		if r.Error != nil {
			s.bad(nil, r, nil, at)
		}
		return
	}
	here := p.secs.of(sec)
	here.requests++
	here.attempts += uint32(r.AttemptLen)
	tries := r.KeptAttempts()
	for i := range tries {
		a := &tries[i]
		last := i == len(tries)-1
		switch {
		case !a.Failure.IsNone() && a.Failure.Party != failure.Upstream:
		case !a.Failure.IsNone(), a.Answer != nil, a.Status >= 500:
			here.bad++
			s.badTry(p, r, a, at)
			s.bad(p, r, a, at)
		case last && endedBad(r):
			here.bad++ // its answer began and did not end
			s.badTry(p, r, a, at)
		case a.Status > 0:
			here.good++
			wait := max(r.Phases[phase.AwaitHead], 0)
			here.waited += wait
			s.good(p, r, a, at, wait)
		}
	}
	if r.Error == nil || isOfAttempt(r, tries) {
		return
	}
	var a *record.Attempt
	if len(tries) > 0 && r.Failure.Party == failure.Upstream {
		a = &tries[len(tries)-1]
	}
	s.bad(p, r, a, at)
}

// isOfAttempt reports that the exchange's failure is one of its attempts', which was
// taken in already.
func isOfAttempt(r *record.Record, tries []record.Attempt) bool {
	return r.Failure.Party == failure.Upstream && slices.ContainsFunc(tries, func(a record.Attempt) bool { return a.Error == r.Error })
}

// endedBad reports that the failure came after the answer's head.
func endedBad(r *record.Record) bool {
	return r.Failure.Party == failure.Upstream && r.Failure.Phase >= phase.RelayBody
}

// isLeaving reports a client that went away, of its own will or out of patience.
func isLeaving(r *record.Record) bool {
	return r.Outcome == record.ClientLeft
}

func (s *Sensor) pool(name string) *pool {
	if name == "" {
		return nil
	}
	p := s.pools[name]
	if p == nil {
		if len(s.pools) >= poolsMax {
			s.noPlace.Add(1)
			return nil
		}
		p = newPool(name)
		s.pools[name] = p
	}
	return p
}

func (s *Sensor) badTry(p *pool, r *record.Record, a *record.Attempt, at time.Time) {
	if m := p.server(a.Server); m != nil {
		m.secs.of(at.Unix()).bad++
		m.lastBad = at
	}
}

// good counts an attempt that went well, and takes a sample now and then. I4.
func (s *Sensor) good(p *pool, r *record.Record, a *record.Attempt, at time.Time, wait time.Duration) {
	if m := p.server(a.Server); m != nil {
		m.secs.of(at.Unix()).good++
		m.lastGood = at
	}
	if at.Sub(p.last) < goodEvery {
		return
	}
	p.last = at
	b := p.good.place()
	s.fill(b, r, a, at)
	b.try.Took = wait
}

// bad enters a failure: of the attempt a, or of none.
func (s *Sensor) bad(p *pool, r *record.Record, a *record.Attempt, at time.Time) {
	code := r.Failure
	mode := modeOf(code)
	if a != nil && (!a.Failure.IsNone() || !endedBad(r)) {
		code = a.Failure
		if mode = modeOf(code); code.IsNone() {
			mode = modeOfStatus(a.Status)
		}
	}
	if mode == "" {
		return
	}
	c := s.caseOf(mode, p, at)
	if c == nil {
		return
	}
	seen := r.Saved == 0 && (r.Error != nil || a != nil && a.Failure.IsNone())
	b := c.note(at, seen, code)
	s.fill(b, r, a, at)
	c.asked.note(r)
	if b.seen = seen; a == nil || a.Failure.IsNone() && !code.IsNone() {
		b.try.Failure, b.try.Error = code, r.Error
		b.try.Took = r.Total - max(b.try.Start, 0)
	}
}

// caseOf returns the case of a mode at an upstream, nil if there is no place for it.
func (s *Sensor) caseOf(mode Mode, p *pool, at time.Time) *Case {
	k := Key{Mode: mode}
	if p != nil {
		k.Upstream = p.name
	}
	c := s.cases[k]
	if c == nil {
		if len(s.cases) >= casesMax && !s.makeRoom(at) {
			s.noPlace.Add(1)
			return nil
		}
		c = newCase(k, p, at)
		s.cases[k] = c
	}
	return c
}

// Sign enters a failure to open a connection to a server that was seen now: the requests
// that it concerns may wait for another server for seconds before they have a record. One
// in a second is kept.
func (s *Sensor) Sign(upstream, server string, err *failure.Error, now time.Time) {
	mode := modeOf(err.Code)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pool(upstream)
	if p == nil || mode == "" {
		return
	}
	c := s.caseOf(mode, p, now)
	if c == nil || now.Sub(c.signed) < time.Second {
		return
	}
	b := c.place(now, err.Code)
	c.signs++
	c.signed = now
	b.at, b.sign, b.try = now, true, record.Attempt{Server: server, Start: record.NotReached, Dialled: err.Evidence.Dialled, Failure: err.Code, Error: err}
}

// caseForgotten is how long after its last failure a case is kept.
const caseForgotten = time.Hour

// makeRoom forgets the case that has been quiet for the longest time, if that is a minute
// or more.
func (s *Sensor) makeRoom(now time.Time) bool {
	var oldest *Case
	for _, c := range s.cases {
		if oldest == nil || c.Last.Before(oldest.Last) {
			oldest = c
		}
	}
	if now.Sub(oldest.Last) < time.Minute {
		return false
	}
	delete(s.cases, oldest.Key)
	return true
}

func (s *Sensor) fill(b *sample, r *record.Record, a *record.Attempt, at time.Time) {
	target := r.Text(record.Target)
	b.at, b.id, b.site, b.client = at, r.ID, r.Site, r.Client
	b.path, b.file, b.target = shape(target), isFile(target), maphash.Bytes(s.seed, target)
	b.method, b.unsafe = methodOf(r.Text(record.Method))
	b.asks, b.headIn, b.bodyIn, b.bodyOut, b.total = r.Asks, int64(r.HeadIn), r.BodyIn, r.BodyOut, r.Total
	b.upload = max(r.Phases[phase.SendBody], 0)
	if b.try.Start = record.NotReached; a != nil {
		b.try = *a
	}
}

// methodOf returns the name of a usual method, and whether requests with it may change
// something.
func methodOf(m []byte) (name string, unsafe bool) {
	switch string(m) {
	case "GET":
		return "GET", false
	case "HEAD":
		return "HEAD", false
	case "OPTIONS":
		return "OPTIONS", false
	case "POST":
		return "POST", true
	case "PUT":
		return "PUT", true
	case "PATCH":
		return "PATCH", true
	case "DELETE":
		return "DELETE", true
	}
	return "other", true
}

// NoPlace counts failures and upstreams that found no place.
func (s *Sensor) NoPlace() uint64 { return s.noPlace.Load() }
