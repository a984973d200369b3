// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"causey/internal/failure"
	"causey/internal/record"
)

// Sensor watches records. Its methods may be called from any goroutine.
type Sensor struct {
	mu    sync.Mutex
	pools map[string]*pool
	cases map[Key]*Case
	all   seconds // of the whole gateway
	// clock is the time of the newest Tick: see timeOf.
	clock time.Time
	// born is when the first record or Tick came.
	born  time.Time
	swept time.Time // when what is long over was forgotten
	// config is when the configuration was changed last.
	config time.Time
	failed recall
	hosts  [hostSeconds]hostSecond
	isCDN  func(netip.Addr) bool
	seed   maphash.Seed
	// noPlace counts what found no place. I1.
	noPlace atomic.Uint64
}

// New returns a sensor.
func New() *Sensor {
	s := &Sensor{seed: maphash.MakeSeed(), isCDN: func(netip.Addr) bool { return false }}
	s.begin()
	return s
}

// begin makes s know nothing.
func (s *Sensor) begin() {
	s.pools, s.cases = map[string]*pool{}, map[Key]*Case{}
	s.all, s.failed = make(seconds, 60*minutes), newRecall()
	s.hosts = [hostSeconds]hostSecond{}
	s.born, s.swept, s.config = time.Time{}, time.Time{}, time.Time{}
}

// KnowCDN tells how to find out whether an address is of a content delivery network.
func (s *Sensor) KnowCDN(is func(netip.Addr) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isCDN = is
}

// Consume implements record.Sink.
func (s *Sensor) Consume(batch []record.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		s.take(&batch[i])
	}
}

// timeOf says when t was by the clock of the newest Tick. Clocks are set while requests
// run; where times carry a monotonic reading, the time that passed between the two is
// right all the same, and all seconds are of one clock.
func (s *Sensor) timeOf(t time.Time) time.Time {
	if s.born.IsZero() {
		s.born = t
	}
	if s.clock.IsZero() {
		return t
	}
	return s.clock.Add(t.Sub(s.clock))
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
		c = newCase(k, p, s.all, at)
		s.cases[k] = c
	}
	return c
}

// Sign enters a failure to open a connection to a server that was seen now: the requests
// that it concerns may wait for another server for seconds before they have a record. One
// in a second is kept, none while records are taken.
func (s *Sensor) Sign(upstream, server string, err *failure.Error, now time.Time) {
	mode := modeOf(err.Code)
	if !s.mu.TryLock() { // requests wait for who calls this
		return
	}
	defer s.mu.Unlock()
	p := s.pool(upstream)
	if p == nil || mode == "" {
		return
	}
	s.sign(mode, p, s.timeOf(now), record.Attempt{Server: server, Dialled: err.Evidence.Dialled, Failure: err.Code, Error: err})
}

// condition enters that something is the case that is no failure: at a server of an
// upstream, or at the gateway.
func (s *Sensor) condition(mode Mode, p *pool, server string, now time.Time) {
	s.sign(mode, p, now, record.Attempt{Server: server})
}

// sign enters something that no request had to do with.
func (s *Sensor) sign(mode Mode, p *pool, now time.Time, try record.Attempt) {
	c := s.caseOf(mode, p, now)
	if c == nil || now.Sub(c.signed) < time.Second {
		return
	}
	b := c.place(now)
	if now.Sub(c.signed) > episodeGap {
		c.signs = 0 // those before told of something that is over
	}
	c.signs++
	c.signed = now
	try.Start = record.NotReached
	b.at, b.sign, b.gap, b.try = now, true, -1, try
}

// caseForgotten is how long after its last failure a case is kept.
const caseForgotten = time.Hour

// makeRoom forgets a case: one of what is mostly ordinary, else the one that has been quiet
// for the longest time, if that is a minute or more.
func (s *Sensor) makeRoom(now time.Time) bool {
	var oldest *Case
	for _, c := range s.cases {
		older := oldest == nil || c.Last.Before(oldest.Last)
		if oldest != nil && c.Mode.isCommon() != oldest.Mode.isCommon() {
			older = c.Mode.isCommon()
		}
		if older {
			oldest = c
		}
	}
	if !oldest.Mode.isCommon() && now.Sub(oldest.Last) < time.Minute {
		return false
	}
	delete(s.cases, oldest.Key)
	return true
}

// Cases returns how many cases there are.
func (s *Sensor) Cases() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.cases)
}

// NoPlace counts failures and upstreams that found no place.
func (s *Sensor) NoPlace() uint64 { return s.noPlace.Load() }
