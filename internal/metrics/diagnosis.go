// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"causey/internal/cause"
	"causey/internal/incident"
)

// Diagnosis is what the gateway tells of its incidents and of how it finds them.
type Diagnosis struct {
	// Open counts the incidents that are not closed.
	Open map[incident.Severity]int
	// Reached counts incidents that came into a state.
	Reached map[IncidentState]uint64
	// Cases are the groups of failures that are watched, NoPlace counts what found none.
	Cases   int
	NoPlace uint64
	// Looks counts looks at all of them, Looking is how long they took in all.
	Looks   uint64
	Looking time.Duration
}

// IncidentState is a state of incidents whose likeliest cause lies in one layer, "" for
// no cause.
type IncidentState struct {
	Layer string
	State incident.State
}

// unknownLayer is the label of incidents without a likely cause.
const unknownLayer = "unknown"

// collect sends every series, those of which nothing was counted with 0. I3.
func (d *Diagnosis) collect(ch chan<- prometheus.Metric) {
	for _, s := range incident.Severities {
		ch <- gauge(famIncidentsOpen, float64(d.Open[s]), string(s))
	}
	for _, state := range incident.States {
		for _, layer := range cause.Layers {
			ch <- counter(famIncidents, float64(d.Reached[IncidentState{layer, state}]), layer, string(state))
		}
		ch <- counter(famIncidents, float64(d.Reached[IncidentState{"", state}]), unknownLayer, string(state))
	}
	ch <- gauge(famDiagnosisCases, float64(d.Cases))
	ch <- counter(famDiagnosisNoPlace, float64(d.NoPlace))
	ch <- counter(famDiagnosisLooks, float64(d.Looks))
	ch <- counter(famDiagnosisTime, d.Looking.Seconds())
}
