// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"causey/internal/admin"
	"causey/internal/store"
	"causey/internal/upstream"
)

// What is decided about servers that are no members at the moment is kept for
// missingFor, of missingMost servers: names come and go with the DNS and with
// configurations, and must not add up for ever.
const (
	missingFor  = 30 * 24 * time.Hour
	missingMost = 256
)

// keepWait bounds the wait of a decision for the disk.
const keepWait = 5 * time.Second

// byHand is what the owner decided about servers. It outlives reloads and, in the store,
// restarts.
type byHand struct {
	store *store.Store
	log   *slog.Logger

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
func openByHand(dir string, kept *store.Store, log *slog.Logger) *byHand {
	h := &byHand{store: kept, log: log, decided: map[serverKey]decision{}}
	h.load()
	if dir != "" {
		h.takeOver(filepath.Join(dir, byHandName))
	}
	return h
}

// load reads what is in the store.
func (h *byHand) load() {
	ctx, cancel := context.WithTimeout(context.Background(), keepWait)
	defer cancel()
	list, err := h.store.Overrides(ctx)
	if err != nil {
		h.log.Warn("what was decided by hand about servers cannot be read: all are in service as far as they work", "error", err)
	}
	for _, o := range list {
		d := decision{Upstream: o.Upstream, Server: o.Server, State: upstream.Hand(o.State), Why: o.Reason, Since: o.Set}
		if !o.Expires.IsZero() {
			d.MissingSince = o.Expires.Add(-missingFor)
		}
		if d.State != upstream.Drain && d.State != upstream.Maintain {
			h.log.Warn("what was decided by hand about a server is not understood and has no effect", "upstream", o.Upstream, "server", o.Server, "state", o.State)
			continue
		}
		h.decided[serverKey{d.Upstream, d.Server}] = d
	}
}

// keep hands d to the store. What it returns waits until it is on the disk; its error says
// why it is not.
func (h *byHand) keep(d decision) (wait func() error) {
	got := make(chan error, 1)
	done := func(err error) { got <- err }
	var err error
	if d.State == upstream.Auto {
		err = h.store.DeleteOverride(d.Upstream, d.Server, done)
	} else {
		o := store.Override{Upstream: d.Upstream, Server: d.Server, State: string(d.State), Reason: d.Why, Set: d.Since}
		if !d.MissingSince.IsZero() {
			o.Expires = d.MissingSince.Add(missingFor)
		}
		err = h.store.PutOverride(o, done)
	}
	if err != nil {
		return func() error { return err }
	}
	return func() error {
		select {
		case err := <-got:
			return err
		case <-time.After(keepWait):
			return fmt.Errorf("the disk has not taken it for %s", keepWait)
		}
	}
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

// set remembers d. What it returns waits until that is on the disk; its error says why it
// may not outlive a restart.
func (h *byHand) set(d decision) (wait func() error) {
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
	return h.keep(d)
}

// sync notes which servers are members now, and forgets those that have been none for
// long, or too many. What of it cannot be written is found out anew by the next run.
func (h *byHand) sync(members map[serverKey]bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var missing []decision
	for at, d := range h.decided {
		switch {
		case members[at] && !d.MissingSince.IsZero():
			d.MissingSince = time.Time{}
			h.decided[at] = d
			h.keep(d)
		case !members[at]:
			if d.MissingSince.IsZero() {
				d.MissingSince = now
				h.decided[at] = d
				h.keep(d)
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
			h.log.Info("what was decided by hand is forgotten: there is no such server any more", "upstream", d.Upstream, "server", d.Server, "state", string(d.State))
			d.State = upstream.Auto
			h.keep(d)
		}
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
	kept := g.byHand.set(made)
	gr.SetHand(d.Server, d.State, made.reason(false)) // a slow disk keeps nobody in service
	if err := kept(); err != nil {
		g.opts.Logger.Warn("what was decided by hand about a server may not outlive a restart", "upstream", d.Upstream, "server", d.Server, "error", err)
		warnings = append(warnings, "this may not outlive a restart of the gateway: "+err.Error())
	}
	return warnings, nil
}
