// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"strings"
	"testing"
)

// TestNamesAndOrderStay holds the list: its order is the order of an exchange (I1)
// and its names are public (I2). A change here changes codes, metrics and logs.
func TestNamesAndOrderStay(t *testing.T) {
	want := "accept handshake read-head route guard cache queue resolve connect up-handshake " +
		"send-head send-body await-head read-head-up relay-body tunnel finish"
	got := make([]string, Count)
	for i := range Count {
		got[i] = Phase(i).String()
	}
	if s := strings.Join(got, " "); s != want {
		t.Errorf("the phases are %s\nwant %s", s, want)
	}
}

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
