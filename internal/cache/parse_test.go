// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"causey/internal/wire"
)

// show writes directives down for comparison.
func (d *directives) show() string {
	var w []string
	for i, name := range []string{"no-store", "no-cache", "private", "public", "must-revalidate", "proxy-revalidate", "must-understand", "only-if-cached", "any-stale"} {
		if d.has(1 << i) {
			w = append(w, name)
		}
	}
	for _, n := range []struct {
		name string
		v    int64
	}{{"max-age", d.maxAge}, {"s-maxage", d.sMaxAge}, {"max-stale", d.maxStale}, {"min-fresh", d.minFresh}, {"swr", d.whileRevalidate}, {"sie", d.ifError}} {
		if n.v != absent {
			w = append(w, fmt.Sprintf("%s=%d", n.name, n.v))
		}
	}
	for name, f := range map[string][]byte{"no-cache:": d.noCacheFields, "private:": d.privateFields} {
		if f != nil {
			w = append(w, name+string(f))
		}
	}
	return strings.Join(w, " ")
}

// RFC 9111 section 5.2.
func TestDirectives(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", ""}, {",, ,", ""}, {"=", ""}, {"nothing-we-know=\"a, no-store\"", ""},
		{"No-Store,PRIVATE , public", "no-store private public"},
		{"max-age=5", "max-age=5"}, {"max-age=\"5\"", "max-age=5"}, {"max-age='5'", "max-age=0"},
		{"max-age", "max-age=0"}, {"max-age=", "max-age=0"}, {"max-age =5", "max-age=0"}, {"max-age= 5", "max-age=0"}, {"max-age=5 5", "max-age=0"},
		{"max-age=5.0", "max-age=0"}, {"max-age=-5", "max-age=0"}, {"max-age=a5", "max-age=0"}, {"max-age=\"5", "max-age=0"},
		{"ext=\"max-age=9\", max-age=1", "max-age=1"}, {"ext=\"\\\", no-store\", public", "public"},
		{"s-maxage=1, stale-while-revalidate=2, stale-if-error=3", "s-maxage=1 swr=2 sie=3"},
		{"max-stale", "any-stale"}, {"max-stale=3, min-fresh=4, only-if-cached", "only-if-cached max-stale=3 min-fresh=4"},
		{"no-cache=\"a, b\"", "no-cache:a, b"}, {"no-cache=a", "no-cache:a"}, {"no-cache=\"\"", "no-cache"}, {"no-cache=\"a", "no-cache"},
		{"private=\"a\", private=\"b\"", "private:a,b"}, {"private;x=1", "private"}, {"no-store;x", "no-store"}, {"no-store x", "no-store"},
	} {
		var d directives
		d.reset()
		d.parse([]byte(c.line))
		if got := d.show(); got != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
}

// RFC 9213 section 2.2, RFC 9651 section 4.2.2: a field that is no dictionary counts for
// nothing.
func TestDictionary(t *testing.T) {
	const not = "not"
	for _, c := range []struct{ field, want string }{
		{"max-age=5", "max-age=5"}, {" max-age=5 , public", "public max-age=5"}, {"no-store", "no-store"}, {"no-store=?1", "no-store"},
		{"max-age=5;x;y=2, a=(1 2);q, b=:aGk=:, c=\"x\\\"y\", d=1.5, e=?0, f=tok/en", "max-age=5"},
		{"max-age=\"5\"", "max-age=5"}, {"max-age=1.5", "max-age=0"}, {"max-age=(5)", "max-age=0"},
		{"", not}, {",", not}, {"max-age=5,", not}, {"MaX-aGe=5", not}, {"max-age=", not}, {"max-age==5", not}, {"max-age=5 public", not},
		{"a=\"x", not}, {"a=\"\\x\"", not}, {"a=?2", not}, {"a=:x", not}, {"a=(1", not}, {"a=((1))", not}, {"a=1.", not}, {"a=-", not}, {"a;B", not},
		{"a=\x00", not}, {"a=\"\xff\"", not}, {"a=(1,2)", not},
	} {
		var d directives
		d.reset()
		got := not
		if d.parseDictionary([]byte(c.field)) {
			got = d.show()
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.field, got, c.want)
		}
	}
}

// RFC 9875 section 2.
func TestStrings(t *testing.T) {
	for field, want := range map[string]string{
		"": "", `"a"`: "a|", `"a", "b c";x=1 ,"d"`: "a|b c|d|", `"a",`: "", `a`: "", `"a" "b"`: "", `"a`: "",
	} {
		got := ""
		eachString([]byte(field), func(s []byte) { got += string(s) + "|" })
		if got != want {
			t.Errorf("%q: %q, want %q", field, got, want)
		}
	}
}

// RFC 9110 section 14.1.2.
func TestRanges(t *testing.T) {
	for _, c := range []struct {
		field string
		want  string
	}{
		{"bytes=0-0", "0 1"}, {"bytes=0-", "0 10"}, {"bytes=2-5", "2 6"}, {"bytes=2-99", "2 10"}, {"bytes=-3", "7 10"}, {"bytes=-99", "0 10"},
		{"Bytes=0-0", "0 1"}, {"bytes= 1-2 ", "1 3"}, {"bytes=0-99999999999999999999999", "0 10"},
		{"bytes=10-", "not"}, {"bytes=99-100", "not"}, {"bytes=-0", "not"}, {"bytes=99999999999999999999999-", "not"},
		{"bytes=5-2", "whole"}, {"bytes=a-b", "whole"}, {"bytes=-", "whole"}, {"bytes=1", "whole"}, {"bytes=0-0,2-2", "whole"}, {"lines=1-2", "whole"}, {"", "whole"}, {"bytes", "whole"}, {"bytes=--1", "whole"},
	} {
		s, r := resolveRange([]byte(c.field), 10)
		got := map[rangeOutcome]string{wholeBody: "whole", notSatisfiable: "not", partOfBody: fmt.Sprint(s.from, s.end)}[r]
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.field, got, c.want)
		}
	}
	if _, r := resolveRange([]byte("bytes=0-"), 0); r != notSatisfiable {
		t.Error("an empty body has no first byte")
	}
}

// RFC 9110 section 8.8.3.2, 13.1.2.
func TestTags(t *testing.T) {
	for _, c := range []struct {
		list, tag string
		want      bool
	}{
		{`"a"`, `"a"`, true}, {`W/"a"`, `"a"`, true}, {`"a"`, `W/"a"`, true}, {`"x", "a" ,"y"`, `"a"`, true}, {`"x,a"`, `"x,a"`, true},
		{`"x,a"`, `"a"`, false}, {`"b"`, `"a"`, false}, {``, `"a"`, false}, {`"a"`, ``, false}, {``, ``, false}, {`w/"a"`, `"a"`, false},
	} {
		if got := matchesAny([]byte(c.list), []byte(c.tag)); got != c.want {
			t.Errorf("%s in %s: %v", c.tag, c.list, got)
		}
	}
}

// RFC 9111 section 4.1.
func TestSelecting(t *testing.T) {
	names, ok := varyNames(response(t, "200 OK | Vary: Accept-Encoding,, Foo | Vary: BAR"))
	if string(names) != "accept-encoding,foo,bar" || !ok {
		t.Fatalf("names %q %v", names, ok)
	}
	of := func(head string) string { return string(appendSelecting(nil, names, request(t, head))) }
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"GET /", "GET / | Other: 1", true},
		{"GET / | Foo: 1", "GET / | foo: 1", true},
		{"GET / | Foo: 1, 2", "GET / | Foo: 1 | Foo: 2", true},
		{"GET / | Foo: 1,2", "GET / | Foo: 1 ,\t2", true},
		{"GET / | Foo: \"1, 2\"", "GET / | Foo: \"1,2\"", false},
		{"GET / | Foo: 1", "GET / | Bar: 1", false},
		{"GET / | Foo: a", "GET / | Foo: A", false},
		{"GET / | Foo:", "GET /", false},
		{"GET / | Accept-Encoding: gzip, br", "GET / | Accept-Encoding: BR,gzip", true},
		{"GET / | Accept-Encoding: gzip", "GET / | Accept-Encoding: br", false},
		{"GET / | Accept-Encoding: gzip;q=0", "GET / | Accept-Encoding: gzip", false},
	} {
		if (of(c.a) == of(c.b)) != c.same {
			t.Errorf("%s and %s: %q, %q", c.a, c.b, of(c.a), of(c.b))
		}
	}
	if _, ok := varyNames(response(t, "200 OK | Vary: "+strings.Repeat("a, ", varyFields+1))); ok {
		t.Error("too many names are taken")
	}
}

func TestKeys(t *testing.T) {
	o := Options{IgnoreQuery: []string{"utm_*", "gclid"}}
	for _, c := range []struct {
		secure       bool
		host, target string
		want         string
	}{
		{false, "A.Example", "/", "http://a.example/"}, {false, "a:80", "/x", "http://a/x"}, {true, "a:443", "/x", "https://a/x"},
		{true, "a:80", "/x", "https://a:80/x"}, {false, "[::1]:80", "", "http://[::1]/"}, {false, "", "?a=1", "http:///?a=1"},
		{false, "a", "/p?utm_x=1&a=2&gclid&b=%20&GCLID=3", "http://a/p?a=2&b=%20&GCLID=3"}, {false, "a", "/p?utm_x=1", "http://a/p"}, {false, "a", "/p?", "http://a/p"},
	} {
		if got := string(o.appendKey(nil, c.secure, []byte(c.host), []byte(c.target))); got != c.want {
			t.Errorf("%v %s %s: %s, want %s", c.secure, c.host, c.target, got, c.want)
		}
	}
	var plain Options
	if got := string(plain.appendKey(nil, false, []byte("a"), []byte("/p?"))); got != "http://a/p?" {
		t.Errorf("without parameters to ignore a target stays as it is: %s", got)
	}
}

func TestQuestion(t *testing.T) {
	o := Options{BypassCookies: []string{"sid", "wp_*"}, BypassHeaders: []string{"x-preview"}}
	for head, want := range map[string]bool{
		"GET /": false, "GET / | Cookie: a=b; xsid=1": false, "GET / | Cookie: a=b; sid=1": true, "GET / | Cookie: wp_x=1": true, "GET / | Cookie: a=b | Cookie: sid": true,
		"GET / | X-Preview: 1": true, "GET / | If-Match: \"1\"": true, "GET / | Content-Length: 3": true, "GET / | Cache-Control: no-store": false, "GET / | Authorization: x": false,
	} {
		var q question
		if q.read(&o, request(t, head)); q.bypass != want {
			t.Errorf("%s: bypass %v, want %v", head, q.bypass, want)
		}
	}
	o.ObeyClients = true
	var q question
	if q.read(&o, request(t, "GET / | Cache-Control: no-store")); !q.bypass {
		t.Error("no-store is not obeyed")
	}
	if q.read(&o, request(t, "GET / | Pragma: no-cache")); !q.cc.has(noCache) {
		t.Error("Pragma is not obeyed")
	}
	if q.read(&o, request(t, "GET / | Pragma: no-cache | Cache-Control: max-age=9")); q.cc.has(noCache) {
		t.Error("Pragma counts beside Cache-Control")
	}
}

// What it says is never lost: no panic, the same in one line as in two, and nothing
// beyond what a number can be.
func FuzzDirectives(f *testing.F) {
	for _, s := range []string{"max-age=5, no-store", "ext=\"a, b\", private=\"x\"", "a=\"\\", "max-age=999999999999999999999", ";;=\"", "no-cache=a b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var one, two directives
		one.reset()
		one.parse(line)
		two.reset()
		two.parse(line)
		two.parse([]byte("public"))
		one.set |= public
		if one.show() != two.show() {
			t.Fatalf("%q: %s, with another line %s", line, one.show(), two.show())
		}
		for _, n := range []int64{one.maxAge, one.sMaxAge, one.maxStale, one.minFresh, one.whileRevalidate, one.ifError} {
			if n < absent || n > secondsMax {
				t.Fatalf("%q: %d seconds", line, n)
			}
		}
		var d directives
		d.reset()
		d.parseDictionary(line)
		d.parseSurrogate(line)
		eachString(line, func(s []byte) {
			if len(s) > len(line) {
				t.Fatal("a string is longer than the field")
			}
		})
		parseAge(line)
		parseDate(line, now)
	})
}

// A part lies within the body, whatever is asked for; a selecting text is no longer than
// what was sent.
func FuzzRequestFields(f *testing.F) {
	f.Add([]byte("bytes=0-5"), []byte("gzip, br;q=\"1,2\""))
	f.Add([]byte("bytes=-"), []byte("\"\\\","))
	f.Fuzz(func(t *testing.T, ranged, value []byte) {
		if s, r := resolveRange(ranged, 100); r == partOfBody && (s.from < 0 || s.from >= s.end || s.end > 100) {
			t.Fatalf("%q: %v", ranged, s)
		}
		matchesAny(value, []byte(`"a"`))
		hasCookie([]string{"a", "b*"}, value)
		head := append([]byte("Accept-X"), value...)
		req := &wire.Request{Head: wire.Head{Buf: head, Fields: []wire.Field{{NameSpan: wire.Span{End: 8}, ValueSpan: wire.Span{Start: 8, End: uint32(len(head))}}}}}
		out := appendSelecting(nil, []byte("accept-x"), req)
		if len(out) > len(value)+2 || !bytes.HasSuffix(out, []byte("\n")) {
			t.Fatalf("%q became %q", value, out)
		}
	})
}
