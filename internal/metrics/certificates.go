// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Certificates is what the gateway tells of its certificates.
type Certificates struct {
	// Counts has every source and state, also with 0.
	Counts []CertificateCount
	// Ends is when the certificates of hosts of the configuration expire. A name
	// on demand is a stranger's and must not be here (I3).
	Ends map[string]time.Time
	// Orders and OrdersFailed count how orders at the CA ended.
	Orders, OrdersFailed uint64
}

// CertificateCount counts the certificates of one source in one state.
type CertificateCount struct {
	Source, State string
	N             int
}

func (c *Certificates) collect(ch chan<- prometheus.Metric) {
	for _, n := range c.Counts {
		ch <- gauge(famCertificates, float64(n.N), n.Source, n.State)
	}
	for _, host := range c.firstToEnd() {
		ch <- gauge(famCertificateEnd, float64(c.Ends[host].Unix()), host)
	}
	ch <- counter(famOrders, float64(c.Orders), "ok")
	ch <- counter(famOrders, float64(c.OrdersFailed), "failed")
}

// firstToEnd lists the hosts that are shown: all, or so many as a scrape can bear,
// those that need attention first.
func (c *Certificates) firstToEnd() []string {
	hosts := slices.Collect(maps.Keys(c.Ends))
	if len(hosts) <= namesMax {
		return hosts
	}
	slices.SortFunc(hosts, func(a, b string) int { return c.Ends[a].Compare(c.Ends[b]) })
	return hosts[:namesMax]
}
