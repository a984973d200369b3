// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"causey/internal/upstream"
)

// Look is what the gateway tells of its upstreams, once a second.
type Look struct {
	Upstream string
	upstream.Description
}

// What is forgotten after how long: servers that the gateway no longer tells of, and
// upstreams that nothing was asked of.
const (
	serverForgotten = 10 * time.Minute
	poolForgotten   = time.Hour
)

// clockBack is how far the time of day may go back without anything being forgotten.
const clockBack = 10 * time.Second

// Tick notes what upstreams have in hand and what the machine says, once a second, and
// forgets what is long over. Where the clock was put back nothing that is kept can be
// compared with what comes, so that all of it is forgotten.
func (s *Sensor) Tick(now time.Time, looks []Look, host Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Unix() < s.clock.Unix()-int64(clockBack/time.Second) {
		s.begin()
	}
	s.clock = now
	if s.born.IsZero() {
		s.born = now
	}
	sec := now.Unix()
	s.hosts[uint64(sec)%hostSeconds] = hostSecond{now, host}
	for i := range looks {
		if p := s.pools[looks[i].Upstream]; p != nil {
			s.look(p, &looks[i], now)
		}
	}
	if host.isDiskFull() {
		s.condition(ModeDisk, nil, "", now)
	}
	for k, c := range s.cases {
		if now.Sub(c.Last) > caseForgotten {
			delete(s.cases, k)
		}
	}
	if now.Sub(s.swept) >= time.Minute {
		s.swept = now
		s.sweep(now)
	}
}

// look notes what the gateway tells of one upstream.
func (s *Sensor) look(p *pool, l *Look, now time.Time) {
	sec := now.Unix()
	p.calm(sec)
	names := uint64(0)
	for j := range l.Servers {
		d := &l.Servers[j]
		names += maphash.String(s.seed, d.Name) // in any order
		if m := p.server(d.Name); m != nil {
			*m.handAt(sec) = hand{sec, int32(d.Waiting)}
			m.listed = now
			m.findStops(now)
			if d.Contradiction != "" {
				s.condition(ModeCheck, p, d.Name, now)
			}
		}
	}
	if last := p.listing(now); last == nil || last.names != names {
		*p.listed.place(listedKept) = listing{now, len(l.Servers), names}
	}
}

// sweep forgets servers that are gone and upstreams that nobody asks for. I1.
func (s *Sensor) sweep(now time.Time) {
	busy := map[string]bool{}
	for k := range s.cases {
		busy[k.Upstream] = true
	}
	for name, p := range s.pools {
		if !busy[name] && now.Sub(p.lastAsked) > poolForgotten {
			delete(s.pools, name)
			continue
		}
		for server, m := range p.servers {
			seen := max(m.listed.Unix(), m.lastGood.Unix(), m.lastBad.Unix())
			if now.Unix()-seen > int64(serverForgotten/time.Second) {
				delete(p.servers, server)
			}
		}
	}
}

// listing is which servers an upstream had from a moment on.
type listing struct {
	at    time.Time
	count int
	names uint64 // a hash of all
}

// listing returns the one of a moment, nil if it is not known.
func (p *pool) listing(at time.Time) (l *listing) {
	for i := range p.listed.list {
		if one := &p.listed.list[i]; !one.at.After(at) && (l == nil || one.at.After(l.at)) {
			l = one
		}
	}
	return l
}

// ConfigChanged notes that another configuration is in use.
func (s *Sensor) ConfigChanged(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = s.timeOf(at)
}

// Each calls f with each case, the oldest first. What f is given is valid until it
// returns. Between two cases records are taken in.
func (s *Sensor) Each(f func(*Case)) {
	for _, c := range s.list() {
		s.mu.Lock()
		if s.cases[c.Key] == c {
			f(c)
		}
		s.mu.Unlock()
	}
}

func (s *Sensor) list() []*Case {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Case, 0, len(s.cases))
	for _, c := range s.cases {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *Case) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Mode, b.Mode))
	})
	return list
}
