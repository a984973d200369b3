// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Share is how much of what has one property fails, beside how much of the rest does.
type Share struct {
	// Level is what the property is of: client, network, path, server, upstream or site;
	// Value is the property itself.
	Level, Value string
	// Of All attempts with it Bad failed; of AllOut without it BadOut did. Those of
	// servers and upstreams are all there were, the others are samples.
	Bad, All, BadOut, AllOut int
}

// wilson returns the bounds of the true share that n of all are a sample of, with 95 %
// confidence (Wilson, 1927).
func wilson(n, all int) (low, high float64) {
	if all == 0 {
		return 0, 1
	}
	const z = 1.96
	p, m := float64(n)/float64(all), float64(all)
	mid := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(mid-half, 0), min(mid+half, 1)
}

// Stands reports that the failures are confined to it, beyond chance: they are nearly all
// there, and what is elsewhere goes better with 95 % confidence.
func (s *Share) Stands() bool {
	if s.Bad < few || s.AllOut < few || 5*s.Bad < 4*(s.Bad+s.BadOut) {
		return false
	}
	low, _ := wilson(s.Bad, s.All)
	_, high := wilson(s.BadOut, s.AllOut)
	return low > high
}

// Scopes returns the properties that the failures of c are confined to, the narrowest
// first. It is to be called within Each.
func (s *Sensor) Scopes(c *Case) (stand []Share) {
	if c.pool == nil {
		return nil
	}
	onset := c.Onset()
	bad, good := requested(c.present()), c.during()
	for _, level := range []struct {
		name string
		of   func(*sample) string
	}{
		{"client", func(s *sample) string { return s.client.String() }},
		{"network", func(s *sample) string { return network(s.client).String() }},
		{"path", func(s *sample) string { return s.path.String() }},
		{"site", func(s *sample) string { return s.site }},
	} {
		counts := map[string]int{}
		for _, b := range bad {
			counts[level.of(b)]++
		}
		top := mostFrequent(counts)
		one := Share{Level: level.name, Value: top, Bad: counts[top], BadOut: len(bad) - counts[top]}
		one.All, one.AllOut = one.Bad, one.BadOut
		for _, g := range good {
			if level.of(g) == top {
				one.All++
			} else {
				one.AllOut++
			}
		}
		if one.Stands() {
			stand = append(stand, one)
		}
	}
	if one := s.serverShare(c, onset); one.Stands() {
		stand = append(stand, one)
	}
	order := []string{"client", "path", "server", "network", "site"}
	slices.SortStableFunc(stand, func(a, b Share) int {
		return cmp.Compare(slices.Index(order, a.Level), slices.Index(order, b.Level))
	})
	return stand
}

func mostFrequent(counts map[string]int) (top string) {
	for k, n := range counts {
		if n > counts[top] || n == counts[top] && k < top || top == "" {
			top = k
		}
	}
	return top
}

// serverShare is the share of the server that fails most, by all its attempts.
func (s *Sensor) serverShare(c *Case, onset time.Time) (worst Share) {
	total := Share{}
	signs := map[string]uint32{}
	for _, b := range c.bad.since(onset) {
		if b.sign {
			signs[b.try.Server]++
		}
	}
	for name, m := range c.pool.servers {
		n := m.secs.sum(onset.Unix(), c.Last.Unix())
		n.bad += signs[name]
		one := Share{Level: "server", Value: name, Bad: int(n.bad), All: int(n.bad + n.good)}
		total.Bad, total.All = total.Bad+one.Bad, total.All+one.All
		if one.Bad > worst.Bad || one.Bad == worst.Bad && name < worst.Value {
			worst = one
		}
	}
	worst.BadOut, worst.AllOut = total.Bad-worst.Bad, total.All-worst.All
	return worst
}

// Clients returns how many clients the failures are of that are kept.
func (c *Case) Clients() int {
	seen := map[string]bool{}
	for _, b := range requested(c.present()) {
		seen[b.client.String()] = true
	}
	return len(seen)
}

// Sites returns the sites that fail, in order.
func (c *Case) Sites() []string {
	var list []string
	for _, b := range c.present() {
		if b.site != "" && !slices.Contains(list, b.site) {
			list = append(list, b.site)
		}
	}
	slices.Sort(list)
	return list
}

// Exemplars returns the ids of the newest failures, up to n, newest first.
func (c *Case) Exemplars(n int) (ids []string) {
	list := requested(c.present())
	for i := len(list) - 1; i >= 0 && len(ids) < n; i-- {
		ids = append(ids, list[i].id.String())
	}
	return ids
}

// Has reports that the exchange with this id is among the samples that are kept.
func (c *Case) Has(id string) bool {
	return slices.ContainsFunc(c.bad.since(time.Time{}), func(s *sample) bool { return s.id.String() == id })
}

// Recent returns how many failures came within the last so many seconds, and how many
// attempts at the upstream went well.
func (c *Case) Recent(now time.Time, secs int64) (bad, good int) {
	last := now.Unix()
	bad = int(c.secs.sum(last-secs+1, last).bad)
	if c.pool != nil {
		good = int(c.pool.secs.sum(last-secs+1, last).good)
	}
	return bad, good
}
