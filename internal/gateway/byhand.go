// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"causey/internal/admin"
	"causey/internal/upstream"
)

// What is decided about servers that are no members at the moment is kept for
// missingFor, of missingMost servers: names come and go with the DNS and with
// configurations, and must not add up for ever.
const (
	missingFor  = 30 * 24 * time.Hour
	missingMost = 256
)

// byHand is what the owner decided about servers. It outlives reloads and, in a file,
// restarts.
type byHand struct {
	// file is where it is kept, "" for nowhere.
	file string
	log  *slog.Logger

	// mu is taken with a group's lock held: whoever holds it calls no group.
	mu      sync.Mutex
	decided map[serverKey]decision
}

// serverKey names a server.
type serverKey struct{ upstream, server string }

// decision is what the owner decided about one server.
type decision struct {
	Upstream string        `json:"upstream"`
	Server   string        `json:"server"`
	State    upstream.Hand `json:"state"`
	Why      string        `json:"why"`
	Since    time.Time     `json:"since"`
	// MissingSince is when the server was first found to be no member, zero for one
	// that is.
	MissingSince time.Time `json:"missing_since,omitzero"`
}

// reason says it in words that follow the server's name. before is set for what was
// decided in an earlier run, or under another configuration.
func (d *decision) reason(before bool) string {
	text := map[upstream.Hand]string{
		upstream.Drain: "is drained by hand", upstream.Maintain: "was put into maintenance by hand", upstream.Auto: "was given back by hand",
	}[d.State]
	if before {
		text += " on " + d.Since.UTC().Format("2006-01-02 15:04 UTC")
	}
	if d.Why != "" {
		text += ": " + d.Why
	}
	return text
}

// openByHand returns what was decided before. dir is the state directory, "" for none.
func openByHand(dir string, log *slog.Logger) *byHand {
	h := &byHand{log: log, decided: map[serverKey]decision{}}
	if dir == "" {
		return h
	}
	h.file = filepath.Join(dir, "servers.json")
	h.load()
	return h
}

// of returns what upstream.Options.Hand asks for the upstream called name.
func (h *byHand) of(name string) func(server string) (upstream.Hand, string) {
	return func(server string) (upstream.Hand, string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		d, ok := h.decided[serverKey{name, server}]
		if !ok {
			return upstream.Auto, ""
		}
		return d.State, d.reason(true)
	}
}

// since returns when a server was taken out by hand, zero if it was not.
func (h *byHand) since(name, server string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.decided[serverKey{name, server}].Since
}

// set remembers d. The error says why it will not outlive a restart.
func (h *byHand) set(d decision) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := serverKey{d.Upstream, d.Server}
	if d.State == upstream.Auto {
		delete(h.decided, at)
	} else {
		if was, ok := h.decided[at]; ok && was.State == d.State {
			d.Since = was.Since // the state goes on; only its reason is new
		}
		h.decided[at] = d
	}
	if h.file == "" {
		return fmt.Errorf("there is no state directory")
	}
	return h.save()
}

// sync notes which servers are members now, and forgets those that have been none for
// long, or too many.
func (h *byHand) sync(members map[serverKey]bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := false
	var missing []decision
	for at, d := range h.decided {
		switch {
		case members[at] && !d.MissingSince.IsZero():
			d.MissingSince = time.Time{}
			h.decided[at], changed = d, true
		case !members[at]:
			if d.MissingSince.IsZero() {
				d.MissingSince = now
				h.decided[at], changed = d, true
			}
			missing = append(missing, d)
		}
	}
	slices.SortFunc(missing, func(a, b decision) int { // those missed last come first
		return cmp.Or(b.MissingSince.Compare(a.MissingSince), cmp.Compare(a.Server, b.Server))
	})
	for i, d := range missing {
		if i >= missingMost || now.Sub(d.MissingSince) > missingFor {
			delete(h.decided, serverKey{d.Upstream, d.Server})
			changed = true
			h.log.Info("what was decided by hand is forgotten: there is no such server any more", "upstream", d.Upstream, "server", d.Server, "state", string(d.State))
		}
	}
	if !changed || h.file == "" {
		return
	}
	if err := h.save(); err != nil {
		h.log.Warn("what was decided by hand about servers could not be written down", "file", h.file, "error", err)
	}
}

// syncByHand tells byHand who the members are.
func (g *Gateway) syncByHand(l live) {
	members := map[serverKey]bool{}
	for name, gr := range l.groups {
		for _, s := range gr.Servers() {
			members[serverKey{name, s.Name}] = true
		}
	}
	g.byHand.sync(members, time.Now())
}

// recallByHand tells, at the start, which servers are out of service by what was
// decided before.
func (g *Gateway) recallByHand(l live) {
	for name, gr := range l.groups {
		for _, s := range gr.Describe().Servers {
			if s.Hand != upstream.Auto {
				g.events.tell(upstream.Event{Upstream: name, Server: s.Name, To: s.State, Reason: s.Because}, time.Now())
			}
		}
	}
}

// decide does with a server what its owner wants, now and for servers of this name
// that come later.
func (g *Gateway) decide(d admin.Decision) (warnings []string, err error) {
	// A reload that is under way has asked already what was decided.
	g.reloads.Lock()
	defer g.reloads.Unlock()
	if g.upgrading.Load() { // the successor has read what was decided
		return nil, admin.ErrUpgrading
	}
	gr := g.live.groups[d.Upstream]
	if gr == nil || !slices.ContainsFunc(gr.Servers(), func(s *upstream.Server) bool { return s.Name == d.Server }) {
		return nil, fmt.Errorf("%s: %w any more", d.Server, admin.ErrNoServer)
	}
	made := decision{Upstream: d.Upstream, Server: d.Server, State: d.State, Why: d.Why, Since: time.Now().UTC().Truncate(time.Second)}
	if err := g.byHand.set(made); err != nil {
		g.opts.Logger.Warn("what was decided by hand about a server will not outlive a restart", "upstream", d.Upstream, "server", d.Server, "file", g.byHand.file, "error", err)
		warnings = append(warnings, "this will not outlive a restart of the gateway: "+err.Error())
	}
	gr.SetHand(d.Server, d.State, made.reason(false))
	return warnings, nil
}
