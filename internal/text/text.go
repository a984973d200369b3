// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package text lays words out for people who read them in a terminal.
//
// What it is: Page, which collects lines, and breaks paragraphs at the width of a
// terminal that nobody has made wider.
//
// What it never does: it writes nowhere, and says nothing of its own.
//
// Invariants:
//
//	I1. What stands between backquotes is never broken: it is there to be copied.
//
// Start reading with Page.
package text

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Columns is where paragraphs are broken.
const Columns = 80

// Page is a text that grows. Its zero value is empty.
type Page struct{ strings.Builder }

// Line appends s and the end of its line.
func (p *Page) Line(s string) {
	p.WriteString(s)
	p.WriteByte('\n')
}

// Printf appends what fmt makes of its arguments.
func (p *Page) Printf(format string, args ...any) { fmt.Fprintf(&p.Builder, format, args...) }

// Wrap appends words in lines of at most Columns, the first behind first, the others
// behind rest. I1.
func (p *Page) Wrap(first, rest, words string) {
	p.WriteString(first)
	at, indent, empty := utf8.RuneCountInString(first), utf8.RuneCountInString(rest), true
	for _, word := range unbreakable(words) {
		n := utf8.RuneCountInString(word)
		switch {
		case empty:
		case at+1+n > Columns:
			p.WriteString("\n" + rest)
			at = indent
		default:
			p.WriteByte(' ')
			at++
		}
		p.WriteString(word)
		at += n
		empty = false
	}
	p.WriteByte('\n')
}

// unbreakable splits words at their spaces outside backquotes.
func unbreakable(words string) []string {
	quoted := false
	return strings.FieldsFunc(words, func(r rune) bool {
		if r == '`' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}

// SendTo writes the page to w. The error is the writer's.
func (p *Page) SendTo(w io.Writer) error {
	_, err := io.WriteString(w, p.String())
	return err
}
