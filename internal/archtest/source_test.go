// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is the module root as seen from this package's folder, where go test runs its tests.
const root = "../.."

// textLimitBytes bounds what the text rules read of one file; nothing a person writes here is larger.
const textLimitBytes = 1 << 20

// goFile is one parsed Go file. path is slash-separated and relative to the module root.
type goFile struct {
	path string
	src  []byte
	fset *token.FileSet
	ast  *ast.File
}

// textFile is any text file of the tree, Go or not.
type textFile struct {
	path string
	text string
}

func (f *goFile) dir() string  { return path.Dir(f.path) }
func (f *goFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// in reports whether the file lies in one of the folders or below one of them.
func (f *goFile) in(dirs ...string) bool {
	for _, d := range dirs {
		if f.dir() == d || strings.HasPrefix(f.path, d+"/") {
			return true
		}
	}
	return false
}

// find makes a finding at pos, in the form editors jump to (I4).
func (f *goFile) find(pos token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", f.path, f.fset.Position(pos).Line, fmt.Sprintf(format, args...))
}

// imports yields the import paths of the file with their positions.
func (f *goFile) imports(yield func(string, token.Pos) bool) {
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err == nil && !yield(p, spec.Pos()) {
			return
		}
	}
}

// localName returns the name under which the file knows an imported package, "" if it does not import it.
func (f *goFile) localName(importPath string) string {
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != importPath {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

func parseGo(name string, src []byte) (*goFile, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &goFile{path: name, src: src, fset: fset, ast: f}, nil
}

// skippedDir names what is no source of ours: build results, caches, version control, and test inputs.
func skippedDir(name string) bool {
	switch name {
	case ".git", ".cache", "bin", "testdata", "vendor", "node_modules":
		return true
	}
	return false
}

// readTree reads every text file of the module once; binary and oversized files are no text.
var readTree = sync.OnceValues(func() ([]textFile, error) {
	var files []textFile
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skippedDir(d.Name()):
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil || info.Size() > textLimitBytes {
			return err
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err == nil && bytes.IndexByte(src, 0) < 0 {
			files = append(files, textFile{path: filepath.ToSlash(rel), text: string(src)})
		}
		return err
	})
	return files, err
})

var parseTree = sync.OnceValues(func() ([]*goFile, error) {
	texts, err := readTree()
	if err != nil {
		return nil, err
	}
	var files []*goFile
	for _, text := range texts {
		if !strings.HasSuffix(text.path, ".go") {
			continue
		}
		f, err := parseGo(text.path, []byte(text.text))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
})

// goTree returns the module's Go files, texts all its text files. Both fail on an empty tree (I3).
func goTree(t *testing.T) []*goFile {
	t.Helper()
	files, err := parseTree()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no Go file found under the module root")
	}
	return files
}

func texts(t *testing.T) []textFile {
	t.Helper()
	files, err := readTree()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no text file found under the module root")
	}
	return files
}

// readText returns one file of the module that must be there.
func readText(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// example parses a small source written in a test as if it stood at name.
func example(t *testing.T, name, src string) *goFile {
	t.Helper()
	f, err := parseGo(name, []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// report fails the test once per finding.
func report(t *testing.T, findings []string) {
	t.Helper()
	for _, f := range findings {
		t.Error(f)
	}
}

// wantFindings demands exactly these findings in this order, each recognised by a part of its text. Together with
// example it is how each checker, being a plain function (I1), is shown to fail (I2).
func wantFindings(t *testing.T, got []string, wants ...string) {
	t.Helper()
	if len(got) != len(wants) {
		t.Fatalf("%d findings, want %d:\n%s", len(got), len(wants), strings.Join(got, "\n"))
	}
	for i, want := range wants {
		if !strings.Contains(got[i], want) {
			t.Errorf("finding %d is %q, want one with %q", i, got[i], want)
		}
	}
}
