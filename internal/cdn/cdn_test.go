// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cdn

import (
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var today = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

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
	sets, problems := Load("", today)
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
	if len(c.Prefixes) != 22 || c.Old(c.Retrieved.Add(OldAfter)) || !c.Old(today) {
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
		{"list", "10.0.0.0/8", "10.0.0.0/8 is not of the public internet: 10.0.0.0/8 is for special use"},
		{"list", "fe80::/32", "fe80::/32 is not of the public internet"},
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
	sets, _ := Load(dir, today)
	cloudflare := find(t, sets, "cloudflare")
	own := []netip.Prefix{netip.MustParsePrefix("203.0.114.0/24")}
	load := func() (*Set, []error) {
		sets, problems := Load(dir, today)
		return find(t, sets, "cloudflare"), problems
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "networks-cloudflare.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"name":"cloudflare","retrieved":"2025-07-24","prefixes":["203.0.114.0/24"]}`)
	if s, problems := load(); s.File != "" || len(problems) > 0 {
		t.Errorf("an older list is used: %+v, %v", s, problems)
	}
	if err := cloudflare.Save(dir, own, cloudflare.Retrieved.Add(-time.Hour)); err == nil || !strings.Contains(err.Error(), "clock says 2025-07-24") {
		t.Errorf("a list that would be ignored is saved: %v", err)
	}
	if err := cloudflare.Save(dir, own, cloudflare.Retrieved.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if s, problems := load(); s.File == "" || len(problems) > 0 {
		t.Errorf("a list of the same day is not used: %+v, %v", s, problems)
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
		`{"name":"cloudflare","retrieved":"soon","prefixes":["1.1.1.0/24"]}`, `{"name":"cloudflare","retrieved":"2026-01-01"}`,
		`{"name":"cloudflare","retrieved":"2026-12-02","prefixes":["1.1.1.0/24"]}`, strings.Repeat(" ", fileLimitBytes+1),
		`{"name":"cloudflare","retrieved":"2026-01-01","prefixes":["` + strings.Repeat("x", 1000) + `"]}`} {
		write(text)
		if s, problems := load(); len(s.Prefixes) != 22 || len(problems) != 1 || len(problems[0].Error()) > 300+len(dir) {
			t.Errorf("%.80q: %d networks, %v", text, len(s.Prefixes), problems)
		}
	}
}

// TestFileSaysNoMore: what a file says besides day and networks is not believed.
func TestFileSaysNoMore(t *testing.T) {
	dir := t.TempDir()
	text := `{"name":"cloudflare","title":"\u001b[31mX","sources":["http://evil.example/list"],"format":"aws","service":"EC2","note":"",` +
		`"retrieved":"2026-11-30","prefixes":["203.0.114.0/24"]}`
	if err := os.WriteFile(filepath.Join(dir, "networks-cloudflare.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	own, _ := Load("", today)
	sets, problems := Load(dir, today)
	got, want := find(t, sets, "cloudflare"), *find(t, own, "cloudflare")
	if len(problems) > 0 || len(got.Prefixes) != 1 || got.Day != "2026-11-30" {
		t.Fatalf("%+v, %v", got, problems)
	}
	want.Day, want.Retrieved, want.Prefixes, want.File = got.Day, got.Retrieved, got.Prefixes, got.File
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("%+v, want %+v", *got, want)
	}
}

// TestSpecialUse: I1, for networks that are, hold or lie in one of special use, and
// for many that are good alone.
func TestSpecialUse(t *testing.T) {
	for _, text := range strings.Fields(`0.0.0.0/8 0.1.0.0/16 10.1.0.0/16 100.0.0.0/8 100.64.0.0/10 100.127.255.0/24 127.0.0.1/32 169.0.0.0/8 169.254.0.0/16
		172.0.0.0/8 172.16.0.0/12 172.31.0.0/16 192.0.0.0/8 192.0.0.0/16 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.0.0.0/8 198.18.0.0/15 198.51.100.0/24
		203.0.112.0/22 224.0.0.0/8 239.1.1.0/24 240.0.0.0/8 255.255.255.255/32
		::/128 ::1/128 64:ff9b::/96 100::/64 2001::/32 2001:2::/48 2001:d00::/24 2001:db8::/32 2001:db8:1::/48 2002:a00::/24 3fff::/24 4000::/24 5f00::/24
		fc00::/24 fd00::/32 fe80::/32 fec0::/32 ff02::/32`) {
		if err := checkAll([]netip.Prefix{netip.MustParsePrefix(text)}); err == nil || !strings.Contains(err.Error(), "not of the public internet") {
			t.Errorf("%s: %v", text, err)
		}
	}
	two := []netip.Prefix{netip.MustParsePrefix("12.0.0.0/8"), netip.MustParsePrefix("13.0.0.0/32")}
	if err := checkAll(two[:1]); err != nil {
		t.Error(err)
	}
	if err := checkAll(two); err == nil || !strings.Contains(err.Error(), "16777217 addresses of IPv4 are too many") {
		t.Error(err)
	}
	two = []netip.Prefix{netip.MustParsePrefix("2600::/24"), netip.MustParsePrefix("2a00::/32")}
	if err := checkAll(two[:1]); err != nil {
		t.Error(err)
	}
	if err := checkAll(two); err == nil || !strings.Contains(err.Error(), "as large as 257 of /32") {
		t.Error(err)
	}
	// The lists there are may grow fourfold.
	sets, _ := Load("", today)
	for _, s := range sets {
		var v4, v6 float64
		for _, p := range s.Prefixes {
			if p.Addr().Is4() {
				v4 += math.Exp2(float64(32 - p.Bits()))
			} else {
				v6 += math.Exp2(float64(64 - p.Bits()))
			}
		}
		if v4 > addressesMaxV4/4 || v6 > subnetsMaxV6/4 {
			t.Errorf("%s: %v addresses and %v networks", s.Name, v4, v6)
		}
	}
}

func TestShrunk(t *testing.T) {
	parse := func(text string) (all []netip.Prefix) {
		for _, w := range strings.Fields(text) {
			all = append(all, netip.MustParsePrefix(w))
		}
		return all
	}
	for _, c := range []struct {
		was, is string
		want    bool
	}{
		{"", "1.1.1.0/24", false},
		{"1.1.0.0/24 1.1.1.0/24", "1.1.0.0/23", false},
		{"1.1.0.0/23", "1.1.0.0/24 1.1.1.0/24", false},
		{"1.1.0.0/24 1.1.1.0/24 1.1.2.0/24 1.1.3.0/24", "1.1.0.0/24 1.1.1.0/24", false},
		{"1.1.0.0/24 1.1.1.0/24 1.1.2.0/24 1.1.3.0/24", "1.1.0.0/24 9.9.0.0/16", true},
		{"1.1.0.0/16", "1.1.1.1/32", true},
		{"1.1.0.0/24 2606:4700::/32", "1.1.0.0/24 2606:4701::/32", true},
		{"2606:4700::/32", "2606:4700::/128", true},
		{"2606:4700::/32", "2606:4700::/24", false},
	} {
		s := Set{Prefixes: parse(c.was)}
		if got := s.Shrunk(parse(c.is)); got != c.want {
			t.Errorf("%s, then %s: %v", c.was, c.is, got)
		}
	}
}

// TestTable: I3, against asking every network.
func TestTable(t *testing.T) {
	sets, _ := Load("", today)
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
	sets, _ := Load("", today)
	table := NewTable(sets)
	a := netip.MustParseAddr("151.101.1.1")
	b.ReportAllocs()
	for b.Loop() {
		table.Find(a)
	}
}
