// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"math"
	"slices"
	"time"

	"causey/internal/phase"
)

// had reports an attempt that had a connection.
func (s *sample) had() bool { return s.try.RequestNumber > 0 }

// few is how many of something make a pattern.
const few = 3

// seeConnection sees whether failures have to do with connections that are used again.
func seeConnection(v *view) {
	reused, all := v.count(func(s *sample) (bool, bool) { return s.try.Reused, s.had() })
	if all > 0 {
		v.number("reused_share", float64(reused)/float64(all), "%s", tally(reused, all, "happened on a connection used before"))
		v.truth("fresh_failed", reused < all, "%s", tally(all-reused, all, "happened on a fresh connection"))
		fresh := 0
		for _, g := range v.good {
			if g.had() && !g.try.Reused {
				fresh++
			}
		}
		if all >= few && fresh >= few {
			v.truth("reused_only", reused == all, "%s, while %s on fresh ones went well", tally(reused, all, "happened on a connection used before"), some(fresh, "request"))
		}
	}
	seeFresh(v)
	seeIdle(v)
	median, numbers := middle(v.bad, func(s *sample) (float64, bool) { return float64(s.try.RequestNumber), s.had() })
	if len(numbers) > 0 {
		v.number("number_median", median, "of %s half or more came at request number %.0f of their connection or before", some(len(numbers), "failure"), median)
		v.truth("number_clustered", clustered(numbers, 0) && median > 1, "of %s most came at request number %.0f of their connection", some(len(numbers), "failure"), median)
	}
	gap, gaps := middle(v.c.bad.since(v.c.Last.Add(-spellMost)), func(s *sample) (float64, bool) { return float64(s.gap), s.gap >= 0 })
	if len(gaps) >= few {
		if !clustered(gaps, max(gap/5, 3)) {
			gap = 0
		}
		v.number("every_requests", gap, "between %d failures and those before, the servers answered %.0f to %.0f requests", len(gaps), gaps[0], gaps[len(gaps)-1])
	}
	seeConnects(v)
	seeQuiet(v)
}

// seeQuiet sees how long tunnels had been silent that failed.
func seeQuiet(v *view) {
	median, quiet := middle(v.bad, func(s *sample) (float64, bool) {
		if v.c.Mode == ModeEnded {
			return s.quiet.Seconds(), true
		}
		e := s.evidence()
		if e == nil || s.try.Failure.Phase != phase.Tunnel {
			return 0, false
		}
		return e.QuietFor.Seconds(), true
	})
	if len(quiet) == 0 {
		return
	}
	v.number("quiet_median", median, "the live connections (WebSockets and the like) had been silent for %s", span(quiet))
	if len(quiet) >= few {
		v.truth("quiet_clustered", clustered(quiet, median/10) && median > 3, "of %d live connections (WebSockets and the like) most had been silent for %s", len(quiet), span(quiet))
	}
}

// seeFresh sees whether only new connections fail, or the way to one.
func seeFresh(v *view) {
	fresh, all := v.count(func(s *sample) (bool, bool) { return !s.try.Reused, s.try.Server != "" })
	reused := 0
	for _, g := range v.during {
		if g.had() && g.try.Reused && v.failing[g.try.Server] > 0 {
			reused++
		}
	}
	if all >= few && reused >= few {
		v.truth("fresh_only", fresh == all, "%s, while %s on connections used before went well", tally(fresh, all, "happened on a fresh connection or on the way to one"), some(reused, "request"))
	}
}

// seeIdle sees how long connections had been idle that were used again.
func seeIdle(v *view) {
	idleOf := func(s *sample) (float64, bool) { return s.try.IdleFor.Seconds(), s.had() && s.try.Reused }
	median, idle := middle(v.bad, idleOf)
	if len(idle) == 0 {
		return
	}
	v.number("idle_median", median, "their connections had been idle for %s", span(idle))
	if len(idle) >= few {
		v.truth("idle_clustered", clustered(idle, max(median/5, 1)) && median > 0.2, "of %d connections most had been idle for %s", len(idle), span(idle))
	}
	if _, well := middle(v.good, idleOf); len(well) >= few {
		longest := well[len(well)-1]
		v.truth("idle_long", idle[0] > longest, "the connections of failures had been idle for %s, those of requests that went well for at most %.1f s", span(idle), longest)
	}
}

// steps are how long a connect takes whose first SYNs were lost: Linux repeats it after
// 1, 2, 3, 4 and then 8 s (tcp_syn_linear_timeouts), older ones after 1, 3 and 7 s.
var steps = []float64{1, 2, 3, 4, 5, 7}

// seeConnects sees how long connections took to open.
func seeConnects(v *view) {
	slow, onStep, quick, all := 0, 0, 0, 0
	for _, list := range [][]*sample{v.good, v.bad} {
		for _, s := range list {
			// One that our own timer ended took as long as the timer says.
			if s.try.Reused || s.try.Connect <= 0 || s.try.Failure.Phase == phase.Connect {
				continue
			}
			all++
			switch d := s.try.Connect.Seconds(); {
			case d < 0.1:
				quick++
			case d > 0.9:
				slow++
				if slices.ContainsFunc(steps, func(t float64) bool { return math.Abs(d-t) < 0.15 }) {
					onStep++
				}
			}
		}
	}
	if all >= few {
		v.number("connect_slow_share", float64(slow)/float64(all), "%d of %d connections took more than 0.9 s to open", slow, all)
		v.truth("connect_steps", onStep >= 2 && 2*onStep > slow && quick > 0,
			"%d of %d connections took whole seconds to open, as when a first packet is lost, and %d less than 0.1 s", onStep, all, quick)
	}
}

// wallSlack is how far apart durations may lie that one timer ended.
func wallSlack(median float64) float64 { return max(0.6, median*0.05) }

// seeTime sees when failures come and how long they take.
func seeTime(v *view) {
	median, took := middle(v.bad, func(s *sample) (float64, bool) { return s.try.Took.Seconds(), s.try.Start >= 0 })
	if len(took) > 0 {
		v.number("took_median", median, "the failed attempts lasted %s", span(took))
		if len(took) >= few {
			v.truth("took_clustered", median > 1 && clustered(took, wallSlack(median)), "of %d failed attempts most lasted %s", len(took), span(took))
		}
	}
	if len(v.bad) >= few {
		_, times := middle(v.bad, func(s *sample) (float64, bool) { return s.at.Sub(v.onset).Seconds(), true })
		v.truth("burst", clustered(times, 1), "%d failures came within %.1f s", len(times), times[len(times)-1]-times[0])
	}
	v.seeDeaths()
	// What came since the last tick is newer than now.
	since, last := max(v.now.Sub(v.onset).Seconds(), 0), max(v.now.Sub(v.c.Last).Seconds(), 0)
	v.number("failing_for", since, "it began %.0f s ago", since)
	v.truth("recovered", v.c.Recovered(v.now), "the newest failure came %.0f s ago", last)
	if v.c.Recovered(v.now) {
		lasted := v.c.Last.Sub(v.onset).Seconds()
		v.number("recovered_after", max(lasted, 0.1), "it lasted %.1f s", lasted)
	}
	seeEpisodes(v)
}

// together is how close to each other requests end that died with one process: the kernel
// closes all its connections at once.
const together = 50 * time.Millisecond

// seeDeaths sees whether requests die together that one server had in hand, each for some
// time. That two of many fall into one moment by chance is not it.
func (v *view) seeDeaths() {
	if v.c.Mode == ModeSilent || v.c.Mode == ModeConnect || v.c.Mode == ModeUnheard || v.c.Mode == ModeResolve {
		return
	}
	ends := map[string][]time.Time{}
	all := 0
	for _, s := range v.bad {
		if s.had() && s.try.Took > 20*time.Millisecond {
			ends[s.try.Server] = append(ends[s.try.Server], s.ended())
			all++
		}
	}
	most, grouped := 0, 0
	for _, list := range ends {
		slices.SortFunc(list, time.Time.Compare)
		for i := 0; i < len(list); {
			n := 1
			for i+n < len(list) && list[i+n].Sub(list[i]) <= together {
				n++
			}
			if n > 1 {
				most, grouped = max(most, n), grouped+n
			}
			i += n
		}
	}
	if all > 0 {
		v.truth("in_flight_died", most >= 2 && (2*grouped >= all || most >= 2*few),
			"%s, at most %d at a time", tally(grouped, all, "came together with others of requests that the same server had in hand"), most)
	}
}

// seeEpisodes sees whether it comes and goes.
func seeEpisodes(v *view) {
	e := slices.DeleteFunc(slices.Clone(v.c.episodes), func(e episode) bool { return e.n < few })
	if len(e) == 0 {
		e = v.c.episodes[len(v.c.episodes)-1:]
	}
	v.number("episodes", float64(len(e)), "it came in %s", some(len(e), "episode"))
	if len(e) < 3 {
		return
	}
	var gaps []float64
	grows := true
	for i := 1; i < len(e); i++ {
		gaps = append(gaps, e[i].first.Sub(e[i-1].first).Seconds())
		if i >= 2 && pause(e, i) < pause(e, i-1)*3/2 {
			grows = false
		}
	}
	slices.Sort(gaps)
	shortest, longest, median := gaps[0], gaps[len(gaps)-1], gaps[len(gaps)/2]
	if clustered(gaps, median/5) || len(gaps) == 2 && longest-shortest < median/5 {
		v.number("period", median, "it comes about every %.0f s", median)
	} else {
		v.number("period", 0, "it comes after %.0f to %.0f s", shortest, longest)
	}
	v.truth("backoff", grows, "the pauses between %d times grew from %.0f to %.0f s", len(e), pause(e, 1).Seconds(), pause(e, len(e)-1).Seconds())
}

// pause is the time between an episode and the one before.
func pause(e []episode, i int) time.Duration { return e[i].first.Sub(e[i-1].last) }
