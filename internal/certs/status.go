// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"
)

// Status tells people about one certificate.
type Status struct {
	// Hosts are those it is served for; empty for a name obtained on demand, which
	// Name then tells.
	Hosts []string
	// Name is what is obtained; empty for a certificate from files.
	Name string
	// File is the certificate file; empty for one that is obtained.
	File string
	// Automatic: it comes from a CA.
	Automatic bool
	// The rest is zero while there is no certificate yet.
	Issuer              string
	Names               []string // that it names
	NotBefore, NotAfter time.Time
	KeyType             string
	// StapledUntil is the end of the OCSP answer sent along, zero if none is.
	StapledUntil time.Time
	// StapleError says why a certificate from files has no fresh staple; empty: it
	// has one, or cannot have one.
	StapleError string
	// Error says why there is no newer one; empty if all is well. Failures is how
	// many tries in a row failed, TriedAt when the last try was, NextAt when the
	// next one is due, by what is known now.
	Error           string
	Failures        int
	TriedAt, NextAt time.Time
}

// orders counts how the orders of a Keeper ended. Reloads do not reset it.
type orders struct{ ok, failed atomic.Uint64 }

// Orders returns how many certificates were obtained or renewed, and how often that
// failed, since New.
func (k *Keeper) Orders() (ok, failed uint64) { return k.orders.ok.Load(), k.orders.failed.Load() }

// Status tells about all certificates: files first, then those that are obtained,
// each by name.
func (k *Keeper) Status() []Status {
	l := k.live.Load()
	var all []Status
	for _, s := range l.table.files {
		all = append(all, s.status(l.table.hosts[s]))
	}
	if a := l.automatic; a != nil {
		for _, s := range a.slots() {
			all = append(all, s.status(l.table.hosts[s]))
		}
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File))
	})
	return all
}

func (s *slot) status(hosts []string) Status {
	st := Status{Hosts: slices.Clone(hosts), Name: s.name, Automatic: s.automatic()}
	if s.pair != nil {
		st.File = s.pair.Certificate
	}
	s.mu.Lock()
	st.Error, st.Failures, st.TriedAt, st.NextAt = s.failure, s.failures, s.triedAt, s.nextAt
	st.StapledUntil, st.StapleError = s.staple.until, s.staple.failure
	s.mu.Unlock()
	cert := s.cert.Load()
	if cert == nil {
		return st
	}
	leaf := cert.Leaf
	st.Issuer, st.Names, st.KeyType = leaf.Issuer.String(), leaf.DNSNames, keyType(leaf)
	for _, ip := range leaf.IPAddresses {
		st.Names = append(slices.Clip(st.Names), ip.String())
	}
	st.NotBefore, st.NotAfter = leaf.NotBefore, leaf.NotAfter
	if s.automatic() {
		st.StapledUntil = stapledUntil(cert)
		if st.Failures == 0 {
			st.NextAt = leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3)
		}
	}
	return st
}
