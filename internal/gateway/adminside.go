// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"causey/internal/admin"
	"causey/internal/config"
	"causey/internal/metrics"
)

// newAdmin makes the admin side; it does not listen yet.
func (g *Gateway) newAdmin(cfg *config.Config) error {
	o := admin.Options{
		Socket:         string(cfg.Admin.Socket),
		SocketOptional: true,
		Token:          cfg.Admin.Token,
		Store:          g.store,
		Metrics:        g.metrics.Handler(),
		Ready:          g.ready,
		Upstreams:      g.upstreams,
		Certificates:   g.certificates,
		Cache:          g.cacheState,
		Purge:          g.purge,
		Reload:         g.Reload,
		Config:         g.configJSON,
		Build:          g.opts.Build,
		Now:            time.Now,
		After:          time.After,
		Logger:         g.opts.Logger,
	}
	if !cfg.Admin.Listen.IsZero() {
		o.Listen = cfg.Admin.Listen.String()
	}
	var err error
	g.admin, err = admin.New(o)
	return err
}

// ready says whether traffic should come here.
func (g *Gateway) ready() admin.Readiness {
	g.mu.Lock()
	open := len(g.listeners)
	g.mu.Unlock()
	checks := []admin.Check{
		{Name: "listening", OK: open > 0, Detail: fmt.Sprintf("%d listeners", open)},
		{Name: "not stopping", OK: !g.stopping.Load()},
	}
	r := admin.Readiness{Ready: true, Checks: checks}
	for _, c := range checks {
		r.Ready = r.Ready && c.OK
	}
	return r
}

func (g *Gateway) configJSON() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	text, err := json.MarshalIndent(g.cfg, "", "  ")
	if err != nil {
		return []byte("{}")
	}
	return text
}

// upstreams tells what is configured and connected.
func (g *Gateway) upstreams() []admin.Upstream {
	g.mu.Lock()
	groups := g.sortedGroups()
	resolver := g.resolver
	g.mu.Unlock()
	out := make([]admin.Upstream, 0, len(groups))
	for _, gr := range groups {
		u := admin.Upstream{Name: gr.Name()}
		servers, idle := gr.Servers()
		for i, s := range servers {
			a := admin.UpstreamServer{Name: s.Name, Addresses: []string{s.Name}}
			a.Connections = admin.Connections{Active: int(s.Active.Load()), Idle: idle[i]}
			if s.Host != "" {
				a.Addresses = nil
				if known, ok := resolver.Known(s.Host); ok {
					for _, ip := range known.Addrs {
						a.Addresses = append(a.Addresses, ip.String())
					}
					a.ResolvedAt, a.TTLSeconds = known.ResolvedAt.UTC().Format(time.RFC3339), int(known.TTL/time.Second)
				}
			}
			u.Servers = append(u.Servers, a)
		}
		out = append(out, u)
	}
	return out
}

// sortedGroups lists the groups by name; g.mu is held.
func (g *Gateway) sortedGroups() []*liveGroup {
	var groups []*liveGroup
	for _, gr := range g.live.groups {
		groups = append(groups, gr)
	}
	slices.SortFunc(groups, func(a, b *liveGroup) int { return strings.Compare(a.Name(), b.Name()) })
	return groups
}

// snapshot is the state that no record shows, for a scrape.
func (g *Gateway) snapshot() metrics.Snapshot {
	c := g.eng.Counts()
	ordinary, failed := g.env.Ring.Dropped()
	s := metrics.Snapshot{
		Active: int(c.Active), Idle: int(c.Idle), Parked: int(c.Parked),
		RecordsDropped: ordinary, FailuresDropped: failed,
		ReloadsOK: g.reloadsOK.Load(), ReloadsFailed: g.reloadsFailed.Load(),
		LastReloadFailed: g.lastFailed.Load(), LoadedAt: *g.loadedAt.Load(),
	}
	s.Spans = g.spanCounts()
	if l := g.log.Load(); l != nil {
		s.LogLinesDropped = l.Dropped()
	}
	s.Networks = g.strays.snapshot()
	s.Certificates = g.certificateCounts(g.clock.now())
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Cache = cacheSnapshot(g.live.cache)
	for _, gr := range g.sortedGroups() {
		servers, idle := gr.Servers()
		for i, sv := range servers {
			s.Servers = append(s.Servers, metrics.ServerConns{
				Upstream: gr.Name(), Server: sv.Name, Active: int(sv.Active.Load()), Idle: idle[i]})
		}
	}
	return s
}
