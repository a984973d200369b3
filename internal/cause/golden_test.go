// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/goccy/go-yaml"

	"causey/internal/failure"
)

// observed is what a gateway saw once, and the cause that has to come first.
type observed struct {
	Name     string         `yaml:"name"`
	Codes    []string       `yaml:"codes"`
	Statuses []int          `yaml:"statuses"`
	Facts    map[string]any `yaml:"facts"`
	Want     string         `yaml:"want"`
	// NotAbove are causes that have to have a lower score.
	NotAbove []string `yaml:"not_above"`
}

func readObserved(t *testing.T) (all []observed) {
	t.Helper()
	names, _ := filepath.Glob("testdata/*.yaml")
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var list []observed
		if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&list); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, list...)
	}
	return all
}

func catalogue(t testing.TB) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// symptom and facts are what the observed says, in the form that Rank takes.
func (o *observed) symptom(t *testing.T) (s Symptom) {
	t.Helper()
	for _, name := range o.Codes {
		code, ok := failure.ParseCode(name)
		if !ok {
			t.Errorf("%s: there is no failure %q", o.Name, name)
		}
		s.Codes = append(s.Codes, code)
	}
	s.Statuses = o.Statuses
	return s
}

func (o *observed) facts(t *testing.T) Facts {
	t.Helper()
	f := Facts{}
	for name, v := range o.Facts {
		fact := LookupFact(name)
		if fact == nil {
			t.Errorf("%s: there is no fact %q", o.Name, name)
			continue
		}
		value, err := valueOf(fact, v)
		if err != nil {
			t.Errorf("%s: %s: %v", o.Name, name, err)
		}
		f[name] = value
	}
	return f
}

func valueOf(fact *Fact, v any) (out Value, err error) {
	switch fact.Kind {
	case Truth:
		is, ok := v.(bool)
		if !ok {
			return out, fmt.Errorf("want true or false, found %v", v)
		}
		out.True = is
	case Number:
		if out.Num, err = strconv.ParseFloat(fmt.Sprint(v), 64); err != nil {
			return out, err
		}
	case Word:
		list, ok := v.([]any)
		if !ok {
			return out, fmt.Errorf("want a list, found %v", v)
		}
		for _, w := range list {
			out.Words = append(out.Words, fmt.Sprint(w))
		}
	}
	return out, nil
}

func TestObservedCausesComeFirst(t *testing.T) {
	c := catalogue(t)
	covered := map[string]bool{}
	for _, o := range readObserved(t) {
		covered[o.Want] = true
		r := c.Rank(o.symptom(t), o.facts(t))
		if len(r.Causes) == 0 || r.Causes[0].Cause.ID != o.Want {
			t.Errorf("%s: want %s first, found%s", o.Name, o.Want, firsts(&r, 3))
			continue
		}
		for _, below := range o.NotAbove {
			if i := slices.IndexFunc(r.Causes, func(x Ranked) bool { return x.Cause.ID == below }); i >= 0 && r.Causes[i].Score >= r.Causes[0].Score {
				t.Errorf("%s: %s is not below %s", o.Name, below, o.Want)
			}
			if c.Lookup(below) == nil {
				t.Errorf("%s: there is no cause %q", o.Name, below)
			}
		}
	}
	for _, e := range c.All() {
		if !covered[e.ID] {
			t.Errorf("no test has %s come first", e.ID)
		}
	}
}

func firsts(r *Ranking, n int) (s string) {
	for i := range r.Causes[:min(n, len(r.Causes))] {
		x := &r.Causes[i]
		s += fmt.Sprintf("\n\t%s %.1f (%.0f %%)", x.Cause.ID, x.Score, 100*x.Confidence)
		for _, l := range x.Lines {
			s += fmt.Sprintf(" %s%+.1f", l.Fact, l.Weight)
		}
	}
	return s
}

// The loader's own answers to "unknown".
func TestNothingObservedIsUnknown(t *testing.T) {
	c := catalogue(t)
	for _, f := range failure.All() {
		r := c.Rank(Symptom{Codes: []failure.Code{f.Code}}, Facts{})
		if top := r.Top(); top != nil && len(r.Causes) > 1 {
			t.Errorf("of %s alone %s is named with %.0f %%", f.Name, top.Cause.ID, 100*top.Confidence)
		}
	}
}
