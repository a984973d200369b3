// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package causes_test

import (
	"slices"
	"testing"

	"causey/internal/cause"
	"causey/lab/fault"
)

// TestEachCauseHasAFault demands a fault, or a reason for none, for each root cause. I2
func TestEachCauseHasAFault(t *testing.T) {
	catalogue, err := cause.Load()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range catalogue.All() {
		ids = append(ids, e.ID)
	}
	made := map[string]bool{}
	for _, f := range fault.All() {
		made[f.Cause] = true
		for _, id := range append([]string{f.Cause}, f.Twins...) {
			if !slices.Contains(ids, id) {
				t.Errorf("%s: there is no root cause %q", f.ID(), id)
			}
		}
	}
	for _, id := range ids {
		switch reason := fault.Missing[id]; {
		case made[id] && reason != "":
			t.Errorf("%s has a fault now; remove it from lab/fault/missing.go", id)
		case !made[id] && reason == "":
			t.Errorf("%s has no fault; make one, or say in lab/fault/missing.go why this lab cannot", id)
		}
	}
	for id := range fault.Missing {
		if !slices.Contains(ids, id) {
			t.Errorf("lab/fault/missing.go names %q, which is no root cause", id)
		}
	}
	t.Logf("%d root causes, %d made by %d faults", len(ids), len(made), len(fault.All()))
}
