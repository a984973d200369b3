// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cdn

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var today = time.Date(2025, 8, 1, 12, 0, 0, 0, time.UTC)

func find(t *testing.T, sets []Set, name string) *Set {
	t.Helper()
	i := slices.IndexFunc(sets, func(s Set) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no set %s", name)
	}
	return &sets[i]
}

// TestBuiltIn: every list says where it is from, and one without networks says why.
func TestBuiltIn(t *testing.T) {
	sets, problems := Load("")
	if len(problems) > 0 || !slices.IsSorted(Names()) || len(sets) != len(Names()) {
		t.Fatal(problems, Names())
	}
	for _, s := range sets {
		if s.Title == "" || s.Note == "" || len(s.Sources) == 0 {
			t.Errorf("%s lacks title, note or source", s.Name)
		}
		for _, url := range s.Sources {
			if !strings.HasPrefix(url, "https://") {
				t.Errorf("%s: %s", s.Name, url)
			}
		}
		if s.Empty() != strings.HasPrefix(s.Note, "Ships empty") || s.Empty() != s.Retrieved.IsZero() {
			t.Errorf("%s: %d networks of %v, and %s", s.Name, len(s.Prefixes), s.Retrieved, s.Note)
		}
		if _, err := s.Parse([]byte("<html>moved</html>")); err == nil {
			t.Errorf("%s takes a page for a list", s.Name)
		}
	}
	c := find(t, sets, "cloudflare")
	if len(c.Prefixes) != 22 || c.Old(today) || !c.Old(today.Add(OldAfter)) {
		t.Errorf("%d networks of %v", len(c.Prefixes), c.Retrieved)
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ format, in, want string }{
		{"list", "173.245.48.0/20\n2400:cb00::/32", "173.245.48.0/20 2400:cb00::/32"},
		{"list", "173.245.48.0/20\r\n\r\n", "173.245.48.0/20"},
		{"fastly", `{"addresses":["23.235.32.0/20"],"ipv6_addresses":["2a04:4e40::/32"]}`, "23.235.32.0/20 2a04:4e40::/32"},
		{"array", `["1.1.1.1","2606:4700::1"]`, "1.1.1.1/32 2606:4700::1/128"},
		{"aws", `{"createDate":"x","prefixes":[{"ip_prefix":"13.32.0.0/15","service":"EC2"},{"ip_prefix":"120.52.22.96/27","service":"CF"}],` +
			`"ipv6_prefixes":[{"ipv6_prefix":"2600:9000::/28","service":"CF"}]}`, "120.52.22.96/27 2600:9000::/28"},
		// I1, and what is no list.
		{"list", "", "no networks in it"},
		{"list", "173.245.48.0/20\n0.0.0.0/0", "0.0.0.0/0 is too wide to be one company's"},
		{"list", "2000::/3", "2000::/3 is too wide to be one company's"},
		{"list", "10.0.0.0/8", "10.0.0.0/8 is not of the public internet"},
		{"list", "127.0.0.0/8", "127.0.0.0/8 is not of the public internet"},
		{"list", "fe80::/16", "fe80::/16 is not of the public internet"},
		{"list", "173.245.48.1/20", "173.245.48.1/20 has bits outside its mask"},
		{"list", "::ffff:1.2.3.0/120", `::ffff:1.2.3.0/120 is no network`},
		{"list", "173.245.48.0", `"173.245.48.0" is no network`},
		{"list", strings.Repeat("1.1.1.0/24\n", prefixesMax+1), "4097 networks, at most 4096"},
		{"fastly", `{"error":"later"}`, "no networks in it"},
		{"list", "<!DOCTYPE html>", `"<!DOCTYPE" is no network`},
		{"xml", "", `the format "xml" is not known`},
	} {
		s := Set{Format: c.format, Service: "CF"}
		got, err := s.Parse([]byte(c.in))
		var words []string
		for _, p := range got {
			words = append(words, p.String())
		}
		text := strings.Join(words, " ")
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%s %.60q: %s, want %s", c.format, c.in, text, c.want)
		}
	}
}

// TestDirectory: I2.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	sets, _ := Load(dir)
	cloudflare := find(t, sets, "cloudflare")
	own := []netip.Prefix{netip.MustParsePrefix("203.0.114.0/24")}
	load := func() (*Set, []error) {
		sets, problems := Load(dir)
		return find(t, sets, "cloudflare"), problems
	}
	if err := cloudflare.Save(dir, own, cloudflare.Retrieved.Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if s, problems := load(); s.File != "" || len(problems) > 0 {
		t.Errorf("an older list is used: %+v, %v", s, problems)
	}
	if err := cloudflare.Save(dir, own, today); err != nil {
		t.Fatal(err)
	}
	if s, problems := load(); !slices.Equal(s.Prefixes, own) || s.File == "" || s.Age(today) > 24*time.Hour || len(problems) > 0 {
		t.Errorf("%+v, %v", s, problems)
	}
	for _, bad := range [][]netip.Prefix{nil, {netip.MustParsePrefix("0.0.0.0/0")}} {
		if err := cloudflare.Save(dir, bad, today); err == nil {
			t.Errorf("%v is saved", bad)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files", len(entries))
	}
	for _, text := range []string{"", "{", `{"name":"fastly","retrieved":"2026-01-01","prefixes":["1.1.1.0/24"]}`, `{"name":"cloudflare","retrieved":"2026-01-01","prefixes":["0.0.0.0/0"]}`,
		`{"name":"cloudflare","retrieved":"soon","prefixes":["1.1.1.0/24"]}`, `{"name":"cloudflare","extra":1}`, strings.Repeat(" ", fileLimitBytes+1)} {
		if err := os.WriteFile(filepath.Join(dir, "networks-cloudflare.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if s, problems := load(); len(s.Prefixes) != 22 || len(problems) != 1 {
			t.Errorf("%.80q: %d networks, %v", text, len(s.Prefixes), problems)
		}
	}
}

// TestTable: I3, against asking every network.
func TestTable(t *testing.T) {
	sets, _ := Load("")
	sets = append(sets, Set{Name: "within", Prefixes: []netip.Prefix{netip.MustParsePrefix("104.16.1.0/24"), netip.MustParsePrefix("203.0.114.7/32")}})
	table := NewTable(sets)
	var asked []netip.Addr
	for _, s := range sets {
		for _, p := range s.Prefixes {
			asked = append(asked, p.Addr(), p.Addr().Prev(), last(p), last(p).Next())
		}
	}
	asked = append(asked, netip.Addr{}, netip.MustParseAddr("::ffff:104.16.0.1"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fe80::1%x"))
	for _, a := range asked {
		in := func(s Set) bool {
			return slices.ContainsFunc(s.Prefixes, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
		}
		want := slices.IndexFunc(sets, in)
		got, ok := table.Find(a)
		if ok != (want >= 0) || ok && !in(sets[got]) {
			t.Errorf("%v: %d %v, want %d", a, got, ok, want)
		}
	}
	a := netip.MustParseAddr("104.16.0.1")
	if n := testing.AllocsPerRun(100, func() { table.Find(a) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFind(b *testing.B) {
	sets, _ := Load("")
	table := NewTable(sets)
	a := netip.MustParseAddr("151.101.1.1")
	b.ReportAllocs()
	for b.Loop() {
		table.Find(a)
	}
}
