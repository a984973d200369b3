// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import "causey/internal/exchange"

// tunnelRead returns what comes next through a tunnel. ioTimeout means that the
// tunnel, not only this side, was quiet for too long.
func (s *sock) tunnelRead(q exchange.QuietRule) ([]byte, ioEnd) {
	if b := s.in.bytes(); len(b) > 0 {
		s.in.r = s.in.w
		return b, ioOK
	}
	s.in.unpin()
	s.r.pace = nil
	for {
		s.r.deadline.Store(s.eng.monoOf(q.Until()))
		end := s.fill()
		s.r.deadline.Store(0)
		switch {
		case end == ioOK:
			q.Note(s.eng.env.Now())
			b := s.in.bytes()
			s.in.r = s.in.w
			return b, ioOK
		case end == ioTimeout && s.eng.mono() < s.eng.monoOf(q.Until()):
			continue // the other direction was busy meanwhile
		}
		return nil, end
	}
}
