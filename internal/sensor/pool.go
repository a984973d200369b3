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
	stuckKept  = 64
	listedKept = 8
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
	lost    lost
	servers map[string]*server
	// asked are samples of its requests, lastAsked is when the newest came; left are the
	// newest clients that left.
	asked     newest[asked]
	lastAsked time.Time
	left      newest[departure]
	// stuck are the newest answers that kept others waiting, or waited with them.
	stuck newest[stuck]
	// listed is which servers it had, as often as that changed.
	listed newest[listing]
	// usual is the mean wait in calm times, 0 before it is known.
	usual time.Duration
}

func newPool(name string) *pool {
	return &pool{name: name, secs: make(seconds, 60*minutes), good: newRing(0, goodKept), servers: map[string]*server{}}
}

// usualSlowness is in how many seconds the usual wait follows: what grew for some minutes
// is not usual yet.
const usualSlowness = 600

// calm lets the usual wait follow a calm minute slowly. A few failures are ordinary; a
// minute that has some and is slow is not calm.
func (p *pool) calm(now int64) {
	m := p.secs.sum(now-60, now-1)
	switch {
	case m.good < 10 || 50*m.bad > m.good || p.usual > 0 && m.bad > 0 && m.wait() > 2*p.usual:
	case p.usual == 0:
		p.usual = m.wait()
	default:
		p.usual += (m.wait() - p.usual) / usualSlowness
	}
}
