// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"causey/internal/cdn"
	"causey/internal/config"
	"causey/internal/exchange"
	"causey/internal/metrics"
	"causey/internal/record"
)

// networks are the named sets of networks as one configuration has them.
type networks struct {
	sets  []cdn.Set
	table *cdn.Table
}

// prefixes resolves names.
func (n *networks) prefixes(list []config.NetworkOrSet) []netip.Prefix {
	var out []netip.Prefix
	for _, item := range list {
		if item.Set == "" {
			out = append(out, item.Prefix.Prefix)
			continue
		}
		for i := range n.sets {
			if n.sets[i].Name == item.Set {
				out = append(out, n.sets[i].Prefixes...)
			}
		}
	}
	return out
}

// loadNetworks reads the sets and says what is wrong with those that c uses.
func (g *Gateway) loadNetworks(c *config.Config) *networks {
	sets, problems := cdn.Load(g.opts.StateDir, g.clock.now())
	for _, err := range problems {
		g.opts.Logger.Warn("a list of networks cannot be used; the built-in one is", "problem", err.Error())
	}
	for _, p := range doubts(c, sets, g.clock.now()) {
		g.opts.Logger.Warn(p.Message, "key", p.Path, "hint", p.Hint)
	}
	return &networks{sets, cdn.NewTable(sets)}
}

// CheckNetworks returns doubts about the sets of networks that c uses, for those who
// check a configuration without running it. dir is as Options.StateDir.
func CheckNetworks(c *config.Config, dir string, now time.Time) config.Errors {
	sets, problems := cdn.Load(dir, now)
	var all config.Errors
	for _, err := range problems {
		all = append(all, &config.Problem{File: dir, Message: "a list of networks cannot be used: " + err.Error()})
	}
	return append(all, doubts(c, sets, now)...)
}

// doubts are about sets that are empty or old and in use.
func doubts(c *config.Config, sets []cdn.Set, now time.Time) config.Errors {
	var all config.Errors
	for i := range sets {
		s := &sets[i]
		key := usedAt(c, s.Name)
		hint := "run: causey networks update " + s.Name
		switch {
		case key == "":
		case s.Empty():
			all = append(all, &config.Problem{Path: key, Hint: hint,
				Message: fmt.Sprintf("the set %s has no networks yet, so nobody is meant by it", s.Name)})
		case s.Old(now):
			all = append(all, &config.Problem{Path: key, Hint: hint,
				Message: fmt.Sprintf("the networks of %s are of %s, %d days ago; it may have others now", s.Name, s.Day, int(s.Age(now)/(24*time.Hour)))})
		}
	}
	return all
}

// usedAt returns the first key that names a set, "" if none does.
func usedAt(c *config.Config, name string) string {
	names := func(list []config.NetworkOrSet) bool {
		return slices.ContainsFunc(list, func(n config.NetworkOrSet) bool { return n.Set == name })
	}
	if names(c.TrustedProxies) {
		return "trusted_proxies"
	}
	for i, l := range c.Listen {
		if names(l.ProxyProtocol) {
			return fmt.Sprintf("listen[%d].proxy_protocol", i)
		}
	}
	return ""
}

// A set that is not trusted is warned of once in strayEvery, if in that time it sent
// straysMin exchanges and one in strayShare of all. A few come from these networks to
// every site: a CDN sells its network to users of its VPN too (Cloudflare WARP).
const (
	strayEvery = time.Hour
	straysMin  = 10
	strayShare = 4
)

// strays notices exchanges that came from a delivery network which is not trusted: the
// gateway then takes the CDN for the client, and every address it tells is wrong. It
// reads records, off the data path.
type strays struct {
	mu       sync.Mutex
	log      *slog.Logger
	networks *networks
	trusted  []netip.Prefix
	// counts outlive reloads, in the order of the sets, which never changes.
	counts []uint64
	warned []time.Time
	// all and recent count since began, at most for strayEvery.
	began  time.Time
	all    uint64
	recent []uint64
}

// useNetworks puts l's sets to use.
func (g *Gateway) useNetworks(l live) {
	s := &g.strays
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.networks, s.trusted = g.opts.Logger, l.networks, l.plan.Trusted
	if s.counts == nil {
		n := len(l.networks.sets)
		s.counts, s.recent, s.warned = make([]uint64, n), make([]uint64, n), make([]time.Time, n)
	}
}

// Consume implements record.Sink.
func (s *strays) Consume(batch []record.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		now, peer := batch[i].Start, batch[i].Peer.Addr()
		if now.Sub(s.began) >= strayEvery {
			s.began, s.all = now, 0
			clear(s.recent)
		}
		s.all++
		at, ok := s.networks.table.Find(peer)
		if !ok || exchange.IsTrusted(s.trusted, peer) {
			continue
		}
		s.counts[at]++
		s.recent[at]++
		many := s.recent[at] >= straysMin && s.recent[at]*strayShare >= s.all
		if many && (s.warned[at].IsZero() || now.Sub(s.warned[at]) >= strayEvery) {
			s.warned[at] = now
			s.warn(&s.networks.sets[at], peer)
		}
	}
}

func (s *strays) warn(set *cdn.Set, peer netip.Addr) {
	s.log.Warn("requests come through "+set.Title+", which is not in trusted_proxies: its addresses are taken for those of the visitors, in logs, X-Forwarded-For and limits",
		"peer", peer.String(), "hint", "add "+set.Name+" to trusted_proxies, beside what is there; if nobody but the CDN should come here, close the port to others too")
}

// snapshot is for a scrape.
func (s *strays) snapshot() []metrics.NetworkSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []metrics.NetworkSet
	for i := range s.counts {
		set := &s.networks.sets[i]
		all = append(all, metrics.NetworkSet{Name: set.Name, Prefixes: len(set.Prefixes), Retrieved: set.Retrieved, Untrusted: s.counts[i]})
	}
	return all
}
