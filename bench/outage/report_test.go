// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	"causey/bench/steady"
)

func TestReport(t *testing.T) {
	good := &steady.Outcome{Gets: steady.Tally{Due: 900, Whole: 900, Held: 9}, Posts: steady.Tally{Due: 100, Whole: 100}}
	good.Latency.Record(20 * time.Millisecond)
	bad := &steady.Outcome{
		Gets: steady.Tally{Due: 900, Whole: 890, Failed: 9, Cut: 1}, Posts: steady.Tally{Due: 100, Whole: 99, Failed: 1},
		Reasons:  map[string]int{"GET failed: status 502": 9, "GET cut: closed": 1, "POST failed: reset": 1},
		Examples: []steady.Example{{What: "GET failed: status 502", Due: 2 * time.Second, ProxyStatus: "gw; error=connection_refused"}},
	}
	bad.Latency.Record(1500 * time.Millisecond)
	kill, node := &scenario{name: "kill", origin: "shop"}, &scenario{name: "kill-node", origin: "node"}
	r := newReport(options{rate: 40, seconds: 25, patience: 10 * time.Second}, []string{"causey", "nginx"})
	r.add(&result{scenario: kill, contender: "causey", outcome: good,
		audit: audit{kept: true, load: 1.25, ejected: span{known: true, d: 300 * time.Millisecond}, back: span{known: true, never: true}}})
	r.add(&result{scenario: kill, contender: "nginx", outcome: bad, audit: audit{kept: true, repeated: 2, lost: 1, load: 1}})
	r.add(&result{scenario: node, contender: "causey", missing: "node is not installed"})
	text := r.markdown()
	for _, want := range []string{
		"| kill      | 0 / 0 / 0 / 9 / 20 ms     | 9 / 1 / 1 / 0 / 1500 ms             |\n",
		"| kill-node | node is not installed     | -                                   |\n", // I3
		"| all, %    | 0 / 0 / 0 / 0.900 / 20 ms | 1.000 / 1.000 / 0.100 / 0 / 1500 ms |\n",
		"| kill     | 0 / 0 / 1.25 / 0.3 s / never | 2 / 1 / 1.00 / - / - |\n",
		"kill, nginx:\n\n- 1 × GET cut: closed\n- 9 × GET failed: status 502\n- 1 × POST failed: reset\n  - GET failed: status 502, due at 2.00 s",
		"Proxy-Status gw; error=connection_refused",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "kill, causey") {
		t.Errorf("a good run is among the failures:\n%s", text)
	}
	if cell := (&result{scenario: kill, died: true, outcome: good}).cell(); cell != "the gateway died" {
		t.Error(cell)
	}
}
