// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import "causey/internal/record"

// SavedCounts counts exchanges in which something failed and the client saw nothing
// of it: each once in Exchanges, and by the means that kept it from the client, of
// which it may have taken several.
type SavedCounts struct {
	Exchanges uint64 `json:"exchanges"`
	// Retry: another attempt went well. Hold: the request waited for a server. Stale:
	// a stored answer was served past its time. Hedge: a second server answered while
	// the first one was silent.
	Retry uint64 `json:"retry"`
	Hold  uint64 `json:"hold"`
	Stale uint64 `json:"stale"`
	Hedge uint64 `json:"hedge"`
}

func (c *SavedCounts) add(by record.Saved) {
	c.Exchanges++
	c.Retry += has(by, record.ByRetry)
	c.Hold += has(by, record.ByHold)
	c.Stale += has(by, record.ByStale)
	c.Hedge += has(by, record.ByHedge)
}

// has returns 1 if means is in by, else 0.
func has(by, means record.Saved) uint64 {
	if by&means != 0 {
		return 1
	}
	return 0
}

// countSaved counts an exchange that was saved, and returns its lane.
func (s *Store) countSaved(r *record.Record) int {
	s.saved.add(r.Saved)
	n := s.savedBy[r.Upstream]
	if n == nil {
		if len(s.savedBy) >= serversMax {
			return laneSaved
		}
		n = &SavedCounts{}
		s.savedBy[r.Upstream] = n
	}
	n.add(r.Saved)
	return laneSaved
}
