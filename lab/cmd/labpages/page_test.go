// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// I1
func TestParse(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"HTTP/1.1 502 Bad Gateway\r\nServer: x\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 502 Bad Gateway\nServer: x\nContent-Length: 2\n\nno"},
		{"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nn\r\n\r\n0\r\n\r\n", "HTTP/1.1 500 X\nTransfer-Encoding: chunked\n\nn\r\n"},
		{"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request\n\n"},
	} {
		p, err := parse([]byte(c.answer))
		if err != nil || string(p.text()) != c.want {
			t.Errorf("%q is saved as %q, %v", c.answer, p.text(), err)
		}
	}
	for _, bad := range []string{"", "HTTP/1.1 500 X\r\nA: b\r\n", "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"} {
		if _, err := parse([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// I1, I2: what is captured of Go itself, which is always there.
func TestCaptureGo(t *testing.T) {
	dir := t.TempDir()
	if err := run(t.Context(), []string{"-out", dir, "-only", "go-http"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*", "go-http", "*.http"))
	if err != nil || len(names) != 4 {
		t.Fatalf("%v, %v", names, err)
	}
	form := regexp.MustCompile(`^# captured: Go [0-9.]+, 20[0-9]{2}-[0-9]{2}-[0-9]{2}\nHTTP/1\.1 [45][0-9]{2} [^\r]*\n\n`)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := bytes.Cut(text, []byte("\n\n"))
		if !form.Match(regexp.MustCompile(`\n[A-Za-z-]+: [^\r\n]*`).ReplaceAll(append(head, "\n\n"...), nil)) {
			t.Errorf("%s begins with %q", name, head)
		}
	}
}

// Each subject says how it is started and what it is asked; two of one name would write the same files.
func TestSubjects(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range subjects() {
		if seen[s.product] {
			t.Errorf("%s is there twice", s.product)
		}
		seen[s.product] = true
		if s.title == "" || len(s.shots) == 0 || s.inside == nil && (len(s.program.Programs) == 0 || s.program.Package == "" || len(s.version) == 0) {
			t.Errorf("%s lacks a part", s.product)
		}
		for name, source := range s.confs {
			if _, err := conf.ReadFile("conf/" + source); err != nil {
				t.Errorf("%s: %s: %v", s.product, name, err)
			}
		}
		for _, shot := range s.shots {
			if (shot.path == "") == (shot.raw == "") || shot.status < 400 || shot.name == "" || strings.Contains(shot.name, "/") {
				t.Errorf("%s: the shot %q lacks a part", s.product, shot.name)
			}
		}
	}
}

// The list names the Debian package of each program; without a folder nothing is captured.
func TestListNamesPackages(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"-list"}, &out); err != nil || !strings.Contains(out.String(), "nginx-light") {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := run(t.Context(), nil, io.Discard); err == nil {
		t.Error("no folder is asked for")
	}
}
