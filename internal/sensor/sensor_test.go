// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"causey/internal/cause"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/upstream"
)

// start is when these tests begin.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rig feeds a sensor with records at times of its own.
type rig struct {
	t   *testing.T
	s   *Sensor
	now time.Time
	ids *record.IDs
	// look is what the gateway tells of the upstream "app".
	look *Look
	host Host
}

func newRig(t *testing.T) *rig {
	return &rig{t: t, s: New(), now: start, ids: record.NewIDs(1), look: &Look{Upstream: "app"}}
}

// servers names the servers of the upstream.
func (g *rig) servers(names ...string) *rig {
	for _, n := range names {
		g.look.Servers = append(g.look.Servers, upstream.ServerDescription{Name: n, State: upstream.Up})
	}
	return g
}

func (g *rig) pass(d time.Duration) { g.now = g.now.Add(d) }

// visit is one exchange, ended now. Zero values are ordinary.
type visit struct {
	server, path, method, client, site string
	upstream                           string
	code                               string // of the failed attempt
	saved                              bool   // another attempt went well
	status                             int
	took                               time.Duration // of the attempt
	reused                             bool
	number                             uint32
	idle, connect                      time.Duration
	body, out, head                    int64
	asks                               record.Asks
	ev                                 failure.Evidence
	answer                             *record.Answer
	dialled                            string
	cut                                bool // the failure came after the head
	ended                              bool // a tunnel that the server ended, after the quiet
	quiet                              time.Duration
	left                               bool // the client went before the answer
	agent, peer, host                  string
	interims                           uint8
	coded                              bool
	software                           record.Software
	cache                              record.Cache
	wait, relay                        time.Duration // of the body
}

func code(t *testing.T, name string) failure.Code {
	t.Helper()
	c, ok := failure.ParseCode(name)
	if !ok {
		t.Fatalf("there is no failure %q", name)
	}
	return c
}

func or[T comparable](v, d T) T {
	if v == *new(T) {
		return d
	}
	return v
}

func (g *rig) put(v visit) record.ID {
	g.t.Helper()
	var r record.Record
	r.Reset()
	r.ID = g.ids.Next()
	r.Site, r.Upstream = or(v.site, "shop.example"), or(v.upstream, "app")
	if r.Upstream == "-" {
		r.Upstream = ""
	}
	r.Client = netip.MustParseAddr(or(v.client, "192.0.2.1"))
	r.SetText(record.Target, []byte(or(v.path, "/")))
	r.SetText(record.Method, []byte(or(v.method, "GET")))
	r.Total = or(v.took, 5*time.Millisecond) + time.Millisecond
	r.Start = g.now.Add(-r.Total)
	r.BodyIn, r.BodyOut, r.HeadIn, r.Asks = v.body, v.out, int32(or(v.head, 200)), v.asks
	a := r.AddAttempt()
	a.Server, a.Dialled = or(v.server, "10.0.0.3:80"), netip.MustParseAddrPort(or(v.dialled, "10.0.0.3:80"))
	a.Reused, a.RequestNumber, a.IdleFor, a.Connect = v.reused, or(v.number, 1), v.idle, v.connect
	a.Start, a.Took = 0, or(v.took, 5*time.Millisecond)
	a.Interims, a.Coded, a.Software = v.interims, v.coded, v.software
	r.Phases[phase.AwaitHead] = a.Took
	r.SetText(record.UserAgent, []byte(v.agent))
	r.SetText(record.Host, []byte(v.host))
	r.Peer = netip.AddrPortFrom(netip.MustParseAddr(or(v.peer, or(v.client, "192.0.2.1"))), 4711)
	r.Cache = v.cache
	if r.BodyWait = v.wait; v.relay > 0 {
		r.Phases[phase.RelayBody] = v.relay
		r.Total += v.relay
		r.Start = g.now.Add(-r.Total)
	}
	switch {
	case v.left:
		r.Outcome, r.Status, a.Failure = record.ClientLeft, 499, code(g.t, "client.await-head.closed")
		r.NoteFailure(&failure.Error{Code: a.Failure})
	case v.ended:
		a.Status, r.UpStatus, r.Status, r.Outcome = 101, 101, 101, record.Tunnelled
		r.Tunnel = record.TunnelEnd{ByServer: true, QuietFor: v.quiet}
	case v.cache == record.CacheHit:
		r.AttemptLen, r.Outcome, r.Status = 0, record.Relayed, 200
	case v.code == "":
		a.Status, r.UpStatus, r.Status, r.Outcome = or(v.status, 200), or(v.status, 200), or(v.status, 200), record.Relayed
		a.Answer, a.Bad = v.answer, v.answer != nil
	default:
		c := code(g.t, v.code)
		err := &failure.Error{Code: c, Evidence: v.ev}
		err.Evidence.Dialled, err.Evidence.Reused = a.Dialled, a.Reused
		if c.Phase > phase.UpHandshake {
			err.Evidence.HasConn = true
		}
		if v.cut {
			a.Status = 200
		} else {
			a.Failure, a.Error = c, err
		}
		if v.saved {
			b := r.AddAttempt()
			b.Start = a.Took // it answers at once
			b.Server, b.Dialled, b.RequestNumber, b.Status = "10.0.0.9:80", netip.MustParseAddrPort("10.0.0.9:80"), 1, 200
			r.Outcome, r.Saved, r.Status, r.UpStatus = record.Relayed, record.ByRetry, 200, 200
		} else {
			r.NoteFailure(err)
			r.Outcome, r.Status = record.Answered, 502
		}
	}
	g.s.Consume([]record.Record{r})
	return r.ID
}

// tick is what the gateway does once a second.
func (g *rig) tick() {
	looks := []Look{}
	if len(g.look.Servers) > 0 {
		looks = append(looks, *g.look)
	}
	g.s.Tick(g.now, looks, g.host)
}

// ticking lets ordinary visitors come, and the gateway look each second.
func (g *rig) ticking(d time.Duration) {
	for range int(d / time.Second) {
		g.calm(time.Second)
		g.tick()
	}
}

// many puts n visits, gap apart.
func (g *rig) many(n int, gap time.Duration, v func(i int) visit) {
	for i := range n {
		g.pass(gap)
		g.put(v(i))
	}
}

// calm lets ordinary visitors come for a while: four a second, to files and pages.
func (g *rig) calm(d time.Duration) {
	g.t.Helper()
	g.many(int(d/(250*time.Millisecond)), 250*time.Millisecond, ordinary)
}

func ordinary(i int) visit {
	v := visit{path: "/product/" + strconv.Itoa(i), client: fmt.Sprintf("192.0.%d.1", i%20), out: 4000}
	switch i % 4 {
	case 0:
		v.path = "/static/site.css"
	case 1:
		v.path = "/"
	}
	return v
}

// the is the only case, or that of a mode.
func (g *rig) the(mode Mode) (c *Case) {
	g.t.Helper()
	g.s.Each(func(one *Case) {
		if mode == "" || one.Mode == mode {
			c = one
		}
	})
	if c == nil {
		g.t.Fatalf("there is no case %q", mode)
	}
	return c
}

// facts returns what is to be seen of the only case.
func (g *rig) facts() (f cause.Facts) {
	c := g.the("")
	g.s.Each(func(*Case) { f = g.s.Facts(c, g.look, g.now) })
	for name, v := range f {
		if cause.LookupFact(name) == nil {
			g.t.Errorf("there is no fact %q", name)
		}
		if strings.Contains(v.Say, "%!") {
			g.t.Errorf("%s says %q", name, v.Say)
		}
	}
	return f
}

// want checks facts: "name" is true or there, "!name" is not, "name=x" has that value and
// "-name" was not observed.
func (g *rig) want(why string, list ...string) {
	g.t.Helper()
	f := g.facts()
	for _, w := range list {
		name, value, has := strings.Cut(strings.TrimLeft(w, "!-"), "=")
		v, known := f[name]
		got := v.True || v.Num != 0 || len(v.Words) > 0
		switch {
		case w[0] == '-':
			if known {
				g.t.Errorf("%s: %s is known: %+v", why, name, v)
			}
			continue
		case !known:
			g.t.Errorf("%s: %s was not observed", why, name)
			continue
		case has && len(v.Words) > 0:
			got = slices.Contains(v.Words, value)
		case has:
			n, err := strconv.ParseFloat(value, 64)
			got = err == nil && v.Num > n-0.051 && v.Num < n+0.051
		}
		if got == (w[0] == '!') {
			g.t.Errorf("%s: want %s, found %+v", why, w, v)
		}
	}
}

func TestCasesAreFormed(t *testing.T) {
	g := newRig(t)
	g.calm(5 * time.Second)
	g.put(visit{code: "upstream.connect.refused"})
	g.put(visit{code: "upstream.connect.refused", saved: true})
	g.put(visit{code: "upstream.await-head.timeout"})
	g.put(visit{status: 502, answer: &record.Answer{}})
	g.put(visit{code: "upstream.relay-body.short", cut: true})
	g.put(visit{code: "client.relay-body.reset", cut: true})
	got := map[Mode]string{}
	g.s.Each(func(c *Case) { got[c.Mode] = fmt.Sprintf("%d failed, %d saved", c.Failed, c.Saved) })
	want := map[Mode]string{ModeConnect: "1 failed, 1 saved", ModeSilent: "1 failed, 0 saved", "answer 502": "1 failed, 0 saved", ModeCut: "1 failed, 0 saved"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("cases %v, want %v", got, want)
	}
}

// I1.
func TestMemoryIsBounded(t *testing.T) {
	g := newRig(t)
	for i := range 3 * casesMax {
		g.put(visit{upstream: fmt.Sprintf("u%d", i), code: "upstream.connect.refused"})
	}
	for i := range 3 * serversMax {
		g.put(visit{server: fmt.Sprintf("10.0.%d.%d:80", i/250, i%250)})
	}
	for i := range 2 * poolsMax {
		g.put(visit{upstream: fmt.Sprintf("v%d", i)})
	}
	if len(g.s.cases) > casesMax || len(g.s.pools) > poolsMax || len(g.s.pools["app"].servers) > serversMax {
		t.Errorf("%d cases, %d upstreams, %d servers", len(g.s.cases), len(g.s.pools), len(g.s.pools["app"].servers))
	}
	if g.s.NoPlace() == 0 {
		t.Error("nobody counts what found no place")
	}
	g.many(10_000, time.Microsecond, func(int) visit { return visit{upstream: "u0", code: "upstream.connect.refused"} })
	for _, c := range g.s.cases {
		if n := len(c.bad.since(time.Time{})); n > badKept+badFirst {
			t.Errorf("%d samples", n)
		}
	}
}

// The first and the newest are kept, in their order. I4.
func TestSamplesAreTheFirstAndTheNewest(t *testing.T) {
	g := newRig(t)
	n := 3 * (badFirst + badKept)
	g.many(n, time.Millisecond, func(i int) visit { return visit{code: "upstream.connect.refused", body: int64(i)} })
	list := g.the(ModeConnect).bad.since(time.Time{})
	if len(list) != badFirst+badKept || list[0].bodyIn != 0 || list[badFirst-1].bodyIn != badFirst-1 || list[len(list)-1].bodyIn != int64(n-1) {
		t.Errorf("%d samples from %d to %d", len(list), list[0].bodyIn, list[len(list)-1].bodyIn)
	}
	if !slices.IsSortedFunc(list, func(a, b *sample) int { return a.at.Compare(b.at) }) {
		t.Error("they are not in order")
	}
}

func TestEpisodes(t *testing.T) {
	g := newRig(t).servers("10.0.0.3:80")
	g.calm(20 * time.Second)
	for range 4 {
		g.many(5, 100*time.Millisecond, func(int) visit { return visit{code: "upstream.connect.refused"} })
		g.calm(20 * time.Second)
	}
	g.want("it comes every 20 s", "episodes=4", "period=20.5", "recovered")
	g.put(visit{code: "upstream.connect.refused"})
	g.want("it began anew", "!recovered", "failing_for=0")
}

// A failure counts when it came, although it is known when the exchange is over.
func TestLateNews(t *testing.T) {
	for _, c := range []struct {
		after, dated time.Duration // the failure
		left         bool
	}{{0, 0, false}, {4 * time.Second, 4 * time.Second, false}, {30 * time.Second, datedBack, false}, {2 * time.Minute, 0, true}} {
		g := newRig(t)
		g.put(visit{saved: true, code: "upstream.await-head.closed", relay: c.after})
		if n := g.s.Cases(); n == 0 != c.left {
			t.Fatalf("%v later: %d cases", c.after, n)
		}
		if !c.left && g.the("").Last.Sub(g.now.Add(-c.dated)).Abs() > 10*time.Millisecond {
			t.Errorf("%v later: dated %v back", c.after, g.now.Sub(g.the("").Last))
		}
	}
}

// Signs tell of something that lasts if they come one after the other.
func TestSignsThatLast(t *testing.T) {
	for gap, want := range map[time.Duration]bool{time.Second: true, 3 * time.Second: true, time.Minute: false} {
		g := newRig(t)
		for range 3 * signsMany {
			g.pass(gap)
			g.s.Sign("app", "10.0.0.3:80", &failure.Error{Code: code(t, "upstream.connect.timeout")}, g.now)
		}
		if got := g.the("").Signed(g.now); got != want {
			t.Errorf("each %v: %v", gap, got)
		}
	}
}

func TestShapesOfPaths(t *testing.T) {
	for target, want := range map[string]string{
		"/": "/", "/product/17?x=1": "/product/*", "/a/b/c": "/a/b/c", "/v2/users/8f14e45fceea167a5a36dedd4bea2543": "/v2/users/*",
		"/2024/03/report": "/*/*/report", "/static/app.3f9d2c11.js": "/static/*", "/static/site.css": "/static/site.css", "": "", "*": "*",
	} {
		if p := shape([]byte(target)); p.String() != want {
			t.Errorf("%q is %q, want %q", target, p.String(), want)
		}
	}
	long := shape([]byte("/" + strings.Repeat("a/", 500)))
	if long.n > pathMax {
		t.Errorf("%d bytes", long.n)
	}
}

// I3.
func TestOrdinaryRecordsDoNotAllocate(t *testing.T) {
	g := newRig(t)
	g.calm(time.Second)
	var r record.Record
	r.Reset()
	r.Upstream, r.Site, r.Start = "app", "shop.example", start
	r.SetText(record.Target, []byte("/product/17"))
	a := r.AddAttempt()
	a.Server, a.Status = "10.0.0.3:80", 200
	batch := []record.Record{r}
	if n := testing.AllocsPerRun(1000, func() { batch[0].Start = batch[0].Start.Add(time.Millisecond); g.s.Consume(batch) }); n != 0 {
		t.Errorf("%v allocations per record", n)
	}
}

func BenchmarkConsume(b *testing.B) {
	s := New()
	var r record.Record
	r.Reset()
	r.Upstream, r.Site, r.Start = "app", "shop.example", start
	r.SetText(record.Target, []byte("/product/17"))
	a := r.AddAttempt()
	a.Server, a.Status = "10.0.0.3:80", 200
	batch := make([]record.Record, 64)
	for i := range batch {
		batch[i] = r
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for j := range batch {
			batch[j].Start = batch[j].Start.Add(64 * 50 * time.Microsecond)
		}
		s.Consume(batch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch)), "ns/record")
}
