// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const header = "// SPDX-FileCopyrightText: The Causey Authors\n// SPDX-License-Identifier: Apache-2.0\n"

// openMark is a to-do mark; closedMark one that names its issue, as in (#12) right behind it.
var (
	openMark   = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)
	closedMark = regexp.MustCompile(`^\b(TO` + `DO|FIX` + `ME|X` + `XX)\(#[0-9]+\)`)
)

// homePath is a path below somebody's home directory.
var homePath = regexp.MustCompile(`(^|[\s"'` + "`" + `=(:])/(home|Users)/[A-Za-z][\w.-]*/|(^|[\s"'` + "`" + `=(:])/root/[\w.-]`)

// checkHeaders demands the two licence lines, first in each Go file.
func checkHeaders(files []*goFile) []string {
	var found []string
	for _, f := range files {
		if !strings.HasPrefix(string(f.src), header) {
			found = append(found, f.path+":1: does not start with the two-line licence header")
		}
	}
	return found
}

// checkMarks refuses to-do marks without the number of their issue, in Go files and scripts.
func checkMarks(files []textFile) []string {
	var found []string
	for _, f := range files {
		switch path.Ext(f.path) {
		case ".go", ".sh", ".yaml", ".yml", "":
		default:
			continue
		}
		for n, line := range numbered(f.text) {
			for _, at := range openMark.FindAllStringIndex(line, -1) {
				if !closedMark.MatchString(line[at[0]:]) {
					found = append(found, fmt.Sprintf("%s:%d: %s without an issue; write %[3]s(#number)", f.path, n, line[at[0]:at[1]]))
				}
			}
		}
	}
	return found
}

// checkPaths refuses paths that hold on one machine only: the folder the module lies in, and anybody's home.
func checkPaths(files []textFile, moduleRoot string) []string {
	var found []string
	for _, f := range files {
		for n, line := range numbered(f.text) {
			own := strings.Count(moduleRoot, "/") > 1 && strings.Contains(line, moduleRoot)
			if own || homePath.MatchString(line) {
				found = append(found, fmt.Sprintf("%s:%d: a path of one machine; make it relative, or an argument", f.path, n))
			}
		}
	}
	return found
}

// numbered yields the lines of a text with their numbers, from 1.
func numbered(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(text) {
			n++
			if !yield(n, line) {
				return
			}
		}
	}
}

func TestText(t *testing.T) {
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	report(t, checkHeaders(goTree(t)))
	report(t, checkMarks(texts(t)))
	report(t, checkPaths(texts(t), filepath.ToSlash(here)))
}

func TestTextChecker(t *testing.T) {
	wantFindings(t, checkHeaders([]*goFile{example(t, "a.go", header+"\npackage x\n")}))
	wantFindings(t, checkHeaders([]*goFile{example(t, "a.go", "package x\n")}), "a.go:1")

	mark := "TO" + "DO"
	one := func(name, text string) []textFile { return []textFile{{path: name, text: text}} }
	wantFindings(t, checkMarks(one("a.go", "x\n// "+mark+": later\n")), "a.go:2")
	wantFindings(t, checkMarks(one("Makefile", "# "+mark+"(me): later\n")), "Makefile:1")
	wantFindings(t, checkMarks(one("a.go", "// "+mark+"(#12): later\n")))
	wantFindings(t, checkMarks(one("a.md", mark+"\n")))

	const checkout = "/mnt/" + "checkout" // in two parts, or this file would be a finding in such a checkout
	wantFindings(t, checkPaths(one("a.md", "see /ho"+"me/ann/notes\n"), checkout), "a.md:1")
	wantFindings(t, checkPaths(one("a.sh", "x\ncd "+checkout+"/bin\n"), checkout), "a.sh:2")
	wantFindings(t, checkPaths(one("a.sh", "cat \"/ro"+"ot/key\"\n"), checkout), "a.sh:1")
	wantFindings(t, checkPaths(one("a.go", "GET /home/ HTTP/1.1\n/etc/causey /run/causey\n"), checkout))
	wantFindings(t, checkPaths(one("a.go", "under /causey\n"), "/causey"))
}

// The walk of the tree must see the files the rules are about, hidden folders included (I3).
func TestTreeIsSeen(t *testing.T) {
	var names []string
	for _, f := range texts(t) {
		names = append(names, f.path)
	}
	for _, want := range []string{"go.mod", "Makefile", ".ci/run", "docs/architecture.md", "internal/archtest/text_test.go"} {
		if !slices.Contains(names, want) {
			t.Errorf("the tree as read lacks %s", want)
		}
	}
}
