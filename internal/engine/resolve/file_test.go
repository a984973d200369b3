// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeClock is a clock that the test moves.
type fakeClock struct{ now time.Time }

func (c *fakeClock) config(t *testing.T) Config {
	c.now = time.Unix(1_700_000_000, 0)
	cfg := testConfig(t)
	cfg.Now = func() time.Time { return c.now }
	cfg.HostsPath = filepath.Join(t.TempDir(), "hosts")
	return cfg
}

func TestHostsFile(t *testing.T) {
	var clock fakeClock
	cfg := clock.config(t)
	writeFile(t, cfg.HostsPath, "\ufeff10.0.0.9 bom\n"+
		"127.0.0.1\tlocalhost\n"+
		"10.0.0.1  App.Test app # 10.0.0.2 not.test\n"+
		"2001:db8::1 app.test.\r\n"+
		"::ffff:10.0.0.1 app.test\n"+
		"fe80::1%eth0 zoned.test\n"+
		"10.0.0.300 bad.test\n10.0.0.5\n#10.0.0.6 comment.test\n10.0.0.7 last.test")
	r := newTestResolver(t, cfg)
	a := wantAddrs(t, r, "app.test", "10.0.0.1", "2001:db8::1")
	want(t, "source", a.Source, SourceHosts)
	want(t, "no server", a.Server.IsValid(), false)
	want(t, "validity", a.Expires, clock.now.Add(fileEvery))
	wantAddrs(t, r, "APP.TEST.", "10.0.0.1", "2001:db8::1")
	wantAddrs(t, r, "app", "10.0.0.1")
	wantAddrs(t, r, "zoned.test", "fe80::1%eth0")
	wantAddrs(t, r, "last.test", "10.0.0.7")
	wantAddrs(t, r, "localhost", "127.0.0.1") // the file says so
	for _, name := range []string{"bad.test", "comment.test", "not.test"} {
		if a, ok := r.local(name, clock.now); ok {
			t.Errorf("%s: %v", name, a.Addrs)
		}
	}
}

func TestHostsFileIsReadAgain(t *testing.T) {
	var clock fakeClock
	cfg := clock.config(t)
	r := newTestResolver(t, cfg)
	has := func() string {
		a, _ := r.local("app.test", clock.now)
		return fmt.Sprint(a.Addrs)
	}
	want(t, "no file yet", has(), "[]")
	writeFile(t, cfg.HostsPath, "10.0.0.1 app.test\n")
	want(t, "not looked at again so soon", has(), "[]")
	clock.now = clock.now.Add(fileEvery)
	want(t, "a file appeared", has(), "[10.0.0.1]")

	writeFile(t, cfg.HostsPath, "10.0.0.2 app.test\n")
	past := time.Unix(1_600_000_000, 0)
	if err := os.Chtimes(cfg.HostsPath, past, past); err != nil {
		t.Fatal(err)
	}
	clock.now = clock.now.Add(fileEvery)
	want(t, "same size, another mtime", has(), "[10.0.0.2]")

	writeFile(t, cfg.HostsPath+".new", "10.0.0.3 app.test\n")
	if err := os.Chtimes(cfg.HostsPath+".new", past, past); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(cfg.HostsPath+".new", cfg.HostsPath); err != nil {
		t.Fatal(err)
	}
	clock.now = clock.now.Add(fileEvery)
	want(t, "same size and mtime, another file", has(), "[10.0.0.3]")

	// Not readable as a file: what was read before still stands.
	if err := os.Remove(cfg.HostsPath); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(cfg.HostsPath, 0o700); err != nil {
		t.Fatal(err)
	}
	clock.now = clock.now.Add(fileEvery)
	want(t, "unreadable", has(), "[10.0.0.3]")
	if err := os.Remove(cfg.HostsPath); err != nil {
		t.Fatal(err)
	}
	clock.now = clock.now.Add(fileEvery)
	want(t, "gone", has(), "[]")
}

func TestUnchangedFileIsNotReadAgain(t *testing.T) {
	parsed, now := 0, time.Unix(1_700_000_000, 0)
	w := watchedFile[hostsTable]{path: filepath.Join(t.TempDir(), "hosts"), limitBytes: 1000}
	w.parse = func(data []byte) *hostsTable { parsed++; return parseHosts(data) }
	look := func() int {
		now = now.Add(fileEvery)
		return len(*w.get(now))
	}
	writeFile(t, w.path, "10.0.0.1 app.test\n")
	for range 3 {
		want(t, "names", look(), 1)
	}
	want(t, "parsed", parsed, 1)
	w.mu.Lock() // as while somebody else looks at the file
	want(t, "names for those who do not wait for him", look(), 1)
	w.mu.Unlock()
	if err := os.Rename(w.path, w.path+".away"); err != nil {
		t.Fatal(err)
	}
	want(t, "names while it is away", look(), 0)
	if err := os.Rename(w.path+".away", w.path); err != nil {
		t.Fatal(err)
	}
	want(t, "names when the very same file is back", look(), 1)
}

func TestFileBeyondItsLimit(t *testing.T) { // I3
	w := watchedFile[hostsTable]{path: filepath.Join(t.TempDir(), "hosts"), limitBytes: 42, parse: parseHosts}
	writeFile(t, w.path, "10.0.0.1 a.test\n10.0.0.2 b.test\n10.0.0.3 cut.test\n")
	table := *w.get(time.Unix(1, 0))
	want(t, "whole lines within the limit", len(table), 2)
}

func TestHostsAddressesAreBounded(t *testing.T) { // I3
	var b strings.Builder
	for i := range 3 * maxAddrs {
		fmt.Fprintf(&b, "10.0.%d.%d many.test\n", i/256, i%256)
	}
	want(t, "addresses", len((*parseHosts([]byte(b.String())))["many.test"]), 2*maxAddrs)
}

// RFC 6761, section 6.3: no query for localhost ever leaves (I1).
func TestLocalhostWithoutHostsFile(t *testing.T) {
	r := newTestResolver(t, testConfig(t))
	for _, name := range []string{"localhost", "LOCALHOST.", "app.localhost", "a.b.localhost."} {
		a := wantAddrs(t, r, name, "::1", "127.0.0.1")
		want(t, "source", a.Source, SourceLoopback)
	}
	if _, ok := r.local("notlocalhost", time.Unix(1, 0)); ok {
		t.Error("notlocalhost taken for localhost")
	}
}

func TestResolvConf(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "127.0.0.1:53 [::1]:53 | | 1 2s 2"},
		{"# c\n; c\nnameserver 10.0.0.1\nnameserver 2001:db8::1\nnameserver fe80::1%eth0\nnameserver 10.0.0.4\n",
			"10.0.0.1:53 [2001:db8::1]:53 [fe80::1%eth0]:53 | | 1 2s 2"},
		{"nameserver dns.example\nnameserver\nnameserver 10.0.0.1 # mine", "10.0.0.1:53 | | 1 2s 2"},
		{"nameserver ::ffff:10.0.0.1", "10.0.0.1:53 | | 1 2s 2"},
		{"search A.test b.test. a.test . bad..test\n", "127.0.0.1:53 [::1]:53 | a.test. b.test. | 1 2s 2"},
		{"search a.test\ndomain b.test c.test\n", "127.0.0.1:53 [::1]:53 | b.test. | 1 2s 2"},
		{"domain b.test\nsearch\n", "127.0.0.1:53 [::1]:53 | | 1 2s 2"},
		{"options ndots:5 timeout:1 attempts:4 rotate edns0\n", "127.0.0.1:53 [::1]:53 | | 5 1s 4"},
		{"options ndots:99 timeout:0 attempts:99", "127.0.0.1:53 [::1]:53 | | 15 1s 5"},
		{"options timeout:900 attempts:0 ndots:0", "127.0.0.1:53 [::1]:53 | | 0 30s 1"},
		{"options ndots:-1 timeout:x attempts: ndots", "127.0.0.1:53 [::1]:53 | | 1 2s 2"},
		{"\x00\xff\nnameserver\x00 1\noptions\n", "127.0.0.1:53 [::1]:53 | | 1 2s 2"},
	} {
		s := parseResolvConf([]byte(c.text))
		var servers []string
		for _, addr := range s.servers {
			servers = append(servers, addr.String())
		}
		search := strings.Join(s.search, " ")
		if search != "" {
			search += " "
		}
		got := fmt.Sprintf("%s | %s| %d %v %d", strings.Join(servers, " "), search, s.ndots, s.timeout, s.attempts)
		want(t, fmt.Sprintf("%q", c.text), got, c.want)
	}
	long := "search"
	for i := range 2 * maxSearch {
		long += fmt.Sprintf(" d%d.test", i)
	}
	want(t, "search list", len(parseResolvConf([]byte(long)).search), maxSearch) // I2
}

func TestResolvConfIsReadAgain(t *testing.T) {
	onFakeNet(t, func(t *testing.T, n *fakeNet) {
		n.add("192.0.2.1:53", zone("a.test. 1 192.0.2.7"))
		two := n.add("192.0.2.2:53", zone("a.test. 1 192.0.2.8"))
		path := filepath.Join(t.TempDir(), "resolv.conf")
		writeFile(t, path, "nameserver 192.0.2.1\n")
		r := n.resolver(t, func(c *Config) { c.ResolvConfPath = path })
		wantAddrs(t, r, "a.test", "192.0.2.7")
		writeFile(t, path, "# moved\nnameserver 192.0.2.2\n")
		time.Sleep(fileEvery)
		a := wantAddrs(t, r, "a.test", "192.0.2.8")
		want(t, "server", a.Server, two.addr)
	})
}

func TestInterleave(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"1.0.0.1", "1.0.0.1"},
		{"1.0.0.1 1.0.0.2", "1.0.0.1 1.0.0.2"},
		{"::1 ::2", "::1 ::2"},
		{"1.0.0.1 1.0.0.2 1.0.0.3 ::1", "::1 1.0.0.1 1.0.0.2 1.0.0.3"},
		{"::1 ::2 ::3 1.0.0.1", "::1 1.0.0.1 ::2 ::3"},
		{"::1 ::2 1.0.0.1 1.0.0.2", "::1 1.0.0.1 ::2 1.0.0.2"},
		{"1.0.0.1 ::1 1.0.0.2 ::2", "::1 1.0.0.1 ::2 1.0.0.2"},
		{"::ffff:1.0.0.1 ::1", "::1 ::ffff:1.0.0.1"},
	} {
		var in []netip.Addr
		for _, s := range strings.Fields(c.in) {
			in = append(in, netip.MustParseAddr(s))
		}
		kept := slices.Clone(in)
		var out []string
		for _, a := range Interleave(in) {
			out = append(out, a.String())
		}
		want(t, c.in, strings.Join(out, " "), c.want)
		want(t, "the argument is left alone", slices.Equal(in, kept), true)
	}
}
