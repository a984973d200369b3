// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

// replay keeps the beginning of a request body while it is streamed, so that a further
// attempt can send it again and go on from there. Once more has come than may be kept
// it lets go of everything. Only requests that may be repeated, and that do not lie in
// the client's buffer anyway, have one that is on. While an upload runs it belongs to
// its goroutine.
type replay struct {
	limit int // 0: off
	kept  []byte
	// ended says that kept is the whole body.
	ended bool
}

func (r *replay) on() bool { return r.limit > 0 }

// holds reports that something of the body was read and is here.
func (r *replay) holds() bool { return len(r.kept) > 0 || r.ended }

// keep takes the next piece of the body, and reports whether it is kept.
func (r *replay) keep(piece []byte, end bool) bool {
	switch {
	case !r.on():
		return false
	case len(r.kept)+len(piece) > r.limit:
		*r = replay{}
		return false
	}
	r.kept, r.ended = append(r.kept, piece...), end
	return true
}

// keepBody turns keeping on before the body is read, if the request may be repeated.
func (x *Exchange) keepBody() {
	u, limit := &x.upload, x.route.Retry.Body
	if limit > 0 && !u.taken && !u.replay.on() && x.repeatable() {
		u.replay.limit = limit
	}
}

// sendKept sends what is kept of the body.
func (x *Exchange) sendKept() {
	u := &x.upload
	if len(u.replay.kept) > 0 {
		if u.err = x.lease.WriteBody(u.replay.kept); u.err != nil {
			return
		}
	}
	if !u.replay.ended {
		u.err = x.lease.Flush() // the client may be in no hurry with the rest
		return
	}
	u.err = x.lease.EndBody(x.client.RequestTrailers())
	u.complete = u.err == nil
}

// bodyAtHand reports whether the request's body, if it has one, can be sent once more
// from its beginning, and makes ready for that. No upload runs.
func (x *Exchange) bodyAtHand() bool {
	u := &x.upload
	if u.taken && !x.client.Rewind() {
		return false
	}
	u.taken = false
	if u.stopped {
		u.stopped = false
		x.client.ResumeBody()
	}
	return true
}

// uploaded reports whether the request was sent whole, without waiting for that.
func (x *Exchange) uploaded() bool {
	u := &x.upload
	if u.running {
		select {
		case <-u.done:
			u.running = false
		default:
			return false
		}
	}
	return u.complete
}
