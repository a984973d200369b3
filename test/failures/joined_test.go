// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"causey/internal/accesslog"
	"causey/internal/admin"
	"causey/internal/engine"
	"causey/internal/engine/resolve"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/guard"
	"causey/internal/incident"
	"causey/internal/metrics"
	"causey/internal/record"
	"causey/internal/route"
	"causey/internal/upstream"
	"causey/internal/wire"
	"causey/test/harness"
)

// Two kinds of failure cannot be asked for at a whole gateway. One that has stopped has no admin side to ask; so here
// the data side is stopped alone. And nobody outside can make the gateway break an invariant of its own; here its
// router does. What is joined is the same: engine, exchange, ring, access log, metrics, admin side.

// buggy is a router with a bug.
type buggy struct{}

func (buggy) Find(host, path, method []byte) (*exchange.Route, failure.Kind) {
	var none []byte
	_ = none[len(host)]
	return nil, failure.NoSite
}

// startJoined joins the parts as package gateway does. The bug's case has a router that panics.
func (s *stage) startJoined(c *Case) {
	t := s.t
	s.log, s.socket = filepath.Join(s.dir, "access.log"), filepath.Join(s.dir, "a.sock")
	sink, err := accesslog.Open(accesslog.Options{Format: accesslog.JSON, Path: s.log, Logger: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Close(context.Background()) })
	store := admin.NewStore(time.Now())
	var mu sync.Mutex
	var bugs []string
	plan := &exchange.Plan{Guard: guard.Open{}, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Via: "causey", Interims: 32}
	env := &exchange.Env{
		Plan: func() *exchange.Plan { return plan }, IDs: record.NewIDs(uint64(time.Now().UnixNano())), Ring: record.NewRing(1), Now: time.Now,
		Bug: func(v any) {
			mu.Lock()
			defer mu.Unlock()
			bugs = append(bugs, fmt.Sprint(v))
		},
	}
	options := &engine.Options{Limits: wire.Limits{}.WithDefaults(), Handshake: time.Minute, ReadHead: time.Minute, Idle: time.Minute, HalfClose: time.Second}
	eng, err := engine.New(options, env, guard.Open{}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	counts := metrics.New(metrics.Options{Gauges: func() metrics.Snapshot {
		return metrics.Snapshot{Active: int(eng.Counts().Active), LoadedAt: time.Now()}
	}})
	plan.Router = buggy{}
	closeGroup := func() {}
	if s.origin != nil {
		plan.Router, closeGroup = s.toOneServer(eng)
	}
	ln, err := engine.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	if c.overTLS() {
		eng.SetClientTLS(&engine.ClientTLS{Default: &engine.TLSPolicy{}, Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }})
		ln.TLS.Store(true)
	}
	go eng.Serve(ln)
	stopPump := pump(env.Ring, []record.Sink{counts, store, sink})
	s.stop = sync.OnceFunc(func() {
		ln.Close()
		eng.Drain(0)
		eng.Kill()
		ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
		defer cancel()
		if !eng.Wait(ctx.Done()) {
			t.Error("the engine does not stop")
		}
	})
	side, err := admin.New(admin.Options{Socket: s.socket, Store: store, Metrics: counts.Handler(), Now: time.Now, After: time.After,
		Logger: slog.Default(), Ready: func() admin.Readiness { return admin.Readiness{} }, Upstreams: func() []admin.Upstream { return nil },
		Config: func() []byte { return nil }, Incidents: noIncidents{}})
	if err == nil {
		err = side.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.stop()
		stopPump()
		side.Shutdown(context.Background())
		closeGroup()
		eng.Close()
		mu.Lock()
		defer mu.Unlock()
		if want := s.origin == nil; (len(bugs) == 1) != want {
			t.Errorf("the gateway reports of bugs: %q", bugs)
		}
	})
}

// toOneServer routes everything to the origin.
func (s *stage) toOneServer(eng *engine.Engine) (exchange.Router, func()) {
	resolver := resolve.New(resolve.Config{Total: time.Second})
	addr := netip.MustParseAddrPort(s.origin.Addr())
	group := eng.NewGroup("u", upstream.Options{}, []upstream.Spec{{Place: upstream.Place{Name: addr.String(), Addr: addr, Authority: addr.String()}}}, engine.Contacts{Resolver: resolver})
	long := time.Minute
	table := route.New([]route.Rule{{Host: "*", Path: "/", Route: &exchange.Route{Site: "*", Name: "/", Upstream: group, Timeouts: exchange.Timeouts{
		Resolve: long, Connect: long, AwaitHead: long, BodyStall: long, SendStall: long, TunnelIdle: long}}}})
	return table, func() {
		group.Close()
		resolver.Close()
	}
}

// pump carries records to their readers until the returned function is called.
func pump(ring *record.Ring, sinks []record.Sink) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ring.Woken():
				ring.Drain(sinks)
			case <-quit:
				ring.Drain(sinks)
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// noIncidents is a gateway without a diagnosis: what is joined here has none.
type noIncidents struct{}

func (noIncidents) Incidents() []incident.Incident { return nil }

func (noIncidents) OfExchange(string) string { return "" }
