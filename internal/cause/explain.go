// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"fmt"
	"io"
	"strings"

	"causey/internal/failure"
	"causey/internal/text"
)

// signsHead says what the two numbers before a sign are.
const signsHead = "What it weighs if it is so, and if not; times in seconds"

// Explain writes e as plain text for a terminal of 80 columns: what it means, what it is
// behind, what it is known by, what it is mistaken for and what to do. The error is the
// writer's.
func (e *Entry) Explain(w io.Writer) error {
	var p text.Page
	p.Printf("%s  (%s)\n%s\n\n", e.ID, e.Number, e.Title)
	p.Wrap("", "", e.Meaning)
	p.Line("\nWhat to do")
	for _, f := range e.Fixes {
		p.Wrap(fmt.Sprintf("  %-10s ", f.Stack), strings.Repeat(" ", 13), f.Text)
	}
	p.Line("\nWhat it is known by")
	p.Line("  (" + signsHead + ")")
	for _, s := range e.signs() {
		p.Wrap(fmt.Sprintf("  %5s %5s  ", weight(s.yes), weight(s.no)), strings.Repeat(" ", 15), s.words)
	}
	if out := e.exclusions(); len(out) > 0 {
		p.Line("\nIt is out of the question")
		for _, s := range out {
			p.Wrap("  - ", "    ", s)
		}
	}
	if len(e.Twins) > 0 {
		p.Line("\nWhat it is mistaken for, and the question that tells them apart")
		for _, t := range e.Twins {
			p.Wrap("  - ", "    ", t.ID+", "+t.entry.Title+":")
			p.Wrap("    ", "    ", t.Ask)
		}
	}
	p.Line("\nWhat it is behind")
	for _, c := range e.codes {
		p.Wrap("  - ", "    ", c.String()+", "+failure.Lookup(c).Title)
	}
	for _, s := range e.besides() {
		p.Wrap("  - ", "    ", s)
	}
	p.Line("\nFacts")
	for _, l := range e.lines() {
		p.Wrap(fmt.Sprintf("  %-13s ", l.name), strings.Repeat(" ", 16), l.text)
	}
	return p.SendTo(w)
}
