// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"maps"
	"testing"

	"causey/internal/cause"
	"causey/internal/incident"
	"causey/internal/metrics"
)

// TestDiagnosisCounts: an incident counts once in each state that it comes to, however
// often it is told, and again if it comes again.
func TestDiagnosisCounts(t *testing.T) {
	catalogue, err := cause.Load()
	if err != nil {
		t.Fatal(err)
	}
	var c diagnosisCounts
	down := []incident.Ranked{{Cause: "tcp.refused.down", Confidence: 0.9}}
	for _, step := range []struct {
		id     string
		state  incident.State
		ranked []incident.Ranked
	}{
		{"a", incident.Open, nil}, {"a", incident.Open, nil}, {"b", incident.Open, []incident.Ranked{{Cause: "tcp.refused.down", Confidence: 0.4}}},
		{"a", incident.Suspected, down}, {"a", incident.Confirmed, down}, {"a", incident.Confirmed, down}, {"a", incident.Closed, down},
		{"a", incident.Open, []incident.Ranked{{Cause: "of.another.version", Confidence: 0.9}}},
	} {
		i := &incident.Incident{ID: step.id, State: step.state, Ranked: step.ranked}
		c.note(i, layerOf(catalogue, i))
	}
	want := map[metrics.IncidentState]uint64{
		{Layer: "", State: incident.Open}: 3, {Layer: "tcp", State: incident.Suspected}: 1, {Layer: "tcp", State: incident.Confirmed}: 1, {Layer: "tcp", State: incident.Closed}: 1,
	}
	if !maps.Equal(c.reached, want) {
		t.Errorf("%v, want %v", c.reached, want)
	}
	if len(c.states) != 2 {
		t.Errorf("%v are kept", c.states)
	}
}
