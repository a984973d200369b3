// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"

	"github.com/caddyserver/certmagic"
)

// managed is a name whose certificate is obtained. One that neither a site lists nor
// a client demanded is not managed.
type managed struct {
	slot      *slot
	listed    bool               // by a site
	demanded  bool               // it is one of demand.names
	ended     bool               // it may have no other certificate than it has
	obtaining bool               // obtain is running
	cancel    context.CancelFunc // ends it; nil: not running
}

// slot returns the place of a site's name, with what the storage has (I7). The
// storage is not read under a lock, which handshakes may want.
func (a *automatic) slot(name string) *slot {
	s := a.list(name, nil)
	if s == nil {
		s = &slot{name: name}
		a.fromStorage(s)
		s = a.list(name, s)
	}
	return s
}

// list notes that a site lists a name and returns its place; s, if not nil, is that
// of one that had none.
func (a *automatic) list(name string, s *slot) *slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.managed[name]
	if m == nil {
		if s == nil {
			return nil
		}
		m = &managed{slot: s}
		a.managed[name] = m
	}
	m.listed, m.ended = true, false
	return m.slot
}

// adopt looks after a name on demand. It returns its place, which is another if a
// site lists it.
func (a *automatic) adopt(s *slot) *slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.managed[s.name]
	if m == nil {
		m = &managed{slot: s}
		a.managed[s.name] = m
	}
	m.demanded = true
	a.begin(s.name)
	return m.slot
}

// onDemand returns the place of a name that only clients want, nil for any other.
func (a *automatic) onDemand(name string) *slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.managed[name]; m != nil && m.demanded && !m.listed {
		return m.slot
	}
	return nil
}

// end obtains no other certificate for a name than it has.
func (a *automatic) end(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.managed[name]
	if m == nil || m.listed {
		return
	}
	m.ended = true
	a.release(name, m)
}

// dropEnded forgets a name that was ended, and reports whether it is one.
func (a *automatic) dropEnded(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.managed[name]
	if m == nil || !m.ended {
		return false
	}
	a.drop(name, m)
	return true
}

// forget ends what is done for names that t no longer has and no client demanded.
func (a *automatic) forget(t *table) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, m := range a.managed {
		if m.listed && t.hosts[m.slot] == nil {
			if m.listed = false; !m.demanded {
				a.drop(name, m)
			}
		}
	}
}

// dropUnlisted forgets a name on demand if no site lists it, and reports whether it
// did.
func (a *automatic) dropUnlisted(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := a.managed[name]
	if m != nil && m.listed {
		return false
	}
	if m != nil {
		a.drop(name, m)
	}
	return true
}

// drop forgets a name. The caller holds a.mu.
func (a *automatic) drop(name string, m *managed) {
	delete(a.managed, name)
	a.release(name, m)
}

// release ends what is done to get a certificate. The caller holds a.mu.
func (a *automatic) release(name string, m *managed) {
	if m.cancel != nil {
		m.cancel()
	}
	a.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: name}})
}

// begin starts a name's first order, or its load into certmagic's care, if that is
// not done. The caller holds a.mu.
func (a *automatic) begin(name string) {
	m := a.managed[name]
	if m.obtaining || m.ended || a.ctx.Err() != nil || a.cached(name) != nil {
		return
	}
	ctx, cancel := context.WithCancel(a.ctx)
	m.obtaining, m.cancel = true, cancel
	a.work.Go(func() {
		a.obtain(ctx, m.slot)
		a.mu.Lock()
		defer a.mu.Unlock()
		m.obtaining, m.cancel = false, nil
		cancel()
		if m.ended || a.managed[name] == nil { // meanwhile: certmagic may have taken it up after that
			a.release(name, m)
		}
	})
}

func (a *automatic) find(name string) *slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := a.managed[name]; m != nil {
		return m.slot
	}
	return nil
}

// slots returns the places of all names, for what takes too long under a.mu.
func (a *automatic) slots() []*slot {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]*slot, 0, len(a.managed))
	for _, m := range a.managed {
		all = append(all, m.slot)
	}
	return all
}
