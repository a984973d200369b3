// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"cmp"
	"slices"
	"time"

	"causey/internal/upstream"
)

// changes are when something of the gateway was changed last.
type changes struct{ config, servers time.Time }

// Look is what the gateway tells of its upstreams, once a second.
type Look struct {
	Upstream string
	upstream.Description
}

// Tick notes what upstreams have in hand, once a second, and forgets what is long over.
func (s *Sensor) Tick(now time.Time, looks []Look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
	sec := now.Unix()
	for i := range looks {
		p := s.pools[looks[i].Upstream]
		if p == nil {
			continue
		}
		p.calm(sec)
		for j := range looks[i].Servers {
			d := &looks[i].Servers[j]
			if m := p.server(d.Name); m != nil {
				m.hands[sec%handSeconds] = hand{sec, int32(d.Waiting)}
			}
		}
	}
	for k, c := range s.cases {
		if now.Sub(c.Last) > caseForgotten {
			delete(s.cases, k)
		}
	}
}

// ConfigChanged notes that another configuration is in use.
func (s *Sensor) ConfigChanged(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.config = at
}

// ServersChanged notes that an upstream has other servers.
func (s *Sensor) ServersChanged(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.servers = at
}

// Each calls f with each case, the oldest first. What f is given is valid until it
// returns.
func (s *Sensor) Each(f func(*Case)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Case, 0, len(s.cases))
	for _, c := range s.cases {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *Case) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Mode, b.Mode))
	})
	for _, c := range list {
		f(c)
	}
}
