// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failure

import (
	"slices"
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	for _, c := range []struct{ name, first string }{
		{"upstream.connect.refused", "upstream.connect.refused"},
		{"upstream.conect.refused", "upstream.connect.refused"},
		{"upstraem.connect.refsued", "upstream.connect.refused"},
		{"UPSTREAM.Connect.Refused", "upstream.connect.refused"},
		{"upstream_connect_refused", "upstream.connect.refused"},
		{"upstream/connect/refused", "upstream.connect.refused"},
		{"connect.refused", "upstream.connect.refused"},
		{"refused connect", "upstream.connect.refused"},
		{"connection_refused", "upstream.connect.refused"},
		{"nxdomain", "upstream.resolve.nxdomain"},
		{"upstream.resolve.nx", "upstream.resolve.nxdomain"},
		{"upstream.read-head.not-http", "upstream.read-head-up.not-http"},
		{"upstream.awaithead.timeout", "upstream.await-head.timeout"},
		{"gateway.connect.refused", "upstream.connect.refused"},
		{"loop", "gateway.route.loop"},
		{"proxy_loop_detected", "gateway.route.loop"},
		{"client.read-head.clte", "client.read-head.cl-te"},
		{"backlog", "upstream.connect.backlog-full"},
	} {
		got := Suggest(c.name)
		if len(got) == 0 || got[0] != c.first {
			t.Errorf("Suggest(%q) = %q, want %q first", c.name, got, c.first)
		}
	}
}

// An errno's name leads to the codes that it can mean.
func TestSuggestErrno(t *testing.T) {
	for name, want := range map[string]string{
		"ECONNREFUSED": "upstream.connect.refused",
		"ETIMEDOUT":    "upstream.connect.timeout",
		"EHOSTUNREACH": "upstream.connect.host-unreachable",
		"ENETUNREACH":  "upstream.connect.net-unreachable",
		"timeout":      "upstream.await-head.timeout",
	} {
		if got := Suggest(name); !slices.Contains(got, want) {
			t.Errorf("Suggest(%q) = %q lacks %q", name, got, want)
		}
	}
}

func TestSuggestNothing(t *testing.T) {
	for _, name := range []string{
		"", " ", "...", "zzzz.yyyy.xxxx", "qqqqqqqq", strings.Repeat("a", 1<<20), strings.Repeat("a.", 1<<20),
		strings.Repeat("upstream connect refused ", 99), "refused" + strings.Repeat("x", 1<<20), "\xff\xfe",
	} {
		if got := Suggest(name); len(got) != 0 {
			t.Errorf("Suggest(%.20q) = %q", name, got)
		}
	}
}

func FuzzSuggest(f *testing.F) {
	f.Add("upstream.conect.refused")
	f.Add("\x00.\xff")
	f.Fuzz(func(t *testing.T, name string) {
		// At most five codes, all registered, none twice, whatever is asked.
		got := Suggest(name)
		if len(got) > suggestMax {
			t.Errorf("%d suggestions", len(got))
		}
		for i, s := range got {
			if _, ok := ParseCode(s); !ok || slices.Contains(got[:i], s) {
				t.Errorf("suggestion %q is no code, or is there twice", s)
			}
		}
	})
}

// Every code is the first suggestion for itself and for itself with a slip.
func TestSuggestFindsEveryCode(t *testing.T) {
	for _, e := range All() {
		if got := Suggest(e.Name); len(got) == 0 || got[0] != e.Name {
			t.Errorf("Suggest(%q) = %q", e.Name, got)
		}
		at := len(e.Name) / 2
		if slip := e.Name[:at] + e.Name[at+1:]; !slices.Contains(Suggest(slip), e.Name) {
			t.Errorf("Suggest(%q) = %q lacks %q", slip, Suggest(slip), e.Name)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"ca", "abc", 3},
		{"kitten", "sitting", 3}, {"refsued", "refused", 1},
	} {
		if got := EditDistance(c.a, c.b); got != c.want {
			t.Errorf("EditDistance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
