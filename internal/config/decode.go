// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// stepLimit bounds the values that one reading decodes. Without aliases a file
// has fewer than tokenLimit; with them a small file can stand for millions.
const stepLimit = 400_000

// reporter collects what was found.
type reporter struct {
	problems, warnings Errors
	dropped            int // problems beyond MaxProblems
}

func (r *reporter) add(p *Problem) {
	if r.full() {
		return
	}
	r.problems = append(r.problems, p.place())
}

// full reports whether a problem that was found is one too many, and counts it.
func (r *reporter) full() bool {
	if len(r.problems) < MaxProblems {
		return false
	}
	r.dropped++
	return true
}

func (r *reporter) warn(p *Problem) {
	if len(r.warnings) < MaxProblems {
		r.warnings = append(r.warnings, p.place())
	}
}

// err gives the problems in the order of the text, or nil.
func (r *reporter) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	r.problems.sortByPlace()
	if r.dropped > 0 {
		last := r.problems[len(r.problems)-1]
		r.problems = append(r.problems, &Problem{
			File: last.File, Line: last.Line, Column: last.Column,
			Message: fmt.Sprintf("%d more problems are not shown", r.dropped),
		})
		r.dropped = 0
	}
	return r.problems
}

// outside is what a configuration may depend on beside its text.
type outside struct {
	env  func(name string) (string, bool)
	read func(name string, limit int64) ([]byte, *Problem)
	dir  string // where relative names of files start
}

// decoder turns nodes into values by the table.
type decoder struct {
	outside
	src    *source // nil for the zero config
	root   *shape  // the whole table, to say where a misplaced key belongs
	report *reporter
	// where has each key and list item that was decoded, by path, for the
	// checks that need more than one value.
	where map[string]cursor
	// spoiled has the paths whose value could not be read: what stands in its
	// place is not what the owner wrote, so nothing is concluded from it.
	spoiled map[string]bool
	steps   int
	pages   pageCache
	files   fileCache
	// rename shows a path as the flag it came from; nil for a file.
	rename func(path string) string
}

// cursor is a value with the way to it.
type cursor struct {
	path  string
	node  *node
	keyAt place // line 0: an item of a list, or the root
	key   string
}

// child is the cursor of one key of a mapping.
func (c cursor) child(p pair, name string) cursor {
	return cursor{path: joinPath(c.path, name), node: p.value, keyAt: p.keyAt, key: p.key}
}

// item is the cursor of one item of a list.
func (c cursor) item(i int, n *node) cursor {
	return cursor{path: fmt.Sprintf("%s[%d]", c.path, i), node: n}
}

// joinPath appends a key to a path, in quotes if it is no plain word.
func joinPath(path, key string) string {
	if !isWord(key, "-_") {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// fail reports a problem of a value, at the value.
func (d *decoder) fail(c cursor, hint, format string, args ...any) {
	d.report.add(d.problem(c, c.node.at, c.node.width, hint, fmt.Sprintf(format, args...)))
}

// failKey reports a problem of a key, at the key.
func (d *decoder) failKey(c cursor, hint, format string, args ...any) {
	d.report.add(d.problemAtKey(c, hint, fmt.Sprintf(format, args...)))
}

// warn reports a doubt about a value, at its key if it has one.
func (d *decoder) warn(c cursor, hint, format string, args ...any) {
	d.report.warn(d.problemAtKey(c, hint, fmt.Sprintf(format, args...)))
}

func (d *decoder) problemAtKey(c cursor, hint, message string) *Problem {
	if c.keyAt.line == 0 {
		return d.problem(c, c.node.at, c.node.width, hint, message)
	}
	return d.problem(c, c.keyAt, utf8.RuneCountInString(c.key), hint, message)
}

func (d *decoder) problem(c cursor, at place, width int, hint, message string) *Problem {
	path := c.path
	if d.rename != nil {
		path = d.rename(path)
	}
	if d.src == nil {
		return &Problem{File: commandLine, Path: path, Message: message, Hint: hint}
	}
	p := d.src.problem(at, width, message, hint)
	p.Path = path
	return p
}

// failError reports an error of a parse function, with its hint.
func (d *decoder) failError(c cursor, err error) {
	message, hint := explain(err)
	d.fail(c, hint, "%s", message)
}

// failKeyError is failError for a key.
func (d *decoder) failKeyError(c cursor, err error) {
	message, hint := explain(err)
	d.failKey(c, hint, "%s", message)
}

// explain splits an error of a parse function.
func explain(err error) (message, hint string) {
	var v *ValueError
	if errors.As(err, &v) {
		return v.Message, v.Hint
	}
	return err.Error(), ""
}

// at finds where a path stands in the text; if the value itself was not written,
// the nearest thing around it that was.
func (d *decoder) at(format string, args ...any) cursor {
	path := fmt.Sprintf(format, args...)
	for known := path; ; {
		if c, ok := d.where[known]; ok {
			c.path = path
			return c
		}
		known = known[:max(strings.LastIndexAny(known, ".["), 0)]
		if known == "" {
			root := d.where[""]
			root.path = path
			return root
		}
	}
}

// spoil notes that the value at c could not be read.
func (d *decoder) spoil(c cursor) {
	if d.spoiled == nil {
		d.spoiled = map[string]bool{}
	}
	d.spoiled[c.path] = true
}

// written reports whether something stands at a path.
func (d *decoder) written(path string) bool {
	_, ok := d.where[path]
	return ok
}

// sound reports whether a path was read, or not written at all.
func (d *decoder) sound(format string, args ...any) bool {
	return !d.spoiled[fmt.Sprintf(format, args...)]
}

// spend counts one decoded value and reports whether there may be more.
func (d *decoder) spend(c cursor) bool {
	if d.steps++; d.steps == stepLimit+1 {
		d.fail(c, "write fewer aliases (*name)", "the file stands for more than %d values", stepLimit)
	}
	if d.steps > stepLimit {
		return false
	}
	d.where[c.path] = c
	return true
}

// scalar is the text of a scalar after ${…} was expanded.
type scalar struct {
	text   string
	quoted bool
	kind   scalarKind
	// untyped: the text came from the environment, which has no types.
	untyped bool
}

// scalarOf gives the scalar of a node that is known to be one.
func (d *decoder) scalarOf(c cursor) (scalar, bool) {
	n := c.node
	s := scalar{text: n.text, quoted: n.quoted, kind: n.scalar}
	if d.src == nil || !strings.Contains(n.text, "${") {
		return s, true
	}
	text, err := expand(n.text, d.env)
	if err != nil {
		d.failError(c, err)
		return s, false
	}
	s.text, s.untyped = text, true
	return s, true
}
