// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"

	"causey/internal/engine/resolve"
	"causey/internal/upstream"
)

// Services finds a server in each SRV record of a name (RFC 2782).
type Services struct {
	resolver Resolver
	clock    Clock
	model    upstream.Spec
	again    nudge
	// targets are the hosts found last; requests ask for them, so there is no lock.
	targets atomic.Pointer[[]string]
}

// NewServices looks up the SRV records of the Host of model; its servers are like
// model otherwise.
func NewServices(r Resolver, c Clock, model upstream.Spec) *Services {
	return &Services{resolver: r, clock: c, model: model, again: newNudge()}
}

// LookAgain implements Source.
func (v *Services) LookAgain(s *upstream.Server) {
	if targets := v.targets.Load(); targets != nil && slices.Contains(*targets, s.Host) {
		v.again.give()
	}
}

// Run implements Source.
func (v *Services) Run(ctx context.Context, found func(Finding)) {
	for {
		a, err := v.resolver.LookupServices(ctx, v.model.Host)
		if ctx.Err() != nil {
			return
		}
		wait := lookAfterFailure
		if err != nil {
			found(failed(err))
		} else {
			wait = a.TTL
			found(v.take(a.List))
		}
		if !v.clock.rest(ctx, v.again, wait) {
			return
		}
	}
}

// take makes servers of services.
func (v *Services) take(list []resolve.Service) Finding {
	var n Finding
	hosts := make([]string, 0, len(list))
	for _, r := range list {
		if r.Port == 0 {
			n.Doubt = "has a record with the port 0, of " + r.Target
			continue
		}
		hosts = append(hosts, r.Target)
		n.Specs = append(n.Specs, v.spec(r))
	}
	v.targets.Store(&hosts)
	return n
}

// spec is the server of one record. RFC 2782: "A client MUST attempt to contact the
// target host with the lowest-numbered priority it can reach"; of one priority each
// gets the share that its weight says. A weight of 0 is for those who should "have a
// very small chance of being selected" beside others: the smallest share is 1.
func (v *Services) spec(r resolve.Service) upstream.Spec {
	s := v.model
	s.Host = r.Target
	s.Addr = netip.AddrPortFrom(netip.Addr{}, r.Port)
	s.Authority = net.JoinHostPort(r.Target, strconv.Itoa(int(r.Port)))
	s.Name = s.Authority
	if s.TLS {
		s.Name = "https://" + s.Name
	}
	s.Priority = v.model.Priority + int(r.Priority)
	s.Weight = max(uint32(r.Weight), 1)
	return s
}
