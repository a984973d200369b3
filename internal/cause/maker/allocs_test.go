// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// The race detector makes pools forget things at random.

//go:build !race

package maker

import "testing"

// The budget is for pages that are found; one that is not costs nothing on the heap.
func TestAllocsIdentify(t *testing.T) {
	const foundMax, nobodyMax = 24, 0
	for _, p := range pages(t, "pages") {
		if n := testing.AllocsPerRun(10, func() { Identify(&p.answer) }); n > foundMax {
			t.Errorf("%s: %v allocations, at most %d", p.name, n, foundMax)
		}
	}
	own := Answer{Status: 502, Length: -1, Fields: []Field{{"Content-Type", "text/html"}}, Body: []byte("<h1>We will be back</h1>")}
	if n := testing.AllocsPerRun(10, func() { Identify(&own) }); n > nobodyMax {
		t.Errorf("nobody: %v allocations, at most %d", n, nobodyMax)
	}
}
