// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"strings"
	"testing"
)

// No more than the limit is kept at any time, and nothing once it was passed; what is
// off keeps nothing.
func TestReplayIsBounded(t *testing.T) {
	r := replay{limit: 10}
	for _, step := range []struct {
		piece string
		keeps bool
	}{{"01234", true}, {"56789", true}, {"", true}, {"x", false}, {"y", false}, {"", false}} {
		if r.keep([]byte(step.piece), false) != step.keeps {
			t.Errorf("%q is kept: %v", step.piece, !step.keeps)
		}
		if !step.keeps && (r.kept != nil || r.on() || r.holds()) {
			t.Errorf("after %q %d bytes are left", step.piece, cap(r.kept))
		}
	}
	r = replay{limit: 10}
	if r.keep([]byte(strings.Repeat("x", 11)), true) || r.holds() {
		t.Error("too much at once is kept")
	}
	r = replay{}
	if r.keep([]byte("x"), true) || r.holds() {
		t.Error("what is off keeps something")
	}
	piece := []byte("abc")
	r = replay{limit: 10}
	r.keep(piece, true)
	copy(piece, "###")
	if string(r.kept) != "abc" || !r.ended {
		t.Errorf("%q, ended %v", r.kept, r.ended)
	}
}
