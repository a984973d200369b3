// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
	"causey/internal/testkit"
)

// began is when the exchanges of these tests began.
var began = time.Date(2026, 3, 9, 13, 3, 7, 45_000_000, time.UTC)

const ms = time.Millisecond

// good is an exchange in the caller's trace that took 40 ms.
func good() *record.Record {
	r := new(record.Record)
	r.Reset()
	r.ID, _ = record.ParseID("zvebn63p-000000004k7")
	r.Start, r.Total = began, 40*ms
	r.Outcome, r.Status, r.UpStatus, r.Version, r.BodyOut = record.Relayed, 200, 200, 11, 1024
	r.Peer, r.Client = netip.MustParseAddrPort("10.0.0.1:51234"), netip.MustParseAddr("192.0.2.7")
	r.Site, r.Route, r.Upstream = "shop.example", "/catalogue", "shop"
	r.Trace.ID = [16]byte{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36}
	r.Trace.Parent = [8]byte{0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7}
	r.Trace.Span = [8]byte{0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0}
	r.Trace.Sampled = true
	for p, d := range map[phase.Phase]time.Duration{
		phase.ReadHead: 0, phase.Route: 1 * ms, phase.Resolve: 2 * ms, phase.Connect: 3 * ms, phase.SendHead: 50 * time.Microsecond,
		phase.AwaitHead: 24*ms - 50*time.Microsecond, phase.ReadHeadUp: 0, phase.RelayBody: 10 * ms, phase.Finish: 0,
	} {
		r.Phases[p] = d
	}
	*r.AddAttempt() = record.Attempt{Server: "app.internal:9000", Dialled: netip.MustParseAddrPort("10.0.0.4:9000"),
		RequestNumber: 1, Connect: 5 * ms, Start: 1 * ms}
	r.SetText(record.Method, []byte("GET"))
	r.SetText(record.Host, []byte("shop.example:8443"))
	r.SetText(record.Target, []byte("/catalogue/shoes?token=s3cret"))
	r.SetText(record.UserAgent, []byte("Mozilla/5.0 \"\xff"))
	r.SetText(record.Referer, []byte("https://shop.example/?s3cret"))
	return r
}

// overTLS is an exchange with TLS on both sides, in a session that was resumed.
func overTLS() *record.Record {
	r := good()
	r.TLS = record.TLS{Version: tls.VersionTLS13, Cipher: tls.TLS_AES_128_GCM_SHA256, Resumed: true}
	r.Phases[phase.Handshake] = 3 * ms // before the exchange began
	r.Phases[phase.UpHandshake], r.Phases[phase.RelayBody] = 4*ms, 6*ms
	r.LastAttempt().Server = "https://app.internal:9443"
	r.LastAttempt().Dialled = netip.MustParseAddrPort("10.0.0.4:9443")
	return r
}

// failed is an exchange that began its trace here: its first attempt met a
// connection that had died, its second was refused.
func failed() *record.Record {
	r := good()
	r.Outcome, r.Status, r.UpStatus = record.Answered, 502, 0
	r.Trace.Parent, r.Trace.Sampled = [8]byte{}, false
	r.Phases = [phase.Count]time.Duration{}
	for i := range r.Phases {
		r.Phases[i] = record.NotReached
	}
	r.Phases[phase.ReadHead], r.Phases[phase.Route] = 2*ms, 1*ms
	r.Phases[phase.SendHead], r.Phases[phase.AwaitHead], r.Phases[phase.Connect] = 0, 30*ms, 7*ms
	dead, refused := code("upstream.await-head.closed-reused"), code("upstream.connect.refused")
	*r.LastAttempt() = record.Attempt{Server: "app.internal:9000", Dialled: netip.MustParseAddrPort("10.0.0.4:9000"),
		Reused: true, RequestNumber: 7, IdleFor: 5 * time.Second, Start: 3 * ms, Took: 30 * ms, Failure: dead}
	*r.AddAttempt() = record.Attempt{Server: "unix:/run/app.sock", Start: 33 * ms, Took: 6 * ms, Failure: refused}
	e := &failure.Error{Code: dead, Site: "await"}
	e.Evidence = failure.Evidence{End: failure.EndFIN, HasConn: true, Reused: true, ConnAge: time.Minute, IdleFor: 5 * time.Second,
		Errno: syscall.ECONNRESET, BytesWritten: 312, BytesAcked: -1, RTT: 1500 * time.Microsecond}
	e.Evidence.SetFirst([]byte("s3cret"))
	r.NoteFailure(e)
	r.NoteFailure(&failure.Error{Code: refused})
	return r
}

func code(name string) failure.Code {
	c, ok := failure.ParseCode(name)
	if !ok {
		panic(name)
	}
	return c
}

// collector is a fake one: it keeps what it is sent, and answers as it is told.
type collector struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	answers []func(w http.ResponseWriter) // the next ones; then 200
	got     []exportRequest               // of requests answered with 200
	headers []http.Header
	arrived chan struct{}
}

func newCollector(t *testing.T, answers ...func(http.ResponseWriter)) *collector {
	c := &collector{t: t, answers: answers, arrived: make(chan struct{}, 1000)}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) serve(w http.ResponseWriter, r *http.Request) {
	zip, err := gzip.NewReader(r.Body)
	if err != nil {
		c.t.Errorf("not gzip: %v", err)
		return
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		c.t.Errorf("body: %v", err)
	}
	var req exportRequest
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		c.t.Errorf("body: %v", err)
	}
	if bytes.Contains(text, []byte("s3cret")) {
		c.t.Errorf("a secret is exported: %s", text)
	}
	if r.Method != "POST" || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
		c.t.Errorf("request: %s %s %v", r.Method, r.URL, r.Header)
	}
	c.mu.Lock()
	c.headers = append(c.headers, r.Header)
	answer := func(w http.ResponseWriter) { io.WriteString(w, "{}") }
	if len(c.answers) > 0 {
		answer, c.answers = c.answers[0], c.answers[1:]
	} else {
		c.got = append(c.got, req)
	}
	c.mu.Unlock()
	answer(w)
	c.arrived <- struct{}{}
}

// wait waits for n requests.
func (c *collector) wait(n int) {
	c.t.Helper()
	for range n {
		select {
		case <-c.arrived:
		case <-time.After(10 * time.Second):
			c.t.Fatal("no request came")
		}
	}
}

// requests counts what came, whatever it was answered.
func (c *collector) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.headers)
}

func status(code int, field ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if len(field) == 2 {
			w.Header().Set(field[0], field[1])
		}
		w.WriteHeader(code)
	}
}

// timers gives out channels that the test fires.
type timers struct{ asked chan timer }

type timer struct {
	d    time.Duration
	fire chan time.Time
}

func (ts *timers) after(d time.Duration) <-chan time.Time {
	t := timer{d, make(chan time.Time, 1)}
	ts.asked <- t
	return t.fire
}

// next returns the next timer that is asked for.
func (ts *timers) next(t *testing.T) timer {
	t.Helper()
	select {
	case next := <-ts.asked:
		return next
	case <-time.After(10 * time.Second):
		t.Fatal("nothing waits")
		return timer{}
	}
}

func (t timer) elapse() { t.fire <- time.Time{} }

// rig is a Sink with its surroundings.
type rig struct {
	*Sink
	timers timers
	counts Counts
	logs   testkit.Log
	t      *testing.T
}

func newRig(t *testing.T, endpoint string) *rig {
	r := &rig{t: t, timers: timers{make(chan timer, 100)}}
	r.Sink = New(Options{
		Endpoint: endpoint, Slow: time.Second, Counts: &r.counts,
		Headers: []Header{{"Authorization", "Bearer s3cret"}},
		Service: Service{"edge", "1.2.3", "00000000000000ff"},
		Now:     func() time.Time { return began }, After: r.timers.after,
		Logger: slog.New(slog.NewTextHandler(&r.logs, nil)),
	})
	t.Cleanup(func() { r.close(10 * time.Second) })
	return r
}

func (r *rig) close(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	r.Close(ctx)
}

func (r *rig) put(records ...*record.Record) {
	for _, rec := range records {
		r.Consume([]record.Record{*rec})
	}
}

// wantCounts compares all counts: exported, then queue full, unreachable, refused,
// stopped, then failed requests.
func (r *rig) wantCounts(why string, want ...uint64) {
	r.t.Helper()
	c := &r.counts
	got := []uint64{c.Exported.Load(), c.QueueFull.Load(), c.Unreachable.Load(), c.Refused.Load(), c.Stopped.Load(), c.Failures.Load()}
	for i := range got {
		if got[i] != want[i] {
			r.t.Errorf("%s: counts are %v, want %v", why, got, want)
			return
		}
	}
}
