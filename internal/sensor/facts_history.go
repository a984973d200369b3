// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"strconv"
	"time"

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
	v.truth("changed_config", v.justBefore(v.s.changes.config), "the configuration was changed %.0f s before", v.onset.Sub(v.s.changes.config).Seconds())
	v.truth("changed_servers", v.justBefore(v.s.changes.servers), "the list of servers was changed %.0f s before", v.onset.Sub(v.s.changes.servers).Seconds())
	failing := v.failing()
	if v.c.pool == nil || len(failing) == 0 {
		return
	}
	worked := 0
	for name := range failing {
		if m := v.c.pool.servers[name]; m != nil && !m.lastGood.IsZero() {
			worked++
		}
	}
	v.truth("worked_before", worked > 0, "%d of the %d failing servers have answered before", worked, len(failing))
	if v.look == nil {
		return
	}
	fails, passes, checked, out := 0, 0, 0, 0
	for i := range v.look.Servers {
		d := &v.look.Servers[i]
		switch d.State {
		case upstream.Unreachable, upstream.Ejected, upstream.Stalled, upstream.Failing:
			out++
		}
		if failing[d.Name] == 0 || d.CheckedAt == 0 {
			continue
		}
		checked++
		if d.Check.OK {
			passes++
		} else {
			fails++
		}
	}
	if checked > 0 {
		v.truth("check_fails", fails > passes, "the health check of %d of %d failing servers fails too", fails, checked)
		v.truth("check_passes", passes > fails, "the health check of %d of %d failing servers passes", passes, checked)
	}
	v.truth("left_out", out > 0, "%d of %d servers are left out", out, len(v.look.Servers))
	v.truth("all_left_out", out == len(v.look.Servers), "%d of %d servers are left out", out, len(v.look.Servers))
}
