// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package causes_test

import (
	"testing"

	"causey/lab/fault"
)

// TestSampleIsThere finds faults of the sample that were renamed.
func TestSampleIsThere(t *testing.T) {
	ids := map[string]bool{}
	for _, f := range fault.All() {
		if ids[f.ID()] {
			t.Errorf("two faults are called %q", f.ID())
		}
		ids[f.ID()] = true
		if f.Cause == "" || f.Means == "" || f.Scope == "" || f.Set == nil || (len(f.Twins) > 0) != (f.Why != "") {
			t.Errorf("%s does not say all of itself", f.ID())
		}
	}
	for _, id := range sample {
		if !ids[id] {
			t.Errorf("there is no fault %q", id)
		}
	}
}
