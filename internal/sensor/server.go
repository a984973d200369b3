// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"time"

	"causey/internal/record"
)

// server is what is known of one server.
type server struct {
	secs seconds // a minute
	// lastGood is when it last answered, lastBad when it last failed, listed when the
	// gateway last told of it.
	lastGood, lastBad, listed time.Time
	// answered counts answers since lastBad, gap those before it and after the failure
	// before, -1 where that is not known.
	answered, gap int
	// builds are what its answers named, in any order.
	builds [buildsKept]build
	// beat is when answers came, stops are the last ones of its pauses.
	beat  beat
	stops newest[stop]
	// hands are how many requests it had in hand in the last seconds.
	hands [handSeconds]hand
}

// buildsKept is how many different builds of a server are kept: its answers of different
// paths may name different software.
const buildsKept = 4

// build is what some answers name.
type build struct {
	hash        uint32
	seen        uint32 // in how many answers
	runs        record.Programs
	first, last time.Time
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

// fails notes a failure. Those of one moment are one: a process that dies takes all with
// it that it had in hand.
func (s *server) fails(at time.Time) {
	switch {
	case s.lastBad.IsZero():
		s.gap = -1
	case at.Sub(s.lastBad).Abs() <= together:
		s.gap = -1
	default:
		s.gap = s.answered
	}
	s.answered, s.lastBad = 0, at
}

// names notes what an answer names. A bad one may be of something before the server, so
// that it says nothing of what the server runs.
func (s *server) names(w record.Software, at time.Time, good bool) {
	if w.Build == 0 {
		return
	}
	var here *build
	for i := range s.builds {
		switch b := &s.builds[i]; {
		case b.hash == w.Build:
			here = b
		case here == nil, here.hash != w.Build && b.last.Before(here.last):
			here = b
		}
	}
	if here.hash != w.Build {
		*here = build{hash: w.Build, first: at}
	}
	here.last = at
	here.seen++
	if good {
		here.runs |= w.Runs
	}
}

// inHand returns the numbers of the last so many seconds, the oldest first; known is
// false where some are missing.
func (s *server) inHand(now int64, secs int) (n []int32, known bool) {
	for at := now - int64(secs) + 1; at <= now; at++ {
		if h := s.handAt(at); h.at == at {
			n = append(n, h.n)
		}
	}
	return n, len(n) >= secs-1
}

func (s *server) handAt(sec int64) *hand { return &s.hands[uint64(sec)%handSeconds] }
