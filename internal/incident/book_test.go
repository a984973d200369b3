// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"causey/internal/cause"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/sensor"
	"causey/internal/upstream"
)

// town is some upstreams with visitors, whose records a book is made of.
type town struct {
	t     *testing.T
	now   time.Time
	s     *sensor.Sensor
	b     *Book
	ids   *record.IDs
	r     *rand.Rand
	looks []sensor.Look
	// told are the changes that the book told.
	told []Incident
	// ill says what happens to an attempt: a code, "" for nothing; saved that nobody sees it.
	ill func(v *visit) (code string, saved bool)
	// place changes where a visit comes from and goes to.
	place func(*visit)
}

type visit struct {
	upstream, server, path string
	site, host             string
	addr                   [4]byte // of the client
	client                 int
	took                   time.Duration
	status                 int
}

func newTown(t *testing.T, upstreams ...string) *town {
	c, err := cause.Load()
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), s: sensor.New(), ids: record.NewIDs(7), r: rand.New(rand.NewPCG(1, 1)),
		ill: func(*visit) (string, bool) { return "", false }}
	w.b = New(Options{Catalogue: c, Sensor: w.s, Changed: func(i *Incident) { w.told = append(w.told, *i) }})
	for _, name := range upstreams {
		look := sensor.Look{Upstream: name}
		for n := range 2 {
			look.Servers = append(look.Servers, upstream.ServerDescription{Name: w.server(name, n), State: upstream.Up})
		}
		w.looks = append(w.looks, look)
	}
	return w
}

func (w *town) server(upstream string, n int) string {
	return fmt.Sprintf("10.%d.%d.1:80", len(upstream), n+1)
}

// live lets time pass, in which so many visitors come each second to each upstream.
func (w *town) live(d time.Duration, perSecond int) {
	w.t.Helper()
	for end := w.now.Add(d); w.now.Before(end); {
		for range perSecond {
			w.now = w.now.Add(time.Second / time.Duration(perSecond))
			for i := range w.looks {
				w.visit(&visit{upstream: w.looks[i].Upstream, server: w.server(w.looks[i].Upstream, w.r.IntN(2)),
					path: []string{"/", "/product/7", "/static/site.css", "/cart"}[w.r.IntN(4)], client: w.r.IntN(40), took: 5 * time.Millisecond, status: 200})
			}
		}
		w.s.Tick(w.now, w.looks, sensor.Host{})
		w.b.Look(w.now, w.looks)
	}
}

func (w *town) visit(v *visit) {
	v.site, v.addr = v.upstream+".example", [4]byte{192, 0, byte(v.client), 1}
	if w.place != nil {
		w.place(v)
	}
	name, saved := w.ill(v)
	var r record.Record
	r.Reset()
	r.ID = w.ids.Next()
	r.Site, r.Upstream, r.Client = v.site, v.upstream, netip.AddrFrom4(v.addr)
	r.SetText(record.Host, []byte(v.host))
	r.SetText(record.Target, []byte(v.path))
	r.SetText(record.Method, []byte("GET"))
	r.Total, r.HeadIn = v.took, 200
	r.Start = w.now.Add(-v.took)
	a := r.AddAttempt()
	a.Server, a.Dialled, a.Start, a.Took = v.server, netip.MustParseAddrPort(v.server), 0, v.took
	r.Phases[phase.AwaitHead] = v.took
	switch code, ok := failure.ParseCode(name); {
	case name == "":
		a.Status, r.Status, r.UpStatus, r.Outcome, a.RequestNumber = v.status, v.status, v.status, record.Relayed, 1
	case !ok:
		w.t.Fatalf("there is no failure %q", name)
	default:
		err := &failure.Error{Code: code, Evidence: failure.Evidence{Dialled: a.Dialled, BytesAcked: -1, Missing: -1}}
		if code.Phase > phase.UpHandshake {
			a.RequestNumber, err.Evidence.HasConn = 1, true
		}
		a.Failure, a.Error = code, err
		if saved {
			b := r.AddAttempt()
			b.Server, b.Dialled, b.Status, b.RequestNumber = w.server(v.upstream, 1), netip.MustParseAddrPort(w.server(v.upstream, 1)), 200, 1
			r.Status, r.UpStatus, r.Outcome, r.Saved = 200, 200, record.Relayed, record.ByRetry
		} else {
			r.NoteFailure(err)
			r.Status, r.Outcome = 502, record.Answered
			if code.Party == failure.Client {
				r.Status, r.Outcome = failure.StatusClientGone, record.ClientLeft
			}
		}
	}
	w.s.Consume([]record.Record{r})
}

// open returns the incidents that are not closed.
func (w *town) open() (list []Incident) {
	for _, i := range w.b.Incidents() {
		if i.State != Closed {
			list = append(list, i)
		}
	}
	return list
}

// the is the only incident that is open.
func (w *town) the(why string) Incident {
	w.t.Helper()
	list := w.open()
	if len(list) != 1 {
		w.t.Fatalf("%s: %d incidents are open%s", why, len(list), titles(list))
	}
	return list[0]
}

func titles(list []Incident) (s string) {
	for _, i := range list {
		s += fmt.Sprintf("\n\t%s %s %s %s %+v", i.ID, i.State, i.Severity, i.Title, i.Scope)
	}
	return s
}

func (i *Incident) first() string {
	if len(i.Ranked) == 0 {
		return ""
	}
	return i.Ranked[0].Cause
}

// One server is down and nobody sees it: an incident all the same, with the server as
// its scope, that ends when the server is back. I4: when it falls again, it is the same.
func TestLifeOfAnIncident(t *testing.T) {
	w := newTown(t, "shop")
	w.live(time.Minute, 10)
	if n := len(w.b.Incidents()); n > 0 {
		t.Fatalf("%d incidents while all is well", n)
	}
	down := w.server("shop", 0)
	dies := func(v *visit) (string, bool) {
		if v.server == down {
			return "upstream.connect.refused", true
		}
		return "", false
	}
	w.ill = dies
	began := w.now
	w.live(3*time.Second, 10)
	i := w.the("after 3 s")
	if i.Severity != Saved || i.Scope.Level != "server" || i.Scope.Value != down || i.Failed != 0 || i.Saved == 0 || i.Opened.Sub(began) > time.Second {
		t.Errorf("%+v", i)
	}
	w.live(40*time.Second, 10)
	i = w.the("after 43 s")
	if i.first() != "tcp.refused.down" {
		t.Errorf("the first cause is %s", i.first())
	}
	if len(i.Account.Do) == 0 || i.Account.Why == "" || !strings.Contains(i.Title, down) || len(i.Exemplars) == 0 || w.b.OfExchange(i.Exemplars[0]) != i.ID {
		t.Errorf("account %+v, exemplars %v", i.Account, i.Exemplars)
	}
	// I3: some changes were told, and not one with each failure.
	if n := len(w.told); n < 1 || n > 8 {
		t.Errorf("%d changes were told", n)
	}
	w.ill = func(*visit) (string, bool) { return "", false }
	w.live(15*time.Second, 10)
	if i := w.the("15 s after it is back"); i.State != Recovering {
		t.Errorf("it is %s", i.State)
	}
	w.live(quiet, 10)
	if list := w.open(); len(list) > 0 {
		t.Fatalf("open after it is over:%s", titles(list))
	}
	if c := w.b.Incidents()[0]; c.State != Closed || c.Ended.IsZero() || c.ID != i.ID {
		t.Errorf("closed: %+v", c)
	}
	w.ill = dies
	w.live(5*time.Second, 10)
	again := w.the("it falls again")
	if again.ID != i.ID || again.Reopened != 1 {
		t.Errorf("it is %s, reopened %d, and was %s", again.ID, again.Reopened, i.ID)
	}
	if again.Saved <= i.Saved {
		t.Errorf("%d saved in all, %d before", again.Saved, i.Saved)
	}
}

// What came before an incident, and was less than one, is not counted as its own. What
// grows is passed on without being told anew, and what an upstream was that is gone ends.
func TestCountsAreOfTheIncident(t *testing.T) {
	w := newTown(t, "shop")
	var grown []Incident
	w.b.opts.Grown = func(i *Incident) { grown = append(grown, *i) }
	n := 0
	w.ill = func(*visit) (string, bool) {
		if n++; n%300 == 0 {
			return "upstream.await-head.reset", false
		}
		return "", false
	}
	w.live(3*time.Minute, 10)
	if list := w.open(); len(list) > 0 {
		t.Fatalf("one of 300:%s", titles(list))
	}
	w.ill = func(*visit) (string, bool) { return "", false }
	w.live(20*time.Second, 10)
	failed := uint64(0)
	w.ill = func(*visit) (string, bool) { failed++; return "upstream.await-head.reset", false }
	w.live(130*time.Second, 10)
	i := w.the("all fail")
	if i.Failed != failed {
		t.Errorf("%d failed, counted %d", failed, i.Failed)
	}
	if len(grown) == 0 || len(grown) > 2 || grown[0].Failed == 0 {
		t.Errorf("passed on %d times in two minutes", len(grown))
	}
	w.looks[0].Upstream = "another"
	w.ill = func(*visit) (string, bool) { return "", false }
	w.live(quiet+20*time.Second, 10)
	if list := w.open(); len(list) > 0 {
		t.Errorf("open without an upstream:%s", titles(list))
	}
}

// I1: a machine that dies shows itself in several modes, and is one incident.
func TestManySymptomsAreOneIncident(t *testing.T) {
	w := newTown(t, "shop")
	w.live(time.Minute, 20)
	n := 0
	w.ill = func(v *visit) (string, bool) {
		n++
		v.took = 80 * time.Millisecond
		return []string{"upstream.await-head.reset", "upstream.connect.refused", "upstream.connect.timeout", "gateway.queue.no-server"}[n%4], false
	}
	w.live(20*time.Second, 20)
	if i := w.the("four modes"); i.Severity != Critical || i.Failed == 0 {
		t.Errorf("%+v", i)
	}
}

// One database behind three sites opens one incident, not three.
func TestSharedDependencyIsOneIncident(t *testing.T) {
	w := newTown(t, "a", "bb", "ccc", "dddd")
	w.live(2*time.Minute, 10)
	w.ill = func(v *visit) (string, bool) {
		if v.upstream != "dddd" && v.path != "/static/site.css" {
			v.took = 5 * time.Second
			return "upstream.await-head.timeout", false
		}
		return "", false
	}
	w.live(30*time.Second, 10)
	i := w.the("three sites")
	if len(i.Upstreams) != 3 || i.Scope.Reach != shared || slices.Contains(i.Upstreams, "dddd") {
		t.Errorf("upstreams %v, scope %+v", i.Upstreams, i.Scope)
	}
}

func TestTwoFaultsAreTwoIncidents(t *testing.T) {
	w := newTown(t, "shop", "blog2")
	w.live(time.Minute, 20)
	w.ill = func(v *visit) (string, bool) {
		switch {
		case v.upstream == "blog2" && v.server == w.server("blog2", 0):
			return "upstream.connect.refused", true
		case v.upstream == "shop" && v.path == "/cart":
			v.took = 20 * time.Millisecond
			return "upstream.await-head.closed", false
		}
		return "", false
	}
	w.live(20*time.Second, 20)
	list := w.open()
	if len(list) != 2 {
		t.Fatalf("%d incidents%s", len(list), titles(list))
	}
	scopes := []string{list[0].Scope.Level, list[1].Scope.Level}
	slices.Sort(scopes)
	if !slices.Equal(scopes, []string{"path", "server"}) {
		t.Errorf("scopes %v%s", scopes, titles(list))
	}
}

// A clock that is put back does not make failures go unnoticed until it is where it was.
func TestClockIsPutBack(t *testing.T) {
	w := newTown(t, "shop", "blog2")
	w.ill = func(v *visit) (string, bool) {
		if v.upstream == "shop" {
			return "upstream.connect.refused", false
		}
		return "", false
	}
	w.live(20*time.Second, 10)
	if n := len(w.open()); n != 1 {
		t.Fatalf("%d incidents before%s", n, titles(w.open()))
	}
	w.now = w.now.Add(-time.Hour)
	w.live(20*time.Second, 10)
	if list := w.open(); len(list) != 1 || list[0].LastSeen.After(w.now) {
		t.Fatalf("%d incidents after%s", len(list), titles(list))
	}
}

// Nor does one failure before keep those that come after from being noticed.
func TestClockIsPutBackInCalm(t *testing.T) {
	w := newTown(t, "shop", "blog2")
	share := 100
	w.ill = func(v *visit) (string, bool) {
		if v.upstream == "shop" && w.r.IntN(100) >= share {
			return "upstream.await-head.closed", false
		}
		return "", false
	}
	share = 98
	w.live(20*time.Second, 10)
	share = 100
	w.live(10*time.Second, 10)
	w.now = w.now.Add(-time.Hour)
	share = 60
	w.live(20*time.Second, 10)
	if n := len(w.open()); n != 1 {
		t.Fatalf("%d incidents%s", n, titles(w.open()))
	}
}

// Ordinary days have errors too: a few of everything, at random, for half an hour.
func TestQuietDayOpensNothing(t *testing.T) {
	w := newTown(t, "shop", "blog2", "wiki33")
	codes := []string{"upstream.await-head.timeout", "upstream.await-head.reset-reused", "upstream.relay-body.short", "upstream.connect.timeout", "client.relay-body.reset"}
	w.ill = func(v *visit) (string, bool) {
		if w.r.IntN(250) == 0 { // 0.4 % of all
			return codes[w.r.IntN(len(codes))], w.r.IntN(2) == 0
		}
		if w.r.IntN(300) == 0 {
			v.status = []int{500, 404, 403, 429}[w.r.IntN(4)]
		}
		return "", false
	}
	w.live(30*time.Minute, 10)
	if list := w.b.Incidents(); len(list) > 0 {
		t.Errorf("%d incidents%s", len(list), titles(list))
	}
}

// What every visitor can make a server refuse is no incident of the site.
func TestRefusalsAreNoIncident(t *testing.T) {
	w := newTown(t, "shop")
	w.ill = func(v *visit) (string, bool) {
		if v.client == 3 {
			v.status = 400
		}
		return "", false
	}
	w.live(2*time.Minute, 20)
	if list := w.b.Incidents(); len(list) > 0 {
		t.Errorf("%d incidents%s", len(list), titles(list))
	}
}

// Visitors leave, and leave sooner where pages are slow. That they all do after equally
// long is the patience of something in front of the gateway.
func TestDepartures(t *testing.T) {
	for _, c := range []struct {
		why   string
		wait  func(r *rand.Rand) time.Duration
		cause string
	}{
		{"at any time", func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(20 * time.Second))) }, ""},
		{"at once", func(*rand.Rand) time.Duration { return 10 * time.Millisecond }, ""},
		{"after 10 s", func(*rand.Rand) time.Duration { return 10 * time.Second }, "tmo.inverted"},
	} {
		w := newTown(t, "shop")
		w.ill = func(v *visit) (string, bool) {
			if v.path != "/product/7" {
				return "", false
			}
			v.took = c.wait(w.r)
			return "client.await-head.closed", false
		}
		w.live(time.Minute, 10)
		switch list := w.b.Incidents(); {
		case c.cause == "" && len(list) > 0:
			t.Errorf("%s: %d incidents%s", c.why, len(list), titles(list))
		case c.cause != "" && (len(list) != 1 || list[0].first() != c.cause):
			t.Errorf("%s: %d incidents%s", c.why, len(list), titles(list))
		}
	}
}

// Robots ask for any name; that people ask for one which nobody serves is worth telling.
func TestForgottenNames(t *testing.T) {
	for _, c := range []struct {
		why   string
		of    func(v *visit)
		cause string
	}{
		{"a robot", func(v *visit) { v.host, v.addr = fmt.Sprintf("a%d.example", v.client), [4]byte{203, 0, 113, 1} }, ""},
		{"people", func(v *visit) { v.host = "www.shop.example" }, "gw.no_route"},
	} {
		w := newTown(t, "shop")
		w.place = func(v *visit) {
			if v.path == "/cart" {
				v.site, v.upstream = "", ""
				c.of(v)
			}
		}
		w.ill = func(v *visit) (string, bool) {
			if v.upstream == "" {
				return "client.route.no-site", false
			}
			return "", false
		}
		w.live(time.Minute, 10)
		switch list := w.b.Incidents(); {
		case c.cause == "" && len(list) > 0, c.cause != "" && (len(list) != 1 || list[0].first() != c.cause):
			t.Errorf("%s: %d incidents%s", c.why, len(list), titles(list))
		}
	}
}

// I2.
func TestBooksAreBounded(t *testing.T) {
	w := newTown(t)
	for i := range openMax + 10 {
		w.looks = append(w.looks, sensor.Look{Upstream: fmt.Sprintf("u%d", i)})
	}
	for range closedMax/openMax + 1 {
		w.ill = func(v *visit) (string, bool) { return "upstream.connect.refused", false }
		w.live(3*time.Second, 4)
		if n := len(w.b.open); n > openMax {
			t.Fatalf("%d are open", n)
		}
		w.ill = func(v *visit) (string, bool) { return "", false }
		w.live(8*time.Second, 1)
		w.now = w.now.Add(2 * time.Hour) // each is a new one
		w.live(3*time.Second, 1)
	}
	if n := len(w.b.closed); n > closedMax {
		t.Errorf("%d closed ones are kept", n)
	}
	if len(w.b.onsets) > 1000 || len(w.b.byCase) > 1000 {
		t.Errorf("%d onsets, %d cases", len(w.b.onsets), len(w.b.byCase))
	}
}

// I4: what another process knew is known again, and goes on as the same incident.
func TestIncidentsOutliveTheProcess(t *testing.T) {
	w := newTown(t, "shop")
	w.live(time.Minute, 10)
	w.ill = func(v *visit) (string, bool) { return "upstream.connect.refused", false }
	w.live(10*time.Second, 10)
	before := w.the("it is down")
	next := newTown(t, "shop")
	next.now, next.ill = w.now.Add(3*time.Second), w.ill
	next.b.Restore(w.b.Incidents())
	if list := next.b.Incidents(); len(list) != 1 || list[0].State != Closed || !list[0].Ended.Equal(before.LastSeen) {
		t.Errorf("restored:%s", titles(list))
	}
	next.live(10*time.Second, 10)
	if i := next.the("still down"); i.ID != before.ID || i.Reopened != 1 {
		t.Errorf("it is %s, reopened %d, and was %s", i.ID, i.Reopened, before.ID)
	}
}

// Records come while the book looks. The race detector is the judge.
func TestLooksWhileRecordsCome(t *testing.T) {
	w := newTown(t, "shop", "blog2")
	w.ill = func(v *visit) (string, bool) { return "upstream.connect.refused", false }
	w.live(3*time.Second, 20)
	var r record.Record
	r.Reset()
	r.Site, r.Upstream, r.Start, r.Client = "shop.example", "shop", w.now, netip.AddrFrom4([4]byte{192, 0, 2, 1})
	code, _ := failure.ParseCode("upstream.connect.refused")
	r.NoteFailure(&failure.Error{Code: code})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2000 {
			r.Start = r.Start.Add(time.Millisecond)
			w.s.Consume([]record.Record{r})
		}
	}()
	for n := 0; ; n++ {
		w.b.Look(w.now.Add(time.Duration(n)*time.Second), w.looks)
		w.b.Incidents()
		select {
		case <-done:
			return
		default:
		}
	}
}
