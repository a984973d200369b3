// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"causey/internal/cause"
	"causey/internal/engine"
	"causey/internal/failure"
	"causey/internal/upstream"
)

// The experiments about names, and about the network of the gateway itself.

// tryResolve asks anew where the server is. The resolver bounds how often that is asked.
func tryResolve(ctx context.Context, s *subject) (cause.Value, bool) {
	name := s.server.Host
	s.resolver.Forget(name)
	a, err := s.resolver.Lookup(ctx, name)
	switch {
	case err != nil:
		code := engine.ResolveCode(err)
		if code.IsNone() || code.Party == failure.Gateway {
			return unseen()
		}
		return cause.Value{Say: fmt.Sprintf("%s does not resolve now (%s)", name, code)}, true
	case a.Stale:
		return cause.Value{Say: fmt.Sprintf("%s does not resolve now; its last address is from %s", name, a.ResolvedAt.UTC().Format("15:04 UTC"))}, true
	}
	words := make([]string, 0, len(a.Addrs))
	for _, addr := range a.Addrs[:min(len(a.Addrs), 8)] {
		words = append(words, addr.String())
	}
	return cause.Value{Words: words, Say: fmt.Sprintf("%s resolves to %s now", name, strings.Join(words, ", "))}, true
}

// neighbourPorts are what else websites' machines have open; all are dialled at once.
var neighbourPorts = []uint16{22, 80, 443, 3000, 5000, 8000, 8080, 8443, 9000}

// tryNeighbours opens connections to other ports of the failing server's host.
func tryNeighbours(ctx context.Context, s *subject) (cause.Value, bool) {
	_, address, ok := s.target(s.server)
	at, err := netip.ParseAddrPort(address)
	if !ok || err != nil {
		return unseen()
	}
	open := make([]string, len(neighbourPorts))
	var all sync.WaitGroup
	for i, port := range neighbourPorts {
		if port == at.Port() {
			continue
		}
		all.Go(func() {
			if conn, wrong := s.dial(ctx, "tcp", netip.AddrPortFrom(at.Addr(), port).String()); wrong == nil {
				conn.Close()
				open[i] = strconv.Itoa(int(port))
			}
		})
	}
	all.Wait()
	if open = slices.DeleteFunc(open, func(p string) bool { return p == "" }); len(open) == 0 {
		return cause.Value{Say: fmt.Sprintf("no other usual port of %s is open", at.Addr())}, true
	}
	return cause.Value{Words: open, Say: fmt.Sprintf("other ports of %s are open: %s", at.Addr(), strings.Join(open, ", "))}, true
}

// tryResolver asks the name servers for the root, which each has at hand.
func tryResolver(ctx context.Context, s *subject) (cause.Value, bool) {
	servers := s.resolver.Nameservers()
	if at, ok := firstAnswer(ctx, s.resolver, servers); ok {
		return truth(true, "the name server %s answers", at)
	}
	return truth(false, "none of the name servers answers: %s", list(servers))
}

// firstAnswer asks all at once.
func firstAnswer(ctx context.Context, r Resolver, servers []netip.AddrPort) (at netip.AddrPort, ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan netip.AddrPort, len(servers))
	var all sync.WaitGroup
	for _, server := range servers {
		all.Go(func() {
			if r.Answers(ctx, server) {
				answers <- server
				cancel()
			}
		})
	}
	all.Wait()
	select {
	case at = <-answers:
		return at, true
	default:
		return at, false
	}
}

func list(servers []netip.AddrPort) string {
	texts := make([]string, len(servers))
	for i, s := range servers {
		texts[i] = s.String()
	}
	return strings.Join(texts, ", ")
}

// goodFor is how long an answer of a server shows that the way to it is there.
const goodFor = 10 * time.Second

// referencesLeast is how many references have to be silent before the line is: one that
// is silent may be ill itself.
const referencesLeast = 2

// tryUplink finds out whether anything beyond this machine and its own bridges can be
// reached: what requests found out about the servers of all upstreams, and the name
// servers, which are asked. It errs to the side of a line that works.
func tryUplink(ctx context.Context, s *subject) (cause.Value, bool) {
	routes, err := s.Routes()
	if err != nil {
		return unseen()
	}
	silent := map[netip.Addr]bool{}
	for i := range s.all {
		unreachable := unreachable(&s.all[i])
		for _, sv := range s.all[i].Servers() {
			_, address, _ := s.target(sv)
			at, err := netip.ParseAddrPort(address)
			if err != nil || !routes.Leaves(at.Addr()) {
				continue
			}
			last := s.LastGood(s.all[i].Name, sv.Name)
			if ago := s.Now().Sub(last); ago < goodFor && last.After(s.onset) {
				return truth(true, "%s answered %s ago", sv.Name, roundly(ago))
			}
			if sv != s.server && unreachable[sv.Name] {
				silent[at.Addr()] = true
			}
		}
	}
	servers := slices.DeleteFunc(slices.Clone(s.resolver.Nameservers()), func(a netip.AddrPort) bool { return !routes.Leaves(a.Addr()) })
	if at, ok := firstAnswer(ctx, s.resolver, servers); ok {
		return truth(true, "the name server %s answers", at)
	}
	for _, a := range servers {
		silent[a.Addr()] = true
	}
	switch {
	case !routes.HasDefault() && len(silent) > 0:
		return truth(false, "this machine has no default route, and nothing beyond it answers")
	case len(silent) < referencesLeast:
		return unseen()
	}
	return truth(false, "nothing beyond this machine answers: neither the server nor %d other references", len(silent))
}

// unreachable has the servers that can not be reached, by name.
func unreachable(u *Upstream) map[string]bool {
	m := map[string]bool{}
	for _, d := range u.Describe().Servers {
		m[d.Name] = d.State == upstream.Unreachable
	}
	return m
}
