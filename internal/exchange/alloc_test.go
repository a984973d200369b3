// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"causey/internal/cache"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/guard"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/route"
	"causey/internal/wire"
)

// fixedStream and fixedLease carry one GET and its answer over and over, with the
// codec and without anything else, so that what they count is the exchange's.
type fixedStream struct {
	arrival exchange.Arrival
	head    []byte
	parser  h1.RequestParser
	limits  wire.Limits
	out     []byte
	begun   bool
}

func (s *fixedStream) Arrival() *exchange.Arrival { return &s.arrival }

func (s *fixedStream) ReadHead(req *wire.Request) *failure.Error {
	s.begun = false
	s.parser.Reset(&s.limits)
	if n, rej := s.parser.Parse(req, s.head); n == 0 || rej != nil {
		panic("the head is bad")
	}
	return nil
}

func (s *fixedStream) SendHead(o *exchange.Out) *failure.Error {
	s.out = h1.AppendStatusLine(s.out[:0], o.Status, nil)
	s.out = appendOut(s.out, o)
	return nil
}

func appendOut(b []byte, o *exchange.Out) []byte {
	for i := range o.Add {
		b = h1.AppendFieldBytes(b, o.Add[i].Name, o.Add[i].Value)
	}
	return h1.AppendFields(b, o.Head, &o.Skip)
}

func (s *fixedStream) WriteBody(p []byte) *failure.Error {
	s.out = append(s.out, p...)
	return nil
}

func (s *fixedStream) EndBody([]byte) *failure.Error { s.begun = true; return nil }

func (s *fixedStream) BodyHere() bool                           { return true }
func (s *fixedStream) Rewind() bool                             { return false }
func (s *fixedStream) ReadBody() ([]byte, bool, *failure.Error) { return nil, true, nil }
func (s *fixedStream) RequestTrailers() []byte                  { return nil }
func (s *fixedStream) StopBody()                                {}
func (s *fixedStream) ResumeBody()                              {}
func (s *fixedStream) Interim(*exchange.Out) *failure.Error     { return nil }
func (s *fixedStream) Flush() *failure.Error                    { return nil }
func (s *fixedStream) Begun() bool                              { return s.begun }
func (s *fixedStream) Abort()                                   { panic("an exchange failed") }
func (s *fixedStream) Watch(exchange.Canceler)                  {}
func (s *fixedStream) Unwatch() exchange.Departure              { return exchange.Present }
func (s *fixedStream) Tunnel(exchange.QuietRule)                {}

type fixedLease struct {
	head   []byte
	parser h1.ResponseParser
	limits wire.Limits
	out    []byte
	body   []byte
	at     time.Time
}

func (l *fixedLease) Name() string { return "app" }

func (l *fixedLease) Acquire(w *exchange.Want) (exchange.Lease, *failure.Error) {
	w.Attempt.Server = "a"
	return l, nil
}

func (l *fixedLease) Hold(*exchange.Want, time.Time) *failure.Error { return exchange.NoServer }
func (l *fixedLease) Leave(*exchange.Want)                          {}
func (l *fixedLease) MayRepeat(*exchange.Want, bool) bool           { return false }
func (l *fixedLease) Hangs(*exchange.Want) bool                     { return false }

func (l *fixedLease) SendHead(o *exchange.Out) *failure.Error {
	l.out = appendOut(h1.AppendRequestLine(l.out[:0], o.Method, o.Path), o)
	return nil
}

func (l *fixedLease) ReadHead(res *wire.Response) *failure.Error {
	l.parser.Reset(&l.limits, wire.GET, false)
	if n, rej := l.parser.Parse(res, l.head); n == 0 || rej != nil {
		panic("the head is bad")
	}
	l.at = time.Now()
	return nil
}

func (l *fixedLease) Cancel()                                  {}
func (l *fixedLease) WriteBody([]byte) *failure.Error          { return nil }
func (l *fixedLease) EndBody([]byte) *failure.Error            { return nil }
func (l *fixedLease) Flush() *failure.Error                    { return nil }
func (l *fixedLease) Sent() int64                              { return int64(len(l.out)) }
func (l *fixedLease) RequestDone(time.Time)                    {}
func (l *fixedLease) FirstByteAt() time.Time                   { return l.at }
func (l *fixedLease) HeadAt() time.Time                        { return l.at }
func (l *fixedLease) BodyHere() bool                           { return true }
func (l *fixedLease) ReadBody() ([]byte, bool, *failure.Error) { return l.body, true, nil }
func (l *fixedLease) Trailers() []byte                         { return nil }
func (l *fixedLease) Tunnel(exchange.QuietRule)                {}
func (l *fixedLease) Note(a *record.Attempt)                   { a.Reused = true }
func (l *fixedLease) Authority() string                        { return "a:80" }
func (l *fixedLease) Fault(p phase.Phase, k failure.Kind) *failure.Error {
	return &failure.Error{Code: failure.Code{Party: failure.Upstream, Phase: p, Kind: k}}
}
func (l *fixedLease) Release(failure.Code) *failure.Error { return nil }

// countingSink counts records.
type countingSink struct{ relayed, other int }

func (s *countingSink) Consume(batch []record.Record) {
	for i := range batch {
		if batch[i].Outcome == record.Relayed && batch[i].Failure.IsNone() {
			s.relayed++
		} else {
			s.other++
		}
	}
}

// newFixed returns a function that carries one exchange, and what counts them. keep is
// the cache of its route, nil for none.
func newFixed(tracing exchange.Tracing, keep exchange.Cache) (carry func(), count *countingSink) {
	l := &fixedLease{
		head: []byte("HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nCache-Control: max-age=999999999\r\nVary: Accept\r\nETag: \"1\"\r\n\r\n"),
		body: []byte("hello"),
	}
	r := &exchange.Route{Site: "site", Name: "all", Upstream: l, Timeouts: exchange.Timeouts{AwaitHead: time.Minute}, Cache: keep}
	plan := &exchange.Plan{
		Router:         route.New([]route.Rule{{Host: "site.example", Path: "/", Route: r}, {Host: "*.example", Path: "/a", Route: r}}),
		Guard:          guard.Open{},
		Trusted:        []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		EmitXForwarded: true, EmitForwarded: true, Via: "gw", Interims: 32, Pages: &exchange.Pages{},
		Tracing: tracing,
	}
	sink := &countingSink{}
	sinks := []record.Sink{sink}
	env := &exchange.Env{
		Plan: func() *exchange.Plan { return plan },
		IDs:  record.NewIDs(1), Ring: record.NewRing(1), Now: time.Now,
		Bug: func(v any) { panic(v) },
	}
	s := &fixedStream{
		head: []byte("GET /index.html?q=1 HTTP/1.1\r\nHost: Site.Example:8080\r\nUser-Agent: ua/1.0\r\nAccept: */*\r\nReferer: r\r\n" +
			"X-Forwarded-For: 1.2.3.4, 10.0.0.9\r\nVia: 1.1 front\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nConnection: keep-alive\r\nX-Other: 1\r\n\r\n"),
		arrival: exchange.Arrival{Peer: netip.MustParseAddrPort("10.0.0.1:1"), PeerText: []byte("10.0.0.1"), Listener: ":80", First: time.Now(), HeadAt: time.Now()},
	}
	x := exchange.New(env)
	return func() {
		s.arrival.First = time.Now()
		x.Run(s)
		env.Ring.Drain(sinks)
	}, sink
}

// The budget of a keep-alive GET through Run, with routing, guard, trusted
// proxies, all added fields, its record and the ring: nothing, traced or not, relayed or
// from the cache. CI runs it without the race detector, which allocates by itself.
func TestAllocs(t *testing.T) {
	t.Run("untraced", func(t *testing.T) { testAllocs(t, exchange.Tracing{}, nil) })
	t.Run("traced", func(t *testing.T) { testAllocs(t, exchange.NewTracing(0.5), nil) })
	t.Run("from the cache", func(t *testing.T) { testAllocs(t, exchange.Tracing{}, newCache(t)) })
}

// newCache returns the cache of a route as an owner gets it who writes cache: on.
func newCache(t testing.TB) *cache.Rule {
	s, err := cache.New(cache.Limits{}, cache.DiskOptions{}, cache.Env{Now: time.Now, After: time.After, Logger: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	return cache.NewRule(s, cache.Options{StaleIfError: 24 * time.Hour})
}

func testAllocs(t *testing.T, tracing exchange.Tracing, keep exchange.Cache) {
	carry, count := newFixed(tracing, keep)
	for range 10 {
		carry() // buffers grow once
	}
	if n := testing.AllocsPerRun(1000, carry); n != 0 {
		t.Errorf("%v allocations in a keep-alive GET, none are allowed", n)
	}
	if count.relayed < 1000 || count.other != 0 {
		t.Errorf("%d relayed, %d other", count.relayed, count.other)
	}
}

func BenchmarkGet(b *testing.B) {
	b.Run("untraced", func(b *testing.B) { benchmarkGet(b, exchange.Tracing{}, nil) })
	b.Run("traced", func(b *testing.B) { benchmarkGet(b, exchange.NewTracing(0.5), nil) })
	b.Run("cached", func(b *testing.B) { benchmarkGet(b, exchange.Tracing{}, newCache(b)) })
}

func benchmarkGet(b *testing.B, tracing exchange.Tracing, keep exchange.Cache) {
	carry, _ := newFixed(tracing, keep)
	b.ReportAllocs()
	for b.Loop() {
		carry()
	}
}
