// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"

	"causey/internal/exchange"
	"causey/internal/record"
	"causey/internal/wire"
)

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
	stranger     = "192.0.2.1"
	trusted      = "10.0.0.1"
)

func callersField(flags string) string {
	return "traceparent: 00-" + callersTrace + "-" + callersSpan + "-" + flags
}

// traceFields returns what a server got, by lower-case name.
func traceFields(l *leaseTwin) (parents, states []string) {
	for _, f := range l.head.fields {
		name, value, _ := strings.Cut(f, ":")
		switch strings.ToLower(name) {
		case "traceparent":
			parents = append(parents, strings.TrimSpace(value))
		case "tracestate":
			states = append(states, strings.TrimSpace(value))
		}
	}
	return parents, states
}

// Without tracing the gateway is not there: both fields pass as they came, right or
// wrong, and nothing is remembered.
func TestTraceContextPassesUntouched(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		o, r := g.ask(stranger, "GET /", callersField("01"), "tracestate: a=1", "tracestate: b=2")
		if p, s := traceFields(o); len(p) != 1 || "traceparent: "+p[0] != callersField("01") || strings.Join(s, ";") != "a=1;b=2" {
			t.Errorf("the server got %q and %q", p, s)
		}
		if r.Trace != (record.Trace{}) {
			t.Errorf("the record has %+v", r.Trace)
		}
		o, _ = g.ask(stranger, "GET /", "traceparent: nonsense", "tracestate: a=1")
		if p, s := traceFields(o); len(p) != 1 || p[0] != "nonsense" || len(s) != 1 {
			t.Errorf("the server got %q and %q", p, s)
		}
		o, _ = g.ask(stranger, "GET /")
		if p, s := traceFields(o); len(p)+len(s) != 0 {
			t.Errorf("the server got %q and %q", p, s)
		}
	})
}

// With tracing the server's parent is a span of ours in the caller's trace; what is
// not valid begins a new trace; and only a trusted proxy has a say in sampling.
func TestTraceContextIsContinued(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.plan.Trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		for _, c := range []struct {
			name, from string
			ratio      float64
			fields     []string
			joins      bool
			sampled    bool
		}{
			{"nothing said", stranger, 0, nil, false, false},
			{"nothing said, all kept", stranger, 1, nil, false, true},
			{"a stranger's trace", stranger, 0, []string{callersField("00"), "tracestate: a=1"}, true, false},
			{"a stranger cannot force sampling", stranger, 0, []string{callersField("01"), "tracestate: a=1"}, true, false},
			{"nor escape it", stranger, 1, []string{callersField("00"), "tracestate: a=1"}, true, true},
			{"a trusted proxy samples", trusted, 0, []string{callersField("01"), "tracestate: a=1"}, true, true},
			{"a trusted proxy does not", trusted, 1, []string{callersField("00"), "tracestate: a=1"}, true, false},
			{"invalid", trusted, 0, []string{callersField("0g"), "tracestate: a=1"}, false, false},
			{"two fields", trusted, 0, []string{callersField("01"), callersField("01"), "tracestate: a=1"}, false, false},
			{"a state alone", trusted, 0, []string{"tracestate: a=1"}, false, false},
		} {
			g.plan.Tracing = exchange.NewTracing(c.ratio)
			o, r := g.ask(c.from, append([]string{"GET /"}, c.fields...)...)
			parents, states := traceFields(o)
			if len(parents) != 1 {
				t.Errorf("%s: the server got %q", c.name, parents)
				continue
			}
			got, ok := wire.ParseTraceparent([]byte(parents[0]))
			tr := &r.Trace
			if !ok || got.TraceID != tr.ID || got.Parent != tr.Part(1) || got.Sampled != tr.Sampled {
				t.Errorf("%s: the server got %q, the record has %+v", c.name, parents[0], tr)
			}
			if tr.Sampled != c.sampled || !tr.Exists() || tr.Span == [8]byte{} || tr.Span[7] != 0 {
				t.Errorf("%s: the record has %+v", c.name, tr)
			}
			joined := hex.EncodeToString(tr.ID[:]) == callersTrace && hex.EncodeToString(tr.Parent[:]) == callersSpan
			if joined != c.joins || !joined && tr.Parent != [8]byte{} {
				t.Errorf("%s: the record has %+v", c.name, tr)
			}
			if (len(states) == 1) != c.joins {
				t.Errorf("%s: the server got tracestate %q", c.name, states)
			}
		}
	})
}

// A repeated request is another span of the same exchange, and the record tells when
// each attempt began and how long the failed one took.
func TestEachAttemptHasASpan(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.plan.Tracing = exchange.NewTracing(1)
		g.warm()
		c := g.send("GET /")
		first := g.arrives("the first attempt")
		g.pass(30 * time.Millisecond)
		first.leave(byFIN)
		second := g.arrives("the second attempt")
		second.ok("")
		g.wantAnswer("answered", c, 200, "")
		r := g.wantEnd("answered", record.Relayed, "")
		p1, _ := traceFields(first)
		p2, _ := traceFields(second)
		if len(p1) != 1 || len(p2) != 1 || p1[0][:36] != p2[0][:36] || p1[0] == p2[0] {
			t.Fatalf("the servers got %q and %q", p1, p2)
		}
		two, _ := wire.ParseTraceparent([]byte(p2[0]))
		if r.AttemptLen != 2 || two.Parent != r.Trace.Part(2) {
			t.Errorf("%d attempts, the second server's parent is %x", r.AttemptLen, two.Parent)
		}
		if a, b := r.Attempts[0], r.Attempts[1]; a.Took != 30*time.Millisecond || b.Start < a.Start+a.Took || b.Took != 0 {
			t.Errorf("attempts: %v for %v, then %v for %v", a.Start, a.Took, b.Start, b.Took)
		}
	})
}

func TestIDsOfTracesDiffer(t *testing.T) {
	onBoth(t, func(t *testing.T, g *testGateway) {
		g.plan.Tracing = exchange.NewTracing(0.5)
		ids, spans, kept := map[[16]byte]bool{}, map[[8]byte]bool{}, 0
		const n = 200
		for range n {
			_, r := g.ask(stranger, "GET /", "traceparent: x")
			ids[r.Trace.ID], spans[r.Trace.Span] = true, true
			if r.Trace.Sampled {
				kept++
			}
		}
		if len(ids) != n || len(spans) != n || kept < n/4 || kept > n*3/4 {
			t.Errorf("%d ids and %d spans of %d, %d kept", len(ids), len(spans), n, kept)
		}
	})
}
