// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"causey/internal/phase"
	"causey/internal/testkit"
	"causey/internal/text"
)

func explained(t *testing.T, e *Entry) string {
	t.Helper()
	var b strings.Builder
	if err := e.Explain(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExplainGolden(t *testing.T) {
	for _, c := range []Code{
		{Upstream, phase.Connect, Refused},       // answered, may be repeated
		{Upstream, phase.RelayBody, Short},       // the status has gone out
		{Client, phase.AwaitHead, Closed},        // nobody to answer
		{Gateway, phase.Tunnel, Idle},            // a warning
		{Upstream, phase.AwaitHead, ResetReused}, // repeated once
	} {
		testkit.Golden(t, filepath.Join("testdata", c.String()+".txt"), []byte(explained(t, Lookup(c))))
	}
}

func TestExplainIsCompleteAndFits(t *testing.T) {
	for _, e := range All() {
		out := explained(t, e)
		for _, line := range strings.Split(out, "\n") {
			if utf8.RuneCountInString(line) > text.Columns || strings.TrimRight(line, " ") != line {
				t.Errorf("%s: line too long or with spaces at its end: %q", e.Name, line)
			}
			if strings.Count(line, "`")%2 != 0 {
				t.Errorf("%s: a command is broken: %q", e.Name, line)
			}
		}
		whole := " " + strings.Join(strings.Fields(out), " ") + " "
		want := slices.Concat([]string{e.Name, e.Title, e.Meaning, e.ProxyError}, e.Reasons, e.LookAt)
		for _, f := range e.facts() {
			want = append(want, f.name+" "+f.text)
		}
		for _, s := range want {
			if !strings.Contains(whole, " "+strings.Join(strings.Fields(s), " ")) && !strings.Contains(whole, "="+s+" ") {
				t.Errorf("%s: the explanation lacks %q", e.Name, s)
			}
		}
	}
}

func TestFactsAreDifferentWhereTheyMust(t *testing.T) {
	for _, e := range All() {
		for _, f := range e.facts() {
			if f.text == "" {
				t.Errorf("%s: %s is empty", e.Name, f.name)
			}
		}
		gone := strings.Contains(e.statusText(), "log only")
		if gone != (e.Status == StatusClientGone) {
			t.Errorf("%s: status %d in words: %s", e.Name, e.Status, e.statusText())
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestExplainReportsTheWriter(t *testing.T) {
	if err := All()[0].Explain(brokenWriter{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}
