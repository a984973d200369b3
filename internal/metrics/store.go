// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// Store is what the gateway tells of its store.
type Store struct {
	Bytes int64
	// Rows are the rows of each table, by its name. Names are those of the schema.
	Rows map[string]int64
	// Waiting is how many writes are not committed yet.
	Waiting                    int
	Written, Dropped, Failures uint64
	// Degraded says that nothing reaches the disk.
	Degraded bool
}

func (s *Store) collect(ch chan<- prometheus.Metric) {
	ch <- gauge(famStoreBytes, float64(s.Bytes))
	for table, n := range s.Rows {
		ch <- gauge(famStoreRows, float64(n), table)
	}
	ch <- gauge(famStoreWaiting, float64(s.Waiting))
	ch <- counter(famStoreWrites, float64(s.Written), "committed")
	ch <- counter(famStoreWrites, float64(s.Dropped), "dropped")
	ch <- counter(famStoreFailures, float64(s.Failures))
	degraded := 0.0
	if s.Degraded {
		degraded = 1
	}
	ch <- gauge(famStoreDegraded, degraded)
}
