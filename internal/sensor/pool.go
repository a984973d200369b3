// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import "time"

// The bounds of what is kept. I1.
const (
	poolsMax   = 512 // upstreams
	serversMax = 256 // of each
	casesMax   = 128
	goodKept   = 192 // samples of attempts that went well, of each upstream
	badKept    = 96  // the newest failures of each case
	badFirst   = 32  // its first ones
	minutes    = 16
)

// goodEvery is the least time between two good samples of an upstream. With goodKept of
// them they reach back ten seconds under any load, and minutes where less comes.
const goodEvery = 50 * time.Millisecond

// pool is what is known of an upstream.
type pool struct {
	name    string
	secs    seconds
	good    ring
	last    time.Time // the newest of good
	servers map[string]*server
	// usual is the mean wait in calm times, 0 before it is known.
	usual time.Duration
}

func newPool(name string) *pool {
	return &pool{name: name, secs: make(seconds, 60*minutes), good: newRing(0, goodKept), servers: map[string]*server{}}
}

// server is what is known of one server.
type server struct {
	secs seconds // a minute
	// lastGood is when it last answered, lastBad when it last failed.
	lastGood, lastBad time.Time
	// hands are how many requests it had in hand in the last seconds.
	hands [handSeconds]hand
}

// handSeconds is how far back it is known what servers had in hand.
const handSeconds = 32

type hand struct {
	at int64
	n  int32
}

func (p *pool) server(name string) *server {
	s := p.servers[name]
	if s == nil && len(p.servers) < serversMax {
		s = &server{secs: make(seconds, 60)}
		p.servers[name] = s
	}
	return s
}

// inHand returns the numbers of the last so many seconds, the oldest first; known is
// false where some are missing.
func (s *server) inHand(now int64, secs int) (n []int32, known bool) {
	for at := now - int64(secs) + 1; at <= now; at++ {
		if h := s.hands[at%handSeconds]; h.at == at {
			n = append(n, h.n)
		}
	}
	return n, len(n) >= secs-1
}

// calm lets the usual wait follow a calm minute slowly.
func (p *pool) calm(now int64) {
	m := p.secs.sum(now-60, now-1)
	switch {
	case m.good < 10 || m.bad > 0:
	case p.usual == 0:
		p.usual = m.wait()
	default:
		p.usual += (m.wait() - p.usual) / 16
	}
}
