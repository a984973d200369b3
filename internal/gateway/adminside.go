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
		Decide:         g.decide,
		Events:         &g.events.kept,
		Diagnosing:     g.diagnosis.on,
		Incidents:      g.diagnosis.book,
		Past:           g.diagnosis,
		Changes:        &g.diagnosis.changes,
		SetServers:     g.SetServers,
		Certificates:   g.certificates,
		Cache:          g.cacheState,
		Purge:          g.purge,
		Reload:         g.Reload,
		Upgrade:        g.Upgrade,
		Inherited:      g.inherited.adminSocket,
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

// ready says whether traffic should come here. After an upgrade it should: this is
// then the last answer to somebody who asked before, and the other process serves.
func (g *Gateway) ready() admin.Readiness {
	g.mu.Lock()
	open := len(g.listeners)
	g.mu.Unlock()
	checks := []admin.Check{
		{Name: "listening", OK: open > 0, Detail: fmt.Sprintf("%d listeners", open)},
		{Name: "not stopping", OK: !g.stopping.Load() || g.left.Load()},
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
	s.EventsDropped = g.events.dropped.Load()
	s.Diagnosis = g.diagnosis.snapshot()
	s.Store = storeSnapshot(g.lasting.Stats())
	s.Experiments = g.diagnosis.experiments.Counts()
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Cache = cacheSnapshot(g.live.cache)
	for _, gr := range g.sortedGroups() {
		s.Upstreams = append(s.Upstreams, upstreamState(gr))
		for _, sv := range gr.Servers() {
			s.Servers = append(s.Servers, metrics.ServerConns{
				Upstream: gr.Name(), Server: sv.Name, Active: int(sv.Active.Load()), Idle: gr.IdleConnections(sv)})
		}
	}
	return s
}
