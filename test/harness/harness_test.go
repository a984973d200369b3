// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package harness_test

import (
	"testing"

	"causey/lab/origin"
	"causey/test/harness"
)

// TestRelay is the shortest way through everything: I1, I2.
func TestRelay(t *testing.T) {
	harness.CheckGoroutines(t)
	o := harness.Origin(t, origin.Options{})
	g := harness.Start(t, harness.Config{Servers: []string{o.Addr()}})
	a := g.Dial().Ask("GET /size/5 HTTP/1.1\r\nHost: a.example\r\n\r\n")
	if a.StatusCode != 200 || len(a.Text) != 5 || a.Err != nil {
		t.Errorf("answer: %d, %q, %v", a.StatusCode, a.Text, a.Err)
	}
	if l := g.Line(harness.Of("/size/5")); l.Status != 200 || l.Failure != "" || l.Host != "a.example" || l.BodyOut != 5 {
		t.Errorf("line: %s", l.Raw)
	}
}
