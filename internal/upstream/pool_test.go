// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

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
