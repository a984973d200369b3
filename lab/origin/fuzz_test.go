// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"strings"
	"testing"
)

// FuzzRequest: no head and no query makes the lenient reader panic; a path never holds a query and never comes
// without its slash unless the target does; and a query is either refused or leaves every declared parameter readable
// as what its default is.
func FuzzRequest(f *testing.F) {
	f.Add("GET /lab/cut?at=1&then=rst HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Add("\r\n\nGET http://a?x HTTP/1.0\nA:b\r\n c\n\n")
	f.Add("POST *?%zz\r\nContent-Length: 99999999999999999999\r\nTransfer-Encoding: CHUNKED\r\n\r\n")
	f.Fuzz(func(t *testing.T, head string) {
		r := Request{Head: []byte(head)}
		if r.parse() != nil {
			return
		}
		path, query := r.path()
		if strings.Contains(path, "?") {
			t.Errorf("path %q", path)
		}
		_ = r.persistent()
		if n := r.contentLength(); n < -1 {
			t.Errorf("length %d", n)
		}
		lookUp(path)
		const spec = "at=100 every=50ms text=a then=fin"
		if p, err := parseParams(spec, query); err == nil {
			if p.num("at") < 0 || p.dur("every") < 0 || !p.then().valid() {
				t.Errorf("query %q gives %v", query, p)
			}
		}
	})
}
