// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"testing"
)

// Limits of size. They are what one person reads in one go; files aim at 150 lines.
const (
	fileLimitLines     = 600
	functionLimitLines = 80
	parameterLimit     = 5
)

// sizeExceptions maps "path/file.go" or "path/file.go:Name" to the reason why a limit does not hold there (I5).
var sizeExceptions = map[string]string{}

// sizeExcess is one place above a limit.
type sizeExcess struct {
	key     string // as in sizeExceptions
	finding string
}

// checkSizes reports what is above a limit and has no exception, and exceptions that nothing needs.
func checkSizes(files []*goFile, exceptions map[string]string) []string {
	var found []string
	used := map[string]bool{}
	for _, f := range files {
		for _, e := range sizes(f) {
			used[e.key] = true
			if exceptions[e.key] == "" {
				found = append(found, e.finding)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(exceptions)) {
		if !used[key] {
			found = append(found, fmt.Sprintf("size exception %q is not needed; remove it", key))
		}
	}
	return found
}

// sizes returns everything in f above a limit. Test files are held to the length of the file only: a table of cases is
// long and still simple.
func sizes(f *goFile) []sizeExcess {
	var over []sizeExcess
	if n := bytes.Count(f.src, []byte("\n")); n > fileLimitLines {
		over = append(over, sizeExcess{f.path, fmt.Sprintf("%s:1: %d lines, at most %d; split it by concern", f.path, n, fileLimitLines)})
	}
	if f.isTest() {
		return over
	}
	name := "" // the declaration we are in
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			name = funcName(n)
			over = append(over, longFunction(f, n, name)...)
		case *ast.GenDecl:
			name = ""
		case *ast.TypeSpec:
			name = n.Name.Name
		case *ast.FuncLit:
			over = append(over, longFunction(f, n, name)...)
		case *ast.FuncType:
			if p := n.Params.NumFields(); p > parameterLimit {
				over = append(over, sizeExcess{f.path + ":" + name,
					f.find(n.Pos(), "%s takes %d parameters, at most %d; give it a named struct", name, p, parameterLimit)})
			}
		}
		return true
	})
	return over
}

func longFunction(f *goFile, n ast.Node, name string) []sizeExcess {
	lines := f.fset.Position(n.End()).Line - f.fset.Position(n.Pos()).Line + 1
	if lines <= functionLimitLines {
		return nil
	}
	return []sizeExcess{{f.path + ":" + name, f.find(n.Pos(), "%s has %d lines, at most %d; split it by step", name, lines, functionLimitLines)}}
}

// funcName returns Name for a function and Type.Name for a method.
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

func TestSizes(t *testing.T) {
	report(t, checkSizes(goTree(t), sizeExceptions))
}

func TestSizesChecker(t *testing.T) {
	lines := func(n int) string { return string(bytes.Repeat([]byte("\n"), n)) }
	long := example(t, "internal/x/a.go", "package x\n"+lines(fileLimitLines))
	wantFindings(t, checkSizes([]*goFile{long}, nil), "601 lines")
	wantFindings(t, checkSizes([]*goFile{long}, map[string]string{"internal/x/a.go": "a reason"}))
	wantFindings(t, checkSizes([]*goFile{example(t, "internal/x/a_test.go", string(long.src))}, nil), "601 lines")
	wantFindings(t, checkSizes([]*goFile{example(t, "internal/x/a.go", "package x\n"+lines(fileLimitLines-1))}, nil))

	method := "package x\n\nfunc (s *S[T]) run() {" + lines(functionLimitLines) + "}\n"
	wantFindings(t, checkSizes([]*goFile{example(t, "internal/x/a.go", method)}, nil), "S.run has 81 lines")
	wantFindings(t, checkSizes([]*goFile{example(t, "internal/x/a.go", method)}, map[string]string{"internal/x/a.go:S.run": "a reason"}))
	wantFindings(t, checkSizes([]*goFile{example(t, "internal/x/a_test.go", method)}, nil))
	wantFindings(t, checkSizes([]*goFile{example(t, "internal/x/a.go", "package x\n\nvar v = func() {"+lines(functionLimitLines)+"}\n")}, nil),
		"81 lines")
	wantFindings(t, checkSizes([]*goFile{example(t, "internal/x/a.go", "package x\n\nfunc run() {"+lines(functionLimitLines-1)+"}\n")}, nil))

	many := "package x\n\nfunc run(a, b, c, d, e, f int) {}\n\ntype I interface {\n\tm(a, b, c int, d, e, f string)\n}\n"
	wantFindings(t, checkSizes([]*goFile{example(t, "internal/x/a.go", many)}, nil), "run takes 6", "I takes 6")
	wantFindings(t, checkSizes([]*goFile{example(t, "internal/x/a.go", "package x\n\nfunc run(a, b, c, d, e int) {}\n")}, nil))
	wantFindings(t, checkSizes(nil, map[string]string{"internal/x/gone.go": "was needed once"}), "not needed")
}
