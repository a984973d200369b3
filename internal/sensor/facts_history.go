// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"strconv"
	"strings"
	"time"

	"causey/internal/record"
	"causey/internal/upstream"
)

func fmtInt(n float64) string { return strconv.FormatFloat(n, 'f', 0, 64) }

// justBefore reports that something was changed shortly before the first failure, or in
// its moment.
func (v *view) justBefore(at time.Time) bool {
	d := v.onset.Sub(at)
	return !at.IsZero() && d > -2*time.Second && d < time.Minute
}

// seeHistory sees what was before, and what the gateway itself thinks of the servers.
func seeHistory(v *view) {
	v.changed("changed_config", "the configuration", v.s.config)
	p := v.c.pool
	if p == nil {
		return
	}
	seeListed(v)
	if first := v.onset.Unix(); v.onset.Sub(v.s.born) >= quietBefore {
		n := p.secs.sum(first-int64(quietBefore/time.Second), first-1).attempts
		v.truth("quiet_before", n == 0, "the upstream was sent %s in the 5 minutes before", some(int(n), "request"))
	}
	failing := v.failing
	if len(failing) > 0 {
		worked := 0
		for name := range failing {
			if m := p.servers[name]; m != nil && !m.lastGood.IsZero() {
				worked++
			}
		}
		v.truth("worked_before", worked > 0, "%s", portion(worked, len(failing), "failing server", "have answered before"))
	}
	if v.look != nil && len(v.look.Servers) > 0 {
		v.seeChecks(failing)
	}
}

// quietBefore is how long an upstream is asked nothing that is hardly used.
const quietBefore = 5 * time.Minute

// changed sees whether something was changed shortly before.
func (v *view) changed(name, what string, at time.Time) {
	if at.IsZero() {
		v.truth(name, false, "%s has not been changed since the gateway started", what)
		return
	}
	d := v.onset.Sub(at).Seconds()
	if d < 0 {
		v.truth(name, v.justBefore(at), "%s was changed %.0f s after the first failure", what, -d)
		return
	}
	v.truth(name, v.justBefore(at), "%s was changed %.0f s before the first failure", what, d)
}

// seeListed sees whether the list of servers was changed.
func seeListed(v *view) {
	p := v.c.pool
	now := p.listing(v.now)
	if now == nil {
		return
	}
	var last time.Time // of the newest change; the first listing is none
	for _, l := range p.listed.list {
		if l.at.After(last) && p.listing(l.at.Add(-1)) != nil {
			last = l.at
		}
	}
	v.changed("changed_servers", "the list of servers", last)
	if then := p.listing(v.onset.Add(-time.Minute)); then != nil {
		v.truth("servers_fewer", now.count < then.count, "%s listed, %d a minute before the first failure", some(now.count, "server"), then.count)
	}
}

// seeChecks sees what the gateway does with the servers, and what their checks say.
func (v *view) seeChecks(failing map[string]int) {
	var fails, passes, checked, out, hand, ill, good, bad int
	all := len(v.look.Servers)
	for i := range v.look.Servers {
		d := &v.look.Servers[i]
		switch d.State {
		case upstream.Unreachable, upstream.Ejected, upstream.Stalled, upstream.Failing:
			out++
		}
		if d.Hand == upstream.Drain || d.Hand == upstream.Maintain {
			hand++
		}
		if d.CheckedAt == 0 {
			continue
		}
		checked++
		if m := v.c.pool.servers[d.Name]; !d.Check.OK && m != nil {
			n := m.secs.sum(v.now.Unix()-59, v.now.Unix())
			ill, good, bad = ill+1, good+int(n.good), bad+int(n.bad)
		}
		switch {
		case failing[d.Name] == 0:
		case d.Check.OK:
			passes++
		default:
			fails++
		}
	}
	if n := passes + fails; n > 0 {
		v.truth("check_fails", fails > passes, "%s", portion(fails, n, "failing server", "failed the health check too"))
		v.truth("check_passes", passes > fails, "%s", portion(passes, n, "failing server", "passed the health check"))
	}
	if good+bad > 0 || checked > 0 && ill == 0 {
		v.truth("check_only", ill > 0 && bad == 0 && good >= few,
			"%s; of the requests sent there in the last minute %d went well and %d failed", portion(ill, checked, "server", "failed the health check"), good, bad)
	}
	v.truth("left_out", out > 0, "%s", portion(out, all, "server", "are left out"))
	v.truth("all_left_out", out == all, "%s", portion(out, all, "server", "are left out"))
	v.truth("by_hand", hand > 0, "%s", portion(hand, all, "server", "were taken out by hand"))
}

// buildSure is in how many answers a build has to be named that counts.
const buildSure = 3

// seeSoftware sees what answers of the failing servers name.
func seeSoftware(v *view) {
	if v.c.pool == nil {
		return
	}
	runs, servers, named, changed := record.Programs(0), 0, 0, 0
	for name := range v.failing {
		m := v.c.pool.servers[name]
		if m == nil {
			continue
		}
		servers++
		known := false
		for i := range m.builds {
			b := &m.builds[i]
			runs |= b.runs
			known = known || b.seen >= buildSure && b.first.Before(v.onset)
		}
		if !known {
			continue
		}
		if named++; v.isRebuilt(m) {
			changed++
		}
	}
	if runs != 0 {
		names := runs.Names()
		v.words("runs", names, "answers of %s name %s", some(servers, "failing server"), strings.Join(names, " and "))
	}
	if named > 0 {
		v.truth("changed_build", changed > 0, "%s", portion(changed, named, "failing server", "have another build (version) than before, by the answers"))
	}
}

// isRebuilt reports that answers of a server name a build that is new since shortly
// before the failures, and one no more that they named until then. Which software an
// answer names goes by the path too: two that alternate are no change.
func (v *view) isRebuilt(m *server) bool {
	for i := range m.builds {
		b := &m.builds[i]
		if b.seen < buildSure || b.first.Before(v.onset.Add(-time.Minute)) || b.first.After(v.c.Last.Add(time.Minute)) {
			continue
		}
		for j := range m.builds {
			if old := &m.builds[j]; old.seen >= buildSure && old.last.Before(b.first) {
				return true
			}
		}
	}
	return false
}
