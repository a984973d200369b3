// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"causey/internal/cache"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// cached gives the route a cache.
func (g *testGateway) cached(o cache.Options) *cache.Store {
	g.t.Helper()
	s, err := cache.New(cache.Limits{}, cache.DiskOptions{}, cache.Env{Now: time.Now, After: time.After, Logger: slog.Default()})
	if err != nil {
		g.t.Fatal(err)
	}
	g.route.Cache = cache.NewRule(s, o)
	g.env.Refreshes = exchange.NewRefreshes(8)
	time.Sleep(time.Second) // no answer is older than the first stamp
	return s
}

// onBothCached runs a script on both twins with a cache of these options.
func onBothCached(t *testing.T, o cache.Options, script func(t *testing.T, g *testGateway)) {
	t.Helper()
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.cached(o)
		script(t, g)
		g.env.Refreshes.Close()
	})
}

// good answers 200 with fields and a body.
func (l *leaseTwin) good(body string, fields ...string) {
	l.answer(append([]string{"HTTP/1.1 200 OK", "Content-Length: " + strconv.Itoa(len(body))}, fields...)...)
	l.body(body)
}

// wantCached takes the record of an exchange that ended well and checks what the cache
// did.
func (g *testGateway) wantCached(why string, result record.Cache, hidden string) *record.Record {
	g.t.Helper()
	r := g.wantEnd(why, record.Relayed, "")
	if r.Cache != result || r.Hidden.String() != hidden {
		g.t.Errorf("%s: the cache did %q and hid %q, want %q and %q", why, r.Cache, r.Hidden, result, hidden)
	}
	return r
}

// wantRefreshed takes the record of an exchange of the cache's own.
func (g *testGateway) wantRefreshed(why, hidden string) {
	g.t.Helper()
	r := g.wantEnd(why, record.Refreshed, "")
	if r.Cache != record.CacheRefresh || r.Hidden.String() != hidden || r.Status != 0 {
		g.t.Errorf("%s: the cache did %q and hid %q with status %d, want %q", why, r.Cache, r.Hidden, r.Status, hidden)
	}
	g.refreshes++
}

// goDown makes the server refuse one connection; those that are open are closed.
func (g *testGateway) goDown() {
	s := g.group.servers[0]
	s.dials = []failure.Kind{failure.Refused}
	for _, c := range s.conns {
		c.closed = true
	}
}

// kept makes the cache have an answer to GET /a.
func (g *testGateway) kept(body string, fields ...string) {
	g.t.Helper()
	c := g.send("GET /a")
	g.arrives("nothing is there yet").good(body, fields...)
	g.wantAnswer("the first answer", c, 200, body)
	g.wantCached("the first is a miss", record.CacheMiss, "")
}

func TestCacheServesWhatItKept(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		g.kept("hello", "Cache-Control: max-age=60", `ETag: "1"`, "Connection: x-hop", "X-Hop: 1", "Cache-Status: inner; hit")
		g.pass(10 * time.Second)
		c := g.send("GET /a")
		g.wantNoRequest("a fresh answer is here")
		g.wantAnswer("it is served", c, 200, "hello", "Age: 10", "Content-Length: 5", "Cache-Status: inner; hit, gw; hit; ttl=50", `ETag: "1"`, "-X-Hop")
		if r := g.wantCached("from the cache", record.CacheHit, ""); r.AttemptLen != 0 || r.UpStatus != 0 || r.BodyOut != 5 || r.Phases[phase.Cache] < 0 {
			t.Errorf("attempts %d, upstream status %d, body %d, cache phase %v", r.AttemptLen, r.UpStatus, r.BodyOut, r.Phases[phase.Cache])
		}
		for _, q := range []struct {
			lines  []string
			status int
			body   string
			fields []string
		}{
			{[]string{"HEAD /a"}, 200, "", []string{"Age: 10", "Content-Length: 5"}},
			{[]string{"GET /a", `If-None-Match: W/"1", "2"`}, 304, "", []string{"Age: 10", `ETag: "1"`, "-Content-Length"}},
			{[]string{"GET /a", "Range: bytes=1-2"}, 206, "el", []string{"Content-Range: bytes 1-2/5", "Content-Length: 2"}},
			{[]string{"GET /a", "Range: bytes=-2", `If-Range: "1"`}, 206, "lo", nil},
			{[]string{"GET /a", "Range: bytes=-2", `If-Range: "2"`}, 200, "hello", nil},
			{[]string{"GET /a", "Range: bytes=9-"}, 416, "", []string{"Content-Range: bytes */5", "Content-Length: 0"}},
			{[]string{"GET /a", "Range: bytes=0-0,2-2"}, 200, "hello", nil},
		} {
			c := g.send(q.lines...)
			g.wantNoRequest(q.lines[0])
			g.wantAnswer(strings.Join(q.lines, ", "), c, q.status, q.body, q.fields...)
			g.wantCached(q.lines[0], record.CacheHit, "")
		}
	})
}

func TestCacheValidates(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		g.kept("hello", "Cache-Control: max-age=60", `ETag: "1"`, "X-Old: 1")
		g.pass(time.Minute)
		c := g.send("GET /a", `If-None-Match: "mine"`, "Range: bytes=0-1")
		l := g.arrives("it is no longer fresh")
		l.wantRequest("the question is ours", "GET /a", `If-None-Match: "1"`, "-Range")
		l.answer("HTTP/1.1 304 Not Modified", "Cache-Control: max-age=100", "X-New: 2")
		g.wantAnswer("what is here is served", c, 206, "he", "Cache-Status: gw; fwd=stale; fwd-status=304; stored; ttl=100", "X-Old: 1", "X-New: 2")
		g.wantCached("it still holds", record.CacheRevalidated, "")
		g.pass(90 * time.Second)
		c = g.send("GET /a")
		g.wantAnswer("it was renewed", c, 200, "hello", "Age: 90", "Cache-Control: max-age=100")
		g.wantCached("it was renewed", record.CacheHit, "")
		g.pass(time.Minute)
		c = g.send("GET /a")
		g.arrives("stale again").good("other", "Cache-Control: max-age=5")
		g.wantAnswer("the new one", c, 200, "other", "Cache-Status: gw; fwd=stale; fwd-status=200; stored")
		g.wantCached("replaced", record.CacheExpired, "")
	})
}

func TestCacheCollapses(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		clients := []*clientTwin{g.send("GET /a")}
		l := g.arrives("one asks")
		clients = append(clients, g.send("GET /a"), g.send("GET /a"))
		other := g.send("GET /b")
		g.arrives("another target waits for nobody").good("b")
		g.wantAnswer("b", other, 200, "b")
		g.wantCached("b", record.CacheMiss, "")
		g.wantNoRequest("the others wait")
		l.answer("HTTP/1.1 200 OK", "Content-Length: 5", "Cache-Control: max-age=60")
		l.body("he")
		g.wantRunning("they wait for the whole answer")
		l.body("llo")
		for _, c := range clients {
			g.wantAnswer("everybody has it", c, 200, "hello")
		}
		g.settle()
		did := map[record.Cache]int{}
		for range clients { // they may end in any order
			did[g.wantEnd("well", record.Relayed, "").Cache]++
		}
		if did[record.CacheMiss] != 1 || did[record.CacheCollapsed] != 2 {
			t.Errorf("the cache did %v, want one miss and two collapsed", did)
		}
		g.wantNoRequest("one request was enough")
	})
}

func TestCacheDoesNotSerializeWhatItDoesNotKeep(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		first := g.send("GET /a")
		l := g.arrives("one asks")
		second := g.send("GET /a")
		g.wantNoRequest("the other waits")
		l.answer("HTTP/1.1 200 OK", "Content-Length: 1", "Cache-Control: no-store")
		l2 := g.arrives("the head is enough to let the other go")
		third := g.send("GET /a")
		l3 := g.arrives("and a third does not wait at all")
		l.body("1")
		l3.good("3", "Cache-Control: no-store")
		l2.good("2", "Cache-Control: max-age=9")
		g.wantAnswer("first", first, 200, "1", "Cache-Status: gw; fwd=uri-miss; fwd-status=200")
		g.wantAnswer("second", second, 200, "2")
		g.wantAnswer("third", third, 200, "3")
		for range 3 {
			g.wantCached("each asked", record.CacheMiss, "")
		}
		c := g.send("GET /a")
		g.wantAnswer("one of them may be kept, and is", c, 200, "2")
		g.wantCached("it is", record.CacheHit, "")
	})
}

func TestCacheWaitIsBounded(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		first := g.send("GET /a")
		slow := g.arrives("one asks")
		second := g.send("GET /a")
		leaving := g.send("GET /a")
		g.pass(time.Second)
		leaving.leave(byRST)
		g.wantEnd("who leaves does not wait on", record.ClientLeft, "client.connect.reset")
		g.pass(3999 * time.Millisecond)
		g.wantNoRequest("still waiting")
		g.pass(time.Millisecond)
		g.arrives("five seconds are enough").good("2", "Cache-Control: max-age=60")
		g.wantAnswer("second", second, 200, "2")
		g.wantCached("it went itself", record.CacheMiss, "")
		slow.good("1", "Cache-Control: max-age=60")
		g.wantAnswer("first", first, 200, "1")
		g.wantCached("first", record.CacheMiss, "")
	})
}

// A client that leaves takes its fill along: nobody makes us load what nobody reads. Who
// waits for it takes over.
func TestCacheFillEndsWithItsClient(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		first := g.send("GET /a")
		l := g.arrives("one asks")
		second := g.send("GET /a")
		l.answer("HTTP/1.1 200 OK", "Content-Length: 5", "Cache-Control: max-age=60")
		l.body("he")
		g.settle()
		first.leave(byRST)
		g.wantEnd("the first left", record.ClientLeft, "client.relay-body.reset")
		g.arrives("the second asks now").good("hello", "Cache-Control: max-age=60")
		g.wantAnswer("second", second, 200, "hello")
		g.wantCached("second", record.CacheMiss, "")
	})
}

// I2 of package cache.
func TestCacheKeepsNoCutAnswer(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		c := g.send("GET /a")
		l := g.arrives("first")
		l.answer("HTTP/1.1 200 OK", "Content-Length: 5", "Cache-Control: max-age=60")
		l.body("he")
		g.settle()
		l.leave(byFIN)
		g.wantAborted("cut", c)
		g.wantEnd("cut", record.Cut, "upstream.relay-body.short")
		c = g.send("GET /a")
		g.arrives("nothing was kept").good("hello")
		g.wantAnswer("whole", c, 200, "hello")
		g.wantCached("whole", record.CacheMiss, "")
	})
}

func TestCacheStandsInForFailures(t *testing.T) {
	onBothCached(t, cache.Options{StaleIfError: time.Hour}, func(t *testing.T, g *testGateway) {
		g.plan.Details = exchange.DetailsAlways
		g.kept("hello", "Cache-Control: max-age=60")
		g.pass(2 * time.Minute)
		g.goDown()
		c := g.send("GET /a")
		g.wantAnswer("the answer stands in", c, 200, "hello", "Age: 120", `Cache-Status: gw; fwd=stale; ttl=-60; detail="upstream.connect.refused"`)
		r := g.wantCached("stale", record.CacheStale, "upstream.connect.refused")
		if r.AttemptLen == 0 || r.Attempts[0].Failure.String() != "upstream.connect.refused" || r.Error != nil {
			t.Errorf("%d attempts, the first failed by %q, error %v", r.AttemptLen, r.Attempts[0].Failure, r.Error)
		}
		c = g.send("GET /a")
		g.wantAnswer("not everybody has to find out", c, 200, "hello", `Cache-Status: gw; hit; ttl=-60; detail="upstream.connect.refused"`)
		if r := g.wantCached("the failure is known", record.CacheStale, "upstream.connect.refused"); r.AttemptLen != 0 {
			t.Errorf("%d attempts", r.AttemptLen)
		}
		g.pass(3 * time.Second)
		c = g.send("GET /a")
		g.arrives("then the server is asked again").answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 4")
		g.wantAnswer("its error is not shown either", c, 200, "hello", "Cache-Status: gw; fwd=stale; fwd-status=503; ttl=-63")
		if r := g.wantCached("stale", record.CacheStale, ""); r.UpStatus != 503 || r.Status != 200 {
			t.Errorf("status %d, of the server %d", r.Status, r.UpStatus)
		}
		g.pass(time.Hour)
		c = g.send("GET /a")
		g.arrives("an hour is over").answer("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")
		g.wantHead("now it is shown", c, 503)
		g.wantCached("expired", record.CacheExpired, "")
	})
}

// A server that says nothing has only as long as nobody would mind: then the stale answer
// goes out, whatever the route's timeouts are. Afterwards it is asked less and less often.
func TestCacheDoesNotWaitForASilentServer(t *testing.T) {
	onBothCached(t, cache.Options{StaleIfError: time.Hour}, func(t *testing.T, g *testGateway) {
		g.kept("hello", "Cache-Control: max-age=60")
		g.pass(2 * time.Minute)
		c := g.send("GET /a")
		g.arrives("asked, and silent")
		g.pass(time.Second)
		second := g.send("GET /a")
		g.pass(4 * time.Second)
		g.wantAnswer("after five seconds", c, 200, "hello")
		g.wantAnswer("with who waited", second, 200, "hello")
		g.wantCached("stale", record.CacheStale, "upstream.await-head.timeout")
		g.wantCached("stale", record.CacheStale, "upstream.await-head.timeout")
		hidden := "upstream.await-head.timeout"
		for _, pause := range []time.Duration{2, 4, 8, 16, 30, 30} {
			g.pass(pause*time.Second - 1)
			c := g.send("GET /a")
			g.wantNoRequest("it is believed to be silent")
			g.wantAnswer("at once", c, 200, "hello")
			g.wantCached("stale", record.CacheStale, hidden)
			g.pass(1)
			c = g.send("GET /a")
			g.arrives("asked again").leave(byRST)
			g.settle()
			if len(g.group.arrived) > 0 { // the connection was a used one
				g.arrives("once more").leave(byRST)
			}
			g.wantAnswer("stale", c, 200, "hello")
			hidden = g.wantEnd("stale", record.Relayed, "").Hidden.String()
		}
	})
}

// Who waits for a slow answer while a stale one stands by waits no longer than others.
func TestCacheStandsInForASlowAnswer(t *testing.T) {
	onBothCached(t, cache.Options{StaleIfError: time.Hour}, func(t *testing.T, g *testGateway) {
		g.kept("hello", "Cache-Control: max-age=60")
		g.pass(2 * time.Minute)
		c := g.send("GET /a")
		l := g.arrives("asked")
		second := g.send("GET /a")
		l.answer("HTTP/1.1 200 OK", "Content-Length: 5", "Cache-Control: max-age=60")
		g.pass(5 * time.Second)
		g.wantNoRequest("one who asks is enough")
		g.wantAnswer("the stale one", second, 200, "hello", "Cache-Status: gw; hit; ttl=-65")
		g.wantCached("stale", record.CacheStale, "")
		l.body("other")
		g.wantAnswer("the new one", c, 200, "other")
		g.wantCached("new", record.CacheExpired, "")
	})
}

// A server that cannot be reached for one page is not tried for another.
func TestCacheKnowsThatAServerIsAway(t *testing.T) {
	onBothCached(t, cache.Options{StaleIfError: time.Hour}, func(t *testing.T, g *testGateway) {
		g.kept("a", "Cache-Control: max-age=60")
		c := g.send("GET /b")
		g.arrives("b").good("b", "Cache-Control: max-age=60")
		g.wantAnswer("b", c, 200, "b")
		g.wantCached("b", record.CacheMiss, "")
		g.pass(2 * time.Minute)
		g.goDown()
		c = g.send("GET /a")
		g.wantAnswer("a", c, 200, "a")
		g.wantCached("it was tried", record.CacheStale, "upstream.connect.refused")
		c = g.send("GET /b")
		g.wantNoRequest("it is away")
		g.wantAnswer("b", c, 200, "b")
		g.wantCached("not tried", record.CacheStale, "upstream.connect.refused")
		c = g.send("GET /c")
		g.arrives("what is not here is asked for").good("c")
		g.wantAnswer("c", c, 200, "c")
		g.wantCached("c", record.CacheMiss, "")
		c = g.send("GET /b")
		g.arrives("it is back").good("new", "Cache-Control: max-age=60")
		g.wantAnswer("b", c, 200, "new")
		g.wantCached("b", record.CacheExpired, "")
	})
}

// I6 of package cache.
func TestCacheStandsInOnlyWhereAllowed(t *testing.T) {
	for _, forbids := range []string{
		"max-age=1, must-revalidate", "max-age=1, proxy-revalidate", "s-maxage=1", "no-cache", "max-age=1, stale-if-error=0",
	} {
		onBothCached(t, cache.Options{StaleIfError: time.Hour, StaleWhileRevalidate: time.Hour}, func(t *testing.T, g *testGateway) {
			g.kept("hello", "Cache-Control: "+forbids+", stale-while-revalidate=0", `ETag: "1"`)
			g.pass(2 * time.Second)
			g.goDown()
			c := g.send("GET /a")
			g.wantHead(forbids, c, 502)
			r := g.wantEnd(forbids, record.Answered, "upstream.connect.refused")
			if r.Cache != record.CacheExpired || !r.Hidden.IsNone() {
				t.Errorf("the cache did %q and hid %q", r.Cache, r.Hidden)
			}
		})
	}
}

func TestCacheStandsInForARefusal(t *testing.T) {
	onBothCached(t, cache.Options{StaleIfError: time.Hour}, func(t *testing.T, g *testGateway) {
		g.kept("hello", "Cache-Control: max-age=60")
		g.pass(2 * time.Minute)
		g.plan.Guard = sternGuard{phase.Queue}
		c := g.send("GET /a")
		g.wantAnswer("stands in", c, 200, "hello")
		g.wantCached("stale", record.CacheStale, "gateway.connect.limit")
	})
}

func TestCacheRefreshes(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		g.kept("old", "Cache-Control: max-age=60, stale-while-revalidate=60", `ETag: "1"`)
		g.pass(61 * time.Second)
		c, c2 := g.send("GET /a", "Cookie: a=b"), g.send("HEAD /a")
		g.wantAnswer("served at once", c, 200, "old", "Age: 61", "Cache-Status: gw; hit; ttl=-1")
		g.wantAnswer("everybody is", c2, 200, "")
		g.wantCached("stale", record.CacheStale, "")
		g.wantCached("stale", record.CacheStale, "")
		l := g.arrives("and asked for anew")
		l.wantRequest("as the client asked", "GET /a", "X-Forwarded-For: 192.0.2.1", `If-None-Match: "1"`, "Cookie: a=b")
		g.wantNoRequest("once")
		l.good("new", "Cache-Control: max-age=60, public")
		g.wantRefreshed("the cache's own", "")
		c = g.send("GET /a")
		g.wantAnswer("the new one", c, 200, "new")
		g.wantCached("fresh", record.CacheHit, "")
	})
}

func TestCacheRefreshFails(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		g.kept("old", "Cache-Control: max-age=60, stale-while-revalidate=60")
		g.pass(61 * time.Second)
		g.goDown()
		g.group.servers[0].delay = time.Millisecond
		c := g.send("GET /a")
		g.wantAnswer("served", c, 200, "old")
		g.wantCached("stale", record.CacheStale, "")
		g.pass(time.Millisecond)
		g.wantRefreshed("nobody saw that", "upstream.connect.refused")
	})
}

func TestCacheRefreshEndsWithTheGateway(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		g.kept("old", "Cache-Control: max-age=60, stale-while-revalidate=60")
		g.pass(61 * time.Second)
		c := g.send("GET /a")
		g.wantAnswer("served", c, 200, "old")
		g.wantCached("stale", record.CacheStale, "")
		g.arrives("asked for anew, and silent")
		g.env.Refreshes.Close()
		g.wantRefreshed("stopped", "gateway.await-head.shutdown")
		c = g.send("GET /a")
		g.wantAnswer("served", c, 200, "old")
		g.wantCached("no more of them", record.CacheStale, "")
		g.wantNoRequest("after the end")
	})
}

func TestCacheInvalidates(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		g.kept("old", "Cache-Control: max-age=60")
		g.pass(time.Second)
		during := g.send("GET /a", "Authorization: x") // asks before the change
		l := g.arrives("authorized requests are not answered with it")
		g.pass(time.Second)
		c := g.send("POST /a", "Content-Length: 0")
		p := g.arrives("unsafe")
		p.answer("HTTP/1.1 500 No", "Content-Length: 0")
		g.wantHead("failed", c, 500)
		g.wantCached("it failed", record.CacheBypass, "")
		c = g.send("GET /a")
		g.wantAnswer("so nothing has changed", c, 200, "old")
		g.wantCached("still there", record.CacheHit, "")
		c = g.send("POST /a", "Content-Length: 0")
		g.arrives("unsafe").good("")
		g.wantHead("done", c, 200)
		g.wantCached("done", record.CacheBypass, "")
		g.pass(time.Second)
		l.good("before", "Cache-Control: max-age=60, public")
		g.wantAnswer("the answer from before", during, 200, "before")
		g.wantCached("is not kept", record.CacheMiss, "")
		c = g.send("GET /a")
		g.arrives("so it is asked for").good("new", "Cache-Control: max-age=60")
		g.wantAnswer("new", c, 200, "new")
		g.wantCached("new", record.CacheMiss, "")
	})
}

// Who shows a certificate is somebody, as with Authorization.
func TestCacheAndClientCertificates(t *testing.T) {
	onBothCached(t, cache.Options{}, func(t *testing.T, g *testGateway) {
		for range 2 {
			c := g.newClient()
			c.arrival.ClientCert = []byte(":MII=:")
			c.raw = headBytes([]string{"GET /a"})
			g.start(c)
			g.arrives("each asks").good("for one", "Cache-Control: max-age=60")
			g.wantAnswer("for one", c, 200, "for one")
			g.wantCached("not kept", record.CacheMiss, "")
		}
		g.kept("for all", "Cache-Control: max-age=60")
	})
}

func TestCacheOnlyIfCached(t *testing.T) {
	onBothCached(t, cache.Options{ObeyClients: true}, func(t *testing.T, g *testGateway) {
		c := g.send("GET /a", "Cache-Control: only-if-cached")
		g.wantAnswer("it is not", c, 504, "", "Cache-Control: no-store")
		g.wantNoRequest("and nobody is asked")
		g.wantEnd("our answer", record.Answered, "")
	})
}
