// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

// decide takes what the owner wants of s; the group's mu is held.
func (s *Server) decide(h Hand, why string) { s.hand, s.why = h, why }

// meanwhile says what keeps a server out that its owner has given back, "" for nothing
// or for its health check, which the reason names anyway.
func (s *Server) meanwhile(now int64) string {
	if s.hand != Auto {
		return ""
	}
	switch s.judge(now) {
	case Unreachable:
		return "; no connection can be opened: " + s.lostBy.String()
	case Ejected, Stalled:
		return "; it is still left out for what it did before"
	}
	return ""
}
