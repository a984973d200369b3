// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"causey/internal/record"
	"causey/internal/upstream"
)

// pairRig is a rig of two servers, a and b, with what prevents failures on.
func pairRig(t *testing.T, a, b func(*peer), with func(*setup)) *rig {
	t.Helper()
	return newRig(t, nil, func(s *setup) {
		s.servers = []upstream.Spec{serverAt(origin(t, a)), serverAt(origin(t, b))}
		s.group.Balance, s.group.Silence = upstream.RoundRobin, time.Second
		s.group.Retry, s.group.Hold = upstream.BudgetOptions{Share: 0.2, Least: 10}, upstream.HoldOptions{Most: 100}
		s.route.Retry.Hedge, s.route.Retry.Broken, s.route.Retry.Hold = true, true, patience
		if with != nil {
			with(s)
		}
	})
}

// atRest waits until nothing is left of any exchange in the counters of the group.
func (r *rig) atRest() {
	r.t.Helper()
	what := "counters at rest"
	eventually(r.t, what, func() bool {
		if r.group.Queue.Len() != 0 || r.eng.Counts().Active != 0 {
			return false
		}
		for _, s := range r.group.Servers() {
			if s.Active.Load() != 0 || s.Quiet(1<<62) != 0 || s.Open.Load() != int64(r.group.IdleConnections(s)) {
				return false
			}
		}
		return true
	})
}

// A server whose head has begun is not silent, however long it takes for the rest:
// its patience bounds the silence, not the head.
func TestHeadInPiecesOutlastsPatience(t *testing.T) {
	t.Parallel()
	rest := make(chan struct{})
	both := func(p *peer) {
		p.head()
		p.send("HTTP/1.1 200 OK\r\n")
		<-rest
		p.send("Content-Length: 5\r\n\r\nhello")
		p.ended()
	}
	r := pairRig(t, both, both, nil)
	p := r.dial()
	p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	eventually(t, "an exchange", func() bool { return r.eng.Counts().Active == 1 })
	settled(t, r, 20) // patience is 12
	close(rest)
	if head, body := p.answer(); status(head) != 200 || body != "hello" {
		t.Errorf("%q %q", head, body)
	}
	if rec := r.one(); rec.AttemptLen != 1 || !rec.Failure.IsNone() {
		t.Errorf("%d attempts, %v", rec.AttemptLen, rec.Failure)
	}
	r.atRest()
}

// Neither is one that has said 100 Continue: what it was sent then takes its time.
func TestContinueOutlastsPatience(t *testing.T) {
	t.Parallel()
	rest := make(chan struct{})
	both := func(p *peer) {
		p.head()
		p.send("HTTP/1.1 100 Continue\r\n\r\n")
		p.in.Discard(5)
		<-rest
		p.send(smallAnswer)
		p.ended()
	}
	r := pairRig(t, both, both, nil)
	p := r.dial()
	p.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if head, err := p.head(); status(head) != 100 {
		t.Fatalf("%q, %v", head, err)
	}
	settled(t, r, 4)
	p.send("hello")
	settled(t, r, 20)
	close(rest)
	if head, body := p.answer(); status(head) != 200 || body != "hello" {
		t.Errorf("%q %q", head, body)
	}
	r.atRest()
	// How soon it answered counts from the end of the request, not from its 100.
	for _, s := range r.group.Servers() {
		if s.Attempts.Load() > 0 && s.Latency(r.eng.mono()) < 10*tick {
			t.Errorf("its latency is %v", s.Latency(r.eng.mono()))
		}
	}
}

// A server that has gone silent: the other one's answer counts, long before any
// timeout, and nothing is left of the first. The server is known as late.
func TestSilentServerIsHedged(t *testing.T) {
	t.Parallel()
	var gone atomic.Int64
	r := pairRig(t, func(p *peer) {
		p.head()
		p.ended()
		gone.Add(1)
	}, hello, nil)
	for range 6 {
		if head, body := r.dial().get(); status(head) != 200 || body != "hello" {
			t.Fatalf("%q %q", head, body)
		}
	}
	r.atRest()
	hedged := 0
	for _, rec := range r.drained() {
		if rec.Saved&record.ByHedge != 0 {
			hedged++
			if a := rec.Attempts; rec.AttemptLen != 2 || a[0].Failure.String() != "upstream.await-head.timeout" || !a[1].Failure.IsNone() {
				t.Errorf("attempts %+v", a[:2])
			}
		}
	}
	if hedged == 0 {
		t.Error("nothing was hedged")
	}
	eventually(t, "the silent one's connections to close", func() bool { return int(gone.Load()) == hedged })
}

// A client that leaves while two servers are asked leaves neither with anything.
func TestDepartureWhileHedged(t *testing.T) {
	t.Parallel()
	r := pairRig(t, silent(""), silent(""), nil)
	for _, leave := range []func(*peer){(*peer).reset, func(p *peer) { r.eng.Kill() }} {
		p := r.dial()
		p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		eventually(t, "both to be asked", func() bool {
			return r.group.Servers()[0].Active.Load() == 1 && r.group.Servers()[1].Active.Load() == 1
		})
		leave(p)
		r.atRest()
	}
	codes := []string{}
	for _, rec := range r.drained() {
		codes = append(codes, rec.Failure.String())
	}
	slices.Sort(codes)
	if got := strings.Join(codes, " "); got != "client.await-head.reset gateway.await-head.shutdown" {
		t.Error(got)
	}
}

// The better answer does not wait for the rest of one that was laid aside, whatever
// its server began to say.
func TestKeptAnswerKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]string{"part of a chunk's size": "5\r\n", "part of a chunk": "5\r\nbu", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := pairRig(t, func(p *peer) {
				p.head()
				p.send("HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n" + rest)
				p.ended()
			}, hello, func(s *setup) { s.route.Retry.Statuses = []int{503} })
			for range 4 {
				if head, body := r.dial().get(); status(head) != 200 || body != "hello" {
					t.Errorf("%q %q", head, body)
				}
			}
			r.atRest()
		})
	}
}
