// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
)

// spliceMin is the smallest rest of a body worth a pipe: below it, two system
// calls more cost what copying does.
const spliceMin = 64 << 10

// upload is the state of a request body on its way. While running, its fields
// belong to the upload's goroutine; joinUpload takes them back.
type upload struct {
	running, complete bool
	// taken reports that bytes of the body were read which replay does not hold, stopped
	// that the client was told to give up.
	taken, stopped bool
	// bytes counts body bytes read from the client; took is how long it ran, for those
	// that came after their head.
	bytes  int64
	took   time.Duration
	replay replay
	// err is why the upload stopped, nil if it is complete.
	err  *failure.Error
	done chan struct{}
}

func (u *upload) reset() { *u = upload{done: u.done} }

// again makes u ready for one more attempt.
func (u *upload) again() { u.complete, u.err = false, nil }

// sendRequest sends the head, and the body too if it is all here; else a second
// goroutine begins to send it, so that an early answer is seen at once.
func (x *Exchange) sendRequest() *failure.Error {
	if err := x.lease.SendHead(&x.out); err != nil {
		return err
	}
	switch {
	case !x.req.HasBody():
		if err := x.lease.EndBody(nil); err != nil {
			return err
		}
		x.upload.complete = true
	case x.client.BodyHere() && !x.upload.replay.holds():
		x.pump()
		if x.upload.err != nil {
			return x.upload.err
		}
	default:
		// An expectation must reach the server before the client sends its body.
		if err := x.lease.Flush(); err != nil {
			return err
		}
		x.keepBody()
		x.upload.running = true
		go x.runUpload(x.last)
		return nil
	}
	x.lease.RequestDone(x.last)
	return nil
}

func (x *Exchange) runUpload(began time.Time) {
	defer func() {
		if v := recover(); v != nil {
			x.env.Bug(v)
			x.upload.err = gatewayFound(bug.Party, bug.Phase, bug.Kind)
		}
		now := x.env.Now()
		x.upload.took = now.Sub(began)
		switch err := x.upload.err; {
		case err == nil:
			x.lease.RequestDone(now)
		case err.Code.Party == failure.Upstream && err.Code.Kind != failure.Timeout:
			// The upstream's connection failed, but an early answer may still lie
			// there.
			x.lease.RequestDone(now)
		default:
			// Nobody needs the answer to half a request.
			x.lease.Cancel()
		}
		x.upload.done <- struct{}{}
	}()
	x.pump()
}

// pump moves the request body from client to lease, and what an attempt before this one
// has read of it in front of that.
func (x *Exchange) pump() {
	u := &x.upload
	if !u.replay.holds() {
		u.bytes = 0
	} else if x.sendKept(); u.complete || u.err != nil {
		return
	}
	limit := x.route.MaxBody
	for {
		if sp, ok := x.lease.(Splicer); ok && limit == 0 && !u.replay.on() && x.req.ContentLength-u.bytes >= spliceMin {
			n, err := sp.SpliceFrom(x.client)
			u.taken = u.taken || n > 0 || err != nil
			if u.bytes += n; err != nil {
				u.err = err
				return
			}
		}
		piece, end, err := x.client.ReadBody()
		if err != nil {
			u.err = err
			return
		}
		if u.bytes += int64(len(piece)); limit > 0 && u.bytes > limit {
			u.err = gatewayFound(failure.Client, phase.SendBody, failure.BodyTooLarge)
			u.err.Evidence.Size, u.err.Evidence.Limit = u.bytes, limit
			return
		}
		if !u.replay.keep(piece, end) && len(piece) > 0 {
			u.taken = true
		}
		if len(piece) > 0 {
			if u.err = x.lease.WriteBody(piece); u.err != nil {
				return
			}
		}
		if end {
			u.err = x.lease.EndBody(x.client.RequestTrailers())
			u.complete = u.err == nil
			return
		}
		if !x.client.BodyHere() {
			if u.err = x.lease.Flush(); u.err != nil {
				return
			}
		}
	}
}

// joinUpload stops an upload that still runs and waits for its goroutine. I4.
func (x *Exchange) joinUpload() {
	u := &x.upload
	if !u.running {
		return
	}
	select {
	case <-u.done:
	default:
		u.stopped = true
		x.client.StopBody()
		x.lease.Cancel()
		<-u.done
	}
	u.running = false
}
