// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"net/netip"
	"slices"

	"golang.org/x/net/dns/dnsmessage"
)

// Nameservers returns the DNS servers that are asked at present, in their order.
func (r *Resolver) Nameservers() []netip.AddrPort {
	return slices.Clone(r.settings(r.cfg.Now()).servers)
}

// Answers reports whether a DNS server says anything at all, within ctx: it is asked
// for an address of the root, which has none. The question is beside all lookups, and
// what becomes of it is not remembered.
func (r *Resolver) Answers(ctx context.Context, server netip.AddrPort) bool {
	rep := r.ask(ctx, server, newQuery(".", dnsmessage.TypeA, false, false))
	return !rep.kind.silent() && rep.kind != Canceled && rep.kind != Exhausted
}
