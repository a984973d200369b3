// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange_test

import (
	"sync/atomic"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/wire"
)

// clientConnection is what the streams of one client share.
type clientConnection struct {
	up, down credit
	streams  uint32
}

// clientTwin is an exchange.ClientStream. Its far side is the script's.
type clientTwin struct {
	*air
	twin    *twin
	arrival exchange.Arrival
	raw     []byte // the request head as sent
	up      flow   // request body
	down    flow   // answer's body
	scribbler

	// The gateway's side.
	req       *wire.Request
	remaining int64
	bodyDone  bool
	refilled  bool
	seen      []byte // read since the head, for Rewind
	stopped   bool
	dead      bool
	quiet     exchange.QuietRule
	canceler  exchange.Canceler
	departed  exchange.Departure
	reading   atomic.Int32
	writing   atomic.Int32
	panics    string // the method that panics

	pendingHead *renderedHead
	pending     []byte
	begun       bool

	// What the far side has got.
	interims []renderedHead
	heads    []renderedHead
	aborted  bool
	got      []byte

	run *run
}

func (c *clientTwin) may(method string) {
	if c.panics == "client."+method {
		panic("client: " + method)
	}
}

// Arrival implements exchange.ClientStream.
func (c *clientTwin) Arrival() *exchange.Arrival { return &c.arrival }

// ReadHead implements exchange.ClientStream.
func (c *clientTwin) ReadHead(req *wire.Request) *failure.Error {
	c.may("ReadHead")
	c.mu.Lock()
	defer c.mu.Unlock()
	var p h1.RequestParser
	p.Reset(&wire.Limits{})
	deadline := c.arrival.First.Add(clientStall)
	for {
		buf := append([]byte(nil), c.raw...)
		n, rej := p.Parse(req, buf)
		switch {
		case rej != nil:
			err := newFailure(failure.Client, phase.ReadHead, rej.Kind)
			err.Site = rej.Site
			return err
		case n > 0:
			c.req, c.remaining, c.bodyDone = req, req.ContentLength, !req.HasBody()
			c.arrival.HeadAt = time.Now()
			return nil
		case c.dead:
			return exchange.Canceled
		case c.up.cut != whole:
			return newFailure(failure.Client, phase.ReadHead, kindOf(c.up.cut))
		}
		have := len(c.raw)
		if !c.wait(func() bool { return len(c.raw) > have || c.dead || c.up.cut != whole }, func() time.Time { return deadline }) {
			return newFailure(failure.Client, phase.ReadHead, failure.Timeout)
		}
	}
}

// BodyHere implements exchange.ClientStream.
func (c *clientTwin) BodyHere() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.bodyDone:
		return true
	case c.req.Framing == wire.FramingLength:
		return int64(len(c.up.data)) >= c.remaining
	}
	return c.twin.mux && c.up.ended
}

// Rewind implements exchange.ClientStream.
func (c *clientTwin) Rewind() bool {
	c.may("Rewind")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refilled || c.dead || len(c.seen) > rewindMax {
		return false
	}
	c.scribble()
	c.up.conn.left -= len(c.seen)
	c.up.data = append(append([]byte(nil), c.seen...), c.up.data...)
	c.seen, c.remaining, c.bodyDone = nil, c.req.ContentLength, !c.req.HasBody()
	return true
}

// ReadBody implements exchange.ClientStream.
func (c *clientTwin) ReadBody() (piece []byte, end bool, err *failure.Error) {
	c.may("ReadBody")
	c.reading.Add(1)
	defer c.reading.Add(-1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scribble()
	if c.quiet != nil {
		return c.readTunnel()
	}
	for !c.bodyDone {
		switch {
		case c.dead || c.stopped:
			return nil, false, exchange.Canceled
		case c.up.cut == byRST:
			return nil, false, newFailure(failure.Client, phase.SendBody, failure.Reset)
		case len(c.up.data) > 0:
			return c.nextPiece()
		case c.up.ended:
			c.bodyDone = true
			continue
		case c.up.cut == byFIN:
			return nil, false, newFailure(failure.Client, phase.SendBody, failure.Closed)
		}
		c.refilled = true
		patience := time.Now().Add(clientStall)
		if !c.wait(func() bool {
			return c.dead || c.stopped || c.up.cut != whole || len(c.up.data) > 0 || c.up.ended
		}, func() time.Time { return patience }) {
			return nil, false, newFailure(failure.Client, phase.SendBody, failure.TooSlow)
		}
	}
	return nil, true, nil
}

func (c *clientTwin) nextPiece() ([]byte, bool, *failure.Error) {
	n := c.twin.piece
	if c.req.Framing == wire.FramingLength {
		n = int(min(int64(n), c.remaining))
	}
	p := c.up.take(n)
	if len(c.seen) <= rewindMax {
		c.seen = append(c.seen, p...)
	}
	if c.req.Framing == wire.FramingLength {
		c.remaining -= int64(len(p))
		c.bodyDone = c.remaining == 0
	} else {
		c.bodyDone = c.up.ended && len(c.up.data) == 0
	}
	return c.lend(p), c.bodyDone, nil
}

func (c *clientTwin) readTunnel() ([]byte, bool, *failure.Error) {
	if !c.wait(func() bool {
		return c.dead || c.stopped || c.up.cut != whole || len(c.up.data) > 0 || c.up.ended
	}, c.quiet.Until) {
		return nil, false, newFailure(failure.Gateway, phase.Tunnel, failure.Idle)
	}
	switch {
	case c.dead || c.stopped:
		return nil, false, exchange.Canceled
	case c.up.cut == byRST:
		return nil, false, newFailure(failure.Client, phase.Tunnel, failure.Reset)
	case len(c.up.data) > 0:
		c.quiet.Note(time.Now())
		return c.lend(c.up.take(c.twin.piece)), false, nil
	}
	return nil, true, nil
}

// RequestTrailers implements exchange.ClientStream.
func (c *clientTwin) RequestTrailers() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.up.trailers == "" {
		return nil
	}
	return []byte(c.up.trailers)
}

// StopBody implements exchange.ClientStream.
func (c *clientTwin) StopBody() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	c.cond.Broadcast()
}

// ResumeBody implements exchange.ClientStream.
func (c *clientTwin) ResumeBody() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = false
}

// Interim implements exchange.ClientStream.
func (c *clientTwin) Interim(o *exchange.Out) *failure.Error {
	c.may("Interim")
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.unwritable(); err != nil {
		return err
	}
	c.interims = append(c.interims, render(o))
	return nil
}

// unwritable says why nothing can be sent to the client, nil if something can.
func (c *clientTwin) unwritable() *failure.Error {
	p := phase.RelayBody
	if c.quiet != nil {
		p = phase.Tunnel
	}
	switch {
	case c.dead:
		return exchange.Canceled
	case c.up.cut == byRST:
		return newFailure(failure.Client, p, failure.Reset)
	}
	return nil
}

// SendHead implements exchange.ClientStream.
func (c *clientTwin) SendHead(o *exchange.Out) *failure.Error {
	c.may("SendHead")
	c.mu.Lock()
	defer c.mu.Unlock()
	h := render(o)
	c.pendingHead, c.pending = &h, nil
	return nil
}

// WriteBody implements exchange.ClientStream.
func (c *clientTwin) WriteBody(p []byte) *failure.Error {
	c.may("WriteBody")
	c.writing.Add(1)
	defer c.writing.Add(-1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, p...)
	if len(c.pending) < c.twin.piece {
		return nil
	}
	return c.flush()
}

// EndBody implements exchange.ClientStream.
func (c *clientTwin) EndBody(trailers []byte) *failure.Error {
	c.may("EndBody")
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.flush(); err != nil {
		return err
	}
	c.down.end(string(trailers))
	return nil
}

// Flush implements exchange.ClientStream.
func (c *clientTwin) Flush() *failure.Error {
	c.may("Flush")
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flush()
}

func (c *clientTwin) flush() *failure.Error {
	if c.pendingHead != nil {
		if err := c.unwritable(); err != nil {
			return err
		}
		c.heads = append(c.heads, *c.pendingHead)
		c.pendingHead, c.begun = nil, true
		c.cond.Broadcast()
	}
	for len(c.pending) > 0 {
		if err := c.unwritable(); err != nil {
			return err
		}
		n := c.down.put(c.pending)
		if c.pending = c.pending[n:]; n > 0 {
			if c.quiet != nil {
				c.quiet.Note(time.Now())
			}
			continue
		}
		patience := time.Now().Add(clientStall)
		if !c.wait(func() bool {
			return c.dead || c.up.cut == byRST || min(c.down.window-len(c.down.data), c.down.conn.left) > 0
		}, func() time.Time {
			if c.quiet != nil {
				return time.Time{}
			}
			return patience
		}) {
			return newFailure(failure.Client, phase.RelayBody, failure.TooSlow)
		}
	}
	return nil
}

// Begun implements exchange.ClientStream.
func (c *clientTwin) Begun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begun
}

// Abort implements exchange.ClientStream.
func (c *clientTwin) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.aborted, c.pendingHead, c.pending = true, nil, nil
	c.cond.Broadcast()
}

// Watch implements exchange.ClientStream.
func (c *clientTwin) Watch(k exchange.Canceler) {
	c.may("Watch")
	c.mu.Lock()
	c.canceler = k
	c.look()
	gone := c.dead || c.departed != exchange.Present
	c.mu.Unlock()
	if gone {
		k.Cancel()
	}
}

// Unwatch implements exchange.ClientStream.
func (c *clientTwin) Unwatch() exchange.Departure {
	c.may("Unwatch")
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.departed
	c.canceler, c.departed = nil, exchange.Present
	if c.dead {
		return exchange.Killed
	}
	return d
}

// look notices a departure while the client is watched. A FIN on the single twin
// may be a half-close: it counts after a grace. mu is held; the canceler is to be
// called without it.
func (c *clientTwin) look() {
	if c.canceler == nil || c.departed != exchange.Present {
		return
	}
	switch {
	case c.up.cut == byRST:
		c.departed = exchange.LeftByReset
	case c.up.cut == byFIN && c.twin.mux:
		c.departed = exchange.LeftByFIN
	case c.up.cut == byFIN:
		k := c.canceler
		time.AfterFunc(halfClose, func() {
			c.mu.Lock()
			same := c.canceler == k && c.departed == exchange.Present
			if same {
				c.departed = exchange.LeftByFIN
			}
			c.mu.Unlock()
			if same {
				k.Cancel()
			}
		})
	}
}

// Tunnel implements exchange.ClientStream.
func (c *clientTwin) Tunnel(q exchange.QuietRule) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = q
}

// leave makes the far side go away.
func (c *clientTwin) leave(how cut) {
	c.mu.Lock()
	if how == byFIN && c.quiet != nil {
		c.up.end("")
	} else {
		c.up.breakOff(how)
	}
	c.look()
	k := c.canceler
	gone := c.departed != exchange.Present
	c.mu.Unlock()
	if k != nil && gone {
		k.Cancel()
	}
}

// kill is the gateway's own stop.
func (c *clientTwin) kill() {
	c.mu.Lock()
	c.dead = true
	k := c.canceler
	c.cond.Broadcast()
	c.mu.Unlock()
	if k != nil {
		k.Cancel()
	}
}
