// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzParse holds, for any bytes: no panic; either a Config or problems, never
// both and never neither; each problem in its text, in order, printable (I1); a
// Config's JSON is read as the same Config (I3).
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../../docs/examples/causey.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("\ufeffversion: 1"))
	f.Add([]byte("a: &a [*a, \"\\u00e9\", 'x''y', >-\n  b\n]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse("causey.yaml", text, testWorld())
		checkPlaces(t, text, c, err)
		if c != nil {
			checkRoundTrip(t, c)
		}
	})
}

// FuzzValues holds, for any text: a value's own text is read as that value.
func FuzzValues(f *testing.F) {
	for _, s := range []string{"1m30s", "1.5GiB", "240B/s", "[::1%eth0]:80", "unix:@x", "systemd:a", "http://[::1]/", "10.0.0.0/8", "*.example.com", "/a%20b", "GET", "server"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		again(t, ParseDuration, s)
		again(t, ParseSize, s)
		again(t, ParseRate, s)
		again(t, ParseListenAddr, s)
		again(t, ParseServerAddr, s)
		again(t, ParsePrefix, s)
		for _, parse := range []func(string) (string, error){parseSiteHost, parseHostHeader, parseRoutePath, parseMethod} {
			if v, err := parse(s); err == nil {
				if w, err := parse(v); err != nil || w != v {
					t.Errorf("%q is %q, which is %q, %v", s, v, w, err)
				}
			}
		}
	})
}

func again[T interface {
	comparable
	String() string
}](t *testing.T, parse func(string) (T, error), s string) {
	v, err := parse(s)
	if err != nil {
		return
	}
	if w, err := parse(v.String()); err != nil || w != v {
		t.Errorf("%q is %v, whose text is read as %v, %v", s, v, w, err)
	}
}
