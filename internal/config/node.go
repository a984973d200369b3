// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

// nodeKind is the shape of a node.
type nodeKind uint8

const (
	// brokenNode is what could not be read; it was reported, so that nobody
	// else has to say a word about it.
	brokenNode nodeKind = iota
	nullNode
	scalarNode
	listNode
	mapNode
)

// scalarKind is what YAML 1.2 takes a scalar for before anybody asks for a type.
type scalarKind uint8

const (
	textScalar scalarKind = iota
	numberScalar
	boolScalar
)

// node is one value of the document as written: the parser's tree without its
// comments, anchors and merge keys. Aliased nodes share their children, so a
// tree is not larger than its text; who walks it counts steps (decoder.spend).
type node struct {
	kind   nodeKind
	at     place // line 0: not from a text (the zero config)
	width  int   // characters to mark in a snippet
	text   string
	quoted bool
	scalar scalarKind
	items  []*node
	pairs  []pair
}

// pair is one key of a mapping with its value.
type pair struct {
	key   string
	keyAt place
	value *node
}

// describe names a node in a message: what was found instead of what is wanted.
func (n *node) describe() string {
	switch n.kind {
	case nullNode:
		return "nothing"
	case listNode:
		return "a list"
	case mapNode:
		return "a mapping of keys"
	}
	switch {
	case n.quoted:
		return "the text " + quote(n.text)
	case n.scalar == numberScalar:
		return "the number " + quoteless(n.text)
	case n.scalar == boolScalar:
		return "the truth value " + quoteless(n.text)
	}
	return quote(n.text)
}

// quoteless shows a plain word bounded like [quote], without the quotes.
func quoteless(s string) string {
	q := quote(s)
	if len(q) >= 2 && q[len(q)-1] == '"' {
		return q[1 : len(q)-1]
	}
	return q
}

// textNode makes a node that stands in no file, for the zero config.
func textNode(text string) *node { return &node{kind: scalarNode, text: text} }

// listOfTexts makes a list of text nodes.
func listOfTexts(texts []string) *node {
	n := &node{kind: listNode}
	for _, t := range texts {
		n.items = append(n.items, textNode(t))
	}
	return n
}

// keys lists the keys of a mapping, in the order of the text.
func (n *node) keys() []string {
	keys := make([]string, len(n.pairs))
	for i, p := range n.pairs {
		keys[i] = p.key
	}
	return keys
}
