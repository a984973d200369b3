// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"causey/lab/fault"
	"causey/lab/judge"
)

func said(t *testing.T, text string) (list []judge.Incident) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestWhatIsTaken(t *testing.T) {
	const (
		second = `[{"id":"a","ranked":[{"cause":"x","confidence":0.9},{"cause":"truth"}],"scope":{"level":"site"}}]`
		first  = `[{"id":"b"},{"id":"a","ranked":[{"cause":"truth","confidence":0.7},{"cause":"x"}],"scope":{"level":"server"}}]`
		twin   = `[{"id":"a","ranked":[{"cause":"twin"}],"scope":{"level":"path"}}]`
	)
	for _, c := range []struct {
		name  string
		said  []string
		rank  int
		top   string
		scope string
		right time.Duration
	}{
		{"nothing", []string{"[]"}, 0, "", "", 0},
		{"the truth at once", []string{first, first}, 1, "truth", "server", time.Second},
		{"the truth in the end", []string{"[]", second, first}, 1, "truth", "server", 3 * time.Second},
		{"the truth second", []string{second}, 2, "x", "site", 0},
		{"first, then second, then first", []string{first, second, first}, 1, "truth", "server", 3 * time.Second},
		{"a twin", []string{twin}, 1, "twin", "path", time.Second},
	} {
		r := result{fault: &fault.Fault{Cause: "truth", Twins: []string{"twin"}}}
		for n, text := range c.said {
			r.take(said(t, text), time.Duration(n+1)*time.Second)
		}
		if r.rank != c.rank || r.top != c.top || r.scope != c.scope || r.right != c.right {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

func TestScore(t *testing.T) {
	f := func(id string) *fault.Fault { return &fault.Fault{Cause: id} }
	all := []*result{
		{fault: f("a.1"), rank: 1, opened: true, top: "a.1", confidence: 0.9, right: 3 * time.Second},
		{fault: f("a.2"), rank: 3, opened: true, top: "x", confidence: 0.9},
		{fault: f("a.3"), rank: 2, opened: true, top: "x", confidence: 0.3},
		{fault: f("b.1"), opened: true, top: "x", confidence: 0.6},
		{fault: f("b.2")},
		{fault: f("cli.abort")}, {fault: f("cli.bad"), opened: true, rank: 1},
		{fault: f("c.1"), skipped: "needs root"}, nil,
	}
	var s score
	for _, r := range all[:7] {
		s.add(r)
	}
	if s.all != 5 || s.first != 1 || s.three != 3 || s.unknown != 1 || s.none != 1 || s.wrongSure != 1 || s.quietAll != 2 || s.quietRight != 1 {
		t.Errorf("%+v", s)
	}
	var out bytes.Buffer
	report(&out, all)
	for _, want := range []string{"all ", "a ", "b ", "20 %", "3.0 s", "1 of 2 faults of clients", "2 faults were skipped"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}
