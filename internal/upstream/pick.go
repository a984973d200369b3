// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// Balance is a way to choose among servers of equal standing.
type Balance uint8

// The ways.
const (
	// Adaptive draws two and takes the one that will probably answer sooner, by the
	// requests it has and by how soon it answered lately. (The power of two choices:
	// Mitzenmacher 2001; with latency: Finagle.)
	Adaptive Balance = iota
	// RoundRobin takes them in turn.
	RoundRobin
	// LeastRequests takes the one with the fewest requests for its weight.
	LeastRequests
	// Hash takes the one that the request's key points to, unless it has much more
	// to do than the others.
	Hash
)

// Choice is what one exchange wants of Pick.
type Choice struct {
	Now int64
	// Tried lists the servers that were tried, by ID.
	Tried []uint32
	// Key is what Hash chooses by.
	Key uint64
	// Anyway takes a server that is unreachable or full where there is no other.
	Anyway bool
	// Trial says that the request does no harm on a server that is left out: it can be
	// repeated on another one.
	Trial bool
	// Bound is the tag of the server that the client is bound to, 0 for none.
	Bound uint64
}

// free reports that s may be asked.
func (c *Choice) free(s *Server) bool { return !s.full() && !slices.Contains(c.Tried, s.ID) }

// Pick chooses the server to ask, or nil if there is none that was not tried. I1.
func (g *Group) Pick(c *Choice) *Server {
	v := g.view.Load()
	if c.Bound != 0 {
		for _, s := range v.bound {
			if s.tag == c.Bound && c.free(s) {
				return s
			}
		}
	}
	if c.Trial {
		for _, s := range v.onTrial {
			if c.free(s) && s.takesTrial(c.Now) {
				return s
			}
		}
	}
	for i := range v.levels {
		if s := g.choose(&v.levels[i], c); s != nil {
			return s
		}
	}
	if c.Anyway {
		for _, s := range v.known {
			if !slices.Contains(c.Tried, s.ID) {
				return s
			}
		}
	}
	return nil
}

// Tag returns the number by which clients are bound to s.
func (s *Server) Tag() uint64 { return s.tag }

func (g *Group) choose(l *level, c *Choice) *Server {
	n := len(l.seats)
	switch {
	case n == 0:
		return nil
	case n == 1:
		return l.firstFree(0, c)
	}
	var s *Server
	switch g.Rules().Balance {
	case RoundRobin:
		s = g.draw(l, c.Now, g.position(l)).Server
	case LeastRequests:
		s = l.leastLoaded(c)
	case Hash:
		s = l.pointedTo(c)
	default:
		s = g.sooner(l, c)
	}
	if s != nil && c.free(s) {
		return s
	}
	return l.firstFree(rand.IntN(n), c)
}

// firstFree returns the first free server from place at on, or nil.
func (l *level) firstFree(at int, c *Choice) *Server {
	for k := range l.seats {
		if s := l.seats[(at+k)%len(l.seats)].Server; c.free(s) {
			return s
		}
	}
	return nil
}

// position is the next one in turn. Unequal weights are visited by steps of the
// golden ratio, which spread each server's turns evenly (Knuth, TAOCP 6.4).
func (g *Group) position(l *level) uint32 {
	turn := g.turn.Add(1)
	if l.even {
		return turn % uint32(len(l.seats)) * l.seats[0].weight
	}
	return uint32(uint64(turn*2654435769) * uint64(l.total) >> 32)
}

// draw returns the seat whose share of the weights position lies in. One that takes
// up its share slowly passes the others' way.
func (g *Group) draw(l *level, now int64, position uint32) *seat {
	for range 4 {
		s := l.at(position)
		if part := g.ramp(s.Server, now); part == 1 || rand.Float64() < part {
			return s
		}
		position = rand.Uint32N(l.total)
	}
	return l.at(position)
}

func (l *level) at(position uint32) *seat {
	if l.even {
		return &l.seats[position/l.seats[0].weight]
	}
	return &l.seats[sort.Search(len(l.seats), func(i int) bool { return l.seats[i].upTo > position })]
}

// clearly is how much sooner the second one drawn has to answer to be taken: what
// lies below it is noise, and the first one was drawn by its weight.
const clearly = 1.25

// sooner draws two and takes the better one.
func (g *Group) sooner(l *level, c *Choice) *Server {
	a := g.draw(l, c.Now, rand.Uint32N(l.total))
	b := g.drawOther(l, c.Now, a)
	if b == nil || !c.free(b.Server) {
		return a.Server
	}
	if !c.free(a.Server) || l.expected(a, c.Now) > clearly*l.expected(b, c.Now) {
		return b.Server
	}
	return a.Server
}

// drawOther draws one that is not a, or none if that one passes its way.
func (g *Group) drawOther(l *level, now int64, a *seat) *seat {
	b := l.at(rand.Uint32N(l.total))
	for i := 0; b == a && i < 2; i++ {
		b = l.at(rand.Uint32N(l.total))
	}
	if b == a { // where there are few, or one has most of the weight: the next one
		b = l.at(a.upTo % l.total)
	}
	if part := g.ramp(b.Server, now); part < 1 && rand.Float64() >= part {
		return nil
	}
	return b
}

// expected is the time that a request to s would take, by what is known.
func (l *level) expected(s *seat, now int64) float64 {
	load := float64(s.Active.Load())
	if !l.even {
		load *= float64(l.total) / float64(len(l.seats)) / float64(s.weight)
	}
	return s.gauge.expected(now, load)
}

// leastLoaded returns the free server with the fewest requests for its weight.
// Where several have equally few, any of them.
func (l *level) leastLoaded(c *Choice) *Server {
	var best *Server
	least, from := math.Inf(1), rand.IntN(len(l.seats))
	for k := range l.seats {
		s := &l.seats[(from+k)%len(l.seats)]
		if load := float64(s.Active.Load()) / float64(s.weight); load < least && c.free(s.Server) {
			best, least = s.Server, load
		}
	}
	return best
}

// hashBound is how many times its fair share a server may carry before its keys go
// to the next one (Mirrokni, Thorup, Zadimoghaddam: consistent hashing with bounded
// loads, 2016).
const hashBound = 1.25

// pointedTo returns the free server that the key points to by rendezvous hashing
// (Thaler and Ravishankar 1996; with weights: Schindelhauer and Schomaker 2005): when
// a server goes, only its own keys move.
func (l *level) pointedTo(c *Choice) *Server {
	active := int64(1)
	for i := range l.seats {
		active += l.seats[i].Active.Load()
	}
	var best *Server
	nearest := math.Inf(1)
	for i := range l.seats {
		s := &l.seats[i]
		u := (float64(mix(c.Key^s.tag)>>11) + 0.5) / (1 << 53)
		distance := -math.Log(u) / float64(s.weight)
		fair := float64(active) * float64(s.weight) / float64(l.total)
		if distance < nearest && c.free(s.Server) && float64(s.Active.Load()) < math.Ceil(hashBound*fair) {
			best, nearest = s.Server, distance
		}
	}
	return best
}

// mix spreads the bits of x (splitmix64's finalizer, Steele, Lea and Flood 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hashText is the same on every machine and after every restart.
func hashText(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return mix(h.Sum64())
}
