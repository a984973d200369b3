// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package route_test

import (
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/route"
)

// slowTable is Find as the package doc tells it: look at every rule.
type slowTable []route.Rule

func (s slowTable) Find(host, path, method []byte) (*exchange.Route, failure.Kind) {
	best := ""
	for _, r := range s {
		if h := strings.ToLower(r.Host); hostRank(h, string(host)) > hostRank(best, string(host)) {
			best = h
		}
	}
	if best == "" {
		return nil, failure.NoSite
	}
	path = []byte(slowResolve(string(path)))
	if string(path) == "*" {
		path = []byte("/")
	}
	prefix, known := "", &exchange.Route{}
	for _, r := range s {
		if strings.ToLower(r.Host) == best {
			if known.Site == "" {
				known.Site = r.Route.Site
			}
			if len(r.Path) > len(prefix) && covers(r.Path, string(path)) {
				prefix = r.Path
			}
		}
	}
	if prefix == "" {
		return known, failure.NoRoute
	}
	var all, mine *exchange.Route
	var allow []string
	for _, r := range s {
		switch {
		case strings.ToLower(r.Host) != best || r.Path != prefix:
		case len(r.Methods) == 0:
			all = r.Route
		default:
			allow = append(allow, r.Methods...)
			if slices.Contains(r.Methods, string(method)) {
				mine = r.Route
			}
		}
	}
	switch {
	case mine != nil:
		return mine, failure.NoKind
	case all != nil:
		return all, failure.NoKind
	}
	slices.Sort(allow)
	known.Allow = strings.Join(slices.Compact(allow), ", ")
	return known, failure.MethodNotAllowed
}

// hostRank says how well a rule's host fits: 0 not at all, 1 as any, more for a
// longer wildcard, most for the name itself.
func hostRank(rule, host string) int {
	name := strings.ToLower(host)
	if strings.HasPrefix(name, "[") {
		if i := strings.IndexByte(name, ']'); i > 0 {
			name = name[:i+1]
			if a, err := netip.ParseAddr(name[1:i]); err == nil && a.Zone() == "" {
				name = "[" + a.String() + "]"
			}
		}
	} else {
		if i := strings.LastIndexByte(name, ':'); i >= 0 {
			name = name[:i]
		}
		name = strings.TrimSuffix(name, ".")
	}
	below, wild := strings.CutPrefix(rule, "*.")
	switch {
	case rule == "":
		return 0
	case rule == "*":
		return 1
	case len(name) > 255:
		return 0
	case wild && strings.HasSuffix(name, "."+below):
		return 2 + len(below)
	case !wild && rule == name:
		return 1000
	}
	return 0
}

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// slowResolve is I4.
func slowResolve(path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	path = escape.ReplaceAllStringFunc(path, func(e string) string {
		n, _ := strconv.ParseUint(e[1:], 16, 8)
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~", rune(n)) {
			return string(rune(n))
		}
		return e
	})
	var kept []string
	open := false // the path ends with a slash
	for _, s := range strings.Split(path[1:], "/") {
		open = s == "" || s == "." || s == ".."
		switch {
		case s == ".." && len(kept) > 0:
			kept = kept[:len(kept)-1]
		case !open:
			kept = append(kept, s)
		}
	}
	out := "/" + strings.Join(kept, "/")
	if open && out != "/" {
		out += "/"
	}
	return out
}

// covers is I3.
func covers(prefix, path string) bool {
	return prefix == path || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
}

// compare looks one request up in both.
func compare(t *testing.T, rules []route.Rule, tab *route.Table, host, path, method string) {
	t.Helper()
	if got, want := find(tab, host, path, method), find(slowTable(rules), host, path, method); got != want {
		var l []string
		for _, r := range rules {
			l = append(l, r.Route.Name)
		}
		t.Errorf("%s %q %q: %s, want %s\nrules: %q", method, host, path, got, want, l)
	}
}

// Over random rules and requests from few letters, so that they meet often, Find
// agrees with the obvious search. I2, I3, I4.
func TestDifferential(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(l ...string) string { return l[rnd.IntN(len(l))] }
	join := func(sep string, most int, l ...string) string {
		var b []string
		for range 1 + rnd.IntN(most) {
			b = append(b, pick(l...))
		}
		return strings.Join(b, sep)
	}
	host := func() string { return join(".", 4, "a", "b", "com") }
	path := func() string {
		return "/" + join("/", 4, "a", "b", "aa", "", ".", "..", "%61", "%2E%2e", "%2f")
	}
	rulePath := func() string {
		return "/" + strings.TrimLeft(join("/", 4, "a", "b", "aa"), "/") + pick("", "/")
	}
	for range 300 {
		var rules []route.Rule
		seen := map[string]bool{}
		for range 1 + rnd.IntN(12) {
			text := pick("", "", "GET ", "GET,POST ", "PUT ") + pick("", "*.", "", "*.", "*") + "\x00" + pick("/", rulePath(), rulePath(), rulePath())
			h := host()
			if strings.Contains(text, "*\x00") {
				h = ""
			}
			text = strings.Replace(text, "\x00", h, 1)
			// Two rules for one method of one place would leave open which counts.
			r := rule(text)
			for _, m := range append([]string{}, r.Methods...) {
				if seen[m+r.Host+r.Path] {
					r.Methods = nil
				}
			}
			if len(r.Methods) == 0 && seen[r.Host+r.Path] {
				continue
			}
			seen[r.Host+r.Path] = seen[r.Host+r.Path] || len(r.Methods) == 0
			for _, m := range r.Methods {
				seen[m+r.Host+r.Path] = true
			}
			rules = append(rules, r)
		}
		tab := route.New(rules)
		for range 100 {
			h := host() + pick("", "", ":80", ".", ".:8080")
			if rnd.IntN(4) == 0 {
				h = strings.ToUpper(h)
			}
			compare(t, rules, tab, h, pick(path(), path(), path(), "*"), pick("GET", "POST", "PUT", "DELETE"))
		}
		if t.Failed() {
			return
		}
	}
}

// Whatever a client asks for, Find does not panic and agrees with the obvious
// search.
func FuzzFind(f *testing.F) {
	texts := []string{
		"a.example/", "a.example/api", "a.example/api/", "GET a.example/api/v1", "*.example/", "*.b.example/x/", "*/", "POST */form",
		"[2001:db8::1]/", "[::1]/a",
	}
	var rules []route.Rule
	for _, text := range texts {
		rules = append(rules, rule(text))
	}
	tab := route.New(rules)
	for _, seed := range [][3]string{
		{"a.example:80", "/api/v1/x", "GET"}, {"X.b.EXAMPLE.", "/x/", "POST"}, {"[2001:DB8:0::1]:1", "*", "OPTIONS"}, {"", "", ""},
		{strings.Repeat("x.", 130) + "b.example", strings.Repeat("/", 50), "A"}, {"[::ffff:1.2.3.4]", "//", "GET"}, {"[::1%25a]", "/a", "GET"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, host, path, method string) {
		if strings.ContainsFunc(host, func(r rune) bool { return r >= 0x80 }) {
			return // the codec lets none pass, and folding it is no concern of ours
		}
		compare(t, rules, tab, host, path, method)
	})
}
