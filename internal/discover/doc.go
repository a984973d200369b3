// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package discover finds the servers of upstreams: by names in the DNS, in files, and
// among the containers of a Docker daemon.
//
// What it is: Source, which looks in one place; Names, Services, File and Docker,
// which are the places; Feed, which joins the sources of one upstream into one list
// and decides when a finding is believed.
//
// What it never does: it opens no connection to a server and judges none. It does not
// read the configuration: the gateway says what to look for, and with which clock.
//
// Invariants:
//
//	I1. A source that cannot look changes nothing: the last list stays, and the
//	    trouble is told once, as is its end.
//	I2. A source that finds nothing any more empties its list after Options.Grace,
//	    and at once only where it saw them go.
//	I3. Memory is bounded: MaxServers of an upstream, and a bound for whatever is
//	    read from a file or a socket.
//	I4. After Close nothing is set, and every goroutine has ended.
//
// Start reading with Feed.found (feed.go), then names.go, the shortest source.
package discover

import (
	"context"
	"time"

	"causey/internal/upstream"
)

// MaxServers bounds the servers of one upstream, as the configuration does.
const MaxServers = 10_000

// Source looks for servers in one place.
type Source interface {
	// Run looks until ctx ends, and says each time what it found. found may be called
	// with what is known already.
	Run(ctx context.Context, found func(Finding))
	// LookAgain is told of a server that no connection could be opened to. It returns
	// at once; the source looks again soon if the server is one of its own.
	LookAgain(s *upstream.Server)
}

// Finding is what a source found.
type Finding struct {
	Specs []upstream.Spec
	// Err says why it could not look; Specs are then without meaning.
	Err error
	// Left says that the source saw those go that are missing, so that an empty list
	// needs no doubt.
	Left bool
	// Doubt is what is wrong with the place though it could be looked at, "" for
	// nothing: a container without a port, say.
	Doubt string
}

// Clock is the gateway's.
type Clock struct {
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
}

// Event tells of one change, in words that follow the source's name.
type Event struct {
	Upstream, Source, Text string
	// Trouble says that somebody should look after it.
	Trouble bool
}

// nudge is a request to look again that does not wait: one is as good as many.
type nudge chan struct{}

func newNudge() nudge { return make(nudge, 1) }

func (n nudge) give() {
	select {
	case n <- struct{}{}:
	default:
	}
}
