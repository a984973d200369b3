// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	readmeLimitLines = 150
	adrLimitLines    = 60 // a printed page
)

var (
	mdLink      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	quotedPath  = regexp.MustCompile("`((?:internal|cmd|lab|test|bench|docs|scripts|packaging|changes|\\.ci)/[\\w./-]+)`")
	quotedMake  = regexp.MustCompile("`make ([a-z0-9-]+)")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)
	quotedFunc  = regexp.MustCompile("`([\\w./-]+\\.go)`,? `([\\w.]+)`")
	fragment    = regexp.MustCompile(`^[1-9][0-9]*\.(added|changed|fixed|removed|security)\.md$`)
	adrName     = regexp.MustCompile(`^[0-9]{4}-[a-z0-9-]+\.md$`)
	adrSections = []string{"Status", "Context", "Decision", "Rejected", "Consequences"}
)

// place is a function that a document names, in a file it names.
type place struct{ file, function string }

// places reads the pairs `file.go` `Name` of a document. A file is given from the module root or from internal/.
func places(doc string) []place {
	var found []place
	for _, m := range quotedFunc.FindAllStringSubmatch(doc, -1) {
		found = append(found, place{m[1], m[2]})
	}
	return found
}

// checkPlaces demands that each file a document names has the function it names there: Name, or Type.Name of a method.
func checkPlaces(name, doc string, files []*goFile) []string {
	var found []string
	for _, p := range places(doc) {
		i := slices.IndexFunc(files, func(f *goFile) bool { return f.path == p.file || f.path == "internal/"+p.file })
		switch {
		case i < 0:
			found = append(found, fmt.Sprintf("%s: names %s, which is not there", name, p.file))
		case !declares(files[i].ast, p.function):
			found = append(found, fmt.Sprintf("%s: names %s in %s, which has no such function", name, p.function, p.file))
		}
	}
	return found
}

func declares(file *ast.File, function string) bool {
	return slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && funcName(fn) == function
	})
}

// checkRequestLife demands that the architecture document leads through the code: once the exchange exists, so does the
// list of its steps.
func checkRequestLife(doc string, files []*goFile) []string {
	built := slices.ContainsFunc(files, func(f *goFile) bool { return f.in("internal/exchange") })
	if built && len(places(doc)) == 0 {
		return []string{"docs/architecture.md: names no `file.go` `Function` for the steps of a request"}
	}
	return nil
}

// phaseNames reads the names of the phases from the literal that package phase keeps them in.
func phaseNames(files []*goFile) []string {
	var names []string
	for _, f := range files {
		if !f.in("internal/phase") || f.isTest() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Names[0].Name != "names" {
				return true
			}
			ast.Inspect(spec, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					names = append(names, strings.Trim(lit.Value, `"`))
				}
				return true
			})
			return false
		})
	}
	return names
}

// checkPhaseList demands that the architecture document lists the phases as the code has them, all and in order.
func checkPhaseList(doc string, names []string) []string {
	list := strings.Join(names, ", ")
	if len(names) == 0 || !strings.Contains(strings.Join(strings.Fields(doc), " "), list) {
		return []string{"docs/architecture.md: lacks the list of phases as package phase has it: " + list}
	}
	return nil
}

// checkReferences demands that links, quoted paths and make targets of a document exist. exists answers for a path
// relative to the module root; targets are those of the Makefile.
func checkReferences(doc textFile, exists func(string) bool, targets map[string]bool) []string {
	var found []string
	for _, m := range mdLink.FindAllStringSubmatch(doc.text, -1) {
		target, _, _ := strings.Cut(m[1], "#")
		if target == "" || strings.Contains(target, ":") {
			continue
		}
		if !exists(path.Join(path.Dir(doc.path), target)) {
			found = append(found, fmt.Sprintf("%s: links to %s, which is not there", doc.path, m[1]))
		}
	}
	for _, m := range quotedPath.FindAllStringSubmatch(doc.text, -1) {
		if !exists(m[1]) {
			found = append(found, fmt.Sprintf("%s: names %s, which is not there", doc.path, m[1]))
		}
	}
	for _, m := range quotedMake.FindAllStringSubmatch(doc.text, -1) {
		if !targets[m[1]] {
			found = append(found, fmt.Sprintf("%s: names make %s, which the Makefile lacks", doc.path, m[1]))
		}
	}
	return found
}

// checkADR holds a decision record to its page and its sections, in order.
func checkADR(name, text string) []string {
	var found []string
	if !adrName.MatchString(name) {
		found = append(found, fmt.Sprintf("docs/adr/%s: the name is not NNNN-title.md", name))
	}
	if n := strings.Count(text, "\n"); n > adrLimitLines {
		found = append(found, fmt.Sprintf("docs/adr/%s: %d lines, at most %d", name, n, adrLimitLines))
	}
	at := 0
	for _, s := range adrSections {
		i := strings.Index(text[at:], "\n## "+s+"\n")
		if i < 0 {
			found = append(found, fmt.Sprintf("docs/adr/%s: no section %q in its place", name, s))
			continue
		}
		at += i + 1
	}
	return found
}

// checkFragments holds the names in changes/ to <issue>.<kind>.md.
func checkFragments(names []string) []string {
	var found []string
	for _, n := range names {
		if n != "README.md" && !fragment.MatchString(n) {
			found = append(found, fmt.Sprintf("changes/%s: the name is not <issue>.<kind>.md (changes/README.md)", n))
		}
	}
	return found
}

func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, dir))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func makeTargets(makefile string) map[string]bool {
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(makefile, -1) {
		targets[m[1]] = true
	}
	return targets
}

func TestDocuments(t *testing.T) {
	files := goTree(t)
	targets := makeTargets(readText(t, "Makefile"))
	if len(targets) == 0 {
		t.Fatal("no target read from the Makefile; the reader is wrong")
	}
	tree := os.DirFS(root)
	exists := func(name string) bool { _, err := fs.Stat(tree, strings.TrimSuffix(name, "/")); return err == nil }
	for _, doc := range texts(t) {
		if path.Ext(doc.path) == ".md" {
			report(t, checkReferences(doc, exists, targets))
			report(t, checkPlaces(doc.path, doc.text, files))
		}
	}
	architecture := readText(t, "docs/architecture.md")
	report(t, checkRequestLife(architecture, files))
	report(t, checkPhaseList(architecture, phaseNames(files)))
	if n := strings.Count(readText(t, "README.md"), "\n"); n > readmeLimitLines {
		t.Errorf("README.md: %d lines, at most %d", n, readmeLimitLines)
	}
}

func TestDecisionRecords(t *testing.T) {
	names := namesIn(t, "docs/adr")
	if len(names) == 0 {
		t.Fatal("no decision record found")
	}
	for _, name := range names {
		report(t, checkADR(name, readText(t, path.Join("docs/adr", name))))
	}
	report(t, checkFragments(namesIn(t, "changes")))
}

func TestPlacesChecker(t *testing.T) {
	files := []*goFile{example(t, "internal/x/x.go", "package x\n\nfunc Run() {}\n\nfunc (e *E) step() {}\n")}
	wantFindings(t, checkPlaces("d.md", "`x/x.go` `Run`, `internal/x/x.go` `E.step`, `x/x.go`, `Run`", files))
	wantFindings(t, checkPlaces("d.md", "`x/x.go` `step`", files), "step in x/x.go")
	wantFindings(t, checkPlaces("d.md", "`x/y.go` `Run`", files), "x/y.go, which is not there")

	built := append(files, example(t, "internal/exchange/a.go", "package exchange\n"))
	wantFindings(t, checkRequestLife("no steps", files))
	wantFindings(t, checkRequestLife("`x/x.go` `Run`", built))
	wantFindings(t, checkRequestLife("no steps", built), "names no")

	names := phaseNames([]*goFile{example(t, "internal/phase/phase.go", "package phase\n\nvar names = [2]string{\n\t\"accept\", \"read-head\",\n}\n")})
	wantFindings(t, checkPhaseList("first accept,\nread-head.", names))
	wantFindings(t, checkPhaseList("first read-head, accept.", names), "accept, read-head")
	wantFindings(t, checkPhaseList("anything", nil), "lacks the list")
}

func TestReferencesChecker(t *testing.T) {
	exists := func(name string) bool { return name == "docs/a.md" || name == "lab/x.go" }
	targets := makeTargets("help:\n\nbuild: ## x\n\techo\n")
	in := func(text string) []string {
		return checkReferences(textFile{path: "docs/b.md", text: text}, exists, targets)
	}
	wantFindings(t, in("[a](a.md#part) [b](#here) [c](https://example.com/x) `lab/x.go` `make build`"))
	wantFindings(t, in("[a](c.md)"), "links to c.md")
	wantFindings(t, in("[a](../a.md)"), "links to ../a.md")
	wantFindings(t, in("`lab/y.go`"), "names lab/y.go")
	wantFindings(t, in("`make tea`"), "make tea")
}

func TestRecordsChecker(t *testing.T) {
	good := "# 1. X\n"
	for _, s := range adrSections {
		good += "\n## " + s + "\n\ntext\n"
	}
	wantFindings(t, checkADR("0001-x.md", good))
	wantFindings(t, checkADR("1-x.md", good), "NNNN-title.md")
	wantFindings(t, checkADR("0001-x.md", good+strings.Repeat("\n", adrLimitLines)), "lines, at most")
	wantFindings(t, checkADR("0001-x.md", strings.Replace(good, "## Rejected", "## Other", 1)), `no section "Rejected"`)
	wantFindings(t, checkFragments([]string{"README.md", "2.added.md", "12.fixed.md"}))
	wantFindings(t, checkFragments([]string{"added.md", "2.news.md"}), "added.md", "2.news.md")
}
