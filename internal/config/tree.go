// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

// parseTree reads the document as a tree of nodes. The parser stops at its first
// error, so a file that is not YAML has one problem; duplicate keys and unknown
// aliases are reported together with everything else.
func parseTree(src *source, report *reporter) (root *node) {
	// The parser is not ours, and inputs at which it panics have been found
	// before. Its state is garbage after a panic and nobody keeps any of it.
	defer func() {
		if recover() != nil {
			root = nil
			report.add(src.problem(place{1, 1}, 1, "the YAML parser failed at this file", "simplify its quoting and nesting"))
		}
	}()
	tokens, p := tokenize(src)
	if p == nil {
		p = checkShape(src, tokens)
	}
	if p != nil {
		report.add(p)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		report.add(syntaxProblem(src, err))
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body == nil:
			body = doc.Body
		default:
			report.add(src.problem(beginning(doc.Body), 1, "a second document begins here", "a configuration is one document; remove the ..."))
			return nil
		}
	}
	if body == nil {
		report.add(src.problem(place{1, 1}, 1, "the file is empty", "the least a configuration has: version, listen, sites, upstreams"))
		return nil
	}
	b := builder{src: src, report: report, anchors: map[string]*node{}}
	return b.node(body, place{1, 1})
}

// beginning is where a node begins; the parser's place of a block mapping is its
// first colon.
func beginning(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return placeOf(m.Values[0].Key.GetToken())
	}
	return placeOf(n.GetToken())
}

// tokenize is the library's lexer.Tokenize with a bound.
func tokenize(src *source) (token.Tokens, *Problem) {
	var s scanner.Scanner
	s.Init(keepWords(src.text))
	var tokens token.Tokens
	for range len(src.text) + 2 {
		some, err := s.Scan()
		if errors.Is(err, io.EOF) {
			break
		}
		tokens.Add(some...)
		if len(tokens) > tokenLimit {
			return nil, src.problem(placeOf(tokens[tokenLimit]), 1, fmt.Sprintf("more than %d words and signs", tokenLimit), "")
		}
	}
	if tk := tokens.InvalidToken(); tk != nil {
		return nil, src.syntax(placeOf(tk), withColons(tk.Error))
	}
	return tokens, nil
}

// colonInWord stands for a colon within a word while the library has the text.
// It is no character that a text may have (checkLine).
const colonInWord = '\ufdd0'

// keepWords hides colons that are no signs. Within { } the library ends a word
// at every colon, so that {servers: [127.0.0.1:80]} has the key 127.0.0.1 for
// it; in YAML 1.2 a colon ends a word only before white space or one of ,[]{}
// (section 7.3.3), and else only after a quoted key (section 7.4.2). The lengths
// in characters do not change, so all places stay right.
func keepWords(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	for i := 0; i < len(text); i++ {
		isSign := i == 0 || i+1 == len(text) || strings.IndexByte(" \t\r\n,[]{}", text[i+1]) >= 0 || strings.IndexByte("\"']}", text[i-1]) >= 0
		if text[i] == ':' && !isSign {
			b.WriteRune(colonInWord)
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// wordOf gives the text of a token, its colons in place again.
func wordOf(tk *token.Token) string { return withColons(tk.Value) }

func withColons(s string) string { return strings.ReplaceAll(s, string(colonInWord), ":") }

// syntaxProblem places the parser's error.
func syntaxProblem(src *source, err error) *Problem {
	var at yaml.Error
	if !errors.As(err, &at) {
		return src.syntax(place{1, 1}, "this is not YAML")
	}
	return src.syntax(placeOf(at.GetToken()), withColons(at.GetMessage()))
}

// syntax is a problem of the YAML itself. The parser's words say what it ran
// into; the hint looks at the lines for what people do wrong most.
func (s *source) syntax(at place, message string) *Problem {
	at = s.clamp(at)
	for n := max(at.line-1, 1); n <= min(at.line+1, len(s.lines)); n++ {
		line := s.lines[n-1]
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if strings.Contains(indent, "\t") {
			return s.problem(place{n, strings.Index(indent, "\t") + 1}, 1, "a tab in the indentation", "YAML is indented with spaces; replace the tab")
		}
		key, rest, found := strings.Cut(strings.TrimLeft(line, " -"), ":")
		if !found || !isKeyWord(key) {
			continue
		}
		if rest != "" && rest[0] != ' ' {
			colon := place{n, utf8.RuneCountInString(line[:strings.IndexByte(line, ':')]) + 1}
			return s.problem(colon, 1, "the colon of "+key+": has no space after it", "write "+key+": VALUE")
		}
	}
	line := strings.TrimLeft(s.lines[at.line-1], " -")
	if first, rest, _ := strings.Cut(line, ": "); isKeyWord(first) {
		if second, _, twice := strings.Cut(strings.TrimLeft(rest, " "), ": "); twice && isKeyWord(second) {
			return s.problem(at, 1, printable(message), "one key on a line; write "+first+": {"+second+": …}, or "+second+" on a line of its own, further in")
		}
	}
	if rest := []rune(s.lines[at.line-1])[at.column-1:]; len(rest) > 0 && strings.ContainsRune("@`", rest[0]) {
		return s.problem(at, 1, printable(message), "put the text in quotes")
	}
	return s.problem(at, 1, printable(message), "check indentation, quotes and colons here and in the line above")
}

// isKeyWord reports whether a text looks like a key of ours.
func isKeyWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}

// builder turns the parser's tree into nodes.
type builder struct {
	src     *source
	report  *reporter
	anchors map[string]*node
	merged  int // pairs copied by merge keys
}

// mergeLimit bounds the pairs that merge keys copy in one file.
const mergeLimit = 100_000

// node converts one value; near is where to point if the value has no place of
// its own (a key without a value).
func (b *builder) node(n ast.Node, near place) *node {
	switch n := n.(type) {
	case nil:
		return &node{kind: nullNode, at: near, width: 1}
	case *ast.MappingNode:
		return b.mapping(n)
	case *ast.SequenceNode:
		list := &node{kind: listNode, at: placeOf(n.Start), width: 1}
		for i, v := range n.Values {
			dash := list.at
			if i < len(n.Entries) && n.Entries[i].Start != nil {
				dash = placeOf(n.Entries[i].Start)
			}
			list.items = append(list.items, b.node(v, dash))
		}
		return list
	case *ast.AnchorNode:
		value := b.node(n.Value, placeOf(n.Start))
		// Known only from here on: an alias inside its own anchor is unknown, so
		// the tree has no loops.
		b.anchors[wordOf(n.Name.GetToken())] = value
		return value
	case *ast.AliasNode:
		return b.alias(n)
	case *ast.LiteralNode:
		return &node{kind: scalarNode, at: placeOf(n.Start), width: 1, text: strings.TrimRight(withColons(n.Value.Value), "\n"), quoted: true}
	case *ast.NullNode:
		null := &node{kind: nullNode, at: placeOf(n.Token), width: utf8.RuneCountInString(n.Token.Value)}
		if n.Token.Type == token.ImplicitNullType {
			null.at, null.width = near, 1
		}
		return null
	case *ast.StringNode:
		return b.scalar(n.Token, textScalar)
	case *ast.BoolNode:
		return b.scalar(n.Token, boolScalar)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return b.scalar(n.GetToken(), numberScalar)
	}
	b.report.add(b.src.problem(placeOf(n.GetToken()), 1, "this form of YAML has no use here", "write a text, a number, a list or keys"))
	return &node{kind: brokenNode, at: placeOf(n.GetToken()), width: 1}
}

// scalar converts a one-word value.
func (b *builder) scalar(tk *token.Token, kind scalarKind) *node {
	n := &node{kind: scalarNode, at: placeOf(tk), width: utf8.RuneCountInString(tk.Value), text: wordOf(tk), scalar: kind}
	if tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType {
		n.quoted = true
		n.width = utf8.RuneCountInString(strings.TrimSpace(tk.Origin))
	}
	return n
}

// alias gives the anchored value with the alias's place, which is where the
// value is wrong if it is.
func (b *builder) alias(n *ast.AliasNode) *node {
	name := wordOf(n.Value.GetToken())
	at := placeOf(n.Start)
	target, known := b.anchors[name]
	if !known {
		names := make([]string, 0, len(b.anchors))
		for k := range b.anchors {
			names = append(names, k)
		}
		b.report.add(b.src.problem(at, utf8.RuneCountInString(name)+1, "no anchor &"+printable(name)+" above", didYouMean(name, names)))
		return &node{kind: brokenNode, at: at, width: 1}
	}
	copied := *target
	copied.at, copied.width = at, utf8.RuneCountInString(name)+1
	return &copied
}

// mapping converts keys and values; the first of two equal keys stays.
func (b *builder) mapping(n *ast.MappingNode) *node {
	m := &node{kind: mapNode, at: beginning(n), width: 1}
	places := make(map[string]place, len(n.Values))
	var merged []*node
	for _, v := range n.Values {
		at, key := placeOf(v.Key.GetToken()), wordOf(v.Key.GetToken())
		if v.Key.IsMergeKey() {
			merged = append(merged, b.node(v.Value, at))
			b.report.warn(b.src.problem(at, 2, "merge keys (<<) are not part of YAML 1.2", "other tools may not read this file; write the keys out"))
			continue
		}
		if _, plain := v.Key.(ast.ScalarNode); !plain {
			b.report.add(b.src.problem(at, 1, "a key must be a plain word", ""))
			continue
		}
		if _, isAlias := v.Key.(*ast.AliasNode); isAlias {
			b.report.add(b.src.problem(at, 1, "an alias cannot be a key", "write the key out"))
			continue
		}
		if first, twice := places[key]; twice {
			b.report.add(b.src.problem(at, utf8.RuneCountInString(key), "the key "+quote(key)+" is written twice",
				fmt.Sprintf("the first is in line %d; remove one", first.line)))
			continue
		}
		places[key] = at
		m.pairs = append(m.pairs, pair{key: key, keyAt: at, value: b.node(v.Value, at)})
	}
	for _, other := range merged {
		b.merge(m, places, other)
	}
	if len(merged) > 0 && b.merged > mergeLimit {
		b.report.add(b.src.problem(m.at, 1, fmt.Sprintf("merge keys copy more than %d keys", mergeLimit), "write the keys out"))
	}
	return m
}

// merge adds the keys of other, or of each mapping in it, that m does not have.
func (b *builder) merge(m *node, places map[string]place, other *node) {
	switch other.kind {
	case mapNode:
		for _, p := range other.pairs {
			if b.merged++; b.merged > mergeLimit {
				return // mapping says so
			}
			if _, has := places[p.key]; !has {
				places[p.key] = p.keyAt
				m.pairs = append(m.pairs, p)
			}
		}
	case listNode:
		for _, item := range other.items {
			if item.kind == brokenNode {
				continue
			}
			if item.kind != mapNode {
				b.report.add(b.src.problem(item.at, item.width, "<< takes mappings, found "+item.describe(), ""))
				continue
			}
			b.merge(m, places, item)
		}
	case brokenNode:
	case nullNode, scalarNode:
		b.report.add(b.src.problem(other.at, other.width, "<< takes a mapping, found "+other.describe(), "write <<: *name"))
	}
}
