// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"maps"
	"sync"
	"time"

	"causey/internal/cause"
	"causey/internal/incident"
	"causey/internal/metrics"
)

// diagnosisCounts counts how incidents went, and what it takes to find them. Its zero
// value is ready.
type diagnosisCounts struct {
	mu      sync.Mutex
	states  map[string]incident.State // of incidents that are not closed
	reached map[metrics.IncidentState]uint64
	looks   uint64
	looking time.Duration
}

// note counts a change of an incident if it came into another state. layer is where its
// likeliest cause lies, "" for no cause.
func (c *diagnosisCounts) note(i *incident.Incident, layer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.states == nil {
		c.states, c.reached = map[string]incident.State{}, map[metrics.IncidentState]uint64{}
	}
	if c.states[i.ID] == i.State {
		return
	}
	c.reached[metrics.IncidentState{Layer: layer, State: i.State}]++
	if c.states[i.ID] = i.State; i.State == incident.Closed {
		delete(c.states, i.ID)
	}
}

// looked counts one look at all cases.
func (c *diagnosisCounts) looked(took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	c.looking += took
}

// layerOf is where the likeliest cause of an incident lies, "" if none is likely.
func layerOf(catalogue *cause.Catalogue, i *incident.Incident) string {
	if named := i.Named(); named != nil {
		if e := catalogue.Lookup(named.Cause); e != nil {
			return e.Layer
		}
	}
	return ""
}

// snapshot is what the metrics show.
func (d *diagnosis) snapshot() metrics.Diagnosis {
	s := metrics.Diagnosis{Open: map[incident.Severity]int{}, Cases: d.sensor.Cases(), NoPlace: d.sensor.NoPlace()}
	for _, i := range d.book.Incidents() {
		if i.State != incident.Closed {
			s.Open[i.Severity]++
		}
	}
	c := &d.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Reached, s.Looks, s.Looking = maps.Clone(c.reached), c.looks, c.looking
	return s
}
