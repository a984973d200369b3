// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package route_test

import (
	"fmt"
	"strings"
	"testing"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/route"
)

// rule makes a rule from "[METHOD,METHOD] host/path". Its route is called that, and
// its site by the host.
func rule(text string) route.Rule {
	r := route.Rule{Route: &exchange.Route{Name: text}}
	methods, at, ok := strings.Cut(text, " ")
	if ok {
		r.Methods = strings.Split(methods, ",")
	} else {
		at = text
	}
	i := strings.IndexByte(at, '/')
	r.Host, r.Path = at[:i], at[i:]
	r.Route.Site = r.Host
	return r
}

func table(rules ...string) *route.Table {
	var l []route.Rule
	for _, r := range rules {
		l = append(l, rule(r))
	}
	return route.New(l)
}

// find returns the name of the route found, or the kind of mismatch with what is
// known of the route.
func find(r exchange.Router, host, path, method string) string {
	x, kind := r.Find([]byte(host), []byte(path), []byte(method))
	switch {
	case kind == failure.NoKind:
		return x.Name
	case x == nil:
		return kind.String()
	}
	return strings.TrimSpace(fmt.Sprintf("%s at %s %s", kind, x.Site, x.Allow))
}

// I2: an exact host, then the longest wildcard, then any.
func TestHosts(t *testing.T) {
	tab := table("a.example/", "*.example/", "*.b.example/", "c.b.example/", "*/", "[2001:db8::1]/", "192.0.2.1/", "*.9.example/", "MiXed.Example/")
	for host, want := range map[string]string{
		"a.example": "a.example/", "A.EXAMPLE": "a.example/", "a.example:8080": "a.example/", "a.example.": "a.example/",
		"a.example.:80": "a.example/", "a.example:": "a.example/",
		"x.example": "*.example/", "x.y.example": "*.example/", "example": "*/",
		"x.b.example": "*.b.example/", "b.example": "*.example/", "c.b.example": "c.b.example/", "x.c.b.example": "*.b.example/",
		"X.B.example:1": "*.b.example/",
		"other":         "*/", "": "*/", ":80": "*/", ".": "*/", "aXexample": "*/", "a.example..": "*/",
		"mixed.EXAMPLE": "MiXed.Example/",
		"[2001:db8::1]": "[2001:db8::1]/", "[2001:db8::1]:443": "[2001:db8::1]/", "[2001:DB8::1]": "[2001:db8::1]/",
		"[2001:db8:0:0:0:0:0:1]": "[2001:db8::1]/", "[2001:0db8::0001]:80": "[2001:db8::1]/",
		"[2001:db8::2]": "*/", "[2001:db8::1": "*/", "[]": "*/", "[": "*/", "[2001:db8::1%1]": "*/",
		"192.0.2.1": "192.0.2.1/", "192.0.2.1:80": "192.0.2.1/", "1.192.0.2.1": "*/",
		strings.Repeat("x", 240) + ".9.example":   "*.9.example/",
		strings.Repeat("x", 300) + ".example":     "*/",
		strings.Repeat("a.", 120) + "b.example":   "*.b.example/",
		strings.Repeat("x", 245) + ".example":     "*.example/",
		strings.Repeat("x", 245) + ".example:808": "*.example/",
	} {
		if got := find(tab, host, "/", "GET"); got != want {
			t.Errorf("host %q: %s, want %s", host, got, want)
		}
	}
	if got := find(table("a.example/"), "b.example", "/", "GET"); got != "no-site" {
		t.Errorf("a host nobody has: %s", got)
	}
	if got := find(table("*.example/"), "example", "/", "GET"); got != "no-site" {
		t.Errorf("a wildcard is for names below it: %s", got)
	}
	if got := find(table(), "a.example", "/", "GET"); got != "no-site" {
		t.Errorf("an empty table: %s", got)
	}
	if got := find(table("*/"), strings.Repeat("x", 300), "/", "GET"); got != "*/" {
		t.Errorf("any host, however long: %s", got)
	}
}

// I2 and I3: the longest prefix on a segment boundary.
func TestPaths(t *testing.T) {
	tab := table("s/", "s/api", "s/api/v1/", "s/static/", "s/a/b/c", "s/x/y")
	for path, want := range map[string]string{
		"/": "s/", "/other": "s/", "//": "s/", "/ap": "s/", "/apix": "s/", "/API": "s/",
		"/api": "s/api", "/api/": "s/api", "/api/x": "s/api", "/api//": "s/api", "/api/v1": "s/api", "/api/v1x": "s/api",
		"/api/v1/": "s/api/v1/", "/api/v1/x/y": "s/api/v1/", "/api/v1//": "s/api/v1/",
		"/static": "s/", "/static/": "s/static/", "/static/x": "s/static/", "/staticx/": "s/",
		"/a/b/c": "s/a/b/c", "/a/b": "s/", "/a/b/cd": "s/", "/a/b/c/d/e/f/g/h": "s/a/b/c", "/a/b/d/c": "s/",
		"/x//y": "s/x/y", "/x/./y/z": "s/x/y", "/x/../y": "s/", "/x//": "s/", "/api/../static/x": "s/static/", "/%61pi": "s/api",
		"*": "s/", "": "no-route at s", "api": "no-route at s", "**": "no-route at s",
		"/" + strings.Repeat("/", 20000): "s/", "/api/" + strings.Repeat("x/", 20000): "s/api",
	} {
		if got := find(tab, "s", path, "GET"); got != want {
			t.Errorf("path %.40q: %s, want %s", path, got, want)
		}
	}
	if got := find(table("s/api"), "s", "/", "GET"); got != "no-route at s" {
		t.Errorf("no rule for the root: %s", got)
	}
	if got := find(table("s/api"), "s", "*", "OPTIONS"); got != "no-route at s" {
		t.Errorf("the server as a whole has no rule: %s", got)
	}
	// The host is chosen first: a better path on a worse host does not count.
	if got := find(table("s/api", "*/"), "s", "/", "GET"); got != "no-route at s" {
		t.Errorf("another site's rule: %s", got)
	}
}

// The method comes last: a prefix that lacks it does not fall back to a shorter.
func TestMethods(t *testing.T) {
	tab := table("s/", "GET,HEAD s/api", "POST s/api", "PUT s/both", "s/both", "PURGE s/x")
	for _, c := range []struct{ path, method, want string }{
		{"/api", "GET", "GET,HEAD s/api"}, {"/api/x", "HEAD", "GET,HEAD s/api"}, {"/api", "POST", "POST s/api"},
		{"/api", "DELETE", "method-not-allowed at s GET, HEAD, POST"}, {"/api", "get", "method-not-allowed at s GET, HEAD, POST"},
		{"/api", "", "method-not-allowed at s GET, HEAD, POST"},
		{"/both", "PUT", "PUT s/both"}, {"/both", "GET", "s/both"}, {"/x", "PURGE", "PURGE s/x"}, {"/x", "GET", "method-not-allowed at s PURGE"},
		{"/", "DELETE", "s/"}, {"*", "OPTIONS", "s/"},
	} {
		if got := find(tab, "s", c.path, c.method); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.method, c.path, got, c.want)
		}
	}
	if got := find(table("GET,GET,HEAD s/", "HEAD s/"), "s", "/", "PUT"); got != "method-not-allowed at s GET, HEAD" {
		t.Errorf("a method twice: %s", got)
	}
}

// What is known of a mismatch serves the answer: the site's name and pages.
func TestMismatchKnowsTheSite(t *testing.T) {
	pages := &exchange.Pages{}
	r := rule("GET s/api")
	r.Route.Pages = pages
	tab := route.New([]route.Rule{r})
	if x, kind := tab.Find([]byte("s"), []byte("/"), []byte("GET")); kind != failure.NoRoute || x.Pages != pages || x.Site != "s" || x.Upstream != nil {
		t.Errorf("%s with %+v", kind, x)
	}
	if x, kind := tab.Find([]byte("s"), []byte("/api"), []byte("PUT")); kind != failure.MethodNotAllowed || x.Pages != pages || x.Name != "GET s/api" {
		t.Errorf("%s with %+v", kind, x)
	}
}

// manyRules makes n rules on sites and paths of all kinds.
func manyRules(n int) *route.Table {
	var l []string
	for i := range n {
		switch i % 4 {
		case 0:
			l = append(l, fmt.Sprintf("s%d.example/", i))
		case 1:
			l = append(l, fmt.Sprintf("*.w%d.example/api/v%d", i, i%7))
		case 2:
			l = append(l, fmt.Sprintf("big.example/app/%d/", i))
		case 3:
			l = append(l, fmt.Sprintf("GET big.example/app/%d/x", i))
		}
	}
	return table(append(l, "*/", "big.example/")...)
}

var lookups = []struct{ name, host, path, want string }{
	{"Exact", "S4.example:80", "/index.html", "s4.example/"},
	{"Wildcard", "a.b.c.w5.example", "/api/v5/x/y/z", "*.w5.example/api/v5"},
	{"Deep", "big.example", "/app/6/a/b/c/d/e/f/g", "big.example/app/6/"},
	{"Any", "nobody.example.net", "/a/b/c", "*/"},
	{"IPv6", "[2001:DB8:0:0::1]:8080", "/", "*/"},
	{"Slashes", "big.example", "/" + strings.Repeat("/", 8000), "big.example/"},
}

// I1: a lookup allocates nothing, however many rules there are.
func TestAllocs(t *testing.T) {
	tab := manyRules(10_000)
	for _, l := range lookups {
		host, path, method := []byte(l.host), []byte(l.path), []byte("GET")
		if n := testing.AllocsPerRun(100, func() { tab.Find(host, path, method) }); n != 0 {
			t.Errorf("%s: %v allocations", l.name, n)
		}
		if got := find(tab, l.host, l.path, "GET"); got != l.want {
			t.Errorf("%s: %s, want %s", l.name, got, l.want)
		}
	}
}

// I1: compare the sizes; the cost must not follow the number of rules.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		tab := manyRules(n)
		for _, l := range lookups {
			b.Run(fmt.Sprintf("%s/rules=%d", l.name, n), func(b *testing.B) {
				host, path, method := []byte(l.host), []byte(l.path), []byte("GET")
				b.ReportAllocs()
				for b.Loop() {
					tab.Find(host, path, method)
				}
			})
		}
	}
}
