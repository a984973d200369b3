// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import "time"

// Rate is the slowest acceptable progress. Time counts only while the gateway
// waits: for bytes it is ready to read, or for a peer to take bytes it has to
// send. Absolute timeouts would cut honest slow uploads and event streams; this
// does not (Kestrel's MinRequestBodyDataRate, 240 B/s after 5 s, is the model).
type Rate struct {
	// BytesPerSecond is the rate; 0 means none, only Grace counts as a limit on
	// a silence.
	BytesPerSecond int64
	// Grace is the window, in waited time, over which the rate is taken. 0 means
	// no limit at all.
	Grace time.Duration
}

// pace measures one direction of one socket against a rate. A nil pace measures
// nothing.
//
// Waited time is summed up to a window of Grace; when the window is full, the
// bytes that moved in it decide. What was fast long ago buys no time now.
type pace struct {
	rate   Rate
	waited time.Duration // in this window
	bytes  int64         // in this window
	since  int64         // when the present wait began, engine's clock; 0: none
	// base is what the peer had acknowledged early in this window, -1 if nobody
	// asked. What our kernel takes says little of a slow reader: it asks for more
	// only when a large part of its buffer is free again.
	base int64
}

func (p *pace) reset(r Rate) { *p = pace{rate: r, base: -1} }

// waits notes that a wait begins (or goes on) and sets h's deadline to the end of
// the window.
func (p *pace) waits(h *half, s *sock) {
	if p == nil || p.rate.Grace == 0 {
		return
	}
	now := s.eng.mono()
	p.settle(now)
	p.renew(h, s)
	p.begin(h, s, now)
}

// begin begins a wait.
func (p *pace) begin(h *half, s *sock, now int64) {
	if h == &s.w && p.base < 0 {
		p.base = s.acknowledged()
	}
	p.since = now
	h.deadline.Store(max(now+int64(p.rate.Grace-p.waited), 1))
}

// moved notes that n bytes passed.
func (p *pace) moved(n int64, s *sock) {
	switch {
	case p == nil:
		return
	case p.rate.BytesPerSecond == 0:
		p.reset(p.rate) // each byte begins a new silence
		return
	}
	p.bytes += n
	if p.since != 0 {
		p.settle(s.eng.mono())
	}
}

// settle adds the wait that ends now to the window.
func (p *pace) settle(now int64) {
	if p.since != 0 {
		p.waited += time.Duration(now - p.since)
		p.since = 0
	}
}

// renew begins a new window if the present one is full and was fast enough. One
// that was too slow stays full, so that forgives says no.
func (p *pace) renew(h *half, s *sock) {
	if p.waited < p.rate.Grace {
		return
	}
	if h == &s.w && p.base >= 0 && !p.fastEnough() {
		p.bytes = max(p.bytes, s.acknowledged()-p.base)
	}
	if p.fastEnough() {
		p.waited, p.bytes, p.base = 0, 0, -1
	}
}

func (p *pace) fastEnough() bool {
	if p.rate.BytesPerSecond == 0 {
		return p.bytes > 0
	}
	return float64(p.bytes) >= float64(p.rate.BytesPerSecond)*p.waited.Seconds()
}

// forgives is asked when h's deadline has passed: it reports whether the peer was
// fast enough over the window, and then grants another.
func (p *pace) forgives(h *half, s *sock, now int64) bool {
	if p == nil || p.rate.Grace == 0 {
		return false
	}
	p.settle(now)
	p.renew(h, s)
	if p.waited >= p.rate.Grace {
		return false
	}
	p.begin(h, s, now)
	return true
}
