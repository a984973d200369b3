// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// serverHealth remembers which DNS servers were silent lately, so that a dead
// first server costs its timeout once in illFor and not in every lookup. A
// silent server is asked last, never left out.
type serverHealth struct {
	mu  sync.Mutex
	ill map[netip.AddrPort]time.Time // until when
}

// note says how a try at server ended.
func (h *serverHealth) note(server netip.AddrPort, silent bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !silent {
		delete(h.ill, server)
		return
	}
	if h.ill == nil {
		h.ill = map[netip.AddrPort]time.Time{}
	}
	h.ill[server] = now.Add(illFor)
}

// order returns servers with those that were silent lately at the end, the order
// otherwise kept. It forgets what is no more true, so the map stays as small as
// the list of servers.
func (h *serverHealth) order(servers []netip.AddrPort, now time.Time) []netip.AddrPort {
	h.mu.Lock()
	defer h.mu.Unlock()
	for server, until := range h.ill {
		if !now.Before(until) {
			delete(h.ill, server)
		}
	}
	if len(h.ill) == 0 {
		return servers
	}
	out := slices.Clone(servers)
	slices.SortStableFunc(out, func(a, b netip.AddrPort) int {
		_, aIll := h.ill[a]
		_, bIll := h.ill[b]
		switch {
		case aIll == bIll:
			return 0
		case aIll:
			return 1
		}
		return -1
	})
	return out
}
