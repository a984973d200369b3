// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"causey/internal/failure"
	"causey/internal/upstream"
)

// A request that waits because there is no server at all goes to the one that comes.
func TestHeldRequestGoesToTheServerThatCame(t *testing.T) {
	r := newRig(t, nil, func(s *setup) {
		s.group.Hold.Most = 10
		s.route.Retry.Hold = never
	})
	answer := make(chan int)
	p := r.dial()
	go func() {
		head, _ := p.get()
		answer <- status(head)
	}()
	eventually(t, "the request in line", func() bool { return r.group.Queue.Len() == 1 })
	select {
	case got := <-answer:
		t.Fatalf("answered %d while there was no server", got)
	default:
	}
	r.group.Set([]upstream.Spec{serverAt(origin(t, hello))})
	if got := <-answer; got != 200 {
		t.Errorf("answered %d by the server that came", got)
	}
}

// Nobody waits for a server where there has been none for long.
func TestNobodyWaitsForServersThatNeverCome(t *testing.T) {
	r := newRig(t, nil, nil)
	if !r.group.worthWaiting() {
		t.Error("not worth waiting at the start")
	}
	r.group.emptySince.Add(-int64(upstream.HoldWithin))
	if r.group.worthWaiting() {
		t.Error("worth waiting after a minute without servers")
	}
	r.group.Set([]upstream.Spec{serverAt(origin(t, hello))})
	r.group.Set(nil)
	if !r.group.worthWaiting() {
		t.Error("not worth waiting for those that replace the one that went")
	}
}

// Whoever finds servers hears of each dial that failed by the server's doing.
func TestFailedDialIsTold(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	var told atomic.Int32
	r := newRig(t, ln.Addr(), func(s *setup) {
		s.notOpened = func(s *upstream.Server, _ *failure.Error) {
			if s.Name == ln.Addr().String() {
				told.Add(1)
			}
		}
	})
	if head, _ := r.dial().get(); status(head) != 502 {
		t.Errorf("answered %q", head)
	}
	if told.Load() == 0 {
		t.Error("nobody was told")
	}
}

// A server that stays keeps what is known of it, and of equal places there is one.
func TestSetKeepsWhoStays(t *testing.T) {
	a, b := origin(t, hello), origin(t, hello)
	r := newRig(t, a, nil)
	was := r.server()
	spec := serverAt(a)
	spec.Weight = 3
	r.group.Set([]upstream.Spec{serverAt(b), spec, serverAt(b), spec})
	if n := len(r.group.Servers()); n != 2 || r.group.Servers()[1] != was {
		t.Errorf("%d servers, the old one is not among them", n)
	}
	many := make([]upstream.Spec, 10_000)
	for i := range many {
		many[i] = spec
		many[i].MaxConnections = int64(i)
	}
	began := time.Now()
	for range 2 {
		r.group.Set(many)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("setting ten thousand servers twice took %v", took)
	}
}
