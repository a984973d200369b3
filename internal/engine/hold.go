// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/upstream"
)

// backoff is how long a request rests before it goes to servers that it has tried
// already, doubled with each round and with a random half.
const backoff = 20 * time.Millisecond

// Hold implements exchange.Upstream. Where a server has room, all that can be wanted
// is a rest before one that was tried is asked again; else the request waits in line.
func (g *Group) Hold(w *exchange.Want, until time.Time) *failure.Error {
	left := until.Sub(g.eng.env.Now())
	if left <= 0 {
		return g.unserved()
	}
	h := &holding{gone: make(chan struct{})}
	if g.HasRoom() && g.Queue.Len() == 0 {
		switch {
		case w.TriedLen == 0 || w.Crowded: // it has been full a moment ago
			return nil
		case !w.Again:
			return exchange.NoServer
		}
		d := backoff << min(w.Round, 6)
		return h.wait(w, min(left, d/2+rand.N(d)), nil, nil)
	}
	if !g.worthWaiting() {
		return exchange.NoServer
	}
	t := g.Queue.Join(clientKey(w))
	if t == nil {
		return g.unserved()
	}
	defer g.Queue.Leave(t)
	switch { // since we looked
	case g.closed.Load():
		return exchange.NoServer
	case g.HasRoom():
		g.Queue.Wake(1)
	}
	switch err := h.wait(w, left, t.Turn, exchange.NoServer); {
	case err == exchange.NoServer || err == nil && t.Lost():
		return g.unserved()
	case err != nil:
		return err
	}
	w.Placed = g.Queue.Place(t)
	return nil
}

// worthWaiting reports that a server may be there soon: one is only full, or it has
// not been lost for long, and by nothing that does not heal by itself. A group without
// any server is one whose servers are being replaced, or looked for; not for ever,
// though.
func (g *Group) worthWaiting() bool {
	now := g.eng.mono()
	if g.closed.Load() {
		return false
	}
	if since := g.emptySince.Load(); since != 0 {
		return now-since < int64(upstream.HoldWithin)
	}
	if g.Reachable() {
		return true
	}
	lost := g.Lost(now)
	for _, l := range lost {
		if l.For < upstream.HoldWithin && l.By.Phase == phase.Connect {
			return true
		}
	}
	return len(lost) == 0
}

var clientSeed = maphash.MakeSeed()

// clientKey tells clients apart in the line: by their address, IPv6 by its network.
func clientKey(w *exchange.Want) uint64 {
	a := w.Client.Addr()
	if a.Is6() && !a.Is4In6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	b := a.As16()
	return maphash.Bytes(clientSeed, b[:])
}

// holding is a request that waits. Cancel ends that.
type holding struct {
	once sync.Once
	gone chan struct{}
}

// Cancel implements exchange.Canceler.
func (h *holding) Cancel() { h.once.Do(func() { close(h.gone) }) }

// wait returns nil when it is w's turn, Canceled if its client left, and late when d
// is over.
func (h *holding) wait(w *exchange.Want, d time.Duration, turn <-chan struct{}, late *failure.Error) *failure.Error {
	w.Waiter.Watch(h)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-turn:
		return nil
	case <-timer.C:
		return late
	case <-h.gone:
		return exchange.Canceled
	}
}

// MayRepeat implements exchange.Upstream.
func (g *Group) MayRepeat(w *exchange.Want, elsewhere bool) bool {
	return (!elsewhere || g.HasOther(w.Tried[:w.TriedLen])) && g.Budget.Spend(g.eng.sweep.now())
}

// Hangs implements exchange.Upstream.
func (g *Group) Hangs(w *exchange.Want) bool {
	return g.Group.Hangs(w.Last.(*member).server, g.eng.sweep.now())
}
