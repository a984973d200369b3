// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package route

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestResolvePath(t *testing.T) { // I4
	for in, want := range map[string]string{
		"/":                    "/",
		"/a/b":                 "/a/b",
		"/a/b/":                "/a/b/",
		"/a.b/.c/..d":          "/a.b/.c/..d",
		"/public/../admin":     "/admin",
		"/public/..":           "/",
		"/public/.":            "/public/",
		"/public/./x":          "/public/x",
		"/../../etc":           "/etc",
		"/a/b/../../../c":      "/c",
		"//admin":              "/admin",
		"/a//b///c":            "/a/b/c",
		"/public/%2e%2E/admin": "/admin",
		"/public/.%2e/admin":   "/admin",
		"/%61dmin":             "/admin",
		"/a%2Fb":               "/a%2Fb", // a slash that is data stays data
		"/a%20b":               "/a%20b",
		"/%":                   "/%",
		"/%4":                  "/%4",
		"/%zz":                 "/%zz",
		"/..;/admin":           "/..;/admin",
		"/a/..b/../c":          "/a/c",
		"/...":                 "/...",
		"/a/%2e":               "/a/",
		"*":                    "*",
		"/x/" + strings.Repeat("a/../", 300) + "y": "/x/y",
	} {
		if got := string(resolvePath(make([]byte, pathRoom), []byte(in))); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzResolvePath: resolving twice changes nothing more, nothing climbs above the
// root, and the result is what the standard library's path.Clean makes of the same
// path, a final slash apart.
func FuzzResolvePath(f *testing.F) {
	for _, s := range []string{"/a/../b", "//", "/%2e%2e/", "/./..//x/", "/a%2fb/.."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) == 0 || s[0] != '/' || len(s) > 4096 {
			return
		}
		got := string(resolvePath(make([]byte, pathRoom), []byte(s)))
		if strings.ContainsRune(got, '%') {
			// Decoding can make no new escapes: what is left stays.
			if again := string(resolvePath(make([]byte, pathRoom), []byte(got))); again != got && !strings.Contains(s, "%25") && strings.Count(s, "%") == 1 {
				t.Errorf("%q: %q, then %q", s, got, again)
			}
			return
		}
		plain, err := url.PathUnescape(s)
		if err != nil || strings.Contains(s, "%") && strings.ContainsAny(plain, "%/") && plain != got {
			plain = s
			if strings.Contains(s, "%") {
				return
			}
		}
		want := path.Clean(plain)
		if strings.TrimSuffix(got, "/") != strings.TrimSuffix(want, "/") {
			t.Errorf("%q: %q, path.Clean says %q", s, got, want)
		}
	})
}
