// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"fmt"
	"strings"
	"time"

	"causey/internal/upstream"
)

// part is one source in a feed, or a list that does not change; the feed's mu guards
// it.
type part struct {
	name, key string
	source    Source // nil for a fixed list
	cancel    context.CancelFunc
	ended     bool

	specs []upstream.Spec
	// grace, if not nil, is closed when the list is to stay after all.
	grace               chan struct{}
	problem             string
	problemSince        time.Time
	lookedAt, changedAt time.Time
}

// end ends the source of p; it does not wait for that.
func (p *part) end() {
	p.ended = true
	p.trust()
	if p.cancel != nil {
		p.cancel()
	}
}

// trust ends the grace and reports whether there was one.
func (p *part) trust() bool {
	if p.grace == nil {
		return false
	}
	close(p.grace)
	p.grace = nil
	return true
}

// union joins the lists, each server once, MaxServers at most. I3.
func union(parts []*part) []upstream.Spec {
	all := []upstream.Spec{}
	seen := map[upstream.Place]bool{}
	for _, p := range parts {
		for _, s := range p.specs {
			if !seen[s.Place] && len(all) < MaxServers {
				seen[s.Place] = true
				all = append(all, s)
			}
		}
	}
	return all
}

// namesTold is how many servers a text names.
const namesTold = 5

// difference says what becomes other between two lists, "" if nothing does.
func difference(old, now []upstream.Spec) string {
	roles := make(map[upstream.Place]upstream.Role, len(old))
	for _, s := range old {
		roles[s.Place] = s.Role
	}
	var came, changed []string
	for _, s := range now {
		role, was := roles[s.Place]
		switch {
		case !was:
			came = append(came, s.Name)
		case role != s.Role:
			changed = append(changed, s.Name)
		}
		delete(roles, s.Place)
	}
	var went []string
	for _, s := range old {
		if _, left := roles[s.Place]; left {
			went = append(went, s.Name)
			delete(roles, s.Place)
		}
	}
	var said []string
	for _, g := range []struct {
		names []string
		verb  string
	}{{came, "new"}, {went, "gone"}, {changed, "changed"}} {
		if len(g.names) > 0 {
			said = append(said, g.verb+": "+some(g.names))
		}
	}
	if len(said) == 0 {
		return ""
	}
	return fmt.Sprintf("has %s now; %s", servers(len(now)), strings.Join(said, "; "))
}

// some lists the first few names.
func some(names []string) string {
	if more := len(names) - namesTold; more > 1 {
		return strings.Join(names[:namesTold], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

func servers(n int) string {
	switch n {
	case 0:
		return "no servers"
	case 1:
		return "1 server"
	}
	return fmt.Sprintf("%d servers", n)
}

func leave(n int) string {
	if n == 1 {
		return "one leaves"
	}
	return fmt.Sprintf("%d leave", n)
}
