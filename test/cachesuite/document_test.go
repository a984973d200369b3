// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cachesuite_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"causey/internal/testkit"
)

// The results stand between these lines of the document.
const (
	resultsBegin = "<!-- results: go test ./test/cachesuite -update -->\n"
	resultsEnd   = "<!-- end of results -->\n"
)

var document = filepath.Join("..", "..", "docs", "cache.md")

// compareDocument compares the results with what the document says.
func compareDocument(t *testing.T, r results) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	front, rest, ok := strings.Cut(string(data), resultsBegin)
	have, back, ok2 := strings.Cut(rest, resultsEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the results", document)
	}
	want := report(r)
	if testkit.Updating() {
		if err := os.WriteFile(document, []byte(front+resultsBegin+want+resultsEnd+back), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, line := range difference(have, want) {
		t.Errorf("docs/cache.md: %s; if that is right: go test ./test/cachesuite -update", line)
	}
}

// report writes the results as Markdown. It has no numbers that a test on the border of
// a second may change from run to run.
func report(r results) string {
	var b strings.Builder
	count := func(kind string, v verdict) (n int) {
		for id, one := range r.tests {
			if one.Kind == kind && r.verdict(id) == v {
				n++
			}
		}
		return n
	}
	fmt.Fprintf(&b, "\n| kind | passed | failed | not reached |\n|---|---|---|---|\n")
	for _, kind := range []string{"required", "optimal", "check"} {
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", kind, count(kind, passed), count(kind, failed),
			count(kind, setup)+count(kind, needs)+count(kind, untested))
	}
	for _, part := range []struct{ kind, title string }{
		{"required", "Required, and failed"}, {"optimal", "Optional, and failed"}, {"check", "Questions answered with no"},
	} {
		fmt.Fprintf(&b, "\n%s:\n\n", part.title)
		for _, id := range slices.Sorted(maps.Keys(r.tests)) {
			if r.tests[id].Kind == part.kind && r.verdict(id) == failed {
				fmt.Fprintf(&b, "- `%s`\n", id)
			}
		}
	}
	b.WriteString("\nRequired, and not reached:\n\n")
	for _, id := range slices.Sorted(maps.Keys(r.tests)) {
		if v := r.verdict(id); r.tests[id].Kind == "required" && v != failed && v != passed {
			fmt.Fprintf(&b, "- `%s` (%s)\n", id, map[verdict]string{
				setup: "what it looks at is not kept", needs: "needs one that was answered with no", untested: "for browsers"}[v])
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// difference lists the lines that only one of two texts has.
func difference(have, want string) (lines []string) {
	in := func(text, line string) bool { return strings.Contains(text, line) }
	for line := range strings.Lines(want) {
		if !in(have, line) {
			lines = append(lines, "it lacks "+strings.TrimSpace(line))
		}
	}
	for line := range strings.Lines(have) {
		if !in(want, line) {
			lines = append(lines, "it has "+strings.TrimSpace(line))
		}
	}
	return lines
}
