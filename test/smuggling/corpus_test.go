// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package smuggling_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// request is what an origin must understand.
type request struct {
	method, target, host string
	body                 int64
}

// verdict is what becomes of one message of a stream.
type verdict struct {
	word string // one, refuse, more, cut
	kind string // of a refusal
	request
}

// smugglingCase is one case; see the README beside the corpus.
type smugglingCase struct {
	name, input string
	verdicts    []verdict
}

// load reads the whole corpus.
func load(t *testing.T) (cases []*smugglingCase) {
	t.Helper()
	files, err := filepath.Glob("../../internal/h1/testdata/smuggling/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var c *smugglingCase
		inVerdicts := false
		for i, line := range strings.Split(string(text), "\n") {
			title, isTitle := strings.CutPrefix(line, "== ")
			switch {
			case line == "" || line[0] == '#':
			case isTitle:
				name := strings.TrimSuffix(filepath.Base(file), ".txt") + "/" + title
				c, inVerdicts = &smugglingCase{name: name}, false
				cases = append(cases, c)
			case line == "----":
				inVerdicts = true
			default:
				if err := c.line(line, inVerdicts); err != nil {
					t.Fatalf("%s:%d: %v", file, i+1, err)
				}
			}
		}
	}
	return cases
}

// line adds one line to the case.
func (c *smugglingCase) line(line string, inVerdicts bool) error {
	if !inVerdicts {
		s, err := strconv.Unquote(line)
		c.input += s
		return err
	}
	word, rest, _ := strings.Cut(line, " ")
	v := verdict{word: strings.TrimSuffix(word, ":")}
	switch v.word {
	case "one":
		_, err := fmt.Sscanf(rest, "%s %s %s %d", &v.method, &v.target, &v.host, &v.body)
		if err != nil {
			return err
		}
	case "refuse":
		v.kind = rest
	case "more", "cut":
	case "keeps", "drops":
		return nil // about the codec alone; its own test looks
	default:
		return fmt.Errorf("unknown verdict %q", line)
	}
	c.verdicts = append(c.verdicts, v)
	return nil
}
