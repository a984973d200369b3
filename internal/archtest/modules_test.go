// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// directLimit bounds the modules this project names itself; tools, which no program links, are not counted.
const directLimit = 12

// requirement is one line of go.mod that this project chose: a direct module or a tool.
type requirement struct {
	name string
	tool bool
}

// directRequirements reads the require and tool directives of a go.mod, single and in blocks, without the indirect ones.
func directRequirements(gomod string) []requirement {
	var found []requirement
	block := ""
	for line := range strings.Lines(gomod) {
		code, comment, _ := strings.Cut(line, "//")
		words := strings.Fields(code)
		switch {
		case len(words) == 0:
			continue
		case words[0] == ")":
			block = ""
			continue
		case len(words) == 2 && words[1] == "(":
			block = words[0]
			continue
		case block != "":
			words = append([]string{block}, words...)
		}
		if len(words) < 2 || strings.TrimSpace(comment) == "indirect" {
			continue
		}
		switch words[0] {
		case "require":
			found = append(found, requirement{name: words[1]})
		case "tool":
			found = append(found, requirement{name: words[1], tool: true})
		}
	}
	return found
}

// checkDependencies demands a table row with a reason in docs/dependencies.md for each direct requirement, and no row
// for anything else.
func checkDependencies(gomod, doc string) []string {
	var found []string
	reasons := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|([^|]*)\\|").FindAllStringSubmatch(doc, -1) {
		reasons[m[1]] = strings.TrimSpace(m[2])
	}
	direct := 0
	for _, r := range directRequirements(gomod) {
		if !r.tool {
			direct++
		}
		if reasons[r.name] == "" {
			found = append(found, fmt.Sprintf("docs/dependencies.md: no row with a reason for %s", r.name))
		}
		delete(reasons, r.name)
	}
	for _, name := range slices.Sorted(maps.Keys(reasons)) {
		found = append(found, fmt.Sprintf("docs/dependencies.md: %s is not required by go.mod; remove its row", name))
	}
	if direct > directLimit {
		found = append(found, fmt.Sprintf("go.mod: %d direct modules, at most %d", direct, directLimit))
	}
	return found
}

func TestDependencies(t *testing.T) {
	gomod := readText(t, "go.mod")
	if len(directRequirements(gomod)) == 0 {
		t.Fatal("no direct requirement read from go.mod; the reader is wrong")
	}
	report(t, checkDependencies(gomod, readText(t, "docs/dependencies.md")))
}

func TestDependenciesChecker(t *testing.T) {
	const gomod = "module m\n\ngo 1.26\n\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b v1.0.0 // indirect\n)\n" +
		"require example.com/c v1.0.0\n\ntool example.com/d/cmd\n"
	const doc = "| module | why |\n|---|---|\n| `example.com/a` | x |\n| `example.com/c` | y |\n| `example.com/d/cmd` | z |\n"
	wantFindings(t, checkDependencies(gomod, doc))
	wantFindings(t, checkDependencies(gomod, strings.Replace(doc, "| x |", "|  |", 1)), "no row with a reason for example.com/a")
	wantFindings(t, checkDependencies(gomod, strings.Replace(doc, "`example.com/c`", "example.com/c", 1)), "example.com/c")
	wantFindings(t, checkDependencies(gomod, doc+"| `example.com/b` | w |\n"), "example.com/b is not required")
	var many strings.Builder
	rows := ""
	for i := range directLimit + 1 {
		fmt.Fprintf(&many, "require example.com/%d v1.0.0\n", i)
		rows += fmt.Sprintf("| `example.com/%d` | x |\n", i)
	}
	wantFindings(t, checkDependencies(many.String(), rows), "13 direct modules")
}
