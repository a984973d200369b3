// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"sync/atomic"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/record"
)

// quiet is the QuietRule of one tunnel: a silence counts only if it is one of
// both directions.
type quiet struct {
	limit time.Duration
	start time.Time
	last  atomic.Int64 // ns after start
	// ended is the side that ended first.
	ended atomic.Pointer[record.TunnelEnd]
	// clientCut and serverCut: see NoteCut.
	clientCut, serverCut atomic.Bool
}

func (q *quiet) cut(client bool) *atomic.Bool {
	if client {
		return &q.clientCut
	}
	return &q.serverCut
}

func (q *quiet) NoteCut(client bool) { q.cut(client).Store(true) }

func (q *quiet) IsCut(client bool) bool { return q.cut(client).Load() }

func (q *quiet) Note(now time.Time) { q.last.Store(int64(now.Sub(q.start))) }

// since is for how long nothing has passed.
func (q *quiet) since(now time.Time) time.Duration {
	return max(now.Sub(q.start)-time.Duration(q.last.Load()), 0)
}

// end notes an end of one side. The first counts: the other one follows it.
func (q *quiet) end(server bool, now time.Time) {
	q.ended.CompareAndSwap(nil, &record.TunnelEnd{ByServer: server, QuietFor: q.since(now)})
}

func (q *quiet) Until() time.Time {
	return q.start.Add(time.Duration(q.last.Load()) + q.limit)
}

// tunnel carries an upgraded connection until both sides have ended, one has
// failed, or nothing has passed for too long. An end of one side is passed on as
// a half-close; the other side may go on.
func (x *Exchange) tunnel() *failure.Error {
	x.Enter(phase.Tunnel)
	x.makeAnswer()
	x.rec.Status = x.res.Status
	if err := x.client.SendHead(&x.out); err != nil {
		return x.orStopped(err)
	}
	if err := x.client.Flush(); err != nil {
		return x.orStopped(err)
	}
	q := &quiet{limit: x.route.Timeouts.TunnelIdle, start: x.last}
	x.client.Tunnel(q)
	x.lease.Tunnel(q)
	x.Watch(x.lease) // so that a stop reaches a side that is silent
	x.upload.running = true
	go x.tunnelUp(q)
	err := x.tunnelDown(q)
	if err != nil {
		x.joinUpload() // stops the other direction
	} else {
		<-x.upload.done
		x.upload.running = false
	}
	up := x.upload.err
	switch {
	case err == nil:
		err = up
	case err == Canceled && up != nil:
		err = up
	}
	if err == Canceled {
		err = x.departed(x.unwatch())
	}
	if err != nil {
		err.Evidence.QuietFor = q.since(x.env.Now())
		return err
	}
	x.rec.Outcome, x.rec.Tunnel = record.Tunnelled, *q.ended.Load()
	return nil
}

// tunnelUp moves client to upstream, in a goroutine of its own.
func (x *Exchange) tunnelUp(q *quiet) {
	u := &x.upload
	defer func() {
		if v := recover(); v != nil {
			x.env.Bug(v)
			u.err = gatewayFound(bug.Party, bug.Phase, bug.Kind)
		}
		if u.err != nil {
			x.lease.Cancel()
		}
		u.done <- struct{}{}
	}()
	for {
		piece, end, err := x.client.ReadBody()
		if err == nil && len(piece) > 0 {
			u.bytes += int64(len(piece))
			if err = x.lease.WriteBody(piece); err == nil {
				err = x.lease.Flush()
			}
		}
		if err == nil && end {
			q.end(false, x.env.Now())
			err = x.lease.EndBody(nil)
		}
		if u.err = err; err != nil || end {
			return
		}
	}
}

// tunnelDown moves upstream to client.
func (x *Exchange) tunnelDown(q *quiet) *failure.Error {
	for {
		piece, end, err := x.lease.ReadBody()
		if err == nil && len(piece) > 0 {
			x.rec.BodyOut += int64(len(piece))
			if err = x.client.WriteBody(piece); err == nil {
				err = x.client.Flush()
			}
		}
		if err == nil && end {
			q.end(true, x.env.Now())
			err = x.client.EndBody(nil)
		}
		if err != nil || end {
			return err
		}
	}
}
