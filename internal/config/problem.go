// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"
)

// MaxProblems bounds how many problems one reading reports; a file of the wrong
// kind has thousands, and nobody reads past the first screen.
const MaxProblems = 100

// Problem is one thing that is wrong, or doubtful, in a configuration.
type Problem struct {
	// File is the name the text was read under, or "command line".
	File string `json:"file"`
	// Line and Column count from 1, columns in characters. 0: the problem is
	// not at a place in a text (a file that cannot be read, a flag).
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Path is the key, such as sites[0].routes[1].upstream; "" where the text
	// could not be read as YAML at all.
	Path string `json:"path,omitempty"`
	// Message says what is wrong, in one sentence without a full stop.
	Message string `json:"message"`
	// Hint says what was probably meant, or what to write; may be "".
	Hint string `json:"hint,omitempty"`
	// Snippet shows the line, the one above it, and a caret; may be "".
	Snippet string `json:"snippet,omitempty"`

	cause error
	// src and width are what place still has to look at.
	src   *source
	width int
}

// place moves the problem into its text and makes the snippet. That costs the
// length of a line, so it waits until the problem is known to be shown.
func (p *Problem) place() *Problem {
	if p.src == nil {
		return p
	}
	at := p.src.clamp(place{p.Line, p.Column})
	p.Line, p.Column = at.line, at.column
	p.Snippet = p.src.snippet(at, p.width)
	p.src = nil
	return p
}

// Error gives the problem as a person reads it: place and message, the snippet,
// the hint. It has no trailing newline.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(printable(p.File))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	b.WriteString(": " + p.Message)
	if p.Snippet != "" {
		b.WriteString("\n" + strings.TrimSuffix(p.Snippet, "\n"))
	}
	if p.Hint != "" {
		b.WriteString("\n  hint: " + p.Hint)
	}
	return b.String()
}

// Unwrap gives the operating system's error behind the problem, if there is one.
func (p *Problem) Unwrap() error { return p.cause }

// Errors is everything found wrong with one configuration, in the order of the
// text. It is never empty when returned as an error.
type Errors []*Problem

// Error gives all problems, an empty line between them.
func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, p := range e {
		texts[i] = p.Error()
	}
	return strings.Join(texts, "\n\n")
}

// Unwrap lets errors.Is and errors.As look into each problem.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, p := range e {
		list[i] = p
	}
	return list
}

// sortByPlace puts problems in the order of the text. Several at one place stay
// in the order in which they were found.
func (e Errors) sortByPlace() {
	slices.SortStableFunc(e, func(a, b *Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}

// ValueError says why a text is not a value of a type.
type ValueError struct {
	// Message says what is wrong; Hint what to write instead, or "".
	Message, Hint string
}

// Error gives the message, and the hint in brackets.
func (e *ValueError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// wrong builds a ValueError.
func wrong(hint, format string, args ...any) error {
	return &ValueError{Message: fmt.Sprintf(format, args...), Hint: hint}
}

// quoteLimitChars bounds how much of a value a message repeats.
const quoteLimitChars = 60

// quote shows a text of the user's in a message: bounded, and safe on a terminal.
func quote(s string) string {
	r := []rune(s)
	if len(r) > quoteLimitChars {
		return fmt.Sprintf("%q…", string(r[:quoteLimitChars]))
	}
	return fmt.Sprintf("%q", s)
}

// printable replaces what could move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff || r == colonInWord {
			return '\ufffd'
		}
		return r
	}, s)
}
