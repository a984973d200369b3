// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"causey/internal/failure"
	"causey/internal/phase"
)

// In a tunnel ioTimeout means that the tunnel, not only one direction, was quiet
// for too long. It ends reads and writes alike: a peer that takes nothing any more
// is as silent as one that sends nothing.

// tunnelRead returns what comes next through a tunnel.
func (s *sock) tunnelRead() ([]byte, ioEnd) {
	if b := s.in.bytes(); len(b) > 0 {
		s.in.r = s.in.w
		return b, ioOK
	}
	s.in.unpin()
	s.r.pace = nil
	s.r.deadline.Store(s.quietUntil())
	end := s.fill()
	s.r.deadline.Store(0)
	if end == ioEOF && s.tls.cut() {
		s.quiet.NoteCut(s.client != nil)
	}
	if end != ioOK {
		return nil, end
	}
	s.quiet.Note(s.eng.env.Now())
	b := s.in.bytes()
	s.in.r = s.in.w
	return b, ioOK
}

// tunnelWrite sends p through a tunnel.
func (s *sock) tunnelWrite(p []byte) ioEnd {
	s.w.pace = nil
	s.w.deadline.Store(s.quietUntil())
	end := s.write(p, nil)
	s.w.deadline.Store(0)
	if end == ioOK {
		s.quiet.Note(s.eng.env.Now())
	}
	return end
}

// tunnelEnd passes on that the other side sends no more.
func (s *sock) tunnelEnd() {
	if s.quiet.IsCut(s.client == nil) {
		s.tls.leaveSilently()
	}
	s.shutdownWrite()
}

// quietUntil is when the tunnel has been quiet for too long, as things stand.
func (s *sock) quietUntil() int64 { return max(s.eng.monoOf(s.quiet.Until()), 1) }

// stillBusy is asked when h's deadline has passed: it reports whether the tunnel's
// other direction was busy meanwhile, and then grants more time.
func (s *sock) stillBusy(h *half, now int64) bool {
	if s.quiet == nil {
		return false
	}
	until := s.quietUntil()
	h.deadline.Store(until)
	return now < until
}

// wentQuiet is the failure of a tunnel that was quiet for too long.
func wentQuiet() *failure.Error { return newError(failure.Gateway, phase.Tunnel, failure.Idle) }
