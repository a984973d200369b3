// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"fmt"
	"strings"

	"causey/internal/sensor"
)

// How far an incident reaches.
const (
	isolated = "isolated" // one thing of several
	shared   = "shared"   // what several things have in common
	systemic = "systemic" // everything of a kind
)

// scope finds the smallest thing that explains an incident, from the widest down: our
// own network is looked at before anyone is blamed.
func (b *Book) scope(i *Incident, main *seen) Scope {
	f := main.facts
	is := func(name string) bool { return f[name].True }
	switch {
	case is("own_network"):
		return Scope{"gateway", "", systemic, f["own_network"].Say}
	case main.Upstream == "" || strings.HasPrefix(string(main.Mode), "gateway ") && !isConsequence(main.Mode):
		return Scope{"gateway", "", shared, "it is the gateway that fails"}
	case is("all_upstreams"):
		return Scope{"everything", "", systemic, f["all_upstreams"].Say}
	case is("same_host"):
		return Scope{"host", strings.Join(i.Upstreams, ", "), shared, f["same_host"].Say}
	case is("same_network"):
		return Scope{"network", strings.Join(i.Upstreams, ", "), shared, f["same_network"].Say}
	case len(i.Upstreams) > 1:
		return Scope{"site", strings.Join(i.Sites, ", "), shared,
			fmt.Sprintf("%d upstreams began to fail in the same way at the same time: %s", len(i.Upstreams), strings.Join(i.Upstreams, ", "))}
	}
	if len(main.shares) > 0 {
		s := main.shares[0]
		return Scope{s.Level, s.Value, isolated, shareSays(&s)}
	}
	up := main.Upstream
	if f["servers"].Num == 1 && len(main.servers) > 0 {
		return Scope{"server", main.servers[0], isolated, "it is the only server of " + up}
	}
	return Scope{"upstream", up, isolated, f["share"].Say}
}

func shareSays(s *sensor.Share) string {
	return fmt.Sprintf("%d of %d with %s %s failed, %d of %d with others", s.Bad, s.All, s.Level, s.Value, s.BadOut, s.AllOut)
}
