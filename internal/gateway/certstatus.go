// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"time"

	"causey/internal/admin"
	"causey/internal/certs"
	"causey/internal/metrics"
)

// certificates tells what the keeper has, in the words of the admin side.
func (g *Gateway) certificates() []admin.Certificate {
	all := g.certs.Status()
	out := make([]admin.Certificate, len(all))
	for i := range all {
		out[i] = certificateOf(&all[i])
	}
	return out
}

func certificateOf(s *certs.Status) admin.Certificate {
	source := admin.FromFile
	switch {
	case s.Automatic && len(s.Hosts) == 0:
		source = admin.OnDemand
	case s.Automatic:
		source = admin.Automatic
	}
	return admin.Certificate{
		Hosts: s.Hosts, Source: source, Name: s.Name, File: s.File,
		Issuer: s.Issuer, Names: s.Names, KeyType: s.KeyType,
		NotBefore: admin.Moment{Time: s.NotBefore}, NotAfter: admin.Moment{Time: s.NotAfter},
		StapledUntil: admin.Moment{Time: s.StapledUntil}, StapleError: s.StapleError,
		Error: s.Error, Failures: s.Failures,
		TriedAt: admin.Moment{Time: s.TriedAt}, NextAt: admin.Moment{Time: s.NextAt},
	}
}

// Certificates tells what certificates there are, as they stand now.
func (g *Gateway) Certificates() []admin.Certificate {
	all, now := g.certificates(), time.Now()
	for i := range all {
		all[i].Judge(now)
	}
	return all
}

// certificateCounts is what a scrape shows of the certificates.
func (g *Gateway) certificateCounts(now time.Time) metrics.Certificates {
	m := metrics.Certificates{Ends: map[string]time.Time{}}
	m.Orders, m.OrdersFailed = g.certs.Orders()
	type kind struct {
		source admin.CertificateSource
		state  admin.CertificateState
	}
	counts := map[kind]int{}
	all := g.certificates()
	for i := range all {
		c := &all[i]
		c.Judge(now)
		counts[kind{c.Source, c.State}]++
		if len(c.Hosts) == 0 || c.NotAfter.IsZero() {
			continue
		}
		host := c.Hosts[0]
		if end, ok := m.Ends[host]; !ok || c.NotAfter.Before(end) {
			m.Ends[host] = c.NotAfter.Time
		}
	}
	for _, source := range admin.CertificateSources {
		for _, state := range admin.CertificateStates {
			m.Counts = append(m.Counts, metrics.CertificateCount{Source: string(source), State: string(state), N: counts[kind{source, state}]})
		}
	}
	return m
}
