// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"time"
)

const (
	// idleGrace is how long an idle connection may still bring a request when the
	// gateway stops: its request may be on the way.
	idleGrace = 500 * time.Millisecond
	// leftGrace is the same for a gateway that another process took over from.
	// Nobody waits for its end, and each request within the grace is told to close its
	// connection in order, which is better than a close that may cross a request.
	leftGrace = 5 * time.Second
	// killWait bounds the wait for exchanges that were told to end at once.
	killWait = 5 * time.Second
	// flushWait bounds the wait for the access log's output, for the collector of traces
	// and for the store.
	flushWait = 2 * time.Second
)

// Stop ends the gateway: it is not ready, after the drain delay no new connections
// come, the present exchanges finish, idle connections close, and what is left after
// the drain time, or when now is readable, is cut with a record each. It returns when
// everything has ended. A successor that is not serving yet is ended first; after one
// that took over, there is no delay, and the time is that of upgrades.
func (g *Gateway) Stop(now <-chan struct{}) {
	left := g.left.Load() // one that comes to its end meanwhile is stopped as well
	if !g.stopping.Swap(true) {
		close(g.quit)
	}
	g.diagnosis.experiments.Close()
	g.upgrades.Lock()
	g.reloads.Lock()
	before := g.stopped
	g.stopped = true
	g.reloads.Unlock()
	g.upgrades.Unlock()
	if before {
		<-g.ended
		return
	}
	delay, drain, grace := g.cfg.Timeouts.DrainDelay.Std(), g.cfg.Timeouts.Drain.Std(), idleGrace
	if left {
		delay, drain, grace = 0, g.cfg.Timeouts.UpgradeDrain.Std(), leftGrace
	}
	if delay > 0 {
		g.eng.Announce()
		waitFor(delay, now)
	}
	for _, l := range g.listeners {
		l.Close()
	}
	g.drain(now, drain, grace)
	g.closeAll()
}

// waitFor waits for d, or until now is readable.
func waitFor(d time.Duration, now <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-now:
	}
}

// drain lets what runs end, within limit.
func (g *Gateway) drain(now <-chan struct{}, limit, grace time.Duration) {
	g.eng.Drain(min(grace, limit))
	draining, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	go func() {
		select {
		case <-now:
			cancel()
		case <-draining.Done():
		}
	}()
	if !g.eng.Wait(draining.Done()) {
		g.eng.Kill()
		killed, cancel := context.WithTimeout(context.Background(), killWait)
		defer cancel()
		g.eng.Wait(killed.Done())
	}
}

func (g *Gateway) closeAll() {
	g.env.Refreshes.Close()
	if g.diagnosis != nil {
		g.diagnosis.stop(g.left.Load())
	}
	if g.pump != nil {
		g.pump.stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushWait)
	defer cancel()
	traced := g.closeTracer(g.tracer.Swap(nil))
	if g.admin != nil {
		g.admin.Shutdown(ctx)
	}
	if s := g.log.Load(); s != nil {
		s.Close(ctx)
	}
	g.certs.Close()
	<-traced
	g.checks.stop()
	g.live.close(live{})
	if g.live.cache != nil {
		g.live.cache.Close()
	}
	g.eng.Close()
	g.events.stop()
	for _, r := range append(g.retired, g.resolver) {
		r.Close()
	}
	closeStore(g.lasting, g.opts.Logger)
	close(g.ended)
}
