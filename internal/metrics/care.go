// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"causey/internal/record"
	"causey/internal/upstream"
)

// Upstream is what the gateway tells of one upstream and of what its servers are good
// for.
type Upstream struct {
	Name string
	// Held is how many requests wait for a server now.
	Held    int
	Servers []ServerState
}

// ServerState is the state of one server.
type ServerState struct {
	Server string
	State  upstream.State
}

// care counts what was done about failures on one upstream.
type care struct {
	saved [len(record.SavedMeans)]uint64
	// exchanges counts those that were saved, by whatever means.
	exchanges uint64
	// retries counts attempts after the first of an exchange.
	retries uint64
	held    histogram
}

// addCare counts what was done about failures in r: mostly nothing.
func (c *cells) addCare(r *record.Record) {
	held := r.Held()
	if r.Saved == 0 && r.AttemptLen < 2 && held == 0 {
		return
	}
	t := c.care.at(pair{r.Upstream, ""})
	if r.Saved != 0 {
		t.exchanges++
	}
	for i := range t.saved {
		t.saved[i] += uint64(r.Saved >> i & 1)
	}
	t.retries += uint64(max(r.AttemptLen, 1) - 1)
	if held > 0 {
		t.held.observe(held)
	}
}

// collectCare sends what was counted, and zeros for upstreams of which nothing was:
// an increase from nothing to one is one that nobody sees.
func (c *cells) collectCare(ch chan<- prometheus.Metric, configured []Upstream) {
	for i := range configured {
		c.care.at(pair{configured[i].Name, ""})
	}
	for at, t := range c.care.cells {
		for i, means := range record.SavedMeans {
			ch <- counter(famSaved, float64(t.saved[i]), at.a, means)
		}
		ch <- counter(famSavedExchanges, float64(t.exchanges), at.a)
		ch <- counter(famRetries, float64(t.retries), at.a)
		ch <- t.held.metric(famHeld, at.a)
	}
}

// collectUpstreams sends what the servers are good for, of namesMax servers at most.
func (s *Snapshot) collectUpstreams(ch chan<- prometheus.Metric) {
	sent := map[pair]bool{}
	for i := range s.Upstreams {
		u := &s.Upstreams[i]
		ch <- gauge(famHeldNow, float64(u.Held), u.Name)
		for _, sv := range u.Servers {
			at := pair{u.Name, sv.Server}
			if sent[at] || len(sent) == namesMax {
				continue // one series given twice would fail the scrape
			}
			sent[at] = true
			for _, state := range upstream.States {
				is := 0.0
				if state == sv.State {
					is = 1
				}
				ch <- gauge(famServerState, is, u.Name, sv.Server, string(state))
			}
		}
	}
	ch <- counter(famEventsDropped, float64(s.EventsDropped))
	for _, e := range s.Experiments {
		ch <- counter(famExperiments, float64(e.Yes), e.Experiment, "yes")
		ch <- counter(famExperiments, float64(e.No), e.Experiment, "no")
		ch <- counter(famExperiments, float64(e.Unseen), e.Experiment, "unseen")
	}
}
