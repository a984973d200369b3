// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package metrics counts what records tell and shows it to Prometheus.
//
// What it is: Metrics, a record.Sink that adds each record to fixed cells, and at
// the same time the one collector that shows them, together with gauges that the
// gateway reads for it at each scrape.
//
// What it never does: it is not called on the data path, takes no label from what
// a stranger sent, and never keeps the records' reader waiting for a scrape.
//
// Invariants:
//
//	I1. Every family is declared in one table (family.go), which docs/metrics.md
//	    shows.
//	I2. Every registered failure code has its series from the start, with 0.
//	I3. The number of series is bounded: label values are names of the
//	    configuration, words of closed lists, or "other".
//	I4. One record is counted once in causey_exchanges_total, and once in
//	    causey_failures_total if it failed.
//
// Start reading with family.go, then metrics.go.
package metrics
