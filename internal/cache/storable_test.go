// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// I1, I6. What an answer comes to, by the section of RFC 9111 (or the RFC named) that
// says so. want is "no", or lifetime, window of stale-while-revalidate and of
// stale-if-error in seconds, and the flags n (no use without asking), s (never stale)
// and a (for those who authorize themselves too).
func TestJudge(t *testing.T) {
	owner := Options{StaleIfError: 7 * time.Second, StaleWhileRevalidate: 5 * time.Second}
	ttl := Options{DefaultTTL: 9 * time.Second}
	lastDay := "Date: " + date(0) + " | Last-Modified: " + date(-86400)
	for _, c := range []struct {
		section   string
		opts      Options
		req, head string
		want      string
	}{
		{"3", Options{}, "GET /", "200 OK", "no"},
		{"3", Options{}, "GET /", "200 OK | Cache-Control: max-age=60", "60 0 0"},
		{"3", Options{}, "GET /", "200 OK | ETag: \"1\"", "0 0 0"},
		{"3", Options{}, "GET /", "201 Created | ETag: \"1\"", "no"},
		{"3", Options{}, "GET /", "299 New | Cache-Control: max-age=60", "60 0 0"},
		{"3", Options{}, "GET /", "404 Not Found | Cache-Control: max-age=60", "60 0 0"},
		{"3, never 5xx", Options{}, "GET /", "503 No | Cache-Control: max-age=60, public", "no"},
		{"3, never 5xx", Options{}, "GET /", "500 No | CDN-Cache-Control: max-age=60", "no"},
		{"3.3, no parts", Options{}, "GET /", "206 Part | Cache-Control: max-age=60 | Content-Range: bytes 0-1/2", "no"},
		{"3.5", Options{}, "GET / | Authorization: x", "200 OK | Cache-Control: max-age=60", "no"},
		{"3.5", Options{}, "GET / | Authorization: x", "200 OK | Cache-Control: max-age=60, public", "60 0 0 a"},
		{"3.5", Options{}, "GET / | Authorization: x", "200 OK | Cache-Control: max-age=60, must-revalidate", "60 0 0 s a"},
		{"3.5", Options{}, "GET / | Authorization: x", "200 OK | Cache-Control: s-maxage=60", "60 0 0 a"},
		{"4.1", Options{}, "GET /", "200 OK | Cache-Control: max-age=60 | Vary: a, *", "no"},
		{"4.2.1", Options{}, "GET /", "200 OK | Cache-Control: max-age=60, s-maxage=5", "5 0 0 a"},
		{"4.2.1", Options{}, "GET /", "200 OK | Cache-Control: max-age=60 | Expires: " + date(5), "60 0 0"},
		{"4.2.1", Options{}, "GET /", "200 OK | Expires: " + date(5) + " | Date: " + date(-10), "15 0 0"},
		{"4.2.1", owner, "GET /", "200 OK | Expires: 0", "0 5 7"},
		{"4.2.1, invalid is stale", owner, "GET /", "200 OK | Cache-Control: max-age=x", "0 5 7"},
		{"4.2.1, the shorter of two", Options{}, "GET /", "200 OK | Cache-Control: max-age=60 | Cache-Control: max-age=5", "5 0 0"},
		{"1.2.2", Options{}, "GET /", "200 OK | Cache-Control: max-age=99999999999999999999", "2147483648 0 0"},
		{"4.2.2", Options{}, "GET /", "200 OK | " + lastDay, "8640 0 0"},
		{"4.2.2", Options{}, "GET /", "200 OK | Pragma: no-cache | " + lastDay, "0 0 0"},
		{"4.2.2, a day at most", Options{}, "GET /", "200 OK | Last-Modified: " + date(-86400*300), "86400 0 0"},
		{"4.2.2", Options{}, "GET /", "403 No | " + lastDay, "no"},
		{"4.2.2", Options{}, "GET /", "403 No | Cache-Control: public | " + lastDay, "8640 0 0 a"},
		{"4.2.2, the owner", ttl, "GET /", "200 OK", "9 0 0"},
		{"4.2.2, the owner", ttl, "GET /", "404 No", "no"},
		{"4.2.2, the owner", ttl, "GET / | Cookie: a=b", "200 OK", "no"},
		{"4.2.2, not by cookies", Options{}, "GET / | Cookie: a=b", "200 OK | " + lastDay, "no"},
		{"4.2.2, not by cookies", owner, "GET / | Cookie: a=b", "200 OK | Cache-Control: max-age=0", "no"},
		{"4.2.2, not by cookies", Options{}, "GET / | Cookie: a=b", "200 OK | Cache-Control: max-age=60", "60 0 0"},
		{"4.2.3, of unknown age", Options{}, "GET /", "200 OK | Cache-Control: max-age=60 | Age: x | ETag: \"1\"", "0 0 0"},
		{"4.2.4", owner, "GET /", "200 OK | Cache-Control: max-age=60", "60 5 7"},
		{"4.2.4", owner, "GET /", "200 OK | Cache-Control: s-maxage=60", "60 0 0 a"},
		{"5.2.2.2", owner, "GET /", "200 OK | Cache-Control: max-age=60, must-revalidate, stale-if-error=9", "60 0 0 s a"},
		{"5.2.2.3", Options{}, "GET /", "200 OK | Cache-Control: max-age=60, must-understand, no-store", "60 0 0"},
		{"5.2.2.3", Options{}, "GET /", "299 New | Cache-Control: max-age=60, must-understand, no-store", "no"},
		{"5.2.2.3", Options{}, "GET /", "299 New | Cache-Control: max-age=60, must-understand", "no"},
		{"5.2.2.4", owner, "GET /", "200 OK | Cache-Control: no-cache, max-age=60 | ETag: \"1\"", "60 0 0 n"},
		{"5.2.2.4, of fields", Options{}, "GET /", "200 OK | Cache-Control: no-cache=\"a, b\", max-age=60", "60 0 0"},
		{"5.2.2.4, a list that is broken", Options{}, "GET /", "200 OK | Cache-Control: max-age=60, no-cache=\"a", "60 0 0 n"},
		{"5.2.2.5", Options{}, "GET /", "200 OK | Cache-Control: max-age=60, No-Store", "no"},
		{"5.2.2.5", Options{}, "GET /", "200 OK | Cache-Control: max-age=60 | Cache-Control: no-store=x y", "no"},
		{"5.2.2.7", Options{}, "GET /", "200 OK | Cache-Control: max-age=60, private", "no"},
		{"5.2.2.7, of fields", Options{}, "GET /", "200 OK | Cache-Control: private=x-user, max-age=60", "60 0 0"},
		{"5.2.2.8", owner, "GET /", "200 OK | Cache-Control: max-age=60, proxy-revalidate", "60 0 0 s"},
		{"7.3", Options{}, "GET /", "200 OK | Cache-Control: max-age=60, public | Set-Cookie: a=b", "no"},
		{"7.3", Options{}, "GET /", "200 OK | CDN-Cache-Control: max-age=60 | Set-Cookie: a=b", "no"},
		{"7.3, taken off", Options{}, "GET /", "200 OK | Cache-Control: max-age=60, no-cache=\"Set-Cookie\" | Set-Cookie: a=b", "60 0 0"},
		{"RFC 5861 3", owner, "GET /", "200 OK | Cache-Control: max-age=60, stale-while-revalidate=1, stale-if-error=0", "60 1 0"},
		{"RFC 5861 4", Options{}, "GET /", "200 OK | Cache-Control: s-maxage=60, stale-if-error=8", "60 0 8 a"},
		{"RFC 9213 2.1", owner, "GET /", "200 OK | Cache-Control: no-store | CDN-Cache-Control: max-age=60", "60 5 7 a"},
		{"RFC 9213 2.1", Options{}, "GET /", "200 OK | Cache-Control: max-age=60 | CDN-Cache-Control: no-store", "no"},
		{"RFC 9213 2.1, unreadable", Options{}, "GET /", "200 OK | Cache-Control: max-age=60 | CDN-Cache-Control: max-age=\"", "60 0 0"},
		{"RFC 9213 2.1, no Expires then", Options{}, "GET /", "200 OK | Expires: " + date(60) + " | CDN-Cache-Control: public | ETag: \"1\"", "0 0 0 a"},
		{"Edge 2.2", Options{}, "GET /", "200 OK | Cache-Control: max-age=5 | Surrogate-Control: max-age=60+600", "60 0 0 a"},
		{"Edge 2.2", Options{}, "GET /", "200 OK | Cache-Control: max-age=5 | Surrogate-Control: max-age=60;other", "5 0 0"},
	} {
		var q question
		var f facts
		q.read(&c.opts, request(t, c.req))
		f.read(response(t, c.head), now)
		p, ok := c.opts.judge(&q, &f, now)
		if got := describe(p, ok); got != c.want {
			t.Errorf("section %s: %s, %s: %s, want %s", c.section, c.req, c.head, got, c.want)
		}
	}
}

func describe(p policy, ok bool) string {
	if !ok {
		return "no"
	}
	var words []string
	for _, d := range []time.Duration{p.lifetime, p.whileRevalidate, p.ifError} {
		words = append(words, strconv.Itoa(int(d/time.Second)))
	}
	for _, f := range []struct {
		is   bool
		name string
	}{{p.noCache, "n"}, {p.strict, "s"}, {p.shared, "a"}} {
		if f.is {
			words = append(words, f.name)
		}
	}
	return strings.Join(words, " ")
}

// RFC 9111 section 4.2.3.
func TestInitialAge(t *testing.T) {
	for _, c := range []struct {
		head  string
		delay time.Duration // between request and answer
		want  time.Duration
	}{
		{"200 OK", 0, 0},
		{"200 OK | Date: " + date(0), 0, 0},
		{"200 OK | Date: " + date(-10), 0, 10 * time.Second},
		{"200 OK | Date: " + date(10), 0, 0},
		{"200 OK | Date: nonsense", 0, 0},
		{"200 OK | Age: 30", 0, 30 * time.Second},
		{"200 OK | Age: 30", 2 * time.Second, 32 * time.Second},
		{"200 OK | Age: 30 | Date: " + date(-40), 2 * time.Second, 40 * time.Second},
	} {
		var f facts
		f.read(response(t, c.head), now)
		if got := f.initialAge(now.Add(-c.delay), now); got != c.want {
			t.Errorf("%s: %v, want %v", c.head, got, c.want)
		}
	}
}

// RFC 9111 section 5.1, and what the public test suite has beside it.
func TestAge(t *testing.T) {
	for _, c := range []struct {
		value string
		want  int64
		ok    bool
	}{
		{"0", 0, true}, {"7", 7, true}, {"007", 7, true}, {"99999999999999999999", secondsMax, true},
		{"", 0, false}, {"-1", 0, false}, {"1.0", 0, false}, {"1;x=y", 0, false}, {"x", 0, false},
		{"0,7200", 0, true}, {"7200,0", 7200, true}, {"0, 0", 0, false}, {"1, 2, 1", 0, false}, {"1, x", 0, false},
	} {
		if n, ok := parseAge([]byte(c.value)); ok != c.ok || ok && n != c.want {
			t.Errorf("%q: %d %v, want %d %v", c.value, n, ok, c.want, c.ok)
		}
	}
}

// RFC 9110 section 5.6.7.
func TestDates(t *testing.T) {
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		if got, ok := parseDate([]byte(s), now); !ok || !got.Equal(want) {
			t.Errorf("%q: %v %v", s, got, ok)
		}
	}
	if got, _ := parseDate([]byte("Thursday, 18-Aug-50 02:01:18 GMT"), now); got.Year() != 2050 {
		t.Errorf("two digits of the next fifty years: %v", got)
	}
	for _, s := range []string{"", "0", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMTx", strings.Repeat("9", 100)} {
		if got, ok := parseDate([]byte(s), now); ok {
			t.Errorf("%q is no date, and is taken for %v", s, got)
		}
	}
}
