// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// The parser is recursive, once per level of nesting and, within a block
// mapping, once per key, and copies the rest of the mapping at each key. What it
// is given is therefore bounded before it sees it (I4).
const (
	// tokenLimit bounds the tokens of a file; 10,000 routes in one-line form
	// have 110,000.
	tokenLimit = 400_000
	// depthLimit bounds nesting; the deepest key of the table is at 8.
	depthLimit = 64
	// keyLimit bounds the keys of one mapping. Routes and sites are lists; only
	// upstreams is a mapping that grows.
	keyLimit = 10_000
)

// level is one open nesting: a bracket, or a column in which keys or dashes stand.
type level struct {
	open   *token.Token // the bracket; nil for a column
	column int
	keys   int
}

// shaper walks the tokens of a file once, before the parser, and refuses what
// the parser is not safe to be given, what it is known to accept wrongly (a
// closing bracket that closes nothing) and what a configuration has no use for
// (tags, directives, several documents).
type shaper struct {
	src      *source
	levels   []level
	brackets int // how many of levels are brackets
	columns  int // how many of levels are columns outside brackets
	started  bool
	header   *token.Token
}

// checkShape returns the first reason not to parse these tokens, or nil.
func checkShape(src *source, tokens token.Tokens) *Problem {
	s := shaper{src: src}
	var last *token.Token
	for _, tk := range tokens {
		if tk.Type == token.CommentType {
			continue
		}
		if p := s.token(tk, last); p != nil {
			return p
		}
		last = tk
	}
	for i := len(s.levels) - 1; i >= 0; i-- {
		if open := s.levels[i].open; open != nil {
			return s.problem(open, fmt.Sprintf("this %s is never closed", open.Value), "add the closing "+closing(open))
		}
	}
	return nil
}

// token looks at one token; last is the one before it, or nil.
func (s *shaper) token(tk, last *token.Token) *Problem {
	started := s.started
	s.started = true
	switch tk.Type {
	case token.TagType:
		return s.problem(tk, "tags such as "+quote(wordOf(tk))+" have no use here", "write the value without the tag")
	case token.DirectiveType:
		return s.problem(tk, "a YAML directive has no use here", "remove the line; put a text that begins with % in quotes")
	case token.DocumentHeaderType:
		if started {
			return s.problem(tk, "a second document begins here", "a configuration is one document; remove the ---")
		}
		s.header, s.started = tk, true
	case token.AnchorType:
		// The anchor's name is a token of its own.
		if last != nil && last.Prev != nil && last.Prev.Type == token.AnchorType {
			return s.problem(tk, "two anchors at one value", "remove one")
		}
	case token.AliasType:
		return s.star(tk)
	case token.MappingStartType, token.SequenceStartType:
		return s.opened(tk, last)
	case token.MappingEndType, token.SequenceEndType:
		return s.closed(tk)
	case token.SequenceEntryType:
		return s.entered(tk, tk.Position.Column, 0)
	case token.MappingKeyType:
		return s.problem(tk, "a key is written as `key: value`", "put a text that begins with ? in quotes")
	case token.MappingValueType:
		if last != nil {
			return s.entered(last, last.Position.Column, 1)
		}
	}
	return nil
}

// star finds a * that was meant as one: alone, or at the front of a host. For
// YAML it begins an alias, and a lone one takes the next word for its name.
func (s *shaper) star(tk *token.Token) *Problem {
	name := ""
	if next := tk.Next; next != nil && next.Position.Line == tk.Position.Line && next.Position.Column == tk.Position.Column+1 {
		name = wordOf(next)
	}
	if name != "" && name[0] != '.' && name[0] != '/' {
		return nil
	}
	return s.src.problem(placeOf(tk), 1+len(name), "a value that begins with * is an alias in YAML", "put it in quotes: \"*"+quoteless(name)+"\"")
}

// opened notes a [ or {.
func (s *shaper) opened(tk, last *token.Token) *Problem {
	if tk.Type == token.MappingStartType && s.brackets > 0 && last != nil && strings.HasSuffix(last.Value, "$") &&
		last.Type == token.StringType && last.Position.Line == tk.Position.Line {
		return s.problem(last, "${…} inside [ ] or { } must stand in quotes", "write \"${NAME}\"")
	}
	s.levels = append(s.levels, level{open: tk})
	s.brackets++
	return s.depth(tk)
}

// closed takes the innermost bracket away.
func (s *shaper) closed(tk *token.Token) *Problem {
	if s.brackets == 0 {
		return s.problem(tk, "this "+tk.Value+" closes nothing", "remove it, or put the text in quotes")
	}
	for {
		top := s.levels[len(s.levels)-1]
		s.levels = s.levels[:len(s.levels)-1]
		if top.open == nil {
			continue
		}
		s.brackets--
		if closing(top.open) != tk.Value {
			return s.problem(tk, fmt.Sprintf("this %s does not close the %s of line %d", tk.Value, top.open.Value, top.open.Position.Line),
				"want "+closing(top.open))
		}
		return nil
	}
}

// entered notes a dash or a key in a column: deeper columns have ended.
func (s *shaper) entered(tk *token.Token, column, keys int) *Problem {
	for n := len(s.levels); n > 0; n = len(s.levels) {
		top := &s.levels[n-1]
		if top.open != nil || top.column < column {
			break
		}
		if top.column == column {
			if top.keys += keys; top.keys > keyLimit {
				return s.problem(tk, fmt.Sprintf("more than %d keys in one mapping", keyLimit), "")
			}
			return nil
		}
		s.levels = s.levels[:n-1]
		if s.brackets == 0 {
			s.columns--
		}
	}
	s.levels = append(s.levels, level{column: column, keys: keys})
	if s.brackets == 0 {
		s.columns++
	}
	return s.depth(tk)
}

// depth refuses what is nested too deep. Columns inside brackets do not count:
// the keys of one line stand in many columns without being nested.
func (s *shaper) depth(tk *token.Token) *Problem {
	if s.brackets+s.columns > depthLimit {
		return s.problem(tk, fmt.Sprintf("nested more than %d levels deep", depthLimit), "")
	}
	return nil
}

func (s *shaper) problem(tk *token.Token, message, hint string) *Problem {
	return s.src.problem(placeOf(tk), len(tk.Value), message, hint)
}

// closing is the bracket that closes one.
func closing(open *token.Token) string {
	if open.Type == token.MappingStartType {
		return "}"
	}
	return "]"
}

// placeOf is where a token begins.
func placeOf(tk *token.Token) place {
	if tk == nil || tk.Position == nil {
		return place{1, 1}
	}
	return place{tk.Position.Line, tk.Position.Column}
}
