// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package route finds the site and route of a request: host, then the longest
// path prefix, then the method.
//
// What it is: Table, an index built once and never changed.
//
// What it never does: no I/O, no allocation per lookup, no regular expressions.
//
// Invariants:
//
//	I1. The cost of a lookup depends on the length of host and path, never on the
//	    number of sites and routes.
//	I2. An exact host wins over a wildcard, a longer wildcard over a shorter, any
//	    over "*"; a longer path prefix wins over a shorter.
//	I3. A prefix matches on segment boundaries only: "/api" is for "/api" and
//	    "/api/x", not for "/apix"; "/api/" is for what is below it only.
//	I4. A path is matched as an origin would resolve it: dot segments, empty
//	    segments and needless escapes do not lead past a route.
//
// Start reading with Table.Find.
package route

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"unsafe"

	"causey/internal/exchange"
	"causey/internal/failure"
)

// Rule is one route as it is added to a table.
type Rule struct {
	// Host is a name, "*.example.com" for every name below, an IPv6 address in
	// brackets as netip writes it, or "*".
	Host string
	// Path is the prefix, beginning with "/".
	Path string
	// Methods limits the rule; empty means all.
	Methods []string
	Route   *exchange.Route
}

// Table finds routes. It implements exchange.Router.
type Table struct {
	exact map[string]*site
	// wild holds the wildcard hosts by the part after "*.".
	wild map[string]*site
	any  *site
}

type site struct {
	paths map[string]*node
	// longest is the length of the longest prefix, to begin the search there.
	longest int
	nowhere *exchange.Route
}

// node is what stands at one path prefix.
type node struct {
	all      *exchange.Route
	byMethod map[string]*exchange.Route
	mismatch *exchange.Route
}

const hostMax = 255

// New builds a table.
func New(rules []Rule) *Table {
	t := &Table{exact: map[string]*site{}, wild: map[string]*site{}}
	for i := range rules {
		r := &rules[i]
		t.site(strings.ToLower(r.Host), r.Route).add(r)
	}
	return t
}

func (t *Table) site(host string, r *exchange.Route) *site {
	fresh := func() *site {
		return &site{paths: map[string]*node{}, nowhere: stub(r)}
	}
	if host == "*" {
		if t.any == nil {
			t.any = fresh()
		}
		return t.any
	}
	m := t.exact
	if below, ok := strings.CutPrefix(host, "*."); ok {
		m, host = t.wild, below
	}
	if m[host] == nil {
		m[host] = fresh()
	}
	return m[host]
}

func (s *site) add(r *Rule) {
	path := r.Path
	n := s.paths[path]
	if n == nil {
		n = &node{byMethod: map[string]*exchange.Route{}, mismatch: stub(r.Route)}
		n.mismatch.Name = r.Route.Name
		s.paths[path] = n
		s.longest = max(s.longest, len(path))
	}
	if len(r.Methods) == 0 {
		n.all = r.Route
		return
	}
	allow := strings.Split(n.mismatch.Allow, ", ")
	for _, m := range r.Methods {
		n.byMethod[m] = r.Route
		allow = append(allow, m)
	}
	slices.Sort(allow)
	allow = slices.DeleteFunc(slices.Compact(allow), func(m string) bool { return m == "" })
	n.mismatch.Allow = strings.Join(allow, ", ")
}

// stub is what holds for a site's requests that have no route: how they have to come,
// and how they are answered.
func stub(r *exchange.Route) *exchange.Route {
	return &exchange.Route{Site: r.Site, Pages: r.Pages, ClientAuth: r.ClientAuth, RedirectPort: r.RedirectPort, HSTS: r.HSTS}
}

// Find implements exchange.Router.
func (t *Table) Find(host, path, method []byte) (*exchange.Route, failure.Kind) {
	s := t.findSite(host)
	if s == nil {
		return nil, failure.NoSite
	}
	n := s.findResolved(path)
	if n == nil {
		return s.nowhere, failure.NoRoute
	}
	if r := n.byMethod[string(method)]; r != nil {
		return r, failure.NoKind
	}
	if n.all != nil {
		return n.all, failure.NoKind
	}
	return n.mismatch, failure.MethodNotAllowed
}

func (t *Table) findSite(host []byte) *site {
	host = hostOnly(host)
	if len(t.exact)+len(t.wild) == 0 || len(host) > hostMax {
		return t.any
	}
	if isCanonical(host) {
		return t.lookup(host)
	}
	return t.findSpelled(host)
}

// findSpelled is findSite for a host in another spelling than rules have. It is
// apart because of its room on the stack, which the goroutine of every new
// connection would have to grow for.
//
//go:noinline
func (t *Table) findSpelled(host []byte) *site {
	var buf [hostMax]byte
	return t.lookup(canonical(buf[:0], host))
}

func (t *Table) lookup(name []byte) *site {
	if s := t.exact[string(name)]; s != nil {
		return s
	}
	for len(t.wild) > 0 {
		_, below, ok := bytes.Cut(name, []byte{'.'})
		if !ok {
			break
		}
		if s := t.wild[string(below)]; s != nil {
			return s
		}
		name = below
	}
	return t.any
}

// isCanonical reports that canonical would change nothing.
func isCanonical(host []byte) bool {
	for _, c := range host {
		if 'A' <= c && c <= 'Z' || c == '[' {
			return false
		}
	}
	return true
}

// canonical appends host in lower case, and an IPv6 address in the one spelling
// that rules have: clients may write it in many.
func canonical(b, host []byte) []byte {
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' && bytes.IndexByte(host, '%') < 0 {
		// An address without a zone keeps nothing of the text it was read from, so
		// no copy is needed.
		if a, err := netip.ParseAddr(unsafe.String(&host[1], n-2)); err == nil {
			return append(a.AppendTo(append(b, '[')), ']')
		}
	}
	for _, c := range host {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b = append(b, c)
	}
	return b
}

// hostOnly cuts a port and the dot of a fully qualified name.
func hostOnly(host []byte) []byte {
	if len(host) > 0 && host[0] == '[' {
		if i := bytes.IndexByte(host, ']'); i >= 0 {
			return host[:i+1]
		}
		return host
	}
	if i := bytes.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return bytes.TrimSuffix(host, []byte{'.'})
}

// findResolved finds what stands at path as an origin would resolve it.
func (s *site) findResolved(path []byte) *node {
	if isResolved(path) {
		return s.findPath(path)
	}
	return s.findUnresolved(path)
}

// findUnresolved is apart for the same reason as findSpelled.
//
//go:noinline
func (s *site) findUnresolved(path []byte) *node {
	var room [pathRoom]byte
	return s.findPath(resolvePath(room[:], path))
}

// findPath tries the prefixes of path that end at a segment boundary, from the
// longest: with the slash ("/api/") before without ("/api").
func (s *site) findPath(path []byte) *node {
	if len(path) <= s.longest {
		if n := s.paths[string(path)]; n != nil {
			return n
		}
	}
	for i := len(path) - 1; i >= 0; i-- {
		// Every step jumps to a slash; what is longer than any rule is passed over
		// in one.
		if i > s.longest {
			i = s.longest
		}
		if i = bytes.LastIndexByte(path[:i+1], '/'); i < 0 {
			break
		}
		if n := s.paths[string(path[:i+1])]; n != nil {
			return n
		}
		if n := s.paths[string(path[:i])]; n != nil && i > 0 {
			return n
		}
	}
	if len(path) == 1 && path[0] == '*' {
		return s.paths["/"] // OPTIONS * asks about the server as a whole
	}
	return nil
}
