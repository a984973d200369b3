// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"go/token"
	"strings"
	"testing"
)

const module = "causey"

// layers is the import table, the map of the project: a package imports only packages of the rows above its own.
// A folder below one of these (engine/resolve) counts with it and may be imported within it. A row may name a package
// the tree does not have; a package the rows do not name is a finding.
var layers = []string{
	"text",    // the layout of words for terminals
	"phase",   // the words: no I/O
	"failure", //
	"record",  //
	"wire",    // HTTP vocabulary shared by the codecs
	"h1 h2 proxyproto",
	"exchange",                   // declares its two ports and its deciders
	"route upstream guard cache", // deciders: pure where possible, time is an argument
	"engine",                     // the only driver of sockets
	"accesslog",
	"cause",
	"sensor",
	"incident",
	"probe alert discover experiment",
	"logread doctor",
	"cdn", // data: config checks the names of its sets, gateway has their networks
	"metrics store cluster admin dashboard config certs trace handover", // edges: they meet in gateway, not each other
	"gateway", // composition root
	"testkit", // what tests share: below everything, so that no program has it
}

// outside says what the folders beside internal/ may import of the module. lab and bench take nothing from internal:
// a misbehaving origin or a yardstick that shares code with the gateway shares its mistakes.
var outside = map[string][]string{
	"cmd":               {"internal", "lab"},
	"test":              {"internal", "lab", "test/harness"},
	"lab":               {"lab"},
	"bench":             {"bench", "lab"},
	"internal/archtest": {},
}

// ban forbids imports in some packages. A pattern that ends in /... covers what lies below too.
type ban struct {
	in      string // package names under internal/
	imports string
	why     string
}

var bans = []ban{
	{
		in:      "phase failure record wire h1 h2 exchange route upstream guard cache engine",
		imports: "net/http/...",
		why:     "no net/http on the data path (docs/adr/0006): the codec is ours",
	},
	{
		in:      "wire h1 h2 proxyproto",
		imports: "net os syscall time golang.org/x/sys/...",
		why:     "codecs are sans-IO (docs/adr/0002): bytes in, events out",
	},
	{
		in:      "phase failure record exchange",
		imports: "net os golang.org/x/sys/...",
		why:     "sockets and files hide behind the engine",
	},
	{
		in: "phase failure record wire h1 h2 proxyproto exchange route upstream guard cache engine " +
			"accesslog cause sensor incident probe alert logread doctor config",
		imports: "github.com/prometheus/...",
		why:     "prometheus stays on the admin side (docs/dependencies.md)",
	},
}

// checkDeps enforces layers and outside. Test files may import what the compiler lets them, but those under internal/
// stay out of lab, bench and test: a unit test that needs the lab is a test of another folder.
func checkDeps(files []*goFile) []string {
	var found []string
	for _, f := range files {
		for imp, pos := range f.imports {
			target, ok := strings.CutPrefix(imp, module+"/")
			if !ok {
				continue
			}
			if why := forbiddenImport(f, target); why != "" {
				found = append(found, f.find(pos, "imports %s: %s", imp, why))
			}
		}
	}
	return found
}

// forbiddenImport returns why f must not import the folder target of the module, "" if it may.
func forbiddenImport(f *goFile, target string) string {
	for home, allowed := range outside {
		if !f.in(home) {
			continue
		}
		for _, a := range allowed {
			if target == a || strings.HasPrefix(target, a+"/") {
				return ""
			}
		}
		return home + " may import only these of the module: " + listOr(allowed, "nothing")
	}
	to, internal := strings.CutPrefix(target, "internal/")
	switch {
	case !internal:
		return "internal never imports lab, bench, test or cmd"
	case f.isTest():
		return ""
	}
	from := first(strings.TrimPrefix(f.dir(), "internal/"))
	fromRow, toRow := row(from), row(first(to))
	switch {
	case from == first(to):
		return ""
	case fromRow < 0:
		return "package " + from + " has no row in the import table; give it one"
	case toRow < 0:
		return "package " + first(to) + " has no row in the import table; give it one"
	case toRow >= fromRow:
		return "a package imports only rows above its own in the import table; declare an interface here and let gateway join them"
	}
	return ""
}

// checkRows demands a row for every package under internal/.
func checkRows(files []*goFile) []string {
	var found []string
	seen := map[string]bool{}
	for _, f := range files {
		name, internal := strings.CutPrefix(f.dir(), "internal/")
		if name = first(name); !internal || seen[name] || f.in("internal/archtest") {
			continue
		}
		seen[name] = true
		if row(name) < 0 {
			found = append(found, f.find(f.ast.Package, "package %s has no row in the import table; give it one", name))
		}
	}
	return found
}

func checkBans(files []*goFile) []string {
	var found []string
	for _, f := range files {
		name, internal := strings.CutPrefix(f.dir(), "internal/")
		if !internal || f.isTest() {
			continue
		}
		for imp, pos := range f.imports {
			found = append(found, banned(f, first(name), imp, pos)...)
		}
	}
	return found
}

func banned(f *goFile, name, imp string, pos token.Pos) []string {
	var found []string
	for _, b := range bans {
		if !hasWord(b.in, name) {
			continue
		}
		for pattern := range strings.FieldsSeq(b.imports) {
			tree, below := strings.CutSuffix(pattern, "/...")
			if imp == tree || below && strings.HasPrefix(imp, tree+"/") {
				found = append(found, f.find(pos, "imports %s: %s", imp, b.why))
			}
		}
	}
	return found
}

func row(name string) int {
	for i, names := range layers {
		if hasWord(names, name) {
			return i
		}
	}
	return -1
}

func hasWord(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

func first(name string) string {
	name, _, _ = strings.Cut(name, "/")
	return name
}

func listOr(words []string, empty string) string {
	if len(words) == 0 {
		return empty
	}
	return strings.Join(words, ", ")
}

func TestImports(t *testing.T) {
	files := goTree(t)
	report(t, checkRows(files))
	report(t, checkDeps(files))
	report(t, checkBans(files))
}

func TestImportsChecker(t *testing.T) {
	in := func(name, imp string) *goFile {
		return example(t, name, "package x\nimport _ \""+imp+"\"\n")
	}
	bad := []struct{ name, imp, want string }{
		{"internal/phase/a.go", "causey/internal/failure", "rows above its own"},
		{"internal/route/a.go", "causey/internal/upstream", "rows above its own"},
		{"internal/engine/resolve/a.go", "causey/internal/gateway", "rows above its own"},
		{"internal/engine/a.go", "causey/internal/sideshow", "sideshow has no row"},
		{"internal/sideshow/a.go", "causey/internal/phase", "sideshow has no row"},
		{"internal/gateway/a.go", "causey/lab", "internal never imports"},
		{"internal/gateway/a_test.go", "causey/test/e2e", "internal never imports"},
		{"internal/archtest/a_test.go", "causey/internal/phase", "nothing"},
		{"lab/origin/a.go", "causey/internal/h1", "lab may import only"},
		{"bench/a_test.go", "causey/internal/h1", "bench may import only"},
	}
	for _, c := range bad {
		wantFindings(t, checkDeps([]*goFile{in(c.name, c.imp)}), c.want)
	}
	good := []struct{ name, imp string }{
		{"internal/failure/a.go", "causey/internal/phase"},
		{"internal/engine/a.go", "causey/internal/engine/resolve"},
		{"internal/engine/resolve/a.go", "causey/internal/failure"},
		{"internal/exchange/a_test.go", "causey/internal/upstream"},
		{"cmd/causey/a.go", "causey/lab"},
		{"test/e2e/a_test.go", "causey/internal/gateway"},
		{"bench/a.go", "causey/lab/origin"},
		{"internal/phase/a.go", "strings"},
	}
	for _, c := range good {
		wantFindings(t, checkDeps([]*goFile{in(c.name, c.imp)}))
	}
	wantFindings(t, checkRows([]*goFile{in("internal/sideshow/a.go", "io"), in("internal/phase/a.go", "io")}), "sideshow")
}

func TestBansChecker(t *testing.T) {
	in := func(name, imp string) []string {
		return checkBans([]*goFile{example(t, name, "package x\nimport _ \""+imp+"\"\n")})
	}
	wantFindings(t, in("internal/engine/a.go", "net/http"), "docs/adr/0006")
	wantFindings(t, in("internal/engine/resolve/a.go", "net/http/httptrace"), "docs/adr/0006")
	wantFindings(t, in("internal/h1/a.go", "time"), "sans-IO")
	wantFindings(t, in("internal/exchange/a.go", "net"), "behind the engine")
	wantFindings(t, in("internal/accesslog/a.go", "github.com/prometheus/client_golang/prometheus"), "admin side")
	wantFindings(t, in("internal/h1/a_test.go", "net/http"))
	wantFindings(t, in("internal/admin/a.go", "net/http"))
	wantFindings(t, in("internal/h1/a.go", "net/netip"))
}

// A package in two rows would be above itself, and one in none of them is a misspelling in a ban.
func TestImportTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, names := range layers {
		for name := range strings.FieldsSeq(names) {
			if seen[name] {
				t.Errorf("%s stands in two rows", name)
			}
			seen[name] = true
		}
	}
	for _, b := range bans {
		for name := range strings.FieldsSeq(b.in) {
			if !seen[name] {
				t.Errorf("a ban names %s, which no row has", name)
			}
		}
	}
}
