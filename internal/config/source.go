// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"
)

// fileLimitBytes bounds a configuration. Ten thousand routes take about half of
// it. Kubernetes bounds a ConfigMap, and etcd a value, to the same 1 MiB and 1.5
// MiB.
const fileLimitBytes = 1 << 20

// place is a position in a text, counting from 1, columns in characters.
type place struct{ line, column int }

// source is a text with its name, by lines.
type source struct {
	name  string
	text  string
	lines []string
}

// readFile reads a regular file or a pipe of at most limit bytes. The error is
// a *Problem without a place.
func readFile(name string, limit int64) ([]byte, *Problem) {
	refuse := func(cause error, hint, format string, args ...any) *Problem {
		return &Problem{File: name, Message: fmt.Sprintf(format, args...), Hint: hint, cause: cause}
	}
	f, err := os.Open(name)
	if err != nil {
		hint := ""
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			hint = "check the name"
		case errors.Is(err, fs.ErrPermission):
			hint = "the user that runs causey needs the right to read it"
		}
		return nil, refuse(err, hint, "cannot be opened: %v", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, refuse(nil, "name the file itself, such as "+strings.TrimSuffix(name, "/")+"/causey.yaml", "is a directory, not a file")
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, refuse(err, "", "cannot be read: %v", err)
	}
	if int64(len(data)) > limit {
		return nil, refuse(nil, "", "is larger than %s", Size(limit))
	}
	return data, nil
}

// newSource checks that data is text that YAML allows and cuts it into lines.
func newSource(name string, data []byte) (*source, *Problem) {
	s := &source{name: name}
	if len(data) > fileLimitBytes {
		return nil, &Problem{File: name, Message: fmt.Sprintf("is larger than %s", Size(fileLimitBytes))}
	}
	s.text = strings.ToValidUTF8(string(data), "\ufffd")
	s.lines = strings.Split(s.text, "\n")
	for i, l := range s.lines {
		s.lines[i] = strings.TrimSuffix(l, "\r")
	}
	if p := s.checkEncoding(data); p != nil {
		return nil, p.place()
	}
	for i, l := range s.lines {
		if p := s.checkLine(i+1, l); p != nil {
			return nil, p.place()
		}
	}
	return s, nil
}

// checkEncoding finds what is not plain UTF-8.
func (s *source) checkEncoding(data []byte) *Problem {
	start := place{1, 1}
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return s.problem(start, 1, "the file is UTF-16, want UTF-8", "save it as UTF-8 without a byte order mark")
	case bytes.HasPrefix(data, []byte("\ufeff")):
		return s.problem(start, 1, "the file begins with a byte order mark", "save it as UTF-8 without a byte order mark (BOM)")
	case utf8.Valid(data):
		return nil
	}
	at := start
	for rest := data; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if at.column++; r == '\n' {
			at = place{at.line + 1, 1}
		}
		rest = rest[n:]
	}
	return s.problem(at, 1, "this byte is not UTF-8", "save the file as UTF-8")
}

// checkLine finds characters that YAML does not allow (YAML 1.2.2 section 5.1),
// and a lone carriage return, which some readers take for the end of a line.
func (s *source) checkLine(number int, line string) *Problem {
	column := 0
	for _, r := range line {
		column++
		switch {
		case r == '\r':
			return s.problem(place{number, column}, 1, "a carriage return in the middle of a line", "end lines with a newline")
		case r < 0x20 && r != '\t', r >= 0x7f && r < 0xa0 && r != 0x85, r == 0xfeff, r == colonInWord, r == 0xfffe, r == 0xffff:
			return s.problem(place{number, column}, 1, fmt.Sprintf("the control character %U is not allowed", r), "remove it")
		}
	}
	return nil
}

// problem builds a problem at a place. Whoever keeps it calls its method place,
// which moves it into the text if a parser gave a place outside (I1).
func (s *source) problem(at place, width int, message, hint string) *Problem {
	return &Problem{File: s.name, Line: at.line, Column: at.column, Message: message, Hint: hint, src: s, width: width}
}

// clamp moves a place into the text: at most one column past the end of a line.
func (s *source) clamp(at place) place {
	at.line = min(max(at.line, 1), len(s.lines))
	at.column = min(max(at.column, 1), utf8.RuneCountInString(s.lines[at.line-1])+1)
	return at
}

// snippetWidthChars bounds a line of a snippet; a minified file has one line.
const snippetWidthChars = 100

// snippet shows the line at a place with width characters marked, below the
// line before it unless that is empty.
func (s *source) snippet(at place, width int) string {
	digits := len(fmt.Sprint(at.line))
	first := 0
	line := []rune(printable(strings.ReplaceAll(s.lines[at.line-1], "\t", " ")))
	if at.column > snippetWidthChars*3/4 {
		first = at.column - snippetWidthChars/2
	}
	var b strings.Builder
	if at.line > 1 && first == 0 {
		if before := strings.TrimRight(s.lines[at.line-2], " \t"); before != "" {
			fmt.Fprintf(&b, "  %*d | %s\n", digits, at.line-1, cut([]rune(printable(strings.ReplaceAll(before, "\t", " ")))))
		}
	}
	if len(line) == 0 {
		return ""
	}
	mark := min(max(width, 1), max(len(line)-at.column+1, 1), snippetWidthChars/2)
	fmt.Fprintf(&b, "  %*d | %s\n", digits, at.line, cut(line[min(first, len(line)):]))
	fmt.Fprintf(&b, "  %*s | %s%s\n", digits, "", strings.Repeat(" ", at.column-1-first), strings.Repeat("^", mark))
	return b.String()
}

// cut shortens a line for a snippet.
func cut(line []rune) string {
	if len(line) > snippetWidthChars {
		return string(line[:snippetWidthChars]) + "…"
	}
	return string(line)
}
