// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"causey/internal/upstream"
)

// Group is whose servers are asked: an *engine.Group.
type Group interface {
	// Servers are the members as they are now.
	Servers() []*upstream.Server
	// NoteCheck takes a result, and reports whether the server's state is beyond
	// doubt.
	NoteCheck(s *upstream.Server, c upstream.Check) (sure bool)
}

// The times of a Runner.
const (
	// followEvery is how soon a server that came or left is noticed.
	followEvery = 500 * time.Millisecond
	// spread is the time that each server adds to that over which the first checks of
	// a group are spread, up to its interval: a few servers are asked at once, a
	// thousand are not.
	spread = 10 * time.Millisecond
	// jitterShare is the part of an interval by which it is longer or shorter, so that
	// checks which fell together, of this gateway and of others, part again.
	jitterShare = 10
)

// Runner asks the servers of one group again and again.
type Runner struct {
	checker *Checker
	group   Group
	env     *Env
	// mine bounds the checks of this group. I4.
	mine   chan struct{}
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// Start begins to ask the servers of g by o. Close ends it.
func Start(g Group, o Options, env *Env) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{checker: NewChecker(o, env), group: g, env: env, mine: make(chan struct{}, max(cap(env.Slots)/2, 1)), cancel: cancel}
	r.done.Go(func() { r.follow(ctx) })
	return r
}

// Close ends the checks, those that run too, and waits for that. I5.
func (r *Runner) Close() {
	r.cancel()
	r.done.Wait()
}

// follow has one goroutine for each server that is a member.
func (r *Runner) follow(ctx context.Context) {
	var known []*upstream.Server
	asked := map[*upstream.Server]context.CancelFunc{}
	for {
		if members := r.group.Servers(); !slices.Equal(members, known) {
			r.adjust(ctx, asked, members)
			known = members
		}
		if !r.rest(ctx, followEvery) {
			return
		}
	}
}

// adjust begins to ask the new members, and ceases to ask those that left.
func (r *Runner) adjust(ctx context.Context, asked map[*upstream.Server]context.CancelFunc, members []*upstream.Server) {
	is := make(map[*upstream.Server]bool, len(members))
	for _, s := range members {
		is[s] = true
	}
	for s, cease := range asked {
		if !is[s] {
			cease()
			delete(asked, s)
		}
	}
	fresh := len(members) - len(asked)
	over := min(time.Duration(fresh)*spread, r.checker.o.Interval)
	for _, s := range members {
		if asked[s] != nil {
			continue
		}
		its, cease := context.WithCancel(ctx)
		asked[s] = cease
		r.done.Go(func() { r.watch(its, s, rand.N(over)) })
	}
}

// watch asks one server, first after wait, until ctx ends.
func (r *Runner) watch(ctx context.Context, s *upstream.Server, wait time.Duration) {
	for r.rest(ctx, wait) {
		sure, ok := r.ask(ctx, s)
		if !ok {
			return
		}
		if wait = jittered(r.checker.o.FastInterval); sure {
			wait = jittered(r.checker.o.Interval)
		}
	}
}

// ask makes one check when there is a slot for it. It reports false if ctx ended: what
// a check says that was broken off is nothing.
func (r *Runner) ask(ctx context.Context, s *upstream.Server) (sure, ok bool) {
	for _, slots := range []chan struct{}{r.mine, r.env.Slots} {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return false, false
		}
	}
	result := r.checker.Check(ctx, s)
	if ctx.Err() != nil {
		return false, false
	}
	return r.group.NoteCheck(s, result), true
}

// rest waits for d, and reports false if ctx ended.
func (r *Runner) rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-r.env.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// jittered makes d longer or shorter by up to one part in jitterShare.
func jittered(d time.Duration) time.Duration {
	part := d / jitterShare
	return d - part + rand.N(2*part+1)
}
