// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package causes_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"causey/lab/fault"
)

// answers are those of an admin side, one after the other; the last one stays.
type answers []string

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	text := (*a)[0]
	if len(*a) > 1 {
		*a = (*a)[1:]
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(text))}, nil
}

func TestWhatCountsAsNamed(t *testing.T) {
	const (
		none   = `{"incidents":[]}`
		second = `{"incidents":[{"id":"a","ranked":[{"cause":"x"},{"cause":"truth"}],"scope":{"level":"site"}}]}`
		first  = `{"incidents":[{"id":"b"},{"id":"a","ranked":[{"cause":"truth"},{"cause":"x"}],"scope":{"level":"server"}}]}`
		twin   = `{"incidents":[{"id":"a","ranked":[{"cause":"twin"}],"scope":{"level":"path"}}]}`
	)
	for _, c := range []struct {
		name    string
		answers answers
		want    report
	}{
		{"nothing", answers{none}, report{}},
		{"the truth at once", answers{first}, report{first: "truth", rank: 1, scope: "server"}},
		{"the truth in the end", answers{none, second, first}, report{first: "x", rank: 1, scope: "server"}},
		{"the truth second", answers{second}, report{first: "x", rank: 2, scope: "site"}},
		{"the truth no longer", answers{second, none}, report{first: "x", scope: "site"}},
		{"a twin", answers{twin}, report{first: "twin", rank: 1, scope: "path"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &performance{admin: &http.Client{Transport: &c.answers}}
			var got report
			p.await(t, &got, []string{"truth", "twin"}, 4*between)
			if named := got.rank == 1; named == (got.took >= 4*between) {
				t.Errorf("rank %d after %v", got.rank, got.took)
			}
			if got.took = 0; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestTableCountsWhatWasNamed(t *testing.T) {
	text := table([]report{
		{id: "b", truth: "b", first: "b", rank: 1, took: 1500 * time.Millisecond},
		{id: "a", truth: "a", first: "x", rank: 3},
		{id: "c", truth: "c"},
	})
	if !strings.HasSuffix(text, "named first 1 of 3, among the first three 2, no verdict 1\n") {
		t.Errorf("%s", text)
	}
	if lines := strings.Split(text, "\n"); !strings.HasPrefix(lines[1], "a ") || !strings.Contains(lines[2], "1.5") {
		t.Errorf("%s", text)
	}
}

// TestSampleIsThere finds faults of the sample that were renamed, also where the program
// has no incidents.
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
