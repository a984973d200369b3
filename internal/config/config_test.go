// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"causey/internal/testkit"
)

// testEnv is the environment of every test that does not say otherwise.
var testEnv = map[string]string{
	"TEST_PORT": "8099", "TEST_FIELDS": "77", "TEST_EMPTY": "", "TEST_TRUE": "true", "TEST_CONTROL": "/a\nb",
}

// testFiles are the files that configurations in tests can name.
var testFiles = withFiles(testCertificates(), map[string]string{
	"/conf/page.html": "<p>Sorry.</p>\n", "/conf/empty.html": " \n", "/conf/binary.html": "\xff\xfe",
	"/conf/huge.html": strings.Repeat("x", errorPageLimitBytes+1), "/conf/good.token": "0123456789abcdef\n", "/conf/short.token": "secret\n",
	"/conf/headers.txt": "# of the collector\nAuthorization: Bearer s3cret\n\nX-Tenant:shop\n", "/conf/own.headers": "X-A: 1\nContent-Length: 5\n",
	"/conf/noheaders.txt": "Bearer s3cret\n",
})

// testWorld is the world of testEnv and testFiles.
func testWorld() outside {
	return outside{
		env: func(name string) (string, bool) { v, ok := testEnv[name]; return v, ok },
		read: func(name string, limit int64) ([]byte, *Problem) {
			text, ok := testFiles[name]
			switch {
			case !ok:
				return nil, &Problem{File: name, Message: "cannot be opened: " + fs.ErrNotExist.Error(), cause: fs.ErrNotExist}
			case int64(len(text)) > limit:
				return nil, &Problem{File: name, Message: "is larger than " + Size(limit).String()}
			}
			return []byte(text), nil
		},
		dir: "/conf",
	}
}

// parseText reads a text in the world of the tests.
func parseText(text string) (*Config, error) {
	return parse("causey.yaml", []byte(text), testWorld())
}

// TestGolden reads each testdata/*.yaml and wants what is in the .txt beside
// it: the problems, or the warnings and the whole configuration. To add a case
// add a .yaml, run with -update, and read the .txt.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := parse(filepath.Base(file), text, testWorld())
			checkPlaces(t, text, c, err)
			got := outcome(t, c, err)
			testkit.Golden(t, strings.TrimSuffix(file, ".yaml")+".txt", []byte(got))
		})
	}
}

// outcome is a result as the golden files have it.
func outcome(t *testing.T, c *Config, err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	warnings := ""
	if len(c.Warnings) > 0 {
		warnings = c.Warnings.Error() + "\n\n"
	}
	return warnings + string(text) + "\n"
}

// checkPlaces wants each problem in its text (I1), and the snippet to show it.
func checkPlaces(t *testing.T, text []byte, c *Config, err error) {
	t.Helper()
	var all Errors
	if err != nil && !errors.As(err, &all) || (c == nil) == (err == nil) || err != nil && len(all) == 0 {
		t.Fatalf("the result is %v with %T %v", c, err, err)
	}
	if c != nil {
		all = c.Warnings
	}
	if len(all) > MaxProblems+1 {
		t.Errorf("%d problems", len(all))
	}
	lines := strings.Split(strings.ToValidUTF8(string(text), "\ufffd"), "\n")
	last := place{}
	for _, p := range all {
		if len(text) > fileLimitBytes {
			break // the one problem without a place
		}
		if p.Message == "" || p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > utf8.RuneCountInString(lines[p.Line-1])+1 {
			t.Errorf("problem at %d:%d is outside the text, or says nothing: %+v", p.Line, p.Column, p)
			continue
		}
		if p.Line < last.line || p.Line == last.line && p.Column < last.column {
			t.Errorf("problem at %d:%d comes after %v", p.Line, p.Column, last)
		}
		last = place{p.Line, p.Column}
		if !utf8.ValidString(p.Error()) || strings.ContainsFunc(p.Error(), func(r rune) bool { return r < 0x20 && r != '\n' || r == colonInWord }) {
			t.Errorf("problem is not printable: %q", p.Error())
		}
		if p.Snippet != "" && !strings.Contains(p.Snippet, "^") {
			t.Errorf("snippet without a mark: %q", p.Snippet)
		}
	}
}

// TestMinimal is the configuration of the first page of the documentation.
func TestMinimal(t *testing.T) {
	c, err := Load("testdata/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Listen) != 1 || c.Listen[0].Address.String() != "127.0.0.1:8080" || c.Admin.Listen.String() != "127.0.0.1:8081" {
		t.Errorf("listen %v, admin %v", c.Listen, c.Admin)
	}
	shop := c.Upstreams[0]
	if shop.Name != "shop" || len(shop.Servers) != 2 || shop.Servers[1].Address.String() != "127.0.0.1:8002" {
		t.Errorf("upstream shop is %+v", shop)
	}
	if len(c.Upstreams) != 1 || len(c.Warnings) != 0 {
		t.Errorf("upstreams %v, warnings %v", c.Upstreams, c.Warnings)
	}
	if _, port := shop.Servers[0].Address.AddrPort(); !port || c.Timeouts.Connect.Std() != 5e9 {
		t.Errorf("address %v, connect %v", shop.Servers[0].Address, c.Timeouts.Connect)
	}
}

// TestRoundTrip wants the JSON of a configuration to be read as the same one (I3).
func TestRoundTrip(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := parse(file, text, testWorld()); err == nil && !bytes.Contains(text, []byte("$${")) {
			good++
			checkRoundTrip(t, c)
		}
	}
	if good < 5 {
		t.Errorf("only %d configurations went around", good)
	}
}

func checkRoundTrip(t *testing.T, c *Config) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > fileLimitBytes || bytes.Contains(text, []byte("${")) {
		return // a text that only a variable can have given
	}
	again, err := parse("round trip", text, testWorld())
	if err != nil {
		t.Fatalf("%s\nfrom %s", err, text)
	}
	copied := *c
	copied.Warnings, again.Warnings = nil, nil
	copied.Admin.Token, again.Admin.Token = "", ""
	if !reflect.DeepEqual(&copied, again) {
		more, _ := json.Marshal(again)
		t.Errorf("%s\nwas read as\n%s", text, more)
	}
}

// TestExample keeps the example in the documentation whole.
func TestExample(t *testing.T) {
	t.Setenv("CAUSEY_LOG", "")
	c, err := Load("../../docs/examples/causey.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
	for _, page := range []struct {
		pages ErrorPages
		want  string
	}{{c.ErrorPages, "Back in a moment"}, {c.Sites[0].ErrorPages, "Very busy"}} {
		if len(page.pages) != 1 || !bytes.Contains(page.pages[0].Content, []byte(page.want)) {
			t.Errorf("the pages are %v, want one with %q", page.pages, page.want)
		}
	}
	if c.Sites[0].Routes[2].Timeouts.AwaitHead.String() != "5m" || c.Sites[0].Routes[2].Timeouts.Connect.String() != "1s" {
		t.Errorf("timeouts of the reports are %+v", c.Sites[0].Routes[2].Timeouts)
	}
}

// TestUnreadable is about what Load finds before there is a text.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, bytes.Repeat([]byte("#\n"), fileLimitBytes/2+1), 0o644); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed.yaml")
	if err := os.WriteFile(closed, nil, 0o000); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): "none.yaml: cannot be opened: no such file or directory",
		dir:                             "is a directory, not a file",
		large:                           "large.yaml: is larger than 1MiB",
		closed:                          "closed.yaml: cannot be opened: permission denied",
	} {
		if file == closed && os.Geteuid() == 0 {
			continue // root may read everything
		}
		_, err := Load(file)
		var all Errors
		if !errors.As(err, &all) || len(all) != 1 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cause is lost: %v", err)
	}
	_, err := parseText("version: 1\nlisten: :1\nerror_pages: {502: none.html}\n")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cause of a page that is not there is lost: %v", err)
	}
}

// TestEncoding is about bytes that no text file in the repository should have.
func TestEncoding(t *testing.T) {
	for text, want := range map[string]string{
		"\ufeffversion: 1\n":                  "1:1: the file begins with a byte order mark",
		"\xff\xfev\x00":                       "1:1: the file is UTF-16",
		"\xfe\xff\x00v":                       "1:1: the file is UTF-16",
		"version: 1\nlisten: \xe9t\xe9\n":     "2:9: this byte is not UTF-8",
		"version: 1\nadmin: \"a\x00b\"\n":     "2:10: the control character U+0000",
		"version: 1\nadmin: \"a\x1b[1mb\"\n":  "2:10: the control character U+001B",
		"version: 1\radmin: 2\n":              "1:11: a carriage return in the middle",
		"version: 1 # \ufdd0\n":               "1:14: the control character U+FDD0",
		strings.Repeat("#", fileLimitBytes+1): "causey.yaml: is larger than 1MiB",
		"version: 1\r\nlisten: [a\r\n":        "2:9: this [ is never closed",
	} {
		c, err := parseText(text)
		checkPlaces(t, []byte(text), c, err)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// TestWindowsLineEnds reads the same file with the line ends of Windows.
func TestWindowsLineEnds(t *testing.T) {
	text, err := os.ReadFile("testdata/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseText(strings.ReplaceAll(string(text), "\n", "\r\n")); err != nil {
		t.Error(err)
	}
}

// TestDefault is causey run --listen A --to B.
func TestDefault(t *testing.T) {
	noEnv := func(string) (string, bool) { return "", false }
	c, err := zeroConfig(Flags{To: []string{"localhost:3000", "http://app", "https://app"}}, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen[0].Address.String() != DefaultListen || c.Sites[0].Hosts[0] != "*" || c.Sites[0].Routes[0].Path != "/" {
		t.Errorf("the zero config is %+v", c)
	}
	if s := c.Upstreams[0].Servers; len(s) != 3 || s[1].Address.String() != "app:80" || s[2].Address.String() != "https://app:443" {
		t.Errorf("servers are %v", s)
	}
	if c.Upstreams[0].Name != DefaultUpstream || c.Admin.Socket != "/run/causey/admin.sock" || !c.Admin.Listen.IsZero() {
		t.Errorf("admin is %+v", c.Admin)
	}
	checkRoundTrip(t, c)

	c, err = zeroConfig(Flags{To: []string{"3000"}, Hosts: []string{"shop.example.com", "www.example.com"}}, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if l := c.Listen; len(l) != 2 || l[0].Address.String() != ":80" || l[0].TLS || l[1].Address.String() != ":443" || !l[1].TLS {
		t.Errorf("with a host it listens on %+v", l)
	}
	if len(c.Sites[0].Hosts) != 2 || !c.TLS.Automatic.Enabled || len(c.Warnings) > 0 {
		t.Errorf("with a host the zero config is %+v, %v", c.Sites[0], c.Warnings)
	}
	c, err = zeroConfig(Flags{To: []string{"3000"}, Listen: []string{"127.0.0.1:81", "https://127.0.0.1:82"}}, noEnv)
	if err != nil || c.Listen[0].TLS || !c.Listen[1].TLS || c.Listen[1].Address.String() != "127.0.0.1:82" {
		t.Errorf("https:// in --listen: %v, %+v", err, c)
	}

	for _, bad := range []struct {
		listen, to []string
		admin      string
		want       string
	}{
		{nil, nil, "", "command line: --to: the server is missing"},
		{nil, []string{"grpc://x"}, "", "command line: --to: \"grpc://\": not in this version"},
		{[]string{"8080"}, []string{"3000"}, "", "command line: --listen: \"8080\" is only a port"},
		{[]string{":1", ":1"}, []string{"3000"}, "", "command line: --listen: :1 is listened on twice"},
		{nil, []string{"3000"}, ":9", "command line: --admin: :9 can be reached from other machines"},
		{nil, []string{"127.0.0.1:8080"}, "", "command line: --to: the server 127.0.0.1:8080 is this gateway itself"},
		{nil, []string{"${X}"}, "", "command line: --to: the port of"},
	} {
		_, err := zeroConfig(Flags{Listen: bad.listen, To: bad.to, Admin: bad.admin}, noEnv)
		if err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%+v gave %v", bad, err)
		}
	}
	if _, err := Default(Flags{To: []string{"3000"}, Admin: "off"}); err != nil {
		t.Error(err)
	}
}

// TestAdminSocket is where the socket goes if nobody says.
func TestAdminSocket(t *testing.T) {
	for _, tc := range []struct{ runtime, xdg, want string }{
		{"", "", "/run/causey/admin.sock"},
		{"", "/run/user/1000", "/run/user/1000/causey/admin.sock"},
		{"/run/causey-a:/run/causey-b", "/run/user/1000", "/run/causey-a/admin.sock"},
		{"relative", "also", "/run/causey/admin.sock"},
	} {
		env := map[string]string{"RUNTIME_DIRECTORY": tc.runtime, "XDG_RUNTIME_DIR": tc.xdg}
		c, err := zeroConfig(Flags{To: []string{"1"}, Admin: "127.0.0.1:1"}, func(n string) (string, bool) { v := env[n]; return v, v != "" })
		if err != nil || string(c.Admin.Socket) != tc.want {
			t.Errorf("%+v gave %v, %v", tc, c, err)
		}
	}
}

// TestSecrets wants the token in the Config but nowhere that is shown.
func TestSecrets(t *testing.T) {
	text, err := os.ReadFile("testdata/warnings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := parseText(string(text))
	if err != nil || c.Admin.Token != "0123456789abcdef" {
		t.Fatalf("token %q, %v", c.Admin.Token, err)
	}
	shown, err := json.Marshal(c)
	if err != nil || bytes.Contains(shown, []byte(c.Admin.Token)) {
		t.Errorf("the JSON has the token: %s, %v", shown, err)
	}
}

// TestProblemCap wants the first problems of many, and their number.
func TestProblemCap(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "key%d: 1\n", i)
	}
	_, err := parseText(b.String())
	var all Errors
	if !errors.As(err, &all) || len(all) != MaxProblems+1 {
		t.Fatalf("%d problems", len(all))
	}
	// 5,000 unknown keys and 4 missing ones.
	if want := fmt.Sprintf("%d more problems are not shown", 5004-MaxProblems); all[MaxProblems].Message != want {
		t.Errorf("the last says %q, want %q", all[MaxProblems].Message, want)
	}
}
