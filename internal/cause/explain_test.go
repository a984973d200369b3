// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

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

// example is a catalogue of its own, so that a change of the real one changes no golden
// text.
const example = `- id: a.down
  number: F001
  layer: tcp
  title: No program listens
  meaning: The machine answers, but the program that should serve your site is not listening there.
  prior: everyday
  rfc9209: connection_refused
  explains: [upstream.connect.refused]
  answers: ["502", "5xx"]
  needs: ["!unix", named]
  evidence: [{if: all_fail, yes: 1, no: -0.5}, {if: "!public", yes: 0.3}, {if: "errno=13,111", yes: 2}]
  leads_to: [a.up]
  twins: [{id: a.up, ask: "Does it come back by itself within a minute, without anybody who starts it?"}]
  fixes: [{stack: any, text: "Start it again."}, {stack: kubernetes, text: "See ${command} and then start it again."}]
  lab: raw
- id: a.up
  number: F002
  layer: tcp
  title: It was restarted
  meaning: It is back soon.
  prior: rare
  rfc9209: ""
  explains: [upstream.connect.refused]
  evidence: [{if: recovered, yes: 1}]
  fixes: [{stack: any, text: "Wait."}]
  lab: raw
`

func TestExplainGolden(t *testing.T) {
	c, err := load(fstest.MapFS{"c/x.yaml": {Data: []byte(strings.ReplaceAll(example, "${command}", "`kubectl logs --previous POD`"))}}, "c")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Golden(t, filepath.Join("testdata", "example.txt"), []byte(explained(t, c.Lookup("F001"))))
	_, section, _ := strings.Cut(string(c.Markdown()), "## The causes\n")
	testkit.Golden(t, filepath.Join("testdata", "example.markdown"), []byte(section))
}

// alone finds a line that holds one command and nothing else that could be broken off.
var alone = regexp.MustCompile("^ *(?:[a-z-]+ +|- )?`[^`]*`[^ ]*$")

// TestExplainIsCompleteAndFits: 80 columns, every command whole in its line, and nothing
// of the entry missing.
func TestExplainIsCompleteAndFits(t *testing.T) {
	for _, e := range catalogue(t).All() {
		out := explained(t, e)
		for line := range strings.SplitSeq(out, "\n") {
			if utf8.RuneCountInString(line) > text.Columns && !alone.MatchString(line) || strings.TrimRight(line, " ") != line {
				t.Errorf("%s: line too long or with spaces at its end: %q", e.ID, line)
			}
			if strings.Count(line, "`")%2 != 0 {
				t.Errorf("%s: a command is broken: %q", e.ID, line)
			}
		}
		whole := strings.Join(strings.Fields(out), " ")
		want := []string{e.ID, e.Number, e.Title, e.Meaning, e.Layer, priorWords[e.Prior], e.ProxyError}
		for _, f := range e.Fixes {
			want = append(want, f.Stack+" "+f.Text)
		}
		for _, tw := range e.Twins {
			want = append(want, tw.ID, tw.Ask)
		}
		for i := range e.Evidence {
			want = append(want, capital(e.Evidence[i].predicate.says())+".")
		}
		for _, code := range e.codes {
			want = append(want, code.String())
		}
		for _, s := range slices.Concat(want, e.exclusions(), e.LeadsTo, e.Answers) {
			if !strings.Contains(whole, strings.Join(strings.Fields(s), " ")) {
				t.Errorf("%s: the explanation lacks %q", e.ID, s)
			}
		}
	}
}

// A negated predicate is told by its contrary, with the weights changed round.
func TestSignsOfNegations(t *testing.T) {
	p, err := parsePredicate("!unix")
	if err != nil {
		t.Fatal(err)
	}
	e := Entry{Evidence: []Line{{Yes: 2, No: -0.5, predicate: p}}, needs: []predicate{p}}
	if got := e.signs()[0]; got != (sign{"The servers are unix sockets.", -0.5, 2}) {
		t.Errorf("%+v", got)
	}
	if got := e.exclusions()[0]; got != "if the servers are unix sockets." {
		t.Error(got)
	}
	for text, want := range map[string]string{
		"errno=13,111":         "the kernel's error number that most failures had: 13 (EACCES) or 111 (ECONNREFUSED)",
		"tls_alert=70":         ": 70 (protocol_version)",
		"took_median=4.9..6.2": "how long failed attempts lasted, median: 4.9 to 6.2",
		"share<0.5":            ": below 0.5", "episodes>2": ": above 2", "errno": ": not 0", "tells": ": any",
		"made_by=a,b,c": ": a, b or c",
	} {
		p, err := parsePredicate(text)
		if err != nil || !strings.HasSuffix(p.says(), want) {
			t.Errorf("%s: %q %v, want %q", text, p.says(), err, want)
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestExplainReportsTheWriter(t *testing.T) {
	if err := catalogue(t).All()[0].Explain(brokenWriter{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

func TestMarkdownIsCurrent(t *testing.T) {
	testkit.Golden(t, filepath.Join("..", "..", "docs", "causes.md"), catalogue(t).Markdown())
}

// TestMarkdownIsWhole: each entry once in the index and once with its section, each link
// leads somewhere, and each row of a table has as many cells as its head.
func TestMarkdownIsWhole(t *testing.T) {
	c := catalogue(t)
	doc := string(c.Markdown())
	failures, err := os.ReadFile(filepath.Join("..", "..", "docs", "failures.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range c.All() {
		for _, part := range []string{"| " + e.Number + " | ", "<a id=\"" + e.ID + "\"></a>", "### " + e.Number + " `" + e.ID + "`"} {
			if strings.Count(doc, part) != 1 {
				t.Errorf("%s: %q occurs %d times", e.ID, part, strings.Count(doc, part))
			}
		}
	}
	for _, m := range regexp.MustCompile(`\]\((failures\.md)?#([^)]*)\)`).FindAllStringSubmatch(doc, -1) {
		in := doc
		if m[1] != "" {
			in = string(failures)
		}
		if !strings.Contains(in, `<a id="`+m[2]+`"></a>`) {
			t.Errorf("%s leads nowhere", m[0])
		}
	}
	cells := 0
	for line := range strings.SplitSeq(doc, "\n") {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(line, "|") - strings.Count(line, `\|`)
		if cells != 0 && n != cells {
			t.Errorf("%d cell borders, not %d: %s", n, cells, line)
		}
		cells = n
	}
	for _, layer := range Layers {
		if layerNotes[layer] == "" {
			t.Errorf("nothing is said of the layer %s", layer)
		}
	}
}
