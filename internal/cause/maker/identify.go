// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package maker

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

// scoreMin is how sure the marks of a product must be together to be spoken of: more likely than not.
const scoreMin = 0.5

// Match is one product that may have made the answer, or carried it.
type Match struct {
	Product *Product
	// Made: the body or an own-error field is its own, so it made the error; false: it only carried the answer.
	Made bool
	// Score is how sure the marks are together, 0 to 1.
	Score float64
	// Marks says in words what was recognised: "the body is nginx's own page".
	Marks []string
	// Code is the product's own number for the error, as the page or the status has it; nil if there is none, or one
	// that is not known.
	Code *Code
	// Tells are ids of Tells, sorted: what the answer says about the reason.
	Tells []string
}

// Identify returns the products that made or carried an answer, best maker first; nothing if it shows no known mark. The
// first call reads the data, which takes some 40 milliseconds; Products does so too, for who wants to have it behind.
func Identify(a *Answer) []Match {
	v := a.view()
	var found []Match
	for _, p := range data().products {
		if m := p.match(&v); m.Score >= scoreMin {
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(a, b Match) int {
		if a.Made != b.Made {
			if a.Made {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Score, a.Score)
	})
	return joinGeneric(found)
}

// match holds an answer against the marks of p. Marks are independent witnesses: what remains in doubt is what each of
// them leaves in doubt.
func (p *Product) match(v *view) Match {
	match := Match{Product: p}
	doubt, doubtMade := 1.0, 1.0
	code, specific := "", false
	for i := range p.Marks {
		m := &p.Marks[i]
		if m.Made != "" && !p.Makes.Has(int64(v.status)) {
			continue // I3
		}
		own, ok := m.holds(v)
		if !ok {
			continue
		}
		left := 1 - float64(m.Weight)/100
		doubt *= left
		if m.Made != "" {
			doubtMade *= left
			code = cmp.Or(code, own)
			specific = specific || m.Tells != ""
		}
		match.Marks = append(match.Marks, m.Words())
		match.tell(m.Tells)
	}
	match.Score = 1 - doubt
	if match.Made = 1-doubtMade >= scoreMin; match.Made && len(p.Codes) > 0 {
		match.Code = cmp.Or(p.Means(code), p.Means(strconv.Itoa(v.status)))
	}
	if match.Code != nil && !specific { // what a page says is more exact than what its number stands for
		match.tell(match.Code.Tells)
	}
	return match
}

// tell adds what is told, once.
func (m *Match) tell(id string) {
	if id == "" {
		return
	}
	if at, there := slices.BinarySearch(m.Tells, id); !there {
		m.Tells = slices.Insert(m.Tells, at, id)
	}
}

// holds reports whether an answer shows the mark, and the product's own number if a field or the body has one. Cheap
// conditions come first.
func (m *Mark) holds(v *view) (code string, ok bool) {
	if !m.Status.Empty() && !m.Status.Has(int64(v.status)) || !m.Length.Empty() && !m.Length.Has(v.length) {
		return "", false
	}
	for i := range m.fields {
		own, ok := m.fields[i].holds(v)
		if !ok {
			return "", false
		}
		code = cmp.Or(code, own)
	}
	for _, name := range m.Absent {
		if v.has(name) {
			return "", false
		}
	}
	if len(m.Only) > 0 && !v.only(m.Only) || len(m.Order) > 0 && !v.inOrder(m.Order) {
		return "", false
	}
	if len(m.has) > 0 && !slices.ContainsFunc(m.has, func(text []byte) bool { return bytes.Contains(v.body, text) }) {
		return "", false
	}
	if m.body == nil {
		return code, true
	}
	own, ok := m.holdsBody(v)
	return cmp.Or(own, code), ok
}

func (f *fieldMark) holds(v *view) (code string, ok bool) {
	if f.value == nil {
		return "", v.has(f.name)
	}
	text, ok := v.match(f.name, f.value)
	if ok && f.code >= 0 {
		code = f.value.FindStringSubmatch(text)[f.code]
	}
	return code, ok
}

func (m *Mark) holdsBody(v *view) (code string, ok bool) {
	if m.status < 0 && m.code < 0 {
		return "", m.body.Match(v.body)
	}
	groups := m.body.FindSubmatch(v.body)
	if groups == nil {
		return "", false
	}
	if m.status >= 0 && !bytes.Equal(groups[m.status], strconv.AppendInt(nil, int64(v.status), 10)) {
		return "", false
	}
	if m.code >= 0 {
		code = string(groups[m.code])
	}
	return code, true
}

// joinGeneric gives what a generic product tells to the product that is better known: a stack trace on a page of
// Laravel's is Laravel's, and a page out of a cache is its maker's.
func joinGeneric(found []Match) []Match {
	known := slices.IndexFunc(found, func(m Match) bool { return !m.Product.Generic })
	if known < 0 {
		return found
	}
	kept := found[:0]
	best := found[known]
	for _, m := range found {
		if !m.Product.Generic || m.Made && !best.Made {
			kept = append(kept, m)
			continue
		}
		for _, id := range m.Tells {
			best.tell(id)
		}
	}
	for i := range kept {
		if kept[i].Product == best.Product {
			kept[i] = best
		}
	}
	return kept
}
