// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

// keyRule says which keys a mapping may have.
type keyRule struct {
	name    string // what a key is
	pattern string // for the schema
	check   func(string) error
	atLeast int // how many
}

// mapping is a kind that reads a mapping with keys of the owner's choice into a
// list, in the order of the text.
func mapping[E any](keys keyRule, item kind[E], setKey func(*E, string)) kind[[]E] {
	what := "mapping of " + keys.name + " to " + item.name
	s := &shape{name: what, want: "a " + what, item: item.shape, atLeast: keys.atLeast, keys: keys.pattern}
	return kind[[]E]{shape: s, read: func(d *decoder, c cursor) ([]E, bool) {
		if c.node.kind != mapNode {
			d.wrongKind(c, s)
			return nil, false
		}
		if len(c.node.pairs) < keys.atLeast {
			d.fail(c, "write at least one", "the mapping is empty")
			return nil, false
		}
		var all []E
		good := true
		for _, p := range c.node.pairs {
			at := c.child(p, p.key)
			if !d.spend(at) {
				return nil, false
			}
			if err := keys.check(p.key); err != nil {
				d.failKeyError(at, err)
				good = false
				continue
			}
			v, ok := item.read(d, at)
			if !ok {
				d.spoil(at)
				good = false
			}
			setKey(&v, p.key)
			all = append(all, v)
		}
		return all, good
	}}
}

// list is a list of a kind, with bounds of its length, both allowed. A list of
// one may be written without brackets.
func list[E any](item kind[E], atLeast, atMost int) kind[[]E] {
	s := &shape{name: "list of " + item.name, want: "a list", item: item.shape, isList: true, atLeast: atLeast, atMost: atMost}
	return kind[[]E]{shape: s, read: func(d *decoder, c cursor) ([]E, bool) {
		nodes := []*node{c.node}
		switch c.node.kind {
		case listNode:
			nodes = c.node.items
		case brokenNode, nullNode:
			d.wrongKind(c, s)
			return nil, false
		case scalarNode, mapNode:
		}
		if len(nodes) < atLeast {
			d.fail(c, "write at least one, or remove the key if it has a default", "the list is empty")
			return nil, false
		}
		if len(nodes) > atMost {
			d.fail(c, "", "the list has %d items, at most %d", len(nodes), atMost)
			return nil, false
		}
		all := make([]E, 0, len(nodes))
		good := true
		for i, n := range nodes {
			at := c.item(i, n)
			if !d.spend(at) {
				return nil, false
			}
			v, ok := item.read(d, at)
			if !ok {
				d.spoil(at)
				good = false
			}
			all = append(all, v)
		}
		return all, good
	}}
}
