// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"causey/internal/upstream"
)

// The times of the talk with a Docker daemon.
const (
	// dockerListEvery lists the containers although no event asked for it: an event
	// may be lost, and a daemon that hangs is found out.
	dockerListEvery = time.Minute
	// dockerListPause lets events that come together be one listing.
	dockerListPause = 100 * time.Millisecond
	// dockerBackoffLeast and dockerBackoffMost are the rests before the daemon is
	// connected to again.
	dockerBackoffLeast, dockerBackoffMost = time.Second, 15 * time.Second
	// leaveMost is how long a container that was sent a signal is left out while it
	// runs on. Docker waits 10 s unless told otherwise before it kills; what is still
	// there after this has taken the signal for something else.
	leaveMost = 2 * time.Minute
)

// leaversMost bounds those that are remembered to be leaving. I3.
const leaversMost = MaxServers

// DockerOptions say which containers are servers.
type DockerOptions struct {
	// Host is unix:///path or tcp://host:port.
	Host string
	// Upstream is what the label causey.upstream of our containers says.
	Upstream string
	// Network is the one at which containers are asked that do not say so, "" for
	// their only one.
	Network string
	Clock   Clock
}

// Docker finds servers among the containers of a Docker daemon, by their labels. The
// daemon's events say who comes and goes; each of them makes us ask for the whole
// list, which alone says who is a server. Only that somebody goes is believed at once,
// from the event: the signal to stop comes before the process ends.
type Docker struct {
	opts  DockerOptions
	api   *dockerAPI
	again nudge

	// known are the servers as told last, by their containers; leaving since when
	// those are to end that still run, and ailing those of the known that are told no
	// more since their health is bad. The goroutine of Run owns them.
	known   map[string]upstream.Spec
	leaving map[string]time.Time
	ailing  map[string]bool
	// listed says that this session has had a list.
	listed bool
}

// NewDocker looks at the daemon that o names.
func NewDocker(o DockerOptions) *Docker {
	return &Docker{opts: o, api: newDockerAPI(o.Host), again: newNudge(),
		known: map[string]upstream.Spec{}, leaving: map[string]time.Time{}, ailing: map[string]bool{}}
}

// LookAgain implements Source: any server may be a container, and asking is cheap.
func (d *Docker) LookAgain(*upstream.Server) { d.again.give() }

// Run implements Source.
func (d *Docker) Run(ctx context.Context, found func(Finding)) {
	defer d.api.close()
	backoff := dockerBackoffLeast
	for {
		d.listed = false
		err := d.session(ctx, found)
		if ctx.Err() != nil {
			return
		}
		found(Finding{Err: err})
		if d.listed {
			backoff = dockerBackoffLeast
		}
		select {
		case <-ctx.Done():
			return
		case <-d.opts.Clock.After(backoff):
		}
		backoff = min(2*backoff, dockerBackoffMost)
	}
}

// session talks to the daemon until that fails. Once events come the list is asked for
// again, so that nothing happens between the two unseen; the first one does not wait
// for that, since a proxy may hold the stream back until there is an event.
func (d *Docker) session(ctx context.Context, found func(Finding)) error {
	ctx, cancel := context.WithCancel(ctx)
	if err := d.api.hello(ctx); err != nil {
		cancel()
		return err
	}
	events, ended := make(chan dockerEvent, 64), make(chan error, 1)
	go func() { ended <- d.api.follow(ctx, d.opts.Upstream, events) }()
	defer func() {
		cancel()
		for range events { // follow closes it
		}
	}()
	if err := d.list(ctx, found); err != nil {
		return err
	}
	regular := d.opts.Clock.After(dockerListEvery)
	var soon <-chan time.Time
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return <-ended
			}
			d.take(e, found)
			if soon == nil {
				soon = d.opts.Clock.After(dockerListPause)
			}
			continue
		case <-d.again:
			if soon == nil {
				soon = d.opts.Clock.After(lookLeast)
			}
			continue
		case <-ctx.Done():
			return ctx.Err()
		case <-soon:
		case <-regular:
		}
		soon, regular = nil, d.opts.Clock.After(dockerListEvery)
		if err := d.list(ctx, found); err != nil {
			return err
		}
	}
}

// take acts on an event at once where it says that a container goes.
func (d *Docker) take(e dockerEvent, found func(Finding)) {
	id := e.Actor.ID
	if !isName(id) {
		return
	}
	_, ours := d.known[id]
	switch what := e.meaning(); {
	case what == comes:
		delete(d.leaving, id)
	case what == leaves:
		if len(d.leaving) < leaversMost {
			d.leaving[id] = d.opts.Clock.Now()
		}
		if ours {
			delete(d.known, id)
			found(Finding{Specs: inOrder(d.well()), Left: true})
		}
	case what == ails && ours:
		// It stays among the known: where it was the last one, a list without it is
		// one to doubt.
		d.ailing[id] = true
		found(Finding{Specs: inOrder(d.well())})
	}
}

// well are the known that do not ail.
func (d *Docker) well() map[string]upstream.Spec {
	rest := maps.Clone(d.known)
	for id := range d.ailing {
		delete(rest, id)
	}
	return rest
}

// list asks for the containers that are servers now.
func (d *Docker) list(ctx context.Context, found func(Finding)) error {
	containers, err := d.api.containers(ctx, d.opts.Upstream)
	if err != nil {
		return err
	}
	d.listed = true
	now := d.opts.Clock.Now()
	maps.DeleteFunc(d.leaving, func(_ string, since time.Time) bool { return now.Sub(since) >= leaveMost })
	servers := make(map[string]upstream.Spec, len(containers))
	doubt := ""
	for i := range containers {
		c := &containers[i]
		if _, leaves := d.leaving[c.ID]; leaves {
			continue
		}
		spec, err := c.spec(d.opts.Network)
		if err != nil {
			doubt = "the container " + c.name() + " " + err.Error()
			continue
		}
		servers[c.ID] = spec
	}
	left := true
	for id := range d.known {
		_, stays := servers[id]
		left = left && stays
	}
	if left || len(servers) > 0 {
		d.known = servers
		clear(d.ailing)
	}
	found(Finding{Specs: inOrder(servers), Left: left, Doubt: doubt})
	return nil
}

// inOrder lists servers by their names.
func inOrder(servers map[string]upstream.Spec) []upstream.Spec {
	return slices.SortedFunc(maps.Values(servers), func(a, b upstream.Spec) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return a.Addr.Compare(b.Addr)
	})
}

var errDockerEnded = errors.New("the daemon ended its stream of events")
