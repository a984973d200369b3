// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
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

// twins are modules of which one works with exactly one version of the other: the one its own go.mod asks for. Another
// module's wish, or an update of everything, could bring a newer one.
var twins = []struct{ module, pinned string }{
	{"modernc.org/sqlite", "modernc.org/libc"},
}

// versionIn returns the version of a module that a go.mod requires, directly or not, "" for none.
func versionIn(gomod, module string) string {
	m := regexp.MustCompile(`(?m)^(?:require)?\s*` + regexp.QuoteMeta(module) + `\s+(v\S+)`).FindStringSubmatch(gomod)
	if m == nil {
		return ""
	}
	return m[1]
}

// checkTwin compares what two go.mod say of a module: ours, and that of the module which depends on its version.
func checkTwin(ours, theirs, pinned string) []string {
	if is, want := versionIn(ours, pinned), versionIn(theirs, pinned); is != want || want == "" {
		return []string{fmt.Sprintf("go.mod: %s is %q and has to be %q; run: go get %[1]s@%[3]s", pinned, is, want)}
	}
	return nil
}

func TestTwinModules(t *testing.T) {
	for _, twin := range twins {
		cmd := exec.Command("go", "list", "-m", "-f", "{{.GoMod}}", twin.module)
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("where is %s: %v", twin.module, err)
		}
		theirs, err := os.ReadFile(strings.TrimSpace(string(out)))
		if err != nil {
			t.Fatal(err)
		}
		report(t, checkTwin(readText(t, "go.mod"), string(theirs), twin.pinned))
	}
}

func TestTwinModulesChecker(t *testing.T) {
	const ours = "module m\n\nrequire (\n\texample.com/a v1.2.0 // indirect\n)\n"
	wantFindings(t, checkTwin(ours, "module x\n\nrequire example.com/a v1.2.0\n", "example.com/a"))
	wantFindings(t, checkTwin(ours, "module x\n\nrequire example.com/a v1.1.0\n", "example.com/a"), "go get example.com/a@v1.1.0")
	wantFindings(t, checkTwin(ours, "module x\n", "example.com/a"), "has to be")
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
