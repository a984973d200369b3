// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"time"

	"causey/internal/admin"
	"causey/internal/engine/resolve"
	"causey/internal/metrics"
	"causey/internal/upstream"
)

// upstreams tells what is known of the upstreams and their servers.
func (g *Gateway) upstreams() []admin.Upstream {
	g.mu.Lock()
	groups := g.sortedGroups()
	resolver := g.resolver
	g.mu.Unlock()
	out := make([]admin.Upstream, 0, len(groups))
	for _, gr := range groups {
		out = append(out, g.upstreamOf(gr, resolver))
	}
	return out
}

func (g *Gateway) upstreamOf(gr *liveGroup, resolver *resolve.Resolver) admin.Upstream {
	d := gr.Describe()
	u := admin.Upstream{Name: gr.Name(), Held: d.Held, HeldMost: d.HeldMost, AllAsked: d.Panics, Servers: []admin.UpstreamServer{}, Sources: gr.sources(),
		Recent: admin.RecentRequests{Requests: d.Requests, Repeated: d.Repeated, Repeatable: d.Repeatable}}
	members := map[string]*upstream.Server{}
	for _, s := range gr.Servers() {
		members[s.Name] = s
	}
	for i := range d.Servers {
		// One that became a member or left between the two looks is shown next time.
		if s := members[d.Servers[i].Name]; s != nil {
			a := g.serverOf(gr, &d.Servers[i])
			a.Connections.Idle = gr.IdleConnections(s)
			resolved(&a, s, resolver)
			u.Servers = append(u.Servers, a)
		}
	}
	return u
}

// serverOf says what the group knows of a server in the words of the admin side.
func (g *Gateway) serverOf(gr *liveGroup, d *upstream.ServerDescription) admin.UpstreamServer {
	a := admin.UpstreamServer{
		Name: d.Name, State: d.State, Reason: d.Because, ByHand: d.Hand != upstream.Auto,
		Weight: d.Weight, Priority: d.Priority, Zone: d.Zone, Share: d.Share,
		LatencyMS: float64(d.Latency.Round(time.Microsecond)) / float64(time.Millisecond), Waiting: int(d.Waiting),
		Recent:    admin.RecentResults{Good: int(d.Good), Bad: int(d.Bad)},
		Ejections: d.Ejections, Connections: admin.Connections{Active: int(d.Active)},
	}
	switch since := g.byHand.since(gr.Name(), d.Name); {
	case a.ByHand && !since.IsZero():
		a.Since.Time = since
	case d.Since == 0:
		a.Since.Time = gr.made
	default:
		a.Since.Time = g.eng.TimeOf(d.Since)
	}
	if d.CheckedAt != 0 {
		a.Check = &admin.ServerCheck{At: admin.Moment{Time: g.eng.TimeOf(d.CheckedAt)}, OK: d.Check.OK, Says: d.Check.Says}
	}
	return a
}

// resolved adds what the server is dialled at.
func resolved(a *admin.UpstreamServer, s *upstream.Server, resolver *resolve.Resolver) {
	switch {
	case s.Host == "" && s.Addr.IsValid():
		a.Addresses = []string{s.Addr.String()}
		return
	case s.Host == "":
		a.Addresses = []string{s.Name}
		return
	}
	known, ok := resolver.Known(s.Host)
	if !ok {
		return
	}
	for _, ip := range known.Addrs {
		a.Addresses = append(a.Addresses, ip.String())
	}
	a.ResolvedAt, a.TTLSeconds = known.ResolvedAt.UTC().Format(time.RFC3339), int(known.TTL/time.Second)
}

// upstreamState is what a scrape shows of an upstream.
func upstreamState(gr *liveGroup) metrics.Upstream {
	d := gr.Describe()
	u := metrics.Upstream{Name: gr.Name(), Held: d.Held}
	for i := range d.Servers {
		u.Servers = append(u.Servers, metrics.ServerState{Server: d.Servers[i].Name, State: d.Servers[i].State})
	}
	return u
}
