// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"time"
)

// watch looks at the files, and takes over what certmagic has renewed or stapled,
// until Close.
func (k *Keeper) watch() {
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-k.after(lookEvery):
			k.look()
		}
	}
}

// look looks once. The table is made anew if a file has changed, since the
// certificate may name other hosts.
func (k *Keeper) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.live.Load()
	changed := false
	for pair, s := range l.pairs {
		if k.lookAt(pair, s) {
			changed = true
		}
		s.dropStale(k.now())
	}
	if l.automatic != nil {
		l.automatic.refreshAll()
		if d := l.automatic.demand; d != nil {
			d.expire()
		}
	}
	if changed && k.ctx.Err() == nil {
		next := *l
		next.table = k.table(&next)
		k.live.Store(&next)
	}
}

// lookAt reads one pair again if its files have changed, and reports whether it
// did. Programs replace certificate and key one after the other, so the first look
// that finds them apart says nothing; the second warns, and later ones are silent
// until the files change again (I3).
func (k *Keeper) lookAt(pair Pair, s *slot) bool {
	log := k.live.Load().options.Logger
	now := k.now()
	at, err := stampOf(pair)
	if err == nil && at == s.stamp && s.failed() == 0 {
		return false
	}
	var l loaded
	if err == nil {
		l, err = load(pair, now)
	}
	if err != nil {
		s.note(now, err, now.Add(lookEvery))
		if at != s.broken {
			s.broken, s.looks = at, 0
		}
		if s.looks++; s.looks == 2 {
			log.Warn("certs: the changed files cannot be used; the certificate read before stays in use",
				"certificate", pair.Certificate, "key", pair.Key, "error", err,
				"expires", s.cert.Load().Leaf.NotAfter.Format(time.RFC3339))
		}
		return false
	}
	s.stamp, s.broken, s.looks = at, stamp{}, 0
	s.cert.Store(l.cert)
	s.note(now, nil, time.Time{})
	log.Info("certs: read a changed certificate", "certificate", pair.Certificate, "names", names(l.cert.Leaf),
		"expires", l.cert.Leaf.NotAfter.Format(time.RFC3339))
	for _, w := range l.warnings {
		log.Warn("certs: "+w, "certificate", pair.Certificate, "names", names(l.cert.Leaf))
	}
	return true
}
