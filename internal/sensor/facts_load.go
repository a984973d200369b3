// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"slices"
	"time"
)

// seeLoad sees how much is asked for, and how much of it the cache answers.
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
	if long.cachable >= 100 && recent.cachable >= 10 {
		share, usual := float64(recent.hits)/float64(recent.cachable), float64(long.hits)/float64(long.cachable)
		v.truth("hits_fell", usual > 0.1 && 2*share <= usual, "the cache answered %.0f %% of the requests, %.0f %% usually", 100*share, 100*usual)
	}
	if recent.requests == 0 {
		return
	}
	v.number("attempts_ratio", float64(recent.attempts)/float64(recent.requests), "%s for %s", some(int(recent.attempts), "attempt"), some(int(recent.requests), "request"))
	left, usually := float64(recent.left)/float64(recent.requests), 0.0
	if long.requests > 0 {
		usually = float64(long.left) / float64(long.requests)
	}
	v.truth("clients_left", recent.left >= few && left >= 3*usually && left > 0.02, "%s", portion(int(recent.left), int(recent.requests), "request", "were given up by the client before the answer"))
	if recent.requests >= 10 {
		v.number("repeats_share", float64(recent.repeats)/float64(recent.requests), "%s", portion(int(recent.repeats), int(recent.requests), "request", "repeated one of the same client that had failed within 10 s"))
	}
}

// seeWaits sees whether answers became slow, and which.
func seeWaits(v *view) {
	p := v.c.pool
	if p == nil || p.usual == 0 {
		return
	}
	onset := v.onset.Unix()
	if first := p.secs.sum(onset-10, onset-1); first.good >= few {
		v.truth("slow_before", first.wait() >= 3*p.usual && first.wait() > 50*time.Millisecond,
			"answers took %.2f s in the ten seconds before, %.2f s usually", first.wait().Seconds(), p.usual.Seconds())
	}
	early, mid, late := p.secs.sum(onset-180, onset-121), p.secs.sum(onset-120, onset-61), p.secs.sum(onset-60, onset-1)
	if early.good >= few && mid.good >= few && late.good >= few {
		v.truth("slow_gradual", grew(early, mid) && grew(mid, late), "answers took %.2f, %.2f and %.2f s in the three minutes before",
			early.wait().Seconds(), mid.wait().Seconds(), late.wait().Seconds())
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
	// Where nothing became slow, files did not stay fast.
	if files >= few && (len(slow) > 0 || v.c.Mode == ModeSilent) {
		v.truth("files_fast", slowFiles*5 < files, "%d of %d files came slowly", slowFiles, files)
	}
	if len(slow)+len(fast) >= few {
		onlyFast := 0
		for path := range fast {
			if !slow[path] {
				onlyFast++
			}
		}
		v.truth("slow_everything", len(slow) >= few && onlyFast == 0 && (files == 0 || slowFiles > 0), "%s became slow, %d stayed fast", some(len(slow), "path"), onlyFast)
		v.truth("slow_paths", len(slow) > 0 && onlyFast > 0, "%s became slow, %d stayed fast", some(len(slow), "path"), onlyFast)
	}
}

// grew reports that answers took longer in the second of two times, by more than chance.
func grew(a, b second) bool { return b.wait() > a.wait()*5/4 && b.wait() > a.wait()+5*time.Millisecond }

// trickle is below how many bytes a second a body hardly comes.
const trickle = 1 << 10

// seeBodies sees whether bodies come slowly from the failing servers.
func seeBodies(v *view) {
	failing := v.failing
	slow, all := 0, 0
	for _, s := range slices.Concat(v.good, v.bad) {
		long := s.bodyWait >= 5*time.Second
		// Of a short one nothing can be said; one silence is none that trickles.
		if failing[s.try.Server] == 0 || !long && s.bodyOut < 4<<10 || s.bodyOut == 0 || isSilence(s) {
			continue
		}
		all++
		if long && s.bodyWait >= s.relay*4/5 && float64(s.bodyOut) < trickle*s.bodyWait.Seconds() {
			slow++
		}
	}
	if all > 0 {
		v.truth("answer_trickles", 2*slow > all, "the bodies of %d of %d answers came at less than 1 KiB/s, while their clients took all at once", slow, all)
	}
}

// seeHands sees what the failing servers have in hand.
func seeHands(v *view) {
	if v.c.pool == nil {
		return
	}
	now := v.now.Unix()
	completed, stalled, known, flat, level := uint32(0), 0, 0, 0, int32(0)
	for name := range v.failing {
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
	v.truth("completing", completed > 0, "the failing servers answered %s in the last 5 s", some(int(completed), "other request"))
	if known > 0 {
		v.truth("stalled", stalled > 0, "%s", portion(stalled, known, "failing server", "have requests in hand and answered none for 5 s"))
		v.truth("waiting_flat", flat > 0, "%s", portion(flat, known, "failing server", "have the same number of requests in hand all the time"))
		if flat > 0 {
			v.number("waiting_level", float64(level), "%s in hand at a time", some(int(level), "request"))
		}
	}
}
