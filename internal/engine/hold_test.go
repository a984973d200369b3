// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/upstream"
)

// vacant returns an address on which nobody listens, and what listens there.
func vacant(t *testing.T) (addr net.Addr, listen func(serve func(*peer))) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr()
	ln.Close()
	return addr, func(serve func(*peer)) {
		t.Helper()
		ln, err := net.Listen("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		originOn(t, ln, serve)
	}
}

// holdRig is a rig whose servers are at addrs, and whose requests wait for them.
func holdRig(t *testing.T, hold time.Duration, addrs ...net.Addr) *rig {
	return newRig(t, nil, func(s *setup) {
		for _, a := range addrs {
			s.servers = append(s.servers, serverAt(a))
		}
		s.group.Hold, s.route.Retry.Hold = upstream.HoldOptions{Most: 100}, hold
	})
}

func (r *rig) waiting(n int) {
	r.t.Helper()
	eventually(r.t, "requests in line", func() bool { return r.group.Queue.Len() == n })
}

// Requests of any method wait for a server that restarts, and none is lost.
func TestRequestsWaitForTheirServer(t *testing.T) {
	t.Parallel()
	addr, listen := vacant(t)
	r := holdRig(t, patience, addr)
	const n = 20
	var peers []*peer
	for i := range n {
		p := r.dial()
		p.send([]string{"GET", "POST"}[i%2] + " / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		peers = append(peers, p)
	}
	r.waiting(n)
	listen(hello)
	for _, p := range peers {
		if head, body := p.answer(); status(head) != 200 || body != "hello" {
			t.Fatalf("%q %q", head, body)
		}
	}
	r.atRest()
	for _, rec := range r.drained() {
		if rec.Saved&record.ByHold == 0 || !rec.Failure.IsNone() {
			t.Errorf("saved by %q, failure %v", rec.Saved.Names(), rec.Failure)
		}
	}
}

// Who waits in vain is told what was wrong when its time is over.
func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	addr, _ := vacant(t)
	r := holdRig(t, 300*time.Millisecond, addr)
	if head, _ := r.dial().get(); status(head) != 502 {
		t.Errorf("%q", head)
	}
	if rec := r.one(); rec.Failure.Kind != failure.Refused || rec.Total < 300*time.Millisecond || rec.Saved != 0 {
		t.Errorf("%v after %v, saved by %q", rec.Failure, rec.Total, rec.Saved.Names())
	}
	r.atRest()
}

// What does not wait was not saved by waiting, though it is the last try that finds the
// server.
func TestNotHeldIsNotSaved(t *testing.T) {
	t.Parallel()
	addr, listen := vacant(t)
	r := holdRig(t, 0, addr)
	if head, _ := r.dial().get(); status(head) != 502 {
		t.Errorf("%q", head)
	}
	listen(hello)
	if head, _ := r.dial().get(); status(head) != 200 {
		t.Errorf("%q", head)
	}
	eventually(t, "two records", func() bool { return len(r.drained()) == 2 })
	for _, rec := range r.drained() {
		if rec.Saved != 0 {
			t.Errorf("saved by %q", rec.Saved.Names())
		}
	}
	r.atRest()
}

// Clients that leave, a stop, and a group that is replaced end the waiting at once.
func TestWaitingEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(r *rig, p *peer)
		code string
	}{
		"client leaves": {func(_ *rig, p *peer) { p.reset() }, "client.connect.reset"},
		"stop":          {func(r *rig, _ *peer) { r.eng.Kill() }, "gateway.connect.shutdown"},
		"group closed":  {func(r *rig, _ *peer) { r.group.Close() }, "upstream.connect.refused"},
		"group emptied": {func(r *rig, _ *peer) { r.group.Set(nil); r.group.Close() }, "upstream.connect.refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, _ := vacant(t)
			r := holdRig(t, never, addr)
			p := r.dial()
			p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			r.waiting(1)
			c.end(r, p)
			if rec := r.one(); rec.Failure.String() != c.code {
				t.Errorf("%v", rec.Failure)
			}
			r.atRest()
		})
	}
}

// A group that was closed lets nobody wait: nobody looks for its servers any more.
func TestClosedGroupHoldsNobody(t *testing.T) {
	t.Parallel()
	addr, _ := vacant(t)
	r := holdRig(t, never, addr)
	r.group.Close()
	for range 2 { // by the failure of its try, and by none
		if head, _ := r.dial().get(); status(head) != 502 {
			t.Errorf("%q", head)
		}
	}
	r.atRest()
}

// Requests above max_connections are served one after the other, each of them.
func TestRequestsWaitForRoom(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	addr := origin(t, func(p *peer) {
		for {
			if _, err := p.head(); err != nil {
				return
			}
			for n := now.Add(1); n > most.Load(); {
				most.Store(n)
			}
			time.Sleep(time.Millisecond) // of work
			now.Add(-1)
			p.send(smallAnswer)
		}
	})
	r := newRig(t, addr, func(s *setup) {
		s.servers[0].MaxConnections = 2
		s.group.Hold, s.route.Retry.Hold = upstream.HoldOptions{Most: 100}, patience
	})
	var peers []*peer
	for range 50 {
		p := r.dial()
		p.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		peers = append(peers, p)
	}
	for _, p := range peers {
		if head, _ := p.answer(); status(head) != 200 {
			t.Fatalf("%q", head)
		}
	}
	if most.Load() > 2 {
		t.Errorf("%d at a time", most.Load())
	}
	r.atRest()
}

// A server that was removed while a connection to it died gets nothing more: the
// request goes to another one.
func TestRemovedServerIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	asked, remove := make(chan struct{}), make(chan struct{})
	var heads atomic.Int64
	old := origin(t, func(p *peer) {
		for n := heads.Add(1); ; n = heads.Add(1) {
			if _, err := p.head(); err != nil {
				return
			}
			if n == 2 {
				close(asked)
				<-remove
				return
			}
			p.send(smallAnswer)
		}
	})
	other := serverAt(origin(t, hello))
	r := newRig(t, old, nil)
	r.dial().get()
	eventually(t, "an idle connection", func() bool { return r.idleConns() == 1 })
	p := r.dial()
	p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-asked
	r.group.Set([]upstream.Spec{other})
	close(remove)
	if head, _ := p.answer(); status(head) != 200 {
		t.Errorf("%q", head)
	}
	rec := r.record(func(rec *record.Record) bool { return rec.AttemptLen > 1 })
	if got := rec.Attempts[1].Server; got != other.Name {
		t.Errorf("%s was asked, which is not %s", got, other.Name)
	}
	r.atRest()
}

// A group that is closed and changed in any order keeps no connection.
func TestSetAfterClose(t *testing.T) {
	t.Parallel()
	r := newRig(t, origin(t, hello), nil)
	r.group.Close()
	r.group.Set([]upstream.Spec{serverAt(origin(t, hello))})
	r.dial().get()
	eventually(t, "its connection to close", func() bool {
		return !slices.ContainsFunc(r.group.Servers(), func(s *upstream.Server) bool { return s.Open.Load() != 0 })
	})
}
