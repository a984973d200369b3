// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"causey/internal/upstream"
)

// noted is a group that remembers when it was told what.
type noted struct {
	*upstream.Group
	began time.Time
	mu    sync.Mutex
	at    map[string][]time.Duration
	ok    map[string]bool
}

func (w *world) group(o upstream.CheckOptions, addresses ...string) *noted {
	g := &noted{began: time.Now(), at: map[string][]time.Duration{}, ok: map[string]bool{}}
	g.Group = upstream.NewGroup("shop", upstream.Options{Check: o}, specsAt(addresses))
	return g
}

func specsAt(addresses []string) (specs []upstream.Spec) {
	for _, a := range addresses {
		specs = append(specs, specAt(a))
	}
	return specs
}

func (g *noted) now() int64 { return int64(time.Since(g.began)) + int64(time.Hour) }

func (g *noted) NoteCheck(s *upstream.Server, c upstream.Check) bool {
	g.mu.Lock()
	g.at[s.Name] = append(g.at[s.Name], time.Since(g.began))
	g.ok[s.Name] = c.OK
	g.mu.Unlock()
	return g.Group.NoteCheck(s, c, g.now())
}

// gaps returns the times between the checks of a server since the last call.
func (g *noted) gaps(name string) (gaps []time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.at[name]
	for i := range at[1:] {
		gaps = append(gaps, at[i+1]-at[i])
	}
	g.at[name] = at[len(at)-1:]
	return gaps
}

func wantGaps(t *testing.T, gaps []time.Duration, n int, about time.Duration) {
	t.Helper()
	if len(gaps) < n {
		t.Errorf("%d checks, want %d at least", len(gaps), n)
	}
	for _, g := range gaps {
		if g < about-about/10 || g > about+about/10 {
			t.Errorf("%s between two checks, want %s and a tenth", g, about)
		}
	}
	if slices.Sort(gaps); len(gaps) > 3 && gaps[0] == gaps[len(gaps)-1] {
		t.Error("no jitter")
	}
}

const well, unwell = "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 503 X\r\n\r\n"

// Calm while all is well, quick while it is not.
func TestPace(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var answer atomic.Value
		answer.Store(well)
		w.serve[at] = func(c net.Conn) { says(answer.Load().(string))(c) }
		g := w.group(upstream.CheckOptions{Fall: 3, Rise: 2}, at)
		r := Start(g, usual(), w.env())
		defer r.Close()
		time.Sleep(time.Minute)
		wantGaps(t, g.gaps(at), 9, 5*time.Second)
		time.Sleep(6 * time.Second) // into the next calm gap
		answer.Store(unwell)
		time.Sleep(7 * time.Second)
		g.gaps(at)
		time.Sleep(time.Minute)
		wantGaps(t, g.gaps(at), 50, time.Second)
		answer.Store(well)
		time.Sleep(4 * time.Second)
		g.gaps(at)
		time.Sleep(time.Minute)
		wantGaps(t, g.gaps(at), 9, 5*time.Second)
	})
}

// A few servers are asked at once, many are spread over the interval.
func TestFirstChecksAreSpread(t *testing.T) {
	for n, within := range map[int]time.Duration{3: 30 * time.Millisecond, 1000: 5 * time.Second} {
		inWorld(t, func(t *testing.T, w *world) {
			var addresses []string
			for i := range n {
				a := fmt.Sprintf("10.0.%d.%d:80", i/250, i%250)
				addresses = append(addresses, a)
				w.serve[a] = says(well)
			}
			g := w.group(upstream.CheckOptions{}, addresses...)
			r := Start(g, usual(), w.env())
			time.Sleep(5500 * time.Millisecond)
			r.Close()
			var firsts []time.Duration
			for _, at := range g.at {
				firsts = append(firsts, at[0])
			}
			slices.Sort(firsts)
			if len(firsts) != n || firsts[n-1] > within {
				t.Errorf("%d of %d servers were asked, the last at %s", len(firsts), n, firsts[len(firsts)-1])
			}
			if n > 100 && firsts[n/2] < within/3 {
				t.Errorf("half of them were asked within %s", firsts[n/2])
			}
		})
	}
}

// Whoever comes is asked, whoever leaves is not any more. I5.
func TestFollowsMembers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const other = "10.0.0.4:3000"
		w.serve[at], w.serve[other] = silent, says(well)
		g := w.group(upstream.CheckOptions{}, at)
		r := Start(g, usual(), w.env())
		time.Sleep(time.Second) // in its check
		g.Set(specsAt([]string{other}), g.now())
		time.Sleep(10 * time.Second)
		g.mu.Lock()
		if len(g.at[at]) != 0 || len(g.at[other]) < 2 {
			t.Errorf("results: %v", g.at)
		}
		g.mu.Unlock()
		r.Close()
		n := len(g.at[other])
		time.Sleep(time.Minute)
		if len(g.at[other]) != n {
			t.Error("it is asked behind Close")
		}
	})
}

// Close ends the checks that run, and takes no result from them.
func TestCloseBreaksOff(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve[at] = silent
		g := w.group(upstream.CheckOptions{}, at, "10.0.0.5:3000") // the second one takes no connection
		r := Start(g, usual(), w.env())
		time.Sleep(time.Second)
		began := time.Now()
		r.Close()
		if d := time.Since(began); d != 0 || len(g.at) != 0 {
			t.Errorf("it took %s, results: %v", d, g.at)
		}
	})
}

// At most so many at a time, and a group that hangs leaves half of the slots. I4.
func TestSlots(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.slots = make(chan struct{}, 10)
		var hang []string
		for i := range 100 {
			a := fmt.Sprintf("10.0.1.%d:80", i)
			hang = append(hang, a)
			w.serve[a] = silent
		}
		w.serve[at] = says(well)
		g, well := w.group(upstream.CheckOptions{}, hang...), w.group(upstream.CheckOptions{}, at)
		r1 := Start(g, usual(), w.env())
		r2 := Start(well, usual(), w.env())
		time.Sleep(2 * time.Minute)
		wantGaps(t, well.gaps(at), 20, 5*time.Second)
		r1.Close()
		r2.Close()
		for _, a := range hang {
			if len(g.at[a]) == 0 {
				t.Errorf("%s was never asked", a)
			}
		}
		if w.mostOpen > 6 {
			t.Errorf("%d checks at a time", w.mostOpen)
		}
		synctest.Wait()
	})
}
