// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/upstream"
)

var refusedCode = failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Refused}

// lose tells the group that nobody listens at s.
func (r *rig) lose(s *upstream.Server) {
	r.group.Note(s, upstream.Outcome{Result: upstream.NotOpened, Code: refusedCode}, r.eng.mono())
}

func (r *rig) lost() int { return len(r.group.Lost(r.eng.mono())) }

// full returns the address of a server whose backlog is full: connections to it are
// neither refused nor made.
func full(t *testing.T) net.Addr {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, _ := unix.Getsockname(fd)
	addr := net.TCPAddrFromAddrPort(addrPort(sa))
	for {
		c, err := net.DialTimeout("tcp", addr.String(), 100*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
}

// A server that is back is found although another one that was lost does not even
// refuse.
func TestLostServersAreFoundEachByItself(t *testing.T) {
	t.Parallel()
	addr, listen := vacant(t)
	r := holdRig(t, patience, full(t), addr)
	for _, s := range r.group.Servers() {
		r.lose(s)
	}
	settled(t, r, 8) // now the first one is being tried
	listen(hello)
	since := time.Now()
	eventually(t, "the second to be found", func() bool { return r.lost() == 1 })
	if d := time.Since(since); d > mendTimeouts.Connect*3/4 {
		t.Errorf("that took %v", d)
	}
	if head, _ := r.dial().get(); status(head) != 200 {
		t.Errorf("%q", head)
	}
}

// The mender ends when there is nothing to mend, begins again, and leaves nothing in
// the counters.
func TestMenderComesAndGoes(t *testing.T) {
	t.Parallel()
	r := newRig(t, origin(t, hello), nil)
	running := func() bool {
		r.group.mender.mu.Lock()
		defer r.group.mender.mu.Unlock()
		return r.group.mender.running
	}
	for range 3 {
		r.lose(r.server())
		if !running() {
			t.Fatal("it does not run")
		}
		eventually(t, "the server to be found", func() bool { return r.lost() == 0 })
		eventually(t, "its end", func() bool { return !running() })
		r.atRest()
	}
	r.lose(r.server())
	r.group.Set([]upstream.Spec{serverAt(origin(t, hello))})
	eventually(t, "its end without the lost one", func() bool { return !running() })
}

// Close does not wait for a try that gets no answer.
func TestCloseEndsMending(t *testing.T) {
	t.Parallel()
	r := newRig(t, full(t), nil)
	r.lose(r.server())
	eventually(t, "a try", func() bool { return r.server().Open.Load() == 1 })
	since := time.Now()
	r.group.Close()
	if d := time.Since(since); d > mendTimeouts.Connect*3/4 {
		t.Errorf("it waited for %v", d)
	}
	r.atRest()
	r.lose(r.server())
	settled(t, r, 4)
	r.atRest() // nobody tries it any more
}

// Servers that are lost and found at the same time, while the members change and the
// group closes: no lock is taken in two orders, and nothing is left.
func TestMendingRaces(t *testing.T) {
	t.Parallel()
	addr := origin(t, hello)
	r := newRig(t, addr, func(s *setup) {
		s.group.OnEvent = func(upstream.Event) {}
		s.route.Retry.Hold, s.group.Hold = patience, upstream.HoldOptions{Most: 100}
	})
	spec := serverAt(addr)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 200 {
				for _, s := range r.group.Servers() {
					r.lose(s)
					r.group.Reached(s, r.eng.mono())
				}
				if i == 0 {
					other := spec
					other.Name, other.Addr = "other", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 1)
					r.group.Set([]upstream.Spec{spec, other})
					r.group.Set([]upstream.Spec{spec})
				}
			}
		})
		wg.Go(func() {
			p := r.dial()
			for range 50 {
				if head, _ := p.get(); status(head) != 200 {
					t.Errorf("%q", head)
					return
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "all to be found", func() bool { return r.lost() == 0 })
	r.atRest()
}

// A server whose backlog is full is left for another one long before the time to
// connect is over; where there is no other, it has all of that time.
func TestFullBacklogIsLeftForAnother(t *testing.T) {
	t.Parallel()
	with := func(s *setup) {
		s.group.Silence, s.route.Timeouts.Connect = time.Second, 1200*time.Millisecond
	}
	a := full(t)
	r := newRig(t, a, func(s *setup) {
		with(s)
		s.servers = append(s.servers, serverAt(origin(t, hello)))
		s.group.Balance = upstream.RoundRobin
	})
	for range 2 {
		p := r.dial()
		p.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		if head, _ := p.answer(); status(head) != 200 {
			t.Errorf("%q", head)
		}
	}
	eventually(t, "two records", func() bool { return len(r.drained()) == 2 })
	for _, rec := range r.drained() {
		if rec.Total > time.Second {
			t.Errorf("it took %v", rec.Total)
		}
	}
	r.atRest()

	both := newRig(t, a, func(s *setup) {
		with(s)
		s.servers = append(s.servers, serverAt(full(t)))
	})
	if head, _ := both.dial().get(); status(head) != 504 {
		t.Errorf("%q", head)
	}
	if rec := both.one(); rec.AttemptLen != 2 || rec.Attempts[1].Connect < time.Second {
		t.Errorf("%d attempts, the last for %v", rec.AttemptLen, rec.Attempts[1].Connect)
	}
	both.atRest()
}
