// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/record"
)

// wait lets time pass.
func (b *bench) wait(d time.Duration) { b.now = b.now.Add(d) }

// wantBody says what the cache serves to a request, "" for nothing.
func (b *bench) wantBody(why, req, want string) {
	b.t.Helper()
	if got := b.body(req); got != want {
		b.t.Errorf("%s: %s gets %q, want %q", why, req, got, want)
	}
}

const fresh60 = "200 OK | Transfer-Encoding: chunked | Cache-Control: max-age=60"

// I3.
func TestMemoryIsBounded(t *testing.T) {
	const most = 1 << 20
	b := newBench(t, Limits{Memory: most, ObjectMax: most / 4}, DiskOptions{}, Options{})
	body := strings.Repeat("x", 50_000)
	for i := range 200 {
		b.ask(fmt.Sprintf("GET /%d", i), fresh60, body)
		if st := b.store.Stats(); st.Bytes > most || st.Filling != 0 {
			t.Fatalf("after %d answers: %d bytes of %d, %d on their way", i+1, st.Bytes, most, st.Filling)
		}
	}
	if st := b.store.Stats(); st.Objects < 10 || st.Kept != 200 {
		t.Errorf("%d of %d are left", st.Objects, st.Kept)
	}
	b.store.Use(Limits{Memory: 100_000}, nil)
	b.ask("GET /last", fresh60, "x")
	if st := b.store.Stats(); st.Bytes > 100_000 {
		t.Errorf("after the bound was lowered: %d bytes", st.Bytes)
	}
}

// What many ask for outlives a flood of targets that nobody asks for twice.
func TestFloodDoesNotDriveOutWhatIsAskedFor(t *testing.T) {
	b := newBench(t, Limits{Memory: 1 << 20, ObjectMax: 1 << 18}, DiskOptions{}, Options{})
	body := strings.Repeat("x", 5_000)
	for i := range 20 {
		b.ask(fmt.Sprintf("GET /page%d", i), fresh60, body)
	}
	for round := range 40 {
		for i := range 300 { // more than there is room for
			b.ask(fmt.Sprintf("GET /page0?%d", 300*round+i), fresh60, body)
		}
		for i := range 20 {
			b.ask(fmt.Sprintf("GET /page%d", i), fresh60, body)
		}
	}
	for i := range 300 {
		b.ask(fmt.Sprintf("GET /page0?last%d", i), fresh60, body)
	}
	left := 0
	for i := range 20 {
		if b.body(fmt.Sprintf("GET /page%d", i)) != "" {
			left++
		}
	}
	if left < 18 {
		t.Errorf("%d of 20 pages are left", left)
	}
}

// I3.
func TestBodiesAreBounded(t *testing.T) {
	b := newBench(t, Limits{Memory: 1 << 20, ObjectMax: 1000}, DiskOptions{}, Options{})
	b.ask("GET /fits", fresh60, strings.Repeat("x", 1000))
	b.wantBody("as long as allowed", "GET /fits", strings.Repeat("x", 1000))
	b.ask("GET /long", fresh60, strings.Repeat("x", 1001))
	b.wantBody("too long", "GET /long", "")
	b.ask("GET /announced", "200 OK | Content-Length: 1001 | Cache-Control: max-age=60", "")
	b.wantBody("too long by its announcement", "GET /announced", "")
	if st := b.store.Stats(); st.Abandoned != 1 || st.Filling != 0 {
		t.Errorf("%d abandoned, %d bytes on their way", st.Abandoned, st.Filling)
	}
	// Answers that come slowly share half the memory.
	b = newBench(t, Limits{Memory: 1 << 20, ObjectMax: 1 << 18}, DiskOptions{}, Options{})
	var open []*Visit
	for i := range 20 {
		v := b.visit(fmt.Sprintf("GET /%d", i))
		v.Step(b.now)
		v.Answered(response(t, fresh60), b.now)
		v.Write(make([]byte, 100_000))
		open = append(open, v)
		if n := b.store.Stats().Filling; n > 1<<19 {
			t.Fatalf("%d bytes on their way", n)
		}
	}
	for _, v := range open {
		v.Close()
	}
	if n := b.store.Stats().Filling; n != 0 {
		t.Errorf("%d bytes are on their way after the end", n)
	}
}

// I2.
func TestAnswersAreKeptWholeOrNotAtAll(t *testing.T) {
	b := newBench(t, Limits{}, DiskOptions{}, Options{})
	v := b.visit("GET /cut")
	v.Step(b.now)
	v.Answered(response(t, fresh60), b.now)
	v.Write([]byte("the front"))
	v.Close()
	b.wantBody("cut", "GET /cut", "")
	b.ask("GET /untold", "200 OK | Cache-Control: max-age=60", "ended by the connection, or cut")
	b.wantBody("nobody knows", "GET /untold", "")
	b.ask("GET /empty", "204 No Content | Cache-Control: max-age=60", "")
	if got := b.ask("GET /empty", "204 No Content", ""); got != record.CacheHit {
		t.Errorf("an answer without a body: %s", got)
	}
	if st := b.store.Stats(); st.Kept != 1 || st.Abandoned != 1 || st.Filling != 0 {
		t.Errorf("%+v", st)
	}
}

// I3.
func TestVariantsAreBounded(t *testing.T) {
	b := newBench(t, Limits{}, DiskOptions{}, Options{})
	for i := range 3 * variantsMax {
		b.ask(fmt.Sprintf("GET / | X: %d", i), fresh60+" | Vary: X", fmt.Sprint(i))
	}
	kept := 0
	for i := range 3 * variantsMax {
		if got := b.body(fmt.Sprintf("GET / | X: %d", i)); got != "" {
			kept++
			if got != fmt.Sprint(i) {
				t.Errorf("variant %d is served %s", i, got)
			}
		}
	}
	if kept != variantsMax {
		t.Errorf("%d variants are kept", kept)
	}
}

func TestVariantsOfOneVisitorAreNotKept(t *testing.T) {
	b := newBench(t, Limits{}, DiskOptions{}, Options{})
	b.ask("GET / | Cookie: a=1", fresh60+" | Vary: Cookie", "mine")
	b.wantBody("one visitor's", "GET / | Cookie: a=1", "")
	b.ask("GET /", fresh60+" | Vary: Cookie", "everybody's")
	for _, name := range []string{"X-Forwarded-For", "forwarded", "Accept, X-Real-IP", "Client-Cert", "Via"} {
		b.ask("GET /ours", fresh60+" | Vary: "+name, "one client's")
		b.wantBody(name, "GET /ours", "")
	}
	b.ask("GET /ours", fresh60+" | Vary: X-Forwarded-Proto", "everybody's")
	b.wantBody("part of the key", "GET /ours", "everybody's")
	b.wantBody("everybody's", "GET /", "everybody's")
	b.wantBody("not for who has a cookie", "GET / | Cookie: a=1", "")
}

// The answer to somebody neither reaches the others nor costs them theirs.
func TestSomebodyIsNotEverybody(t *testing.T) {
	for _, who := range []string{"Authorization: x", "Cookie: a=b"} {
		b := newBench(t, Limits{}, DiskOptions{}, Options{StaleIfError: time.Hour})
		b.ask("GET /", fresh60+" | ETag: \"1\"", "everybody's")
		b.ask("GET / | "+who, "200 OK | Transfer-Encoding: chunked | ETag: \"2\"", "mine")
		b.wantBody(who, "GET /", "everybody's")
		b.wait(61 * time.Second)
		b.ask("GET / | "+who, "200 OK | Transfer-Encoding: chunked | ETag: \"2\"", "mine")
		v := b.visit("GET /")
		v.Step(b.now)
		if !v.Answered(response(t, "304 Not Modified"), b.now) {
			t.Errorf("%s: it is no longer there to be validated", who)
		}
		v.Close()
		b.wantBody(who, "GET /", "everybody's")
	}
	b := newBench(t, Limits{}, DiskOptions{}, Options{StaleIfError: time.Hour})
	b.ask("GET /", fresh60, "everybody's")
	b.wait(61 * time.Second)
	v := b.visit("GET / | Authorization: x")
	v.Step(b.now)
	if v.Answered(response(t, "503 No | Content-Length: 0"), b.now) {
		t.Error("who authorizes himself gets what was meant for others")
	}
	v.Close()
}

// I4.
func TestPurges(t *testing.T) {
	const tags = ` | Cache-Groups: "g1", "g2" | Cache-Tag: t1, t2 | Surrogate-Key: s1 s2`
	for _, c := range []struct {
		what  string
		purge func(s *Store) int
		gone  bool
	}{
		{"by its URL", func(s *Store) int { n, _ := s.PurgeURL("http://A.example:80/a?x=1#top"); return n }, true},
		{"by another URL", func(s *Store) int { n, _ := s.PurgeURL("http://a.example/a"); return n }, false},
		{"over https", func(s *Store) int { n, _ := s.PurgeURL("https://a.example/a?x=1"); return n }, false},
		{"by its group", func(s *Store) int { return s.PurgeTag("g2") }, true},
		{"by its tag", func(s *Store) int { return s.PurgeTag("t2") }, true},
		{"by its key", func(s *Store) int { return s.PurgeTag("s1") }, true},
		{"by another tag", func(s *Store) int { return s.PurgeTag("g") }, false},
		{"by its host", func(s *Store) int { return s.PurgeHost("A.example") }, true},
		{"by another host", func(s *Store) int { return s.PurgeHost("b.example") }, false},
		{"with all", func(s *Store) int { return s.PurgeAll() }, true},
	} {
		b := newBench(t, Limits{}, DiskOptions{}, Options{})
		b.ask("GET /a?x=1", fresh60+tags, "kept")
		// Another one is asked for before the purge and comes after it.
		slow := b.visit("GET /a?x=1 | Authorization: y")
		slow.Step(b.now)
		slow.Answered(response(t, strings.Replace(fresh60, "max-age", "s-maxage", 1)+tags), b.now)
		slow.Write([]byte("slow"))
		b.wait(time.Second)
		if n := c.purge(b.store); (n == 1) != c.gone {
			t.Errorf("%s: %d dropped", c.what, n)
		}
		b.wait(time.Second)
		if got := b.body("GET /a?x=1"); (got == "") != c.gone {
			t.Errorf("%s: it serves %q", c.what, got)
		}
		slow.Complete()
		slow.Close()
		if got := b.body("GET /a?x=1"); (got == "") != c.gone {
			t.Errorf("%s: then %q comes", c.what, got)
		}
		b.ask("GET /a?x=1 | Authorization: y", strings.Replace(fresh60, "max-age", "s-maxage", 1)+tags, "new")
		if got := b.body("GET /a?x=1"); c.gone && got != "new" {
			t.Errorf("%s: a new one is not kept: %q", c.what, got)
		}
	}
	b := newBench(t, Limits{}, DiskOptions{}, Options{})
	for _, bad := range []string{"", "/a", "ftp://a/", "http://", "a.example"} {
		if _, ok := b.store.PurgeURL(bad); ok {
			t.Errorf("%q is taken for a URL", bad)
		}
	}
}

// RFC 9111 section 4.4, RFC 9875 section 3.
func TestUnsafeRequestsInvalidate(t *testing.T) {
	for _, c := range []struct {
		req, answer string
		gone        bool // of /a
	}{
		{"POST /a", "200 OK", true}, {"PUT /a", "204 OK", true}, {"DELETE /a", "301 Moved", true}, {"M-SEARCH /a", "200 OK", true},
		{"POST /a", "404 No", false}, {"POST /a", "500 No", false}, {"OPTIONS /a", "200 OK", false}, {"POST /b", "200 OK", false},
		{"POST /b", "201 OK | Location: /a", true}, {"POST /b", "201 OK | Content-Location: http://a.example/a", true},
		{"POST /b", "201 OK | Location: http://b.example/a", false}, {"POST /b", "201 OK | Location: //a.example/a", false},
		{"POST /b", "201 OK | Location: http://a.example.evil/a", false}, {"POST /b", "201 OK | Location: https://a.example/a", false},
		{"POST /b", "200 OK | Cache-Group-Invalidation: \"x\", \"g\"", true}, {"POST /b", "500 OK | Cache-Group-Invalidation: \"g\"", false},
		{"GET /b", "200 OK | Cache-Group-Invalidation: \"g\"", false},
	} {
		b := newBench(t, Limits{}, DiskOptions{}, Options{})
		b.ask("GET /a", fresh60+" | Cache-Groups: \"g\"", "a")
		b.wait(time.Second)
		b.ask(c.req, c.answer+" | Transfer-Encoding: chunked", "")
		if got := b.body("GET /a"); (got == "") != c.gone {
			t.Errorf("%s answered with %s: /a gets %q", c.req, c.answer, got)
		}
	}
}

// Any visitor may send a POST. However many do, they cost other targets nothing.
func TestInvalidationEndsOneTargetOnly(t *testing.T) {
	b := newBench(t, Limits{}, DiskOptions{Path: filepath.Join(t.TempDir(), "cache")}, Options{})
	const pages = 200
	for i := range pages {
		b.ask(fmt.Sprintf("GET /page/%d", i), fresh60+" | Cache-Tag: t", "page")
	}
	b.wait(time.Second)
	for i := range 2 * stampSlots {
		b.ask(fmt.Sprintf("POST /order/%d", i), "200 OK | Content-Length: 0", "")
	}
	b.ask("POST /page/7", "200 OK | Content-Length: 0", "")
	gone := 0
	for i := range pages {
		if b.body(fmt.Sprintf("GET /page/%d", i)) == "" {
			gone++
		}
	}
	if gone != 1 {
		t.Errorf("%d pages are gone for one that was changed", gone)
	}
	b.store.Close()
}

// A POST ends the answer to its target that is on its way, and no other. I4.
func TestInvalidationOfAnswersOnTheirWay(t *testing.T) {
	b := newBench(t, Limits{}, DiskOptions{}, Options{})
	const pages = 200
	var under []*Visit
	for i := range pages {
		v := b.visit(fmt.Sprintf("GET /page/%d", i))
		v.Step(b.now)
		under = append(under, v)
	}
	b.wait(time.Second)
	for i := range keyPurgeSlots / 100 {
		b.ask(fmt.Sprintf("POST /order/%d", i), "200 OK | Content-Length: 0", "")
	}
	b.ask("POST /page/7", "200 OK | Content-Length: 0", "")
	var gone []int
	for i, v := range under {
		v.Answered(response(t, fresh60), b.now)
		v.Write([]byte("a"))
		v.Complete()
		v.Close()
		if b.body(fmt.Sprintf("GET /page/%d", i)) == "" {
			gone = append(gone, i)
		}
	}
	if len(gone) < 1 || len(gone) > 3 || !slices.Contains(gone, 7) {
		t.Errorf("pages %d are not kept for one that was changed", gone)
	}
}

func TestHeadsAreKeptClean(t *testing.T) {
	b := newBench(t, Limits{}, DiskOptions{}, Options{})
	b.ask("GET /", "200 Fine | Transfer-Encoding: chunked | Connection: x-hop | X-Hop: 1 | Age: 3 | Trailer: t | Proxy-Authentication-Info: a | "+
		"Cache-Control: max-age=60, no-cache=\"set-cookie, x-one\", private=X-User | Set-Cookie: a=b | X-One: 1 | X-User: 2 | X-Two: 3", "body")
	v := b.visit("GET /")
	if v.Step(b.now) != exchange.CacheServe {
		t.Fatal("it is not kept")
	}
	var out exchange.Out
	v.MakeAnswer(&out, b.now)
	got := string(out.Head.Bytes(out.Reason)) + "\n"
	for i := range out.Head.Fields {
		got += string(out.Head.Bytes(out.Head.Fields[i].LineSpan))
	}
	want := "Fine\nCache-Control: max-age=60, no-cache=\"set-cookie, x-one\", private=X-User\r\nX-Two: 3\r\nDate: " + date(0) + "\r\n"
	if got != want {
		t.Errorf("kept\n%s\nwant\n%s", got, want)
	}
	if string(out.Add[0].Value) != "3" {
		t.Errorf("Age %s", out.Add[0].Value)
	}
}

// RFC 9111 section 4.3.4: a 304 about something else renews nothing.
func TestConfirmations(t *testing.T) {
	for _, c := range []struct {
		confirms string
		want     record.Cache // of the request after it
	}{
		{"304 Not Modified | Cache-Control: max-age=60", record.CacheHit},
		{"304 Not Modified | ETag: \"1\"", record.CacheHit},
		{"304 Not Modified | ETag: W/\"2\"", record.CacheHit},
		{"304 Not Modified | ETag: \"2\"", record.CacheExpired},
		{"304 Not Modified | Cache-Control: no-store", record.CacheMiss},
	} {
		b := newBench(t, Limits{}, DiskOptions{}, Options{})
		b.ask("GET /", fresh60+" | ETag: \"1\"", "body")
		b.wait(61 * time.Second)
		if got := b.ask("GET /", c.confirms, ""); got != record.CacheRevalidated {
			t.Errorf("%s: %s", c.confirms, got)
		}
		b.wait(time.Second)
		if got := b.ask("GET /", fresh60, "new"); got != c.want {
			t.Errorf("%s: then %s, want %s", c.confirms, got, c.want)
		}
	}
}

// An answer to a client's own condition or part leaves what is here alone.
func TestPartialAnswersChangeNothing(t *testing.T) {
	b := newBench(t, Limits{}, DiskOptions{}, Options{StaleIfError: time.Hour})
	b.ask("GET /", fresh60, "body")
	b.wait(61 * time.Second)
	b.ask("GET / | If-None-Match: \"x\"", "304 Not Modified", "")
	b.ask("GET / | Range: bytes=0-1", "206 Part | Content-Range: bytes 0-1/4 | Content-Length: 2", "bo")
	v := b.visit("GET /")
	v.Step(b.now)
	if !v.Answered(response(t, "503 No | Content-Length: 0"), b.now) {
		t.Error("what was here is gone")
	}
	v.Close()
}
