// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"causey/internal/engine/resolve"
	"causey/internal/upstream"
)

// Resolver looks names up; a *resolve.Resolver is one.
type Resolver interface {
	Lookup(ctx context.Context, name string) (resolve.Answer, error)
	LookupServices(ctx context.Context, name string) (resolve.Services, error)
	Forget(name string)
}

// The times of looking up. A TTL of hours must not keep us from servers that came
// meanwhile, and one of zero must not make us ask without pause.
const (
	lookLeast, lookMost = time.Second, 5 * time.Minute
	// lookAfterFailure is when a name is looked up again that could not be, or that
	// has nothing.
	lookAfterFailure = 5 * time.Second
)

// Names finds a server at each address of a name.
type Names struct {
	resolver Resolver
	clock    Clock
	model    upstream.Spec
	again    nudge
	addrs    []netip.Addr // as found last
}

// NewNames looks up the Host of model; its servers are like model otherwise.
func NewNames(r Resolver, c Clock, model upstream.Spec) *Names {
	return &Names{resolver: r, clock: c, model: model, again: newNudge()}
}

// LookAgain implements Source. A server of ours has the model's authority.
func (n *Names) LookAgain(s *upstream.Server) {
	if s.Authority == n.model.Authority {
		n.again.give()
	}
}

// Run implements Source.
func (n *Names) Run(ctx context.Context, found func(Finding)) {
	for {
		a, err := n.resolver.Lookup(ctx, n.model.Host)
		if ctx.Err() != nil {
			return
		}
		wait := lookAfterFailure
		switch {
		case err != nil:
			found(failed(err))
		case a.Stale:
			found(Finding{Err: a.StaleReason})
		default:
			wait = a.Expires.Sub(n.clock.Now())
			found(Finding{Specs: n.take(&a)})
		}
		if !n.clock.rest(ctx, n.again, wait) {
			return
		}
		n.resolver.Forget(n.model.Host) // of no effect on what was asked just now
	}
}

// take makes servers of an answer.
func (n *Names) take(a *resolve.Answer) []upstream.Spec {
	addrs := slices.Clone(a.Addrs)
	if a.Missing != nil {
		// One family could not be looked up: those of it stay as they were.
		for _, was := range n.addrs {
			if !slices.ContainsFunc(a.Addrs, func(b netip.Addr) bool { return b.Is4() == was.Is4() }) {
				addrs = append(addrs, was)
			}
		}
	}
	// The order of an answer says nothing; many name servers turn it each time.
	slices.SortFunc(addrs, netip.Addr.Compare)
	n.addrs = slices.Compact(addrs)
	specs := make([]upstream.Spec, 0, len(n.addrs))
	for _, ip := range n.addrs {
		specs = append(specs, at(n.model, ip))
	}
	return specs
}

// at is the server at one address of model's host. Its name is the address, its Host
// field and the name for TLS are the model's.
func at(model upstream.Spec, ip netip.Addr) upstream.Spec {
	s := model
	s.Host, s.Addr = "", netip.AddrPortFrom(ip, model.Addr.Port())
	s.Name = s.Addr.String()
	if s.TLS {
		s.Name = "https://" + s.Name
		if s.TLSName == "" {
			s.TLSName = model.Host
		}
	}
	return s
}

// failed is the finding where a lookup brought an error. That a name has nothing is an
// answer, and no failure to get one.
func failed(err error) Finding {
	var e *resolve.Error
	if errors.As(err, &e) && e.Denied() {
		return Finding{Doubt: err.Error()}
	}
	return Finding{Err: err}
}

// rest waits until it is time to look again: after wait within the bounds, or sooner if
// again says so, but never sooner than lookLeast. It reports false if ctx has ended.
func (c Clock) rest(ctx context.Context, again nudge, wait time.Duration) bool {
	wait = min(max(wait, lookLeast), lookMost)
	least, most := c.After(lookLeast), c.After(wait)
	select {
	case <-ctx.Done():
		return false
	case <-least:
	}
	select {
	case <-ctx.Done():
		return false
	case <-again:
	case <-most:
	}
	return true
}
