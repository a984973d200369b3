// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/engine/netpoll"
)

// pairOf returns a socket of e and the descriptor of its other end. The sweeper of
// e is not running: the test turns it.
func pairOf(t *testing.T, e *Engine) (*sock, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &sock{}
	s.init(e, fds[0])
	other := os.NewFile(uintptr(fds[1]), "other")
	t.Cleanup(func() { other.Close() })
	return s, other
}

// still is an engine whose sweeper is turned by hand.
func still() *Engine {
	e := &Engine{base: time.Now()}
	e.sweep.eng = e
	return e
}

// during runs wait in a goroutine and returns its result when it comes.
func during(wait func() ioEnd) <-chan ioEnd {
	done := make(chan ioEnd, 1)
	go func() { done <- wait() }()
	return done
}

// ends waits for the end of a wait.
func ends(t *testing.T, done <-chan ioEnd, want ioEnd) {
	t.Helper()
	select {
	case end := <-done:
		if end != want {
			t.Errorf("the wait ended with %d, want %d", end, want)
		}
	case <-after(patience):
		t.Fatalf("the wait did not end, want %d", want)
	}
}

// I5: a deadline that has passed when the sweeper looks ends the wait in that very
// turn, and none ends before. A deadline may be set, moved and taken back while
// its wait runs.
func TestDeadlineEndsItsWaitAtTheNextTurn(t *testing.T) {
	fill := bytes.Repeat([]byte{'x'}, 1<<20)
	for name, c := range map[string]struct {
		half func(*sock) *half
		wait func(*sock) ioEnd
	}{
		"read":  {func(s *sock) *half { return &s.r }, func(s *sock) ioEnd { return s.fill() }},
		"write": {func(s *sock) *half { return &s.w }, func(s *sock) ioEnd { return s.write(fill, nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			e := still()
			s, _ := pairOf(t, e)
			defer s.close()
			h := c.half(s)
			done := during(func() ioEnd { return c.wait(s) })
			e.sweep.turn() // no deadline yet
			h.deadline.Store(e.mono() + int64(time.Hour))
			e.sweep.turn()
			h.deadline.Store(e.mono() + int64(50*time.Millisecond))
			h.deadline.Store(0) // taken back
			for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
				e.sweep.turn()
			}
			select {
			case end := <-done:
				t.Fatalf("the wait ended with %d before its deadline", end)
			default:
			}
			h.deadline.Store(e.mono())
			e.sweep.turn()
			ends(t, done, ioTimeout)
		})
	}
}

// A wake-up that comes too late for one wait does not end the next.
func TestLateWakeUpsEndNothing(t *testing.T) {
	e := still()
	s, other := pairOf(t, e)
	defer s.close()
	for range 50 {
		s.poll.Interrupt(netpoll.Read) // the sweeper looked just before the bytes came
		s.parkAsked.Store(false)
		done := during(func() ioEnd { return s.fill() })
		other.Write([]byte("x"))
		ends(t, done, ioOK)
		s.in.release()
		s.poll.Interrupt(netpoll.Write)
		ends(t, during(func() ioEnd { return s.write([]byte("x"), nil) }), ioOK)
	}
}

// Cancel and the other ways to end a wait reach it before it begins, while it runs
// and when it comes back; none is lost, whatever the moment.
func TestEndingAWaitIsNeverLost(t *testing.T) {
	for name, stop := range map[string]func(*sock){
		"cancel":       (*sock).cancel,
		"stop reading": (*sock).stopReading,
	} {
		t.Run(name, func(t *testing.T) {
			e := still()
			rng := rand.New(rand.NewPCG(1, 2))
			for range 300 {
				s, other := pairOf(t, e)
				done := during(func() ioEnd {
					for {
						if end := s.fill(); end != ioOK {
							return end
						}
						s.in.release()
					}
				})
				quit := make(chan struct{})
				var wg sync.WaitGroup
				wg.Go(func() { // bytes and late deadlines meanwhile
					for {
						select {
						case <-quit:
							return
						default:
							other.Write([]byte("x"))
							s.r.deadline.Store(e.mono() + 1e6)
							e.sweep.turn()
							s.r.deadline.Store(0)
						}
					}
				})
				for range rng.IntN(2000) {
					e.sweep.now()
				}
				stop(s)
				select {
				case end := <-done:
					if end != ioCanceled && end != ioTimeout {
						t.Fatalf("ended with %d", end)
					}
				case <-after(patience):
					t.Fatal("the wait goes on")
				}
				close(quit)
				other.Close()
				wg.Wait()
				s.close()
			}
		})
	}
}

// Every end of a socket is told apart.
func TestEndsOfASocket(t *testing.T) {
	e := still()
	t.Run("FIN", func(t *testing.T) {
		s, other := pairOf(t, e)
		defer s.close()
		other.Write([]byte("x"))
		other.Close()
		ends(t, during(s.fill), ioOK)
		ends(t, during(s.fill), ioEOF)
		ends(t, during(func() ioEnd { return s.write([]byte("x"), nil) }), ioErrno)
		if s.w.errno != syscall.EPIPE {
			t.Errorf("errno %v", s.w.errno)
		}
	})
	t.Run("peek", func(t *testing.T) {
		s, other := pairOf(t, e)
		defer s.close()
		if _, errno := s.peek(); errno != syscall.EAGAIN {
			t.Errorf("nothing happened: %v", errno)
		}
		other.Write([]byte("xy"))
		if n, errno := s.peek(); n != 1 || errno != 0 {
			t.Errorf("bytes: %d, %v", n, errno)
		}
		ends(t, during(s.fill), ioOK)
		if got := string(s.in.bytes()); got != "xy" {
			t.Errorf("peek took something: %q", got)
		}
		other.Close()
		if n, errno := s.peek(); n != 0 || errno != 0 {
			t.Errorf("FIN: %d, %v", n, errno)
		}
	})
	t.Run("two buffers", func(t *testing.T) {
		s, other := pairOf(t, e)
		defer s.close()
		first, second := bytes.Repeat([]byte{'1'}, 300<<10), bytes.Repeat([]byte{'2'}, 500<<10)
		done := during(func() ioEnd { return s.write(first, second) })
		var got []byte
		for b := make([]byte, 7777); len(got) < len(first)+len(second); {
			n, err := other.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b[:n]...)
		}
		ends(t, done, ioOK)
		if !bytes.Equal(got, append(first, second...)) || s.w.total.Load() != int64(len(got)) {
			t.Errorf("%d bytes came, %d were counted", len(got), s.w.total.Load())
		}
	})
}

// The book of sockets survives any order of comings and goings, from many sides,
// and the sweeper sleeps when it is empty.
func TestSweeperBooks(t *testing.T) {
	r := newRig(t, origin(t, hello), nil)
	w := &r.eng.sweep
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 3))
			var mine []*sock
			for range 400 {
				if len(mine) == 0 || len(mine) < 20 && rng.IntN(2) == 0 {
					s, other := pairOf(t, r.eng)
					other.Close()
					mine = append(mine, s)
					continue
				}
				i := rng.IntN(len(mine))
				mine[i].close()
				mine[i] = mine[len(mine)-1]
				mine = mine[:len(mine)-1]
			}
			w.each(func(s *sock) {
				if w.socks[s.slot] != s {
					t.Error("a socket is not in its slot")
				}
			})
			for _, s := range mine {
				s.close()
			}
		})
	}
	wg.Wait()
	eventually(t, "the sweeper's sleep", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.asleep && len(w.socks) == 0
	})
	if head, _ := r.dial().get(); status(head) != 200 { // it wakes
		t.Error(head)
	}
}

// A cancellation that comes while both directions are about to register the socket
// reaches both: only one of them registers it.
func TestCancelReachesBothDirections(t *testing.T) {
	e := still()
	full := bytes.Repeat([]byte{'x'}, 1<<20)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		s, _ := pairOf(t, e)
		var ready sync.WaitGroup
		ready.Add(2)
		wait := func(f func() ioEnd) <-chan ioEnd {
			return during(func() ioEnd { ready.Done(); ready.Wait(); return f() })
		}
		read := wait(s.fill)
		write := wait(func() ioEnd { return s.write(full, nil) })
		ready.Wait()
		for range rng.IntN(2000) { // both are somewhere on their way
			runtime.KeepAlive(s)
		}
		s.cancel()
		ends(t, read, ioCanceled)
		ends(t, write, ioCanceled)
		s.close()
	}
}
