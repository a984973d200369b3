// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// parkedIs waits until n connections are parked, and no others are there.
func (r *rig) parkedIs(n int) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("%d parked connections", n), func() bool {
		return r.eng.Counts() == Counts{Parked: int64(n)}
	})
}

// I1 and I2: an idle connection has no goroutine, no buffer and no socket of the
// runtime's poller; its next request finds everything again.
func TestIdleConnectionsParkAndWake(t *testing.T) {
	r := newRig(t, origin(t, hello), nil)
	unixPath := filepath.Join(t.TempDir(), "s")
	r.listen("unix:" + unixPath)
	var peers []*peer
	for _, at := range [][2]string{{"tcp", r.addr}, {"unix", unixPath}} {
		for range 4 {
			c, err := net.Dial(at[0], at[1])
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			peers = append(peers, newPeer(t, c))
		}
	}
	for round := range 3 {
		for i, p := range peers {
			if head, body := p.get(); status(head) != 200 || body != "hello" {
				t.Fatalf("round %d, connection %d: %q %q", round, i, head, body)
			}
		}
		r.parkedIs(len(peers))
		r.eng.sweep.each(func(s *sock) {
			if s.client != nil {
				t.Error("a parked connection is still with the sweeper")
			}
		})
	}
	for _, rec := range r.drained() {
		if rec.Exchanges < 1 || rec.Exchanges > 3 {
			t.Errorf("exchange number %d on its connection", rec.Exchanges)
		}
		if rec.Listener == "127.0.0.1:0" != rec.Peer.IsValid() {
			t.Errorf("listener %s, peer %v", rec.Listener, rec.Peer)
		}
	}
	if n := len(r.drained()); n != 3*len(peers) {
		t.Errorf("%d records", n)
	}
}

// goroutinesOf counts the goroutines in a function of this package.
func goroutinesOf(name string) int {
	b := make([]byte, 8<<20)
	return strings.Count(string(b[:runtime.Stack(b, true)]), name+"(")
}

// I1, under load: 2,000 connections park and are woken again and again.
func TestManyConnectionsParkAndWakeUnderLoad(t *testing.T) {
	var rl unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &rl); rl.Cur < 6000 {
		t.Skipf("needs 6,000 descriptors, the limit is %d", rl.Cur)
	}
	const conns, rounds, workers = 2000, 3, 16
	r := newRig(t, origin(t, hello), nil)
	peers := make([]*peer, conns)
	for i := range peers {
		peers[i] = r.dial()
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds * conns / workers {
				// Each worker has its own share, so that a connection has one request at
				// a time, and asks in an order that no connection's idle time fits.
				p := peers[w+workers*rng.IntN(conns/workers)]
				if _, err := p.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
					t.Error(err)
					return
				}
				if head, err := p.head(); err != nil || status(head) != 200 {
					t.Errorf("%q, %v", head, err)
					return
				}
				p.in.Discard(5)
			}
		})
	}
	wg.Wait()
	r.parkedIs(conns)
	// A goroutine that has just parked its connection is on its way out.
	eventually(t, "no goroutine for a parked connection", func() bool {
		return goroutinesOf("(*clientConn).serve") == 0
	})
	for _, p := range peers[:conns/2] {
		p.reset()
	}
	r.parkedIs(conns / 2)
}

// An event that was read from the set before its slot was given to somebody else
// must not touch the new tenant.
func TestLotIgnoresEventsOfFormerTenants(t *testing.T) {
	r := newRig(t, origin(t, hello), nil)
	first := r.dial()
	first.get()
	l := r.eng.lot
	slot, generation := 0, uint32(0)
	eventually(t, "it is in the set, which is after it counts as parked", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.parked) == 0 {
			return false
		}
		generation = l.parked[slot].generation
		return true
	})
	first.reset()
	r.parkedIs(0)
	second := r.dial()
	second.get()
	r.parkedIs(1)
	l.handle(&unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(slot), Pad: int32(generation)})
	l.handle(&unix.EpollEvent{Events: unix.EPOLLIN, Fd: 99, Pad: 1})
	if c := r.eng.Counts(); c.Parked != 1 {
		t.Errorf("%+v", c)
	}
	if head, _ := second.get(); status(head) != 200 {
		t.Error(head)
	}
}

func TestParkedConnectionsCloseWhenIdleForTooLong(t *testing.T) {
	r := newRig(t, origin(t, hello), func(s *setup) { s.opts.Idle = time.Second })
	p := r.dial()
	p.get()
	r.parkedIs(1)
	if err := p.ended(); err != nil {
		t.Errorf("no FIN: %v", err)
	}
	r.parkedIs(0)
}

// A connection on its way into the lot when that is closed is closed as well.
func TestLotThatIsClosedTakesNobody(t *testing.T) {
	r := newRig(t, origin(t, hello), nil)
	p := r.dial()
	p.get()
	r.eng.lot.closeAll()
	if err := p.ended(); err != nil {
		t.Error(err)
	}
	r.parkedIs(0)
}

// While idle connections are ended, a request that is here already is answered.
func TestClosingTheLotAnswersLateRequests(t *testing.T) {
	const conns = 40
	r := newRig(t, origin(t, hello), nil)
	peers := make([]*peer, conns)
	for i := range peers {
		peers[i] = r.dial()
		peers[i].get()
	}
	l := r.eng.lot
	eventually(t, "all in their slots", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.parked)-len(l.free) == conns
	})
	r.listener.Close()
	l.mu.Lock() // no event is handled meanwhile
	for _, p := range peers[:conns/2] {
		p.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	for here, end := 0, time.Now().Add(patience); here < conns/2 && time.Now().Before(end); {
		here = 0
		for i := range l.parked {
			var b [1]byte
			if n, _, _ := unix.Recvfrom(int(l.parked[i].fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT); n > 0 {
				here++
			}
		}
	}
	l.mu.Unlock()
	r.eng.Drain(0)
	for i, p := range peers {
		if i < conns/2 {
			if head, err := p.head(); err != nil || status(head) != 200 || !strings.Contains(head, "Connection: close") {
				t.Errorf("connection %d: %q, %v", i, head, err)
			}
			p.in.Discard(5)
		}
		if err := p.ended(); err != nil {
			t.Errorf("connection %d: %v", i, err)
		}
	}
	if !r.eng.Wait(after(patience)) {
		t.Errorf("%+v", r.eng.Counts())
	}
}

// Memory is given back after a crowd, when it is quiet or that has taken too long,
// and not more often than once a minute.
func TestMemoryIsGivenBackAfterACrowd(t *testing.T) {
	const second, minute = int64(time.Second), int64(time.Minute)
	for name, c := range map[string]struct {
		taken                    int
		lastTaken, returned, now int64
		want                     bool
	}{
		"no crowd":              {crowdMin - 1, 0, 0, minute, false},
		"still coming":          {crowdMin, 10 * second, 0, 10*second + second/2, false},
		"still coming for long": {crowdMin, 2 * minute, 0, 2 * minute, true},
		"quiet, the first time": {crowdMin, 10 * second, 0, 11 * second, true},
		"too soon again":        {crowdMin, 20 * second, 10 * second, 69 * second, false},
		"a minute later":        {crowdMin, 20 * second, 10 * second, 70 * second, true},
		"never quiet":           {crowdMin, 3 * minute, minute, 3 * minute, true},
		"not quiet yet":         {crowdMin, 3*minute - 1, minute, 3*minute - 1, false},
	} {
		l := &lot{taken: c.taken, lastTaken: c.lastTaken, returned: c.returned}
		if got := l.crowdLeft(c.now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
