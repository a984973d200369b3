// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"sort"
	"strings"
	"sync"
)

// entry is what the table says about one key.
type entry struct {
	name string
	// alias is a second spelling of the key, or "".
	alias string
	// def is the default as it would be written; "" if there is none.
	def string
	// derived says in words what the default follows from, where def cannot.
	derived  string
	required bool
	// unless names a key beside which this one is not required, "" for none.
	unless string
	sample string // how a required key is written
	doc    string // what it does
	avoid  string // when not to use it, or ""
	peers  string // what others use, or ""

	value *shape // set by object
}

// field is one key of the object S: its entry, and the way into the struct.
type field[S any] struct {
	entry
	into binding[S]
}

// binding joins a kind with a place in the struct S.
type binding[S any] interface {
	shape() *shape
	preset(dst *S, def string)
	decode(d *decoder, c cursor, dst *S)
}

// to binds a kind to the place that ptr gives.
func to[S, T any](k kind[T], ptr func(*S) *T) binding[S] {
	return &bound[S, T]{kind: k, ptr: ptr}
}

type bound[S, T any] struct {
	kind[T]
	ptr  func(*S) *T
	once sync.Once
	def  T
}

func (b *bound[S, T]) shape() *shape { return b.kind.shape }

// preset writes the default. It is read once by the same way as a written
// value, so the table cannot promise what the reader would refuse. Configs
// share its slices, which nobody writes (I5).
func (b *bound[S, T]) preset(dst *S, def string) {
	switch {
	case def != "":
		b.once.Do(func() { b.def = mustRead(b.kind, def) })
		*b.ptr(dst) = b.def
	case b.kind.preset != nil:
		*b.ptr(dst) = b.kind.preset()
	}
}

func (b *bound[S, T]) decode(d *decoder, c cursor, dst *S) {
	v, ok := b.read(d, c)
	if !ok {
		d.spoil(c)
		return
	}
	*b.ptr(dst) = v
}

// mustRead reads a default of the table; one that cannot be read is a mistake
// in the table.
func mustRead[T any](k kind[T], text string) T {
	src, p := newSource("default", []byte(text))
	if p != nil {
		panic(p)
	}
	report := &reporter{}
	d := &decoder{src: src, report: report, where: map[string]cursor{}}
	v, ok := k.read(d, cursor{node: parseTree(src, report)})
	if !ok || len(report.problems) > 0 {
		panic(report.err())
	}
	return v
}

// object is a mapping with the keys of the table, read into the struct S.
type object[S any] struct {
	name string
	doc  string
	// start sets what has no default text, before the defaults; may be nil.
	start  func(*S)
	fields []field[S]
	// check looks at the object as a whole; may be nil.
	check func(d *decoder, c cursor, v *S)
	// short reads what may be written in place of the mapping; may be nil.
	short      func(d *decoder, c cursor, v *S) bool
	shortShape *shape
	scalarHint string // see shape
}

// kind makes the object a kind of value.
func (o object[S]) kind() kind[S] {
	s := &shape{name: o.name, defined: true, want: "a mapping of keys", doc: o.doc, short: o.shortShape, scalarHint: o.scalarHint, entries: []*entry{}}
	for i := range o.fields {
		f := &o.fields[i]
		f.value = f.into.shape()
		s.entries = append(s.entries, &f.entry)
	}
	if o.shortShape != nil {
		s.want = o.shortShape.want + ", or a mapping of keys"
	}
	preset := func() S {
		var v S
		if o.start != nil {
			o.start(&v)
		}
		for i := range o.fields {
			o.fields[i].into.preset(&v, o.fields[i].def)
		}
		return v
	}
	return kind[S]{shape: s, preset: preset, read: func(d *decoder, c cursor) (S, bool) {
		v := preset()
		if o.short != nil && c.node.kind == scalarNode {
			ok := o.short(d, c, &v)
			return v, ok
		}
		if c.node.kind != mapNode {
			d.wrongKind(c, s)
			return v, false
		}
		if !o.decodeKeys(d, c, s, &v) {
			return v, false
		}
		if o.check != nil {
			o.check(d, c, &v)
		}
		return v, true
	}}
}

// decodeKeys decodes what is written and reports what is missing. It reports
// false if the reading has to stop; a wrong value of a key leaves its default.
func (o *object[S]) decodeKeys(d *decoder, c cursor, s *shape, v *S) bool {
	seen := make([]string, len(o.fields))
	for _, p := range c.node.pairs {
		i := slices.IndexFunc(o.fields, func(f field[S]) bool { return p.key == f.name || f.alias != "" && p.key == f.alias })
		if i < 0 {
			d.unknownKey(c, p, s)
			continue
		}
		f := &o.fields[i]
		at := c.child(p, f.name)
		if seen[i] != "" {
			d.failKey(at, "write only "+f.name, "%s and %s say the same", seen[i], p.key)
			continue
		}
		seen[i] = p.key
		if !d.spend(at) {
			return false
		}
		f.into.decode(d, at, v)
	}
	for i := range o.fields {
		if f := &o.fields[i]; f.required && seen[i] == "" && (f.unless == "" || !slices.Contains(seen, f.unless)) {
			d.missing(c, &f.entry, s)
		}
	}
	return true
}

// missing reports a required key that is not there, unless an unknown key was
// reported that was meant to be this one.
func (d *decoder) missing(c cursor, e *entry, s *shape) {
	d.spoil(cursor{path: joinPath(c.path, e.name)})
	var unknown []string
	known := s.names()
	for _, p := range c.node.pairs {
		// Only of what was reported: see MaxProblems.
		if len(unknown) < MaxProblems && !slices.Contains(known, p.key) {
			unknown = append(unknown, p.key)
		}
	}
	if nearest(e.name, unknown) != "" || e.alias != "" && nearest(e.alias, unknown) != "" {
		return
	}
	d.failKey(c, "write "+e.sample, "the key %s is missing", e.name)
}

// names lists the keys of an object, second spellings too.
func (s *shape) names() []string {
	var names []string
	for _, e := range s.entries {
		names = append(names, e.name)
		if e.alias != "" {
			names = append(names, e.alias)
		}
	}
	return names
}

// unknownKey says what an unknown key was probably meant to be.
func (d *decoder) unknownKey(c cursor, p pair, s *shape) {
	if d.report.full() {
		return // the hints below cost more than the key
	}
	at := c.child(p, p.key)
	if text, reserved := reservedKeys[p.key]; reserved {
		d.failKey(at, "remove it; "+text, "the key %s is not in this version", p.key)
		return
	}
	known := s.names()
	near := nearest(p.key, known)
	isSlip := near != "" && (fold(near) == fold(p.key) || strings.HasPrefix(near, p.key))
	homes := d.root.homes(p.key, "")
	hint := ""
	switch key, _, noSpace := cutKey(p.key); {
	case noSpace:
		hint = "put a space after the colon of " + key + ":"
	case isSlip:
		hint = didYouMean(p.key, known)
	case slices.Contains(known, "address") && slices.Contains(addressWords, fold(p.key)):
		hint = "write address: HOST:PORT"
	// A word that is known elsewhere, or to others, is not the next best one here.
	case foreignKeys[fold(p.key)] != "":
		hint = foreignKeys[fold(p.key)]
	case len(homes) > 0:
		hint = "it belongs to " + strings.Join(homes, ", or to ")
	case near != "":
		hint = didYouMean(p.key, known)
	default:
		sort.Strings(known)
		hint = oneOf(known)
	}
	d.failKey(at, hint, "unknown key %s", quote(p.key))
}

// homes lists where in the tree below s a key is known.
func (s *shape) homes(key, path string) []string {
	var found []string
	s.walk(path, func(path string, o *shape) {
		if slices.Contains(o.names(), key) {
			if path == "" {
				path = "the top level"
			}
			found = append(found, path)
		}
	})
	return found
}

// walk visits each object of the tree once per place, parents first.
func (s *shape) walk(path string, visit func(path string, o *shape)) {
	switch {
	case s == nil:
	case s.item != nil && s.isList:
		s.item.walk(path+"[]", visit)
	case s.item != nil:
		s.item.walk(path+".NAME", visit)
	case s.entries != nil:
		visit(path, s)
		for _, e := range s.entries {
			e.value.walk(strings.TrimPrefix(path+"."+e.name, "."), visit)
		}
	}
}
