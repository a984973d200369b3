// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	_ "embed" // reference_head.txt
	"fmt"
	"strings"
)

// referenceHead is what docs/config.md says before the keys.
//
//go:embed reference_head.txt
var referenceHead string

// Reference gives docs/config.md: every key with its type, its default, its
// meaning and when not to use it.
func Reference() []byte {
	var b strings.Builder
	b.WriteString(referenceHead)
	seen := map[*shape]bool{}
	var leaves []*shape
	rootKind.walk("", func(path string, o *shape) {
		title := "`" + path + "`"
		if path == "" {
			title = "The top level"
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", title, o.doc)
		if o.short != nil {
			fmt.Fprintf(&b, "Instead of the keys a text may stand here: %s.\n", o.short.want)
		}
		for _, e := range o.entries {
			b.WriteString(e.reference())
			for s := e.value; s != nil; s = s.under() {
				if s.defined && s.entries == nil && !seen[s] {
					seen[s] = true
					leaves = append(leaves, s)
				}
			}
		}
	})
	b.WriteString("\n## Types of values\n\n")
	for _, s := range leaves {
		fmt.Fprintf(&b, "- **%s**: %s\n", s.name, s.doc)
	}
	return []byte(b.String())
}

// under is the shape that a shape is made of, or nil.
func (s *shape) under() *shape {
	if s.item != nil {
		return s.item
	}
	if s.base != nil {
		return s.base
	}
	return s.short
}

// reference is the paragraph of one key.
func (e *entry) reference() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n**`%s`**", e.name)
	if e.alias != "" {
		fmt.Fprintf(&b, " or **`%s`**", e.alias)
	}
	fmt.Fprintf(&b, " · %s", e.value.name)
	switch {
	case e.required && e.unless != "":
		fmt.Fprintf(&b, " · required unless there is `%s`", e.unless)
	case e.required:
		b.WriteString(" · required")
	case e.def != "":
		fmt.Fprintf(&b, " · default `%s`", e.def)
	case e.derived != "":
		fmt.Fprintf(&b, " · default: %s", e.derived)
	}
	fmt.Fprintf(&b, "\n\n%s\n", e.doc)
	if e.avoid != "" {
		fmt.Fprintf(&b, "\n*When not:* %s\n", e.avoid)
	}
	if e.peers != "" {
		fmt.Fprintf(&b, "\n*Elsewhere:* %s\n", e.peers)
	}
	return b.String()
}
