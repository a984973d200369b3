// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package phase

import "testing"

func TestNamesParseBack(t *testing.T) {
	seen := map[string]bool{}
	for i := range Count {
		p := Phase(i)
		got, ok := Parse(p.String())
		if !ok || got != p || seen[p.String()] {
			t.Errorf("phase %d is %q, which parses to %v %v", i, p, got, ok)
		}
		seen[p.String()] = true
	}
	if _, ok := Parse("invalid"); ok || Phase(Count).String() != "invalid" {
		t.Error("a number outside the list has a name")
	}
}
