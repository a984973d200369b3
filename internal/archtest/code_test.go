// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"go/ast"
	"go/token"
	"testing"
)

// clockUsers may ask the time; everybody else has it as an argument, or a clock given by the gateway, so that their
// tests need no sleep.
var clockUsers = []string{"internal/engine", "internal/gateway", "cmd", "lab", "bench", "test"}

// clockWords are the functions of package time that read the clock or start a timer.
const clockWords = "Now Since Until After AfterFunc NewTimer NewTicker Tick Sleep"

// matchWords are the functions of packages strings and bytes that ask what a text is like.
const matchWords = "Compare Contains ContainsAny ContainsFunc ContainsRune Count Cut CutPrefix CutSuffix Equal EqualFold " +
	"Fields HasPrefix HasSuffix Index IndexAny IndexByte IndexFunc LastIndex Split SplitN TrimPrefix TrimSuffix"

// matchMethods are the questions of package regexp, which are methods as well as functions.
const matchMethods = "Match MatchString Find FindString FindStringSubmatch FindStringIndex FindAllString"

// checkClock refuses the clock outside clockUsers, called or passed on as a value.
func checkClock(files []*goFile) []string {
	var found []string
	for _, f := range files {
		name := f.localName("time")
		if name == "" || f.isTest() || f.in(clockUsers...) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if word := selected(n, name); hasWord(clockWords, word) {
				found = append(found, f.find(n.Pos(), "time.%s: time is an argument here, or a clock given by the gateway", word))
			}
			return true
		})
	}
	return found
}

// checkErrorText refuses decisions that hang on the wording of an error. Test files may look at a message, since the
// message is then the thing tested.
func checkErrorText(files []*goFile) []string {
	var found []string
	for _, f := range files {
		if f.isTest() {
			continue
		}
		for _, d := range f.ast.Decls {
			found = append(found, errorTextUses(f, d)...)
		}
	}
	return found
}

// errorTextUses inspects one declaration. A variable that was given an error's text stands for it until the end of the
// declaration; that is coarse, and enough.
func errorTextUses(f *goFile, d ast.Decl) []string {
	const why = "matches on the text of an error; use errors.Is or errors.As"
	m := errorTextMatcher{file: f, held: map[string]bool{}}
	var found []string
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			m.note(n)
		case *ast.CallExpr:
			if m.asks(n.Fun) && m.anyText(n.Args) {
				found = append(found, f.find(n.Pos(), why))
			}
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (m.text(n.X) || m.text(n.Y)) {
				found = append(found, f.find(n.Pos(), why))
			}
		case *ast.SwitchStmt:
			if n.Tag != nil && m.text(n.Tag) {
				found = append(found, f.find(n.Pos(), why))
			}
		case *ast.IndexExpr:
			if m.text(n.Index) {
				found = append(found, f.find(n.Pos(), why))
			}
		}
		return true
	})
	return found
}

type errorTextMatcher struct {
	file *goFile
	held map[string]bool // names of variables that hold an error's text
}

// note remembers variables that are given the text of an error.
func (m *errorTextMatcher) note(n *ast.AssignStmt) {
	if len(n.Lhs) != len(n.Rhs) {
		return
	}
	for i, rhs := range n.Rhs {
		if id, ok := n.Lhs[i].(*ast.Ident); ok && m.text(rhs) {
			m.held[id.Name] = true
		}
	}
}

// asks reports whether fun is a function that asks what a text is like.
func (m *errorTextMatcher) asks(fun ast.Expr) bool {
	for _, p := range []string{"strings", "bytes"} {
		if name := m.file.localName(p); name != "" && hasWord(matchWords, selected(fun, name)) {
			return true
		}
	}
	sel, ok := fun.(*ast.SelectorExpr)
	return ok && m.file.localName("regexp") != "" && hasWord(matchMethods, sel.Sel.Name)
}

func (m *errorTextMatcher) anyText(args []ast.Expr) bool {
	for _, a := range args {
		if m.text(a) {
			return true
		}
	}
	return false
}

// text reports whether an expression is an error's text: err.Error(), a conversion or a strings function of it, or a
// variable that holds it.
func (m *errorTextMatcher) text(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return m.held[e.Name]
	case *ast.ParenExpr:
		return m.text(e.X)
	case *ast.SliceExpr:
		return m.text(e.X)
	case *ast.CallExpr:
		sel, ok := e.Fun.(*ast.SelectorExpr)
		if ok && sel.Sel.Name == "Error" && len(e.Args) == 0 {
			return true
		}
		return m.passesText(e.Fun) && m.anyText(e.Args)
	}
	return false
}

// passesText reports whether fun gives back the text it is given: a conversion or a function of package strings.
func (m *errorTextMatcher) passesText(fun ast.Expr) bool {
	switch fun := fun.(type) {
	case *ast.ArrayType:
		return true
	case *ast.Ident:
		return fun.Name == "string"
	}
	name := m.file.localName("strings")
	return name != "" && selected(fun, name) != ""
}

// selected returns Word if n is the expression pkg.Word, else "".
func selected(n ast.Node, pkg string) string {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if id, ok := sel.X.(*ast.Ident); ok && id.Name == pkg {
		return sel.Sel.Name
	}
	return ""
}

func TestClock(t *testing.T) {
	report(t, checkClock(goTree(t)))
}

func TestErrorText(t *testing.T) {
	report(t, checkErrorText(goTree(t)))
}

func TestClockChecker(t *testing.T) {
	in := func(name, src string) []string { return checkClock([]*goFile{example(t, name, "package x\n"+src)}) }
	wantFindings(t, in("internal/h1/a.go", "import \"time\"\nvar a = time.Now()\n"), "time.Now")
	wantFindings(t, in("internal/upstream/a.go", "import \"time\"\nvar clock = time.Now\n"), "time.Now")
	wantFindings(t, in("internal/admin/a.go", "import tt \"time\"\nvar a = tt.NewTicker(1)\n"), "time.NewTicker")
	wantFindings(t, in("internal/upstream/a.go", "import \"time\"\nfunc f(now time.Time) time.Duration { return 3 * time.Second }\n"))
	wantFindings(t, in("internal/engine/resolve/a.go", "import \"time\"\nvar a = time.Now()\n"))
	wantFindings(t, in("internal/h1/a_test.go", "import \"time\"\nvar a = time.Now()\n"))
}

func TestErrorTextChecker(t *testing.T) {
	const head = "package x\n\nimport (\n\t\"bytes\"\n\t\"regexp\"\n\t\"strings\"\n)\n\n"
	in := func(body string) []string {
		return checkErrorText([]*goFile{example(t, "internal/x/a.go", head+"func f(err error) bool {\n"+body+"\n}\n")})
	}
	for _, bad := range []string{
		`return strings.Contains(err.Error(), "refused")`,
		`return strings.HasPrefix(strings.ToLower(err.Error()), "dial")`,
		`return bytes.HasSuffix([]byte(err.Error()), nil)`,
		`return err.Error() == "EOF"`,
		`return "EOF" != (err.Error())`,
		`msg := err.Error(); return strings.Contains(msg, "reset")`,
		`msg := strings.ToLower(err.Error()); return msg == "eof"`,
		`switch err.Error() { case "EOF": return true }; return false`,
		`return regexp.MustCompile("x").MatchString(err.Error())`,
		`return map[string]bool{"EOF": true}[err.Error()]`,
	} {
		wantFindings(t, in(bad), "errors.Is")
	}
	for _, good := range []string{
		`println(err.Error()); return false`,
		`return strings.Contains("a", "b")`,
		`w := "x" + err.Error(); println(w); return w != ""`,
	} {
		wantFindings(t, in(good))
	}
	test := example(t, "internal/x/a_test.go", "package x\n\nfunc f(err error) bool { return err.Error() == \"x\" }\n")
	wantFindings(t, checkErrorText([]*goFile{test}))
}
