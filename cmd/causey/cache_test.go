// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"causey/internal/testkit"
)

// TestCache writes the golden answer of the admin side as a table.
func TestCache(t *testing.T) {
	answer, err := os.ReadFile("../../internal/admin/testdata/cache.json")
	if err != nil {
		t.Fatal(err)
	}
	a := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.String() != "/api/v1/cache" {
			t.Errorf("it asks %s %s", r.Method, r.URL)
		}
		_, _ = w.Write(answer)
	})
	code, stdout, stderr := causey("cache", "--admin", a.at.address)
	if code != exitOK || stderr != "" {
		t.Errorf("exit %d, %s", code, stderr)
	}
	testkit.Golden(t, "testdata/cache.table", []byte(stdout))
	off := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"on":false}`)) })
	if code, stdout, _ = causey("cache", "--admin", off.at.address); code != exitOK || !strings.Contains(stdout, "cache: on") {
		t.Errorf("without a cache: exit %d, %s", code, stdout)
	}
}

func TestCachePurge(t *testing.T) {
	asked := ""
	a := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.String()
		_, _ = w.Write([]byte(`{"dropped":3}`))
	})
	for _, c := range []struct {
		args []string
		want string // "" for a command line that is refused
	}{
		{[]string{"https://a.example/x?y=1&z=2"}, "url=https%3A%2F%2Fa.example%2Fx%3Fy%3D1%26z%3D2"},
		{[]string{"--tag", "t 1"}, "tag=t+1"}, {[]string{"--host", "a.example"}, "host=a.example"}, {[]string{"--all"}, "all=1"},
		{nil, ""}, {[]string{"https://a/", "--all"}, ""}, {[]string{"--tag", "a", "--host", "b"}, ""}, {[]string{"https://a/", "https://b/"}, ""},
	} {
		asked = ""
		code, stdout, stderr := causey(append([]string{"cache", "purge", "--admin", a.at.address}, c.args...)...)
		switch {
		case c.want == "" && (code != exitUsage || asked != "" || stderr == ""):
			t.Errorf("%q: exit %d, asked %q", c.args, code, asked)
		case c.want != "" && (code != exitOK || asked != "POST /api/v1/cache/purge?"+c.want || stdout != "purged; 3 answers were in memory\n"):
			t.Errorf("%q: exit %d, asked %q, %s%s", c.args, code, asked, stdout, stderr)
		}
	}
}
