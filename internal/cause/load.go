// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"causey/internal/failure"
)

//go:embed catalogue/*.yaml
var files embed.FS

// Version is that of the catalogue: it grows with every change of an entry.
const Version = 1

// Catalogue is a set of entries.
type Catalogue struct {
	entries []*Entry // by number
	byID    map[string]*Entry
}

// Load reads the catalogue that the program carries.
func Load() (*Catalogue, error) { return load(files, "catalogue") }

// All returns the entries by number. The slice is shared: do not write to it.
func (c *Catalogue) All() []*Entry { return c.entries }

// Lookup returns the entry with this id or number, in any case of letters; nil for none.
func (c *Catalogue) Lookup(name string) *Entry {
	return c.byID[strings.ToLower(strings.TrimSpace(name))]
}

// ForCode returns the entries that may be behind a failure, those that owners meet most
// often first.
func (c *Catalogue) ForCode(code failure.Code) []*Entry {
	var out []*Entry
	for _, e := range c.entries {
		if slices.Contains(e.codes, code) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b *Entry) int { return cmp.Compare(priorScores[b.Prior], priorScores[a.Prior]) })
	return out
}

func load(from fs.FS, dir string) (*Catalogue, error) {
	names, err := fs.Glob(from, dir+"/*.yaml")
	if err != nil {
		return nil, err
	}
	c := &Catalogue{byID: map[string]*Entry{}}
	var problems []error
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		var entries []*Entry
		if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&entries); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			continue
		}
		for _, e := range entries {
			for _, p := range c.add(e) {
				problems = append(problems, fmt.Errorf("%s: %s: %w", name, e.ID, p))
			}
		}
	}
	slices.SortFunc(c.entries, func(a, b *Entry) int { return cmp.Compare(a.Number, b.Number) })
	for _, e := range c.entries {
		for _, p := range c.checkLinks(e) {
			problems = append(problems, fmt.Errorf("%s: %w", e.ID, p))
		}
	}
	return c, errors.Join(problems...)
}

var (
	idForm     = regexp.MustCompile(`^[a-z0-9]+(\.[a-z0-9_]+)+$`)
	numberForm = regexp.MustCompile(`^F[0-9]{3}$`)
	labForm    = regexp.MustCompile(`^(real|raw|kernel|emulated|none: .+)$`)
)

// add enters e, and returns what is wrong with it alone. I1.
func (c *Catalogue) add(e *Entry) (problems []error) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	switch {
	case !idForm.MatchString(e.ID):
		bad("want an id such as tcp.refused.down")
	case !numberForm.MatchString(e.Number):
		bad("want a number such as F009, found %q", e.Number)
	case c.byID[e.ID] != nil || c.byID[strings.ToLower(e.Number)] != nil:
		bad("it is there twice")
	}
	c.entries = append(c.entries, e)
	c.byID[e.ID], c.byID[strings.ToLower(e.Number)] = e, e
	if !slices.Contains(Layers, e.Layer) {
		bad("there is no layer %q", e.Layer)
	}
	if _, ok := priorScores[e.Prior]; !ok {
		bad("there is no prior %q", e.Prior)
	}
	if e.Title == "" || strings.HasSuffix(e.Title, ".") {
		bad("want a title without a full stop")
	}
	if !strings.HasSuffix(e.Meaning, ".") {
		bad("want a meaning of whole sentences")
	}
	if !labForm.MatchString(e.Lab) {
		bad("lab: want real, raw, kernel, emulated or none: WHY, found %q", e.Lab)
	}
	if !slices.ContainsFunc(e.Fixes, func(f Fix) bool { return f.Stack == "any" }) {
		bad("no fix is for any stack")
	}
	for _, f := range e.Fixes {
		if !slices.Contains(Stacks, f.Stack) {
			bad("there is no stack %q", f.Stack)
		}
		if f.Text == "" || strings.Count(f.Text, "`")%2 != 0 {
			bad("fix for %s: want a text whose backquotes are pairs", f.Stack)
		}
	}
	return append(problems, e.prepare()...)
}

// prepare fills in what is derived.
func (e *Entry) prepare() (problems []error) {
	bad := func(err error) { problems = append(problems, err) }
	for _, pattern := range e.Explains {
		found := false
		for _, f := range failure.All() {
			if matches(pattern, f.Name) {
				e.codes = append(e.codes, f.Code)
				found = true
			}
		}
		if !found {
			bad(fmt.Errorf("explains: there is no failure %q", pattern))
		}
	}
	for _, s := range e.Answers {
		r, err := parseStatus(s)
		if err != nil {
			bad(err)
		}
		e.statuses = append(e.statuses, r)
	}
	for _, s := range e.Conditions {
		if Conditions[s] == "" {
			bad(fmt.Errorf("conditions: there is no %q", s))
		}
	}
	for _, s := range e.Needs {
		p, err := parsePredicate(s)
		if err != nil {
			bad(fmt.Errorf("needs: %w", err))
			continue
		}
		e.needs = append(e.needs, p)
	}
	for i := range e.Evidence {
		l := &e.Evidence[i]
		var err error
		if l.predicate, err = parsePredicate(l.If); err != nil {
			bad(fmt.Errorf("evidence: %w", err))
		}
		if l.Yes == 0 && l.No == 0 || math.Abs(l.Yes) > WeightMax || math.Abs(l.No) > WeightMax {
			bad(fmt.Errorf("evidence %s: want weights from -%g to %g, and one that is not 0", l.If, WeightMax, WeightMax))
		}
	}
	return problems
}

// checkLinks finds names of entries that do not exist.
func (c *Catalogue) checkLinks(e *Entry) (problems []error) {
	for i := range e.Twins {
		t := &e.Twins[i]
		if t.entry = c.byID[t.ID]; t.entry == nil || t.ID == e.ID {
			problems = append(problems, fmt.Errorf("twins: there is no other cause %q", t.ID))
		}
		if !strings.HasSuffix(t.Ask, ".") && !strings.HasSuffix(t.Ask, "?") {
			problems = append(problems, fmt.Errorf("twin %s: want a question or a sentence", t.ID))
		}
	}
	for _, id := range e.LeadsTo {
		if c.byID[id] == nil || id == e.ID {
			problems = append(problems, fmt.Errorf("leads_to: there is no other cause %q", id))
		}
	}
	for _, x := range e.Experiments {
		if LookupFact("try_"+x) == nil {
			problems = append(problems, fmt.Errorf("experiments: there is no %q", x))
		}
	}
	return problems
}

type statusRange struct{ low, high int }

// parseStatus reads "502" or "5xx".
func parseStatus(s string) (r statusRange, err error) {
	if len(s) == 3 && s[1:] == "xx" && s[0] >= '1' && s[0] <= '9' {
		low := int(s[0]-'0') * 100
		return statusRange{low, low + 99}, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 100 || n > 999 {
		return r, fmt.Errorf("answers: want a status such as 502 or 5xx, found %q", s)
	}
	return statusRange{n, n}, nil
}
