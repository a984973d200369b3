// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package h1

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/testkit"
)

// Where a codec's refusal is booked, by role and part.
const (
	clientHead   = phase.ReadHead
	clientBody   = phase.SendBody
	upstreamHead = phase.ReadHeadUp
	upstreamBody = phase.RelayBody
)

func goldenFiles(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	return files
}

// TestGolden runs each case whole, byte by byte, at every split and with bytes
// behind it (I1).
func TestGolden(t *testing.T) {
	for _, file := range goldenFiles(t) {
		cases := loadCases(t, file)
		if testkit.Updating() {
			rewrite(t, file, cases)
			continue
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) { runGolden(t, c) })
		}
	}
}

func runGolden(t *testing.T, c testCase) {
	want := strings.Join(c.want, "\n")
	check := func(how string, s *stream, got []string) {
		if g := strings.Join(got, "\n"); g != want {
			t.Errorf("%s:\n%s\nwant:\n%s", how, g, want)
		}
		// A client's short body has no code of its own: the engine books how the
		// connection ended.
		if s.refused != nil && (s.response || s.refused.Kind != failure.Short && s.refused.Kind != failure.NoLastChunk) &&
			!s.registered(s.refused) {
			t.Errorf("%s: kind %s is not registered for this party and phase (I4)", how, s.refused.Kind)
		}
	}
	s := newStream(t, c.setup)
	check("whole", s, s.run(c.input))
	if t.Failed() {
		return
	}
	if len(c.input) < 5000 { // longer ones are about limits, and quadratic here
		s = newStream(t, c.setup)
		check("byte by byte", s, s.run(c.input, allCuts(len(c.input))...))
		for i := 1; i < len(c.input); i++ {
			s = newStream(t, c.setup)
			check(fmt.Sprintf("split at %d", i), s, s.run(c.input, i))
		}
	}
	// A verdict does not change when more bytes come.
	if last := c.want[len(c.want)-1]; strings.HasPrefix(last, "refuse") {
		for _, more := range []string{"\r\n", "\n", "X", "\x00", "GET / HTTP/1.1\r\n\r\n"} {
			s = newStream(t, c.setup)
			check(fmt.Sprintf("followed by %q", more), s, s.run(append(c.input[:len(c.input):len(c.input)], more...)))
		}
	}
}

func allCuts(n int) []int {
	cuts := make([]int, 0, n)
	for i := 1; i < n; i++ {
		cuts = append(cuts, i)
	}
	return cuts
}

func rewrite(t *testing.T, file string, cases []testCase) {
	var b strings.Builder
	for i, c := range cases {
		if i > 0 {
			b.WriteString("\n")
		}
		for _, n := range c.notes {
			b.WriteString(n + "\n")
		}
		b.WriteString("== " + c.title + "\n")
		for _, l := range append(c.setup, c.quoted...) {
			b.WriteString(l + "\n")
		}
		b.WriteString("----\n")
		for _, e := range newStream(t, c.setup).run(c.input) {
			b.WriteString(e + "\n")
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// rejectSite finds the name that stands behind a kind in the source.
var rejectSite = regexp.MustCompile(`(?:failure\.[A-Z]\w+|\bbad), (?:Site: )?"([a-z0-9-]+)"`)

// TestEverySiteHasACase demands a golden case for each line that refuses.
func TestEverySiteHasACase(t *testing.T) {
	covered := map[string]bool{}
	for _, file := range goldenFiles(t) {
		for _, c := range loadCases(t, file) {
			for _, e := range c.want {
				if w := strings.Fields(e); w[0] == "refuse" || w[0] == "cut" {
					covered[w[2]] = true
				}
			}
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sites := 0
	for _, file := range sources {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range rejectSite.FindAllStringSubmatch(string(src), -1) {
			if sites++; !covered[m[1]] {
				t.Errorf("%s: no golden case is refused at %q", file, m[1])
			}
		}
	}
	if sites < 50 {
		t.Errorf("found %d sites only: the pattern no longer fits the source", sites)
	}
}
