// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/guard"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/route"
)

// testGateway is exchanges between twins, and the script's hold on all of it. Its
// methods settle first: everything that can happen without time passing has
// happened when they look.
type testGateway struct {
	t     *testing.T
	twin  *twin
	air   *air
	plan  *exchange.Plan
	route *exchange.Route
	group *groupTwin
	env   *exchange.Env
	idle  []*exchange.Exchange

	runs    []*run
	records []record.Record
	taken   int // records that the script has asked for
	// refreshes counts exchanges that no client began.
	refreshes int
	bugs      []any
	mu        sync.Mutex
}

// run is one call of Run.
type run struct {
	c    *clientTwin
	done bool
}

// onBoth runs a script on both twins, in fake time.
func onBoth(t *testing.T, script func(t *testing.T, g *testGateway)) {
	t.Helper()
	for i := range twins {
		t.Run(twins[i].name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newTestGateway(t, &twins[i])
				defer g.abandon()
				script(t, g)
				g.checkEnd()
			})
		})
	}
}

// abandon ends what a script that failed left running.
func (g *testGateway) abandon() {
	if !g.t.Failed() {
		return
	}
	for _, r := range g.runs {
		r.c.kill()
		r.c.leave(byRST)
	}
	for _, l := range g.group.leases {
		l.leave(byRST)
	}
}

func newTestGateway(t *testing.T, tw *twin) *testGateway {
	a := &air{}
	a.cond = sync.NewCond(&a.mu)
	g := &testGateway{t: t, twin: tw, air: a}
	g.group = &groupTwin{air: a, t: t, twin: tw, servers: []*serverTwin{{name: "a"}}, repeats: 100}
	g.route = &exchange.Route{
		Site: "site", Name: "all", Upstream: g.group,
		Timeouts: exchange.Timeouts{
			Resolve: 5 * time.Second, Connect: 5 * time.Second, AwaitHead: time.Minute,
			BodyStall: 30 * time.Second, SendStall: 20 * time.Second, TunnelIdle: time.Hour,
		},
	}
	g.plan = &exchange.Plan{Guard: guard.Open{}, Via: "gw", EmitXForwarded: true, Interims: 3, Pages: &exchange.Pages{}}
	g.routes(route.Rule{Host: "*", Path: "/", Route: g.route})
	g.env = &exchange.Env{
		Plan: func() *exchange.Plan { return g.plan },
		IDs:  record.NewIDs(1),
		Ring: record.NewRing(1),
		Now:  time.Now,
		Bug: func(v any) {
			g.mu.Lock()
			g.bugs = append(g.bugs, v)
			g.mu.Unlock()
		},
	}
	return g
}

func (g *testGateway) routes(rules ...route.Rule) { g.plan.Router = route.New(rules) }

// servers gives the group these servers instead of the one called "a".
func (g *testGateway) servers(names ...string) []*serverTwin {
	g.group.servers = nil
	for _, n := range names {
		g.group.servers = append(g.group.servers, &serverTwin{name: n})
	}
	return g.group.servers
}

// Consume implements record.Sink.
func (g *testGateway) Consume(batch []record.Record) { g.records = append(g.records, batch...) }

// clientAt is where clients come from unless a script says otherwise.
var clientAt = netip.MustParseAddrPort("192.0.2.1:40000")

// newClient returns a client with one stream that has sent nothing.
func (g *testGateway) newClient() *clientTwin {
	conn := &clientConnection{up: credit{g.twin.connWindow}, down: credit{g.twin.connWindow}}
	return g.newStream(conn)
}

func (g *testGateway) newStream(conn *clientConnection) *clientTwin {
	conn.streams++
	c := &clientTwin{air: g.air, twin: g.twin}
	c.up = flow{air: g.air, conn: &conn.up, window: g.twin.window}
	c.down = flow{air: g.air, conn: &conn.down, window: g.twin.window}
	c.arrival = exchange.Arrival{
		Peer: clientAt, PeerText: []byte(clientAt.Addr().String()), Listener: ":80",
		Exchanges: conn.streams, First: time.Now(),
	}
	return c
}

// start begins an exchange on c.
func (g *testGateway) start(c *clientTwin) *clientTwin {
	c.run = &run{c: c}
	g.runs = append(g.runs, c.run)
	var x *exchange.Exchange
	g.mu.Lock()
	if n := len(g.idle); n > 0 {
		x, g.idle = g.idle[n-1], g.idle[:n-1]
	} else {
		x = exchange.New(g.env)
	}
	g.mu.Unlock()
	go func() {
		x.Run(c)
		g.mu.Lock()
		c.run.done = true
		g.idle = append(g.idle, x)
		g.mu.Unlock()
	}()
	return c
}

// send begins an exchange with this head on a new connection. The first line may
// lack its version.
func (g *testGateway) send(lines ...string) *clientTwin {
	c := g.newClient()
	c.raw = headBytes(lines)
	return g.start(c)
}

func headBytes(lines []string) []byte {
	first := lines[0]
	if strings.Count(first, " ") == 1 && !strings.HasPrefix(first, "HTTP/") {
		first += " HTTP/1.1"
	}
	if !strings.HasPrefix(first, "HTTP/") && strings.HasSuffix(first, "1.1") &&
		!slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Host:") }) {
		lines = append(slices.Clone(lines), "Host: site.example")
	}
	return []byte(first + "\r\n" + strings.Join(append(slices.Clone(lines[1:]), "", ""), "\r\n"))
}

func (g *testGateway) settle() { synctest.Wait() }

// pass lets time pass.
func (g *testGateway) pass(d time.Duration) {
	g.air.mu.Lock()
	g.air.cond.Broadcast() // what the script looked at came before what happens now
	g.air.mu.Unlock()
	time.Sleep(d) // the bubble's clock
	g.settle()
}

// arrives returns the origin's side of the next request that reached a server.
func (g *testGateway) arrives(why string) *leaseTwin {
	g.t.Helper()
	g.settle()
	g.air.mu.Lock()
	defer g.air.mu.Unlock()
	if len(g.group.arrived) == 0 {
		g.t.Fatalf("%s: no request reached a server", why)
	}
	l := g.group.arrived[0]
	g.group.arrived = g.group.arrived[1:]
	return l
}

// wantNoRequest says that no more requests reached a server.
func (g *testGateway) wantNoRequest(why string) {
	g.t.Helper()
	g.settle()
	g.air.mu.Lock()
	defer g.air.mu.Unlock()
	if n := len(g.group.arrived); n > 0 {
		g.t.Errorf("%s: %d requests too many reached a server", why, n)
	}
}

// wantEnd takes the record of the next exchange that ended and checks its outcome
// and its failure, "" for none. I1.
func (g *testGateway) wantEnd(why string, outcome record.Outcome, code string) *record.Record {
	g.t.Helper()
	g.settle()
	g.drain()
	if g.taken == len(g.records) {
		g.t.Fatalf("%s: the exchange has not ended", why)
	}
	r := &g.records[g.taken]
	g.taken++
	if r.Outcome != outcome || r.Failure.String() != code {
		g.t.Errorf("%s: the outcome is %s with failure %q, want %s with %q", why, r.Outcome, r.Failure, outcome, code)
	}
	return r
}

// wantRunning says that no exchange has ended that the script does not know of.
func (g *testGateway) wantRunning(why string) {
	g.t.Helper()
	g.settle()
	g.drain()
	if g.taken != len(g.records) {
		r := &g.records[g.taken]
		g.t.Fatalf("%s: the exchange has ended: %s %s", why, r.Outcome, r.Failure)
	}
}

func (g *testGateway) drain() { g.env.Ring.Drain([]record.Sink{g}) }

// checkEnd holds for every script: each run ended in exactly one record, nothing
// is left over, and what the clients saw agrees with the records. I1, I3, I4.
func (g *testGateway) checkEnd() {
	g.t.Helper()
	g.settle()
	g.drain()
	if len(g.records) != len(g.runs)+g.refreshes {
		g.t.Errorf("%d exchanges left %d records", len(g.runs)+g.refreshes, len(g.records))
	}
	if g.taken != len(g.records) {
		g.t.Errorf("%d records, the script looked at %d", len(g.records), g.taken)
	}
	if len(g.bugs) > 0 {
		g.t.Errorf("bugs: %v", g.bugs)
	}
	for _, r := range g.runs {
		switch c := r.c; {
		case !r.done:
			g.t.Fatal("an exchange still runs")
		case c.reading.Load() > 0 || c.writing.Load() > 0:
			g.t.Error("a stream is in use after its exchange")
		case c.canceler != nil:
			g.t.Error("a client is watched after its exchange")
		case len(c.heads) > 1:
			g.t.Errorf("a client got %d final heads", len(c.heads))
		case c.aborted && c.down.ended && c.quiet == nil: // a half of a tunnel may have ended well
			g.t.Error("an answer was ended and aborted")
		}
	}
	for _, l := range g.group.leases {
		if !l.released && g.group.panics != "lease.Release" {
			g.t.Error("a lease was not released")
		}
	}
	for i := range g.records {
		checkRecord(g.t, &g.records[i])
	}
}

func checkRecord(t *testing.T, r *record.Record) {
	t.Helper()
	var sum time.Duration
	for p, d := range r.Phases {
		if d < record.NotReached {
			t.Errorf("%s: %v in %s", r.ID, d, phase.Phase(p))
		}
		if phase.Phase(p) != phase.Handshake { // it came before
			sum += max(d, 0)
		}
	}
	if sum != r.Total {
		t.Errorf("the phases of %s last %v, the whole %v: %v", r.ID, sum, r.Total, r.Phases)
	}
	if r.Failure.IsNone() != (r.Error == nil) || r.Error != nil && r.Error.Code != r.Failure {
		t.Errorf("failure %q and evidence %v do not belong together", r.Failure, r.Error)
	}
	if e := failure.Lookup(r.Failure); e == nil && !r.Failure.IsNone() {
		t.Errorf("%s is not registered", r.Failure)
	}
	told := r.Outcome == record.Relayed || r.Outcome == record.Answered || r.Outcome == record.Tunnelled
	switch {
	case r.Outcome == record.OutcomeNone:
		t.Errorf("%s has no outcome", r.ID)
	case r.Outcome == record.ClientLeft && r.Status != 499, told && (r.Status < 100 || r.Status == 499), r.Outcome == record.Unanswered && r.Status != 0:
		t.Errorf("status %d with outcome %s", r.Status, r.Outcome)
	}
	for i := range r.KeptAttempts() {
		if r.Attempts[i].Server == "" && r.Failure.Kind != failure.Bug {
			t.Errorf("attempt %d has no server", i+1)
		}
	}
}
