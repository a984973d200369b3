// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

func group(n int) *Group {
	g := &Group{Name: "app"}
	for range n {
		g.Servers = append(g.Servers, &Server{})
	}
	return g
}

// I1: within one exchange each server is chosen once before none is left.
func TestPickPassesOver(t *testing.T) {
	for n := 1; n <= 64; n++ {
		g := group(n)
		for range n + 1 { // whatever server the turn begins with
			var tried uint64
			for k := range n {
				i, ok := g.Pick(tried)
				if !ok || i < 0 || i >= n || tried&(1<<i) != 0 {
					t.Fatalf("try %d of %d: server %d, %v, of those tried %b", k+1, n, i, ok, tried)
				}
				tried |= 1 << i
			}
			if i, ok := g.Pick(tried); ok {
				t.Fatalf("%d servers are tried, and %d is left", n, i)
			}
		}
	}
}

// Above 64 servers a mark stands for several: they are passed over together, and
// never is one that is marked chosen.
func TestPickAmongMany(t *testing.T) {
	g := group(130)
	var tried uint64
	for k := range 64 {
		i, ok := g.Pick(tried)
		if !ok || tried&(1<<(i%64)) != 0 {
			t.Fatalf("try %d: server %d, %v", k+1, i, ok)
		}
		tried |= 1 << (i % 64)
	}
	if _, ok := g.Pick(tried); ok {
		t.Error("all marks are set, and one is left")
	}
}

// Servers are asked in turn, so that each gets its share.
func TestPickIsFair(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 100} {
		g := group(n)
		count := make([]int, n)
		for range 10 * n {
			i, ok := g.Pick(0)
			if !ok {
				t.Fatal("none is left of those nobody tried")
			}
			count[i]++
		}
		for i, c := range count {
			if c != 10 {
				t.Errorf("server %d of %d was asked %d times of %d", i, n, c, 10*n)
			}
		}
	}
}

// The turn goes on where its counter overflows.
func TestPickTurnsOver(t *testing.T) {
	g := group(3)
	g.turn.Store(^uint32(0) - 2)
	for range 6 {
		if i, ok := g.Pick(0); !ok || i < 0 || i > 2 {
			t.Fatalf("server %d, %v", i, ok)
		}
	}
}

func TestPickAtOnce(t *testing.T) {
	g := group(4)
	var count [4]atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				i, _ := g.Pick(0)
				count[i].Add(1)
			}
		})
	}
	wg.Wait()
	for i := range count {
		if n := count[i].Load(); n != 2000 {
			t.Errorf("server %d was asked %d times of 8000", i, n)
		}
	}
}

// I2: at most max, the newest first, each once.
func TestPool(t *testing.T) {
	p := NewPool[int](3)
	if c, ok := p.Take(); ok || c != 0 {
		t.Errorf("an empty pool gave %d", c)
	}
	for c := 1; c <= 3; c++ {
		if !p.Put(c) {
			t.Errorf("no room for %d", c)
		}
	}
	if p.Put(4) || p.Len() != 3 {
		t.Errorf("a full pool took one more: %d", p.Len())
	}
	for c := 3; c >= 1; c-- {
		if got, ok := p.Take(); !ok || got != c {
			t.Errorf("took %d, want %d: the newest first", got, c)
		}
	}
	if NewPool[int](0).Put(1) {
		t.Error("a pool for none took one")
	}
}

func TestSweep(t *testing.T) {
	p := NewPool[int](10)
	for c := 1; c <= 6; c++ {
		p.Put(c)
	}
	if gone := p.Sweep(func(c int) bool { return c%2 == 0 }); !slices.Equal(gone, []int{2, 4, 6}) {
		t.Errorf("swept %v", gone)
	}
	if gone := p.Sweep(func(int) bool { return false }); gone != nil || p.Len() != 3 {
		t.Errorf("swept %v, %d left", gone, p.Len())
	}
	for _, want := range []int{5, 3, 1} {
		if got, _ := p.Take(); got != want {
			t.Errorf("took %d, want %d: sweeping keeps the order", got, want)
		}
	}
}

func TestClose(t *testing.T) {
	p := NewPool[int](3)
	p.Put(1)
	p.Put(2)
	if gone := p.Close(); !slices.Equal(gone, []int{1, 2}) {
		t.Errorf("closed %v", gone)
	}
	if p.Put(3) || p.Len() != 0 {
		t.Error("a closed pool took one")
	}
	if _, ok := p.Take(); ok {
		t.Error("a closed pool gave one")
	}
	if gone := p.Close(); gone != nil {
		t.Errorf("closed again: %v", gone)
	}
}

// I2, with all that can happen at once: no connection is held twice, none is
// lost, and there are never more than the maximum.
func TestPoolAtOnce(t *testing.T) {
	const most, conns = 5, 8
	p := NewPool[*atomic.Int32](most)
	var closed sync.Map
	held := make([]atomic.Int32, conns)
	var wg sync.WaitGroup
	for w := range conns {
		wg.Go(func() {
			mine := &held[w]
			mine.Store(1)
			for range 2000 {
				if mine != nil {
					if mine.Add(-1) != 0 {
						t.Error("a connection was held twice")
					}
					c := mine
					if mine = nil; !p.Put(c) {
						if c.Add(1) != 1 {
							t.Error("a connection that was refused is held")
						}
						mine = c
					}
				}
				if n := p.Len(); n > most {
					t.Errorf("%d in a pool for %d", n, most)
				}
				if mine == nil {
					if c, ok := p.Take(); ok {
						if c.Add(1) != 1 {
							t.Error("a connection was given twice")
						}
						mine = c
					}
				}
				p.Sweep(func(*atomic.Int32) bool { return false })
			}
			if mine != nil {
				closed.Store(mine, true)
			}
		})
	}
	wg.Wait()
	for _, c := range p.Close() {
		if _, twice := closed.LoadOrStore(c, true); twice {
			t.Error("a connection is in the pool and held")
		}
	}
	for i := range held {
		if _, ok := closed.Load(&held[i]); !ok {
			t.Errorf("connection %d is lost", i)
		}
	}
}

func TestPoolAllocs(t *testing.T) {
	p, g, c := NewPool[*Server](4), group(3), &Server{}
	if n := testing.AllocsPerRun(100, func() {
		g.Pick(1)
		p.Put(c)
		p.Take()
	}); n != 0 {
		t.Errorf("%v allocations to choose a server and a connection", n)
	}
}
