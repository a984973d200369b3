// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// Limits bound a store. The zero value of a field means its default.
type Limits struct {
	// Memory bounds the bytes kept in memory, ObjectMax one answer's body.
	Memory, ObjectMax int64
	// CollapseWait bounds how long a request waits for the answer to another one.
	CollapseWait time.Duration
}

// The defaults.
const (
	defaultMemory       = 64 << 20
	defaultObjectMax    = 4 << 20
	defaultCollapseWait = 5 * time.Second
)

// waitersMax bounds the requests that wait for one answer, fillsMax the answers that
// others may wait for, at a time. Who finds no place asks for itself.
const (
	waitersMax = 1024
	fillsMax   = 4096
)

// variantsMax bounds the answers to one target that differ by Vary. More of them than
// that are as good as none: each would be asked for about once.
const variantsMax = 16

func (l Limits) withDefaults() Limits {
	pick := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	pick(&l.Memory, defaultMemory)
	pick(&l.ObjectMax, defaultObjectMax)
	if l.CollapseWait <= 0 {
		l.CollapseWait = defaultCollapseWait
	}
	return l
}

// Env is what a store needs of the world.
type Env struct {
	Now func() time.Time
	// After is time.After.
	After  func(time.Duration) <-chan time.Time
	Logger *slog.Logger
}

// group is everything kept for one key. It does not change; who changes something
// makes a new one.
type group struct {
	variants []*object // the newest first
	cost     uint32
}

func newGroup(variants []*object) *group {
	g := &group{variants: variants}
	sum := int64(0)
	for _, o := range variants {
		sum += o.cost()
	}
	g.cost = uint32(min(sum, 1<<32-1))
	return g
}

// Store keeps answers. Its methods may be called from any goroutine.
type Store struct {
	env    Env
	limits atomic.Pointer[Limits]
	seed   seed
	rules  atomic.Pointer[[]*Rule] // of the configuration in use
	// memory evicts by TinyLFU: what was asked for often is not driven out by a flood
	// of targets that nobody asks for twice.
	memory *otter.Cache[id, *group]
	disk   *disk // nil for none
	stamps *stamps
	fills  fills
	// intakes counts the bytes of answers on their way in, from servers and from disk.
	intakes atomic.Int64
	// changing serializes changes of one group; readers need no lock.
	changing [64]sync.Mutex
	counts   counts
}

// New returns a store. d says where answers outlive the process; its zero value is
// nowhere.
func New(l Limits, d DiskOptions, env Env) (*Store, error) {
	l = l.withDefaults()
	s := &Store{env: env, stamps: new(stamps)}
	s.limits.Store(&l)
	s.rules.Store(new([]*Rule))
	rand.Read(s.seed[:])
	s.fills.init(waitersMax, fillsMax)
	memory, err := otter.New(&otter.Options[id, *group]{
		MaximumWeight: uint64(l.Memory),
		Weigher:       func(_ id, g *group) uint32 { return g.cost },
		// Whoever adds also evicts, so that the bound holds at once.
		Executor: func(f func()) { f() },
	})
	if err != nil {
		return nil, err
	}
	s.memory = memory
	if d.Path != "" {
		if s.disk, err = openDisk(d, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Use puts the limits and rules of another configuration to use.
func (s *Store) Use(l Limits, rules []*Rule) {
	l = l.withDefaults()
	s.limits.Store(&l)
	s.rules.Store(&rules)
	s.memory.SetMaximum(uint64(l.Memory))
}

// Close ends what the store does besides.
func (s *Store) Close() {
	if s.disk != nil {
		s.disk.close()
	}
}

// get returns what is kept under a key, nil for nothing. What is only on disk is
// brought into memory.
func (s *Store) get(key id) *group {
	if g, ok := s.memory.GetIfPresent(key); ok {
		return g
	}
	if s.disk == nil || !s.disk.has(key) {
		return nil
	}
	mu := s.lock(key)
	defer mu.Unlock()
	if g, ok := s.memory.GetIfPresent(key); ok {
		return g
	}
	g := s.disk.load(key)
	if g != nil {
		s.memory.Set(key, g)
	}
	return g
}

// reserve takes bytes for an answer on its way in, if there is room. Who takes them gives
// them back. I3.
func (s *Store) reserve(n int64) bool {
	if s.intakes.Add(n) > s.limits.Load().Memory/2 {
		s.intakes.Add(-n)
		return false
	}
	return true
}

// lock locks a key for changes.
func (s *Store) lock(key id) *sync.Mutex {
	mu := &s.changing[int(key[15])%len(s.changing)]
	mu.Lock()
	return mu
}

// put keeps o in place of the variant it replaces. An answer that was purged while it
// was on its way is not kept. I4.
func (s *Store) put(key id, o *object) (kept bool) {
	s.get(key) // so that the other variants are in memory
	mu := s.lock(key)
	defer mu.Unlock()
	if s.stamps.endedOnItsWay(key, o) {
		return false
	}
	variants := make([]*object, 1, 4)
	variants[0] = o
	if old, ok := s.memory.GetIfPresent(key); ok {
		for _, v := range old.variants {
			if len(variants) < variantsMax && !sameVariant(v, o) && !s.stamps.ended(v) {
				variants = append(variants, v)
			}
		}
	}
	s.set(key, newGroup(variants))
	return true
}

// sameVariant reports whether two answers are for the same requests.
func sameVariant(a, b *object) bool {
	return bytes.Equal(a.vary, b.vary) && bytes.Equal(a.selecting, b.selecting)
}

// set puts a group in place. The key is locked.
func (s *Store) set(key id, g *group) {
	s.memory.Set(key, g)
	if s.disk != nil {
		s.disk.save(key, g)
	}
}

// drop forgets one variant, if it is still there.
func (s *Store) drop(key id, o *object) {
	mu := s.lock(key)
	defer mu.Unlock()
	old, ok := s.memory.GetIfPresent(key)
	if !ok {
		return
	}
	var variants []*object
	for _, v := range old.variants {
		if v != o {
			variants = append(variants, v)
		}
	}
	switch {
	case len(variants) == len(old.variants):
	case len(variants) == 0:
		s.forget(key)
	default:
		s.set(key, newGroup(variants))
	}
}

// forget drops a group. The key is locked.
func (s *Store) forget(key id) (variants int) {
	if g, ok := s.memory.Invalidate(key); ok {
		variants = len(g.variants)
	}
	if s.disk != nil && s.disk.remove(key) && variants == 0 {
		variants = 1
	}
	return variants
}

// find returns the variant that is for req, nil for none; others reports that there
// are only variants for other requests.
func (s *Store) find(key id, v *Visit) (o *object, others bool) {
	g := s.get(key)
	if g == nil {
		return nil, false
	}
	for _, o := range g.variants {
		var is bool
		if is, v.selecting = o.matches(v.req, v.selecting); is {
			if s.stamps.ended(o) {
				return nil, false
			}
			return o, false
		}
	}
	return nil, true
}
