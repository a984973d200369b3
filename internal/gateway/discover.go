// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"causey/internal/admin"
	"causey/internal/config"
	"causey/internal/discover"
	"causey/internal/engine/resolve"
	"causey/internal/upstream"
)

// The joining of groups and the sources of their servers. A feed belongs to the name of
// an upstream and outlives its groups, so that a reload that builds a group anew does
// not make it look for its servers anew.

// newFeed makes a feed that looks for nothing yet.
func (g *Gateway) newFeed(name string) *discover.Feed {
	return discover.NewFeed(discover.Options{Upstream: name, Clock: discoverClock, Tell: g.tellDiscovery})
}

var discoverClock = discover.Clock{Now: time.Now, After: time.After}

// tellDiscovery writes down what a source found, or why it could not look.
func (g *Gateway) tellDiscovery(e discover.Event) {
	log := g.opts.Logger.Info
	if e.Trouble {
		log = g.opts.Logger.Warn
	}
	log("servers: "+e.Source+" "+e.Text, "upstream", e.Upstream)
}

// servers says where the servers of u come from. set are those that the API set, if it
// did.
func (g *Gateway) servers(u *config.Upstream, resolver *resolve.Resolver) discover.Plan {
	p := discover.Plan{Grace: u.Discover.Grace.Std()}
	fixed := discover.Wanted{Name: "servers"}
	listed := u.Servers
	if set, was := g.set[u.Name]; was && u.Discover.API {
		listed, fixed.Name = set, "api"
	}
	for i := range listed {
		sv := &listed[i]
		if sv.Discover == "" {
			fixed.Fixed = append(fixed.Fixed, spec(sv))
			continue
		}
		p.Sources = append(p.Sources, g.byName(sv, resolver))
	}
	p.Sources = append([]discover.Wanted{fixed}, p.Sources...)
	if path := u.Discover.File; path != "" {
		p.Sources = append(p.Sources, discover.Wanted{Name: "file " + path, Key: path, New: func() discover.Source {
			return discover.NewFile(path, discoverClock, func(data []byte) ([]upstream.Spec, error) {
				list, err := config.ParseServers(filepath.Base(path), data)
				return specs(list), err
			})
		}})
	}
	if host := string(u.Discover.Docker); host != "" {
		o := discover.DockerOptions{Host: host, Upstream: u.Name, Network: u.Discover.DockerNetwork, Clock: discoverClock}
		p.Sources = append(p.Sources, discover.Wanted{Name: "docker " + host, Key: o.Network, New: func() discover.Source {
			return discover.NewDocker(o)
		}})
	}
	return p
}

// byName looks up the servers that a name stands for.
func (g *Gateway) byName(sv *config.Server, resolver *resolve.Resolver) discover.Wanted {
	text, err := json.Marshal(sv)
	if err != nil {
		panic("gateway: a server does not encode: " + err.Error())
	}
	model := spec(sv)
	return discover.Wanted{
		Name: string(sv.Discover) + " " + sv.Address.String(),
		// A resolver is never used again once it was replaced, so that its place tells it
		// apart.
		Key: fmt.Sprintf("%s %p", text, resolver),
		New: func() discover.Source {
			if sv.Discover == config.DiscoverSRV {
				return discover.NewServices(resolver, discoverClock, model)
			}
			return discover.NewNames(resolver, discoverClock, model)
		},
	}
}

// discover lets the groups of l have the servers that are found for them.
func (l live) discover() {
	for _, gr := range l.groups {
		gr.feed.Change(gr.servers, gr.Set)
	}
}

// startFeeds lets the sources run.
func (l live) startFeeds() {
	for _, gr := range l.groups {
		gr.feed.Start()
	}
}

// SetServers makes list the servers of an upstream whose configuration allows that;
// nil gives it those of its configuration again. What is set is kept in g.set, by the
// upstream's name, and counts from then on, over reloads.
func (g *Gateway) SetServers(name string, list []byte) error {
	g.reloads.Lock()
	defer g.reloads.Unlock()
	switch {
	case g.upgrading.Load(): // the successor would not know
		return admin.ErrUpgrading
	case g.stopped:
		return errStopping
	}
	i := slices.IndexFunc(g.cfg.Upstreams, func(u config.Upstream) bool { return u.Name == name })
	switch {
	case i < 0:
		return admin.ErrNoUpstream
	case !g.cfg.Upstreams[i].Discover.API:
		return admin.ErrNotByAPI
	}
	if list == nil {
		delete(g.set, name)
	} else {
		set, err := config.ParseServers("list", list)
		if err != nil {
			return reloadError(err)
		}
		g.set[name] = set
	}
	gr := g.live.groups[name]
	gr.servers = g.servers(&g.cfg.Upstreams[i], g.resolver)
	gr.feed.Change(gr.servers, gr.Set)
	g.opts.Logger.Info("servers: set by the API", "upstream", name, "servers", len(gr.Servers()), "as configured", list == nil)
	return nil
}

// sources tells where the servers of gr are found.
func (gr *liveGroup) sources() []admin.UpstreamSource {
	var all []admin.UpstreamSource
	for _, s := range gr.feed.Status() {
		all = append(all, admin.UpstreamSource{Source: s.Source, Servers: s.Servers, Problem: s.Problem,
			LookedAt: admin.Moment{Time: s.LookedAt}, ChangedAt: admin.Moment{Time: s.ChangedAt}})
	}
	return all
}
