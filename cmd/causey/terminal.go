// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/config"
	"causey/internal/text"
)

// writeProblems writes each problem of a configuration and an empty line.
func writeProblems(p *text.Page, before string, list config.Errors) {
	for _, one := range list {
		p.Printf("%s%v\n\n", before, one)
	}
}

// table aligns cells; Flush writes them.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (t table) row(cells ...string) {
	_, _ = io.WriteString(t, strings.Join(cells, "\t")+"\n") // Flush has the error
}

// style marks text on a terminal; its zero value marks nothing.
type style struct{ on bool }

// styleOf returns marks if w is a terminal that wants them (no-color.org).
func styleOf(w io.Writer, env func(string) (string, bool)) style {
	f, ok := w.(*os.File)
	if !ok {
		return style{}
	}
	if v, _ := env("NO_COLOR"); v != "" {
		return style{}
	}
	if v, _ := env("TERM"); v == "dumb" {
		return style{}
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return style{on: err == nil}
}

func (s style) bold(text string) string { return s.mark("1", text) }
func (s style) dim(text string) string  { return s.mark("2", text) }

func (s style) mark(how, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + how + "m" + text + "\x1b[0m"
}

// printable writes what a terminal would act on as escapes: control characters,
// line separators, bidirectional overrides.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRuneToASCII(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// shorten cuts s to n characters.
func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// pad fills s up with spaces to n characters.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(n-len([]rune(s)), 0))
}

// plural counts things in words.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// span writes milliseconds as a person says them.
func span(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d <= 0:
		return "0 ms"
	case d < time.Millisecond:
		return strconv.FormatFloat(ms, 'f', 3, 64) + " ms"
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return d.Round(time.Second).String()
}

// bytesText writes a count of bytes with its unit.
func bytesText(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return thousands(n) + " bytes"
}

// thousands writes a number with a comma between its thousands.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
