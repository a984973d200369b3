// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"slices"
	"time"
)

// seeLoad sees how much is asked for, by whom, and how it goes.
func seeLoad(v *view) {
	now := v.now.Unix()
	secs := v.s.all
	if v.c.pool != nil {
		secs = v.c.pool.secs
	}
	recent, long := secs.sum(now-5, now-1), secs.sum(now-60*minutes, now-11)
	rate := float64(recent.requests) / 5
	if usual := secs.usual(now - 11); usual > 0 {
		v.number("rate_ratio", rate/usual, "%.0f requests a second, %.0f usually", rate, usual)
		v.truth("rate_up", rate >= 2*usual && rate >= 20, "%.0f requests a second, %.0f usually", rate, usual)
	}
	if recent.requests > 0 {
		v.number("attempts_ratio", float64(recent.attempts)/float64(recent.requests), "%d attempts for %d requests", recent.attempts, recent.requests)
		left, usually := float64(recent.left)/float64(recent.requests), 0.0
		if long.requests > 0 {
			usually = float64(long.left) / float64(long.requests)
		}
		v.truth("clients_left", recent.left >= few && left > 3*usually && left > 0.02, "%d of %d clients left before their answer", recent.left, recent.requests)
	}
	v.seeWaits(now)
	v.seeShares()
}

// seeWaits sees whether answers became slow, and which.
func (v *view) seeWaits(now int64) {
	p := v.c.pool
	if p == nil || p.usual == 0 {
		return
	}
	onset := v.onset.Unix()
	if first := p.secs.sum(onset-10, onset-1); first.good >= few {
		v.truth("slow_before", first.wait() > 3*p.usual && first.wait() > 50*time.Millisecond,
			"answers took %.2f s in the ten seconds before, %.2f s usually", first.wait().Seconds(), p.usual.Seconds())
	}
	slow, fast, slowFiles, files := map[string]bool{}, map[string]bool{}, 0, 0
	for _, g := range v.good {
		isSlow := g.try.Took > 4*p.usual && g.try.Took > 200*time.Millisecond
		if !g.at.After(v.onset.Add(-5 * time.Second)) {
			continue
		}
		if g.file {
			files++
			if isSlow {
				slowFiles++
			}
		}
		if isSlow {
			slow[g.path.String()] = true
		} else {
			fast[g.path.String()] = true
		}
	}
	if files >= few {
		v.truth("files_fast", slowFiles*5 < files, "%d of %d files came slowly", slowFiles, files)
	}
	if len(slow)+len(fast) >= few {
		onlyFast := 0
		for path := range fast {
			if !slow[path] {
				onlyFast++
			}
		}
		v.truth("slow_everything", len(slow) >= few && onlyFast == 0 && (files == 0 || slowFiles > 0), "%d paths became slow, %d stayed fast", len(slow), onlyFast)
		v.truth("slow_paths", len(slow) > 0 && onlyFast > 0, "%d paths became slow, %d stayed fast", len(slow), onlyFast)
	}
}

// seeShares sees whose requests they are, and what takes the servers' time.
func (v *view) seeShares() {
	all := slices.Concat(v.during, v.asked)
	if len(all) < 10 {
		return
	}
	clients, counts, n := shares(all, func(s *sample) (string, bool) { return s.client.String(), s.client.IsValid() })
	if n > 0 {
		v.number("top_client_share", float64(counts[clients[0]])/float64(n), "one client sent %d of %d requests", counts[clients[0]], n)
	}
	nets, inNet, n := shares(all, func(s *sample) (string, bool) { return network(s.client).String(), s.client.IsValid() })
	if n > 0 {
		v.number("top_network_share", float64(inNet[nets[0]])/float64(n), "%s sent %d of %d requests", nets[0], inNet[nets[0]], n)
	}
	byPath, total := map[string]time.Duration{}, time.Duration(0)
	targets, pages, files := map[uint64]int{}, 0, 0
	for _, s := range all {
		took := max(s.try.Took, 0)
		byPath[s.path.String()] += took
		total += took
		targets[s.target]++
		if s.file {
			files++
		} else {
			pages++
		}
	}
	top, most := "", time.Duration(0)
	for path, d := range byPath {
		if d > most || d == most && path < top {
			top, most = path, d
		}
	}
	if total > 0 {
		asked := 0
		for _, s := range all {
			if s.path.String() == top {
				asked++
			}
		}
		v.truth("costly_path", 2*most > total && 3*int64(asked)*int64(total) < 2*int64(most)*int64(len(all)),
			"%s used %.0f %% of the servers' time with %d of %d requests", top, 100*float64(most)/float64(total), asked, len(all))
		v.number("top_path_share", float64(most)/float64(total), "%s used %.0f %% of the servers' time", top, 100*float64(most)/float64(total))
	}
	once := 0
	for _, k := range targets {
		if k == 1 {
			once++
		}
	}
	v.number("distinct_share", float64(once)/float64(len(all)), "%d of %d targets were asked for once only", once, len(all))
	v.truth("assets_asked", files*4 > pages, "%d files were asked for beside %d pages", files, pages)
}

// seeHands sees what the failing servers have in hand.
func seeHands(v *view) {
	if v.c.pool == nil {
		return
	}
	now := v.now.Unix()
	completed, stalled, known, flat, level := uint32(0), 0, 0, 0, int32(0)
	for name := range v.failing() {
		m := v.c.pool.servers[name]
		if m == nil {
			continue
		}
		hands, ok := m.inHand(now, 5)
		recent := m.secs.sum(now-4, now)
		completed += recent.good
		if !ok {
			continue
		}
		known++
		least, most := slices.Min(hands), slices.Max(hands)
		if least > 0 && recent.good == 0 {
			stalled++
		}
		if least >= 1 && most-least <= max(1, most/8) && recent.good > 0 {
			flat++
			level = max(level, most)
		}
	}
	v.truth("completing", completed > 0, "the failing servers answered %d other requests in the last 5 s", completed)
	if known > 0 {
		v.truth("stalled", stalled > 0, "%d of %d failing servers have requests in hand and answered none for 5 s", stalled, known)
		v.truth("waiting_flat", flat > 0, "%d of %d failing servers have the same number of requests in hand all the time", flat, known)
		if flat > 0 {
			v.number("waiting_level", float64(level), "%d requests in hand at a time", level)
		}
	}
}
