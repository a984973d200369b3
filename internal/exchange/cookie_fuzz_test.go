// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"strconv"
	"testing"

	"causey/internal/h1"
	"causey/internal/wire"
)

// The property: no panic; a value is a part of the field without a semicolon, behind
// "name="; and what was bound is what a cookie of ours says, or nothing.
func FuzzCookie(f *testing.F) {
	for _, s := range []string{"", "srv=1", "a=1; srv=zz", "srv", "=;srv==1", ";;;", "srv=3w5e11264sgsf", "srv=\"1\"", "a=\"; srv=2\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, field []byte) {
		raw := append(append([]byte("GET / HTTP/1.1\r\nHost: a\r\nCookie: "), field...), "\r\n\r\n"...)
		var p h1.RequestParser
		var req wire.Request
		p.Reset(&wire.Limits{})
		if n, rej := p.Parse(&req, raw); n != len(raw) || rej != nil {
			return // not one field
		}
		v := cookieValue(&req.Head, "srv")
		if v == nil {
			return
		}
		if bytes.ContainsRune(v, ';') || !bytes.Contains(field, append([]byte("srv="), v...)) {
			t.Fatalf("%q of %q", v, field)
		}
		tag := parseTag(v)
		if tag == 0 {
			return
		}
		if again := parseTag(strconv.AppendUint(nil, tag, 36)); again != tag {
			t.Fatalf("%d from %q, %d when written again", tag, v, again)
		}
		if want, err := strconv.ParseUint(string(v), 36, 64); err != nil || want != tag {
			t.Fatalf("%d from %q, want %d, %v", tag, v, want, err)
		}
	})
}
