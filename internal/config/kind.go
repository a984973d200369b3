// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// shape is what the schema and the reference say about a type of value.
type shape struct {
	// name is the type's name in docs/config.md, and in $defs of the schema if
	// defined is set.
	name    string
	defined bool
	// want completes "want …": "a duration such as 30s".
	want string
	doc  string
	// schema describes a written scalar; nil for objects, lists and mappings.
	schema map[string]any
	// numbers and bools say which scalars without quotes are accepted beside
	// text; noText refuses text.
	numbers, bools, noText bool
	// anyText: the value is a text of the owner's choice, so quotes can be what
	// is missing.
	anyText bool

	entries []*entry // of an object, in the order of the table
	item    *shape   // of a list or a mapping
	isList  bool
	atLeast int    // items of a list, keys of a mapping
	atMost  int    // items of a list
	keys    string // pattern of the keys of a mapping
	short   *shape // what may stand in place of the object
	// scalarHint says what somebody meant who wrote a scalar in place of the
	// object; "" where nobody would.
	scalarHint string
	base       *shape // of which this one is a part, such as durations within bounds
}

// kind is a type of value: its shape, and how it is read.
type kind[T any] struct {
	*shape
	// read decodes a node. It reports what is wrong itself, and then false.
	read func(d *decoder, c cursor) (T, bool)
	// preset is the value of a key that was not written; nil: Go's zero value.
	preset func() T
}

// leaf is a kind that is read from one scalar.
func leaf[T any](s *shape, parse func(string) (T, error)) kind[T] {
	return kind[T]{shape: s, read: func(d *decoder, c cursor) (T, bool) {
		var zero T
		text, ok := d.leafText(c, s)
		if !ok {
			return zero, false
		}
		v, err := parse(text)
		if err != nil {
			d.failError(c, err)
			return zero, false
		}
		return v, true
	}}
}

// leafText gives the text of a scalar if the shape accepts scalars of its kind.
func (d *decoder) leafText(c cursor, s *shape) (string, bool) {
	if c.node.kind != scalarNode {
		d.wrongKind(c, s)
		return "", false
	}
	text, ok := d.scalarOf(c)
	if !ok || text.untyped {
		return text.text, ok
	}
	switch {
	case text.quoted && s.noText:
		d.fail(c, "remove the quotes", "want %s, found %s", s.want, c.node.describe())
		return "", false
	case !text.quoted && (text.kind == numberScalar && !s.numbers || text.kind == boolScalar && !s.bools):
		hint := ""
		if s.anyText {
			hint = "if it is meant as text, write \"" + quoteless(text.text) + "\""
		}
		d.fail(c, hint, "want %s, found %s", s.want, c.node.describe())
		return "", false
	}
	return text.text, true
}

// wrongKind reports a node that is of the wrong kind altogether.
func (d *decoder) wrongKind(c cursor, s *shape) {
	hint := ""
	switch {
	case c.node.kind == brokenNode:
		return
	case c.node.kind == nullNode && c.key != "":
		d.failKey(c, "write a value, or remove the key", "%s has no value, want %s", c.key, s.want)
		return
	case c.node.kind == scalarNode:
		hint = s.scalarHint
	case c.node.kind == listNode && s.keys != "":
		hint = "write each name as a key, without the dash: NAME: …"
	case c.node.kind == listNode && len(c.node.items) == 1 && s.schema != nil:
		hint = "write it without the dash or the brackets"
	}
	d.fail(c, hint, "want %s, found %s", s.want, c.node.describe())
}

// enum is a kind with a closed list of words.
func enum[T ~string](name string, words ...T) kind[T] {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	want := "one of " + strings.Join(texts, ", ")
	s := &shape{name: strings.Join(texts, " \\| "), want: want, schema: map[string]any{"enum": texts}}
	return hinted(kind[T]{shape: s}, "", nil)
}

// hinted gives an enum hints for words that others use, and one for all words that
// are near none of its own.
func hinted[T ~string](k kind[T], other string, hints map[string]string) kind[T] {
	words, _ := k.schema["enum"].([]string)
	return leaf(k.shape, func(text string) (T, error) {
		if slices.Contains(words, text) {
			return T(text), nil
		}
		hint := hints[fold(text)]
		if hint == "" {
			hint = didYouMean(text, words)
		}
		if hint == "" {
			hint = other
		}
		return "", wrong(hint, "want %s, found %s", k.want, quote(text))
	})
}

// integer is a whole number between two bounds, both allowed.
func integer(lo, hi int) kind[int] {
	s := &shape{
		name: "number", want: fmt.Sprintf("a whole number from %d to %d", lo, hi), numbers: true, noText: true,
		schema: map[string]any{"type": "integer", "minimum": lo, "maximum": hi},
	}
	return leaf(s, func(text string) (int, error) {
		digits := strings.TrimPrefix(text, "-")
		if digits == "" || strings.Trim(digits, "0123456789") != "" || len(digits) > 1 && digits[0] == '0' {
			return 0, wrong(integerHint(text), "want %s, found %s", s.want, quoteless(text))
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < lo || n > hi {
			return 0, wrong("", "%s is out of range, want %s", quoteless(text), s.want)
		}
		return n, nil
	})
}

// integerHint guesses what was meant by a text that is no whole number.
func integerHint(text string) string {
	if plain := strings.NewReplacer("_", "", ",", "", " ", "").Replace(text); plain != text && isWord(plain, "") && strings.Trim(plain, "0123456789") == "" {
		return "write " + plain
	}
	switch strings.ToLower(text) {
	case "unlimited", "none", "off", "auto", "infinite":
		return "where a key can be without a limit, that is written 0"
	}
	return "write plain digits"
}

// boolean is true or false.
var boolean = leaf(
	&shape{name: "true \\| false", want: "true or false", bools: true, numbers: true, noText: true, schema: map[string]any{"type": "boolean"}},
	func(text string) (bool, error) {
		switch strings.ToLower(text) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		case "yes", "on", "1", "y":
			return false, wrong("write true", "want true or false, found %s", quoteless(text))
		case "no", "off", "0", "n":
			return false, wrong("write false", "want true or false, found %s", quoteless(text))
		}
		return false, wrong("", "want true or false, found %s", quote(text))
	})

// onOff is a word in the place of keys. It takes true and false too: in YAML 1.1, which
// many tools still read, on and off are nothing else. hint says what to write instead of
// any other text.
func onOff(hint func(s string) string) kind[bool] {
	return leaf(&shape{
		name: "on \\| off", want: "on or off", anyText: true, bools: true,
		schema: map[string]any{"enum": []any{"on", "off", true, false}},
	}, func(s string) (bool, error) {
		switch s {
		case "on", "true":
			return true, nil
		case "off", "false":
			return false, nil
		}
		return false, wrong(hint(s), "want on or off, found %s", quote(s))
	})
}

// within narrows an ordered kind to bounds, both allowed.
func within[T interface {
	cmp.Ordered
	fmt.Stringer
}](k kind[T], lo, hi T) kind[T] {
	s := *k.shape
	s.name = fmt.Sprintf("%s, %v to %v", k.name, lo, hi)
	s.defined, s.base = false, k.shape
	return kind[T]{shape: &s, read: func(d *decoder, c cursor) (T, bool) {
		v, ok := k.read(d, c)
		if ok && (v < lo || v > hi) {
			d.fail(c, "", "%v is out of range, want %v to %v", v, lo, hi)
			return v, false
		}
		return v, ok
	}}
}
