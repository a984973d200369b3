// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// emptyNames are package names that say nothing about what is inside, so everything ends up inside.
const emptyNames = "util utils common helper helpers type types pkg misc lib base shared"

// docParts are the fixed parts of a package doc under internal/.
var docParts = []struct {
	name string
	re   *regexp.Regexp
}{
	{"what it never does", regexp.MustCompile(`(?i)\bnever\b`)},
	{"invariants, numbered from I1", regexp.MustCompile(`\bI1\b`)},
	{"where to start reading", regexp.MustCompile(`(?i)\bstart(s)?\b[^.]*\bread(ing)?\b|\bread(ing)?\b[^.]*\bstart(s)?\b`)},
}

// checkDocs demands exactly one package doc per folder, with its fixed parts. A folder of test files only has it in
// one of them.
func checkDocs(files []*goFile) []string {
	byDir := map[string][]*goFile{}
	for _, f := range files {
		byDir[f.dir()] = append(byDir[f.dir()], f)
	}
	var found []string
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		found = append(found, checkPackageDoc(dir, byDir[dir])...)
	}
	return found
}

func checkPackageDoc(dir string, files []*goFile) []string {
	var found []string
	var docs []*goFile
	for _, f := range files {
		switch {
		case f.ast.Doc == nil:
		case strings.Contains(f.ast.Doc.Text(), "SPDX-License"):
			found = append(found, f.find(f.ast.Package, "the licence header became the package doc; leave an empty line after it"))
		default:
			docs = append(docs, f)
		}
	}
	if len(docs) == 0 {
		return append(found, dir+": no package doc; write one: what it is, what it never does, invariants, where to start reading")
	}
	for _, f := range docs[1:] {
		found = append(found, f.find(f.ast.Doc.Pos(), "a second package doc, the first is in %s; keep one", docs[0].path))
	}
	if !strings.HasPrefix(dir, "internal/") {
		return found
	}
	for _, part := range docParts {
		if !part.re.MatchString(docs[0].ast.Doc.Text()) {
			found = append(found, docs[0].find(docs[0].ast.Doc.Pos(), "the package doc lacks a fixed part: %s", part.name))
		}
	}
	return found
}

// checkNames refuses names that say nothing, as a folder or as a package clause.
func checkNames(files []*goFile) []string {
	var found []string
	for _, f := range files {
		name := strings.TrimSuffix(f.ast.Name.Name, "_test")
		for _, n := range []string{name, path.Base(f.dir())} {
			if hasWord(emptyNames, n) {
				found = append(found, f.find(f.ast.Package, "package name %s says nothing; name it after what it does", n))
				break
			}
		}
	}
	return found
}

// checkInvariantsCited demands that every invariant numbered in a package doc under internal/ is cited by a test of
// that folder, so that none is only a wish.
func checkInvariantsCited(files []*goFile) []string {
	number := regexp.MustCompile(`\bI[1-9][0-9]?\b`)
	cited := map[string]map[string]bool{}
	for _, f := range files {
		if !f.isTest() {
			continue
		}
		if cited[f.dir()] == nil {
			cited[f.dir()] = map[string]bool{}
		}
		for _, group := range f.ast.Comments {
			for _, id := range number.FindAllString(group.Text(), -1) {
				cited[f.dir()][id] = true
			}
		}
	}
	declared := regexp.MustCompile(`(?m)^\s*(?:- )?(I[1-9][0-9]?)\b`)
	var found []string
	for _, f := range files {
		if f.ast.Doc == nil || f.isTest() || !f.in("internal") {
			continue
		}
		for _, m := range declared.FindAllStringSubmatch(f.ast.Doc.Text(), -1) {
			if !cited[f.dir()][m[1]] {
				found = append(found, f.find(f.ast.Doc.Pos(), "no test of this folder cites invariant %s in a comment", m[1]))
			}
		}
	}
	return found
}

func TestPackages(t *testing.T) {
	files := goTree(t)
	report(t, checkDocs(files))
	report(t, checkNames(files))
	report(t, checkInvariantsCited(files))
}

func TestPackagesChecker(t *testing.T) {
	const doc = "// Package x is it.\n//\n// It never sleeps.\n//\n//\tI1. Holds.\n//\n// Start reading at a.go.\n"
	good := example(t, "internal/x/doc.go", doc+"package x\n")
	bare := example(t, "internal/x/a.go", "package x\n")
	test := example(t, "internal/x/a_test.go", "package x\n\n// TestHolds shows I1.\nfunc f() {}\n")

	wantFindings(t, checkDocs([]*goFile{good, bare}))
	wantFindings(t, checkDocs([]*goFile{bare}), "no package doc")
	wantFindings(t, checkDocs([]*goFile{good, example(t, "internal/x/b.go", doc+"package x\n")}), "second package doc")
	wantFindings(t, checkDocs([]*goFile{good, example(t, "internal/x/b.go", "// SPDX-License-Identifier: y\npackage x\n")}),
		"leave an empty line")
	wantFindings(t, checkDocs([]*goFile{example(t, "internal/x/doc.go", "// Package x is it.\npackage x\n")}),
		"never does", "from I1", "start reading")
	wantFindings(t, checkDocs([]*goFile{example(t, "test/x/x_test.go", "// Package x is it.\npackage x\n")}))

	wantFindings(t, checkNames([]*goFile{good, example(t, "internal/utils/a.go", "package utils\n")}), "utils says nothing")
	wantFindings(t, checkNames([]*goFile{example(t, "lab/common/a.go", "package origin\n")}), "common says nothing")
	wantFindings(t, checkNames([]*goFile{example(t, "lab/a_test.go", "package helpers_test\n")}), "helpers says nothing")

	wantFindings(t, checkInvariantsCited([]*goFile{good, test}))
	wantFindings(t, checkInvariantsCited([]*goFile{good, bare}), "cites invariant I1")
}
