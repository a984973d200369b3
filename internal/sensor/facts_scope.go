// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"causey/internal/record"
)

// mostly is the share of failures that has to be on one thing for it to be the thing.
func mostly(n, of int) bool { return of >= few && 5*n >= 4*of }

// countFailing counts the failures of each server that fails in the present episode.
func (v *view) countFailing() map[string]int {
	m := map[string]int{}
	for _, b := range v.bad {
		if b.try.Server != "" {
			m[b.try.Server]++
		}
	}
	return m
}

// seeShare sees how much of what is tried fails.
func seeShare(v *view) {
	if v.c.pool == nil {
		return
	}
	good, bad := uint32(0), uint32(0)
	first, last := v.onset.Unix(), v.c.Last.Unix()
	inner := 0 // what went well in the first and the last second was before and after
	if last-first > 2 {
		inner = 1
	}
	for name := range v.failing {
		if m := v.c.pool.servers[name]; m != nil {
			bad += m.secs.sum(first, last).bad
			good += m.secs.sum(first+int64(inner), last-int64(inner)).good
		}
	}
	bad += uint32(len(v.bad) - len(v.asked))
	if record.IsMissing(v.c.Mode.Status()) { // they are counted as good
		bad = v.c.secs.sum(first, last).bad
		good -= min(good, bad)
	}
	all := good + bad
	if all == 0 {
		return
	}
	share := float64(bad) / float64(all)
	v.number("share", share, "%s", portion(int(bad), int(all), "attempt", "at the failing servers failed"))
	v.truth("all_fail", all >= 2 && share >= 0.95, "%s", portion(int(bad), int(all), "attempt", "at the failing servers failed"))
	if all >= 40 {
		v.truth("rare_fail", share < 0.05, "%s", portion(int(bad), int(all), "attempt", "at the failing servers failed"))
	}
}

// seeRoot sees whether the first page fails, which people ask for everywhere.
func (v *view) seeRoot() {
	well, failed := newestRoot(v.good), newestRoot(v.asked)
	switch {
	case failed.After(well):
		v.truth("root_fails", true, "the page / failed the last time that somebody asked for it")
	case !well.IsZero():
		v.truth("root_fails", false, "the page / went well the last time that somebody asked for it")
	}
}

func newestRoot(list []*sample) (at time.Time) {
	for _, s := range list {
		if s.path.String() == "/" && s.at.After(at) {
			at = s.at
		}
	}
	return at
}

// seeServers sees which servers it is.
func seeServers(v *view) {
	failing := v.failing
	if len(failing) == 0 || v.look == nil {
		return
	}
	n := max(len(v.look.Servers), len(failing))
	v.number("servers", float64(n), "the upstream has %s", some(n, "server"))
	v.number("servers_failing", float64(len(failing)), "%s", portion(len(failing), n, "server", "are failing"))
	if n < 2 {
		return
	}
	top := mostFrequent(failing)
	most := failing[top]
	others := 0
	for _, g := range v.during {
		if g.try.Server != top {
			others++
		}
	}
	v.truth("one_server", 5*most >= 4*len(v.bad) && others >= few, "%s, and %s at others went well", tally(most, len(v.bad), "concerned "+top), some(others, "attempt"))
	v.truth("all_servers", len(failing) == n, "%s", portion(len(failing), n, "server", "are failing"))
	v.seeStaircase(failing)
}

// seeStaircase sees servers that fail one after the other and come back.
func (v *view) seeStaircase(failing map[string]int) {
	type stay struct{ first, last time.Time }
	stays := map[string]stay{}
	for _, b := range v.c.bad.since(v.now.Add(-2 * time.Minute)) {
		s, ok := stays[b.try.Server]
		if !ok {
			s.first = b.at
		}
		s.last = b.at
		stays[b.try.Server] = s
	}
	back, apart := 0, true
	for name, s := range stays {
		if m := v.c.pool.servers[name]; m != nil && m.lastGood.After(s.last) {
			back++
		}
		for other, o := range stays {
			if name != other && s.first.Before(o.last) && o.first.Before(s.last) {
				apart = false
			}
		}
	}
	how := "one after the other"
	if !apart || len(stays) < 2 {
		how = "not in turn"
	}
	v.truth("staircase", len(stays) >= 2 && back >= len(stays)-1 && apart, "%s failed, %s, and %d came back", some(len(stays), "server"), how, back)
}

// seePaths sees which paths it is.
func seePaths(v *view) {
	paths, counts, all := shares(v.asked, func(s *sample) (string, bool) { return s.path.String(), s.path.n > 0 })
	if all == 0 {
		return
	}
	top, others, sameGood := paths[0], map[string]bool{}, 0
	for _, g := range v.during {
		if g.path.String() != top {
			others[g.path.String()] = true
		} else {
			sameGood++
		}
	}
	v.seeRoot()
	v.truth("many_paths", len(paths) >= few, "the failures concern %s", some(len(paths), "path"))
	if all >= few {
		is := mostly(counts[top], all) && len(others) > 0
		v.truth("one_path", is, "%s, and %s went well", tally(counts[top], all, "concerned "+top), some(len(others), "other path"))
		if is {
			what := top
			// One of many that look alike, such as one product of a shop, may be the one.
			if target, n, known, _ := majority(v.asked, func(s *sample) (uint64, bool) { return s.target, s.path.String() == top }); mostly(n, known) {
				what, sameGood = "that one page of "+top, 0
				for _, g := range v.during {
					if g.target == target {
						sameGood++
					}
				}
			}
			v.truth("path_always", sameGood == 0, "%s of %s went well meanwhile", some(sameGood, "request"), what)
		}
	}
	unsafe := 0
	for _, b := range v.asked {
		if b.unsafe {
			unsafe++
		}
	}
	safeGood := 0
	for _, g := range v.during {
		if !g.unsafe {
			safeGood++
		}
	}
	if all >= few && safeGood >= few {
		v.truth("unsafe_only", unsafe == all, "%s, and %s went well", tally(unsafe, all, "concerned a request that is not repeated, such as a POST"), some(safeGood, "other request"))
	}
}

// network is the network that an address is in, as owners of addresses have them.
func network(a netip.Addr) netip.Prefix {
	bits := 24
	if a = a.Unmap(); a.Is6() {
		bits = 48
	}
	p, _ := a.Prefix(bits)
	return p
}

// seeNames sees whether several people ask for one name that nobody serves.
func seeNames(v *view) {
	if v.c.Mode != ModeRoute || len(v.asked) < few {
		return
	}
	names, counts, _ := shares(v.asked, func(s *sample) (string, bool) { return s.name, s.name != "" && isName(s.name) })
	if len(names) == 0 {
		v.truth("one_name", false, "none of %s asked for a name as people do", some(len(v.asked), "failure"))
		return
	}
	people := map[netip.Addr]bool{}
	for _, s := range v.asked {
		if s.name == names[0] {
			people[s.client] = true
		}
	}
	v.truth("one_name", mostly(counts[names[0]], len(v.asked)) && len(people) >= few,
		"%s, by %s", tally(counts[names[0]], len(v.asked), "were for "+names[0]+", which is not served here"), some(len(people), "client"))
}

// isName reports a Host that is a name, and no address.
func isName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err != nil
}

// seeClients sees which clients it is.
func seeClients(v *view) {
	client := func(s *sample) (string, bool) { return s.client.String(), s.client.IsValid() }
	clients, counts, all := shares(v.asked, client)
	if all < few {
		return
	}
	others := map[string]bool{}
	for _, g := range v.during {
		if c, ok := client(g); ok && c != clients[0] {
			others[c] = true
		}
	}
	v.truth("one_client", mostly(counts[clients[0]], all) && len(others) > 0,
		"%s, and %s had no trouble", tally(counts[clients[0]], all, "came from one client"), some(len(others), "other client"))
	net := func(s *sample) (string, bool) { return network(s.client).String(), s.client.IsValid() }
	nets, inNet, _ := shares(v.asked, net)
	elsewhere := map[string]bool{}
	for _, g := range v.during {
		if n, ok := net(g); ok && n != nets[0] {
			elsewhere[n] = true
		}
	}
	v.truth("one_network", len(clients) >= 2 && mostly(inNet[nets[0]], all) && len(elsewhere) > 0,
		"%s, and %s had no trouble", tally(inNet[nets[0]], all, "came from clients in "+nets[0]), some(len(elsewhere), "other network"))
}

// around is how close to each other things begin that have one reason.
const around = time.Minute

// seeOthers sees whether other upstreams fail in the same way.
func seeOthers(v *view) {
	if v.c.pool == nil {
		return
	}
	active, failing := 0, 0
	hosts, networks := map[netip.Addr]bool{}, map[netip.Prefix]bool{}
	sites := map[string]bool{}
	var well []*pool
	from := v.onset.Unix()
	for name, p := range v.s.pools {
		n := p.secs.sum(from, v.now.Unix())
		if n.good+n.bad == 0 {
			continue
		}
		active++
		c := v.s.cases[Key{name, v.c.Mode}]
		if c == nil || c.Onset().Sub(v.onset).Abs() > around || v.now.Sub(c.Last) > around || c != v.c && !v.coincides(c) {
			well = append(well, p)
			continue
		}
		failing++
		for _, b := range c.bad.since(v.onset.Add(-around)) {
			sites[b.site] = true
			if a := b.try.Dialled.Addr(); a.IsValid() {
				hosts[a.Unmap()], networks[network(a)] = true, true
			}
		}
	}
	v.number("upstreams", float64(active), "%s had requests", some(active, "upstream"))
	v.number("upstreams_failing", float64(failing), "%s", portion(failing, active, "upstream", "are failing in this way"))
	v.number("sites_failing", float64(len(sites)), "the failures concern %s", some(len(sites), "site"))
	if active >= 2 {
		v.truth("all_upstreams", failing == active, "%s", portion(failing, active, "upstream", "are failing in this way"))
	}
	if failing < 2 || len(networks) == 0 {
		return
	}
	alone := len(networks) == 1
	for _, p := range well {
		alone = alone && !slices.ContainsFunc(p.good.since(v.onset), func(g *sample) bool {
			a := g.try.Dialled.Addr()
			return a.IsValid() && networks[network(a)]
		})
	}
	v.truth("same_network", alone && active > failing, "the servers of the %d failing upstreams are in %s; those of %s go well", failing, anyOf(networks), some(active-failing, "other"))
	v.truth("same_host", len(hosts) == 1, "the servers of the %d failing upstreams are reached by %s", failing, some(len(hosts), "IP"))
}

// coincides reports that c fails when v's case does. Of what lasts the begin says so; what
// comes one by one here and there does so by chance, unless it comes at the same moments.
func (v *view) coincides(c *Case) bool {
	if !v.c.Rare() && !c.Rare() {
		return true
	}
	both, others := 0, c.bad.since(v.onset.Add(-around))
	for _, b := range v.bad {
		if slices.ContainsFunc(others, func(o *sample) bool { return o.at.Sub(b.at).Abs() < 2*time.Second }) {
			both++
		}
	}
	return 2*both >= len(v.bad)
}

func anyOf(m map[netip.Prefix]bool) string {
	var list []string
	for p := range m {
		list = append(list, p.String())
	}
	if len(list) > 3 {
		return "several networks"
	}
	return strings.Join(list, " and ")
}
