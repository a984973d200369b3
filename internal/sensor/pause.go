// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"time"

	"causey/internal/phase"
	"causey/internal/record"
)

// A server stops if nothing comes from it for some time in which, by its rate before,
// stopExpected answers would have come, and then several come at once that waited. By
// chance that silence would come once in three thousand times.
const (
	beatSlot     = 100 * time.Millisecond
	beatKept     = 128 // slots
	beatBefore   = 20  // slots that the rate is taken from
	beatLate     = 12  // slots until all that ended in one is known
	stopSlots    = 3   // the shortest stop
	stopExpected = 8
	stuckMin     = 200 * time.Millisecond // an answer that waited so long may have been in a stop
	stuckInSlot  = 8                      // of these are kept
	stopsKept    = 8
)

// beat is when a server's answers came: in each slot of time how many, and how many of
// them had waited.
type beat struct {
	newest, looked int64 // slots
	heads, waited  [beatKept]uint8
}

// stop is a time in which a server did nothing; stuck answers came at its end.
type stop struct {
	first, end time.Time
	stuck      int
}

// stuck is an answer that waited.
type stuck struct {
	server      *server
	began, head time.Time
	path        path
}

func slotOf(t time.Time) int64 { return t.UnixMilli() / beatSlot.Milliseconds() }

// index returns the place of a slot, known is false if it is too old or to come.
func (b *beat) index(slot int64) (i int, known bool) {
	return int(uint64(slot) % beatKept), slot <= b.newest && slot > b.newest-beatKept
}

// note enters an answer.
func (b *beat) note(slot int64, waits bool) {
	for at := max(b.newest+1, slot-beatKept+1); at <= slot; at++ {
		i := uint64(at) % beatKept
		b.heads[i], b.waited[i] = 0, 0
	}
	b.newest = max(b.newest, slot)
	i, known := b.index(slot)
	if !known {
		return
	}
	b.heads[i] = min(b.heads[i]+1, 250)
	if waits {
		b.waited[i] = min(b.waited[i]+1, 250)
	}
}

// at returns the counts of a slot, none of one that is not known.
func (b *beat) at(slot int64) (heads, waited int) {
	i, known := b.index(slot)
	if !known {
		return 0, 0
	}
	return int(b.heads[i]), int(b.waited[i])
}

// waitOf is how long the attempt a, the last one, waited for the head of its answer.
func waitOf(r *record.Record, a *record.Attempt, at time.Time) time.Duration {
	if r.AttemptLen == 1 || a.Start < 0 {
		return max(r.Phases[phase.AwaitHead], 0)
	}
	return max(headOf(r, at).Sub(r.Start)-a.Start, 0)
}

// headOf is when the head of the answer had come.
func headOf(r *record.Record, at time.Time) time.Time {
	return at.Add(-max(r.Phases[phase.RelayBody], 0) - max(r.Phases[phase.Tunnel], 0))
}

// watch notes an answer of m for what shows when many are looked at together.
func (p *pool) watch(m *server, r *record.Record, a *record.Attempt, at time.Time, wait time.Duration) {
	head := headOf(r, at)
	slot := slotOf(head)
	m.beat.note(slot, wait >= stuckMin)
	if _, waited := m.beat.at(slot); wait >= stuckMin && waited <= stuckInSlot {
		*p.stuck.place(stuckKept) = stuck{m, head.Add(-wait), head, shape(r.Text(record.Target))}
	}
}

// findStops looks for stops that ended since the last time.
func (m *server) findStops(now time.Time) {
	b := &m.beat
	last := min(slotOf(now)-beatLate, b.newest-1)
	for slot := max(b.looked+1, b.newest-beatKept+2); slot <= last; slot++ {
		heads, waited := b.at(slot)
		if before, _ := b.at(slot - 1); heads == 0 || before > 0 {
			continue
		}
		silent := int64(1)
		for b.newest-beatKept < slot-silent-1 && b.isSilent(slot-silent-1) {
			silent++
		}
		rate := 0
		for i := range int64(beatBefore) {
			n, _ := b.at(slot - silent - 1 - i)
			rate += n
		}
		_, alsoWaited := b.at(slot + 1)
		waited += alsoWaited
		expected := rate * int(silent) / beatBefore
		if silent >= stopSlots && expected >= stopExpected && waited >= few {
			end := now.Add(time.Duration(slot-slotOf(now)) * beatSlot).Truncate(beatSlot)
			*m.stops.place(stopsKept) = stop{end.Add(-time.Duration(silent) * beatSlot), end, waited}
		}
	}
	b.looked = max(b.looked, last)
}

func (b *beat) isSilent(slot int64) bool {
	heads, _ := b.at(slot)
	return heads == 0
}

// seePauses sees whether servers stop and go on, and what was in hand then.
func seePauses(v *view) {
	if v.c.pool == nil {
		return
	}
	stops, servers, answered := []stop(nil), 0, uint32(0)
	longest := time.Duration(0)
	culprits := map[string]int{}
	for name := range v.failing {
		m := v.c.pool.servers[name]
		if m == nil {
			continue
		}
		servers++
		answered += m.secs.sum(v.now.Unix()-59, v.now.Unix()).good
		for _, s := range m.stops.list {
			if s.first.Before(v.onset.Add(-before)) {
				continue
			}
			stops = append(stops, s)
			longest = max(longest, s.end.Sub(s.first))
			for path := range v.inHandAt(m, s) {
				culprits[path]++
			}
		}
	}
	if servers == 0 || len(stops) == 0 && answered < 120 {
		return
	}
	v.truth("pauses", len(stops) > 0, "%s: all that a server had in hand stood still, for up to %.1f s, and went on together", some(len(stops), "stop"), longest.Seconds())
	if len(stops) < 2 {
		return
	}
	best := mostFrequent(culprits)
	is := best != "" && culprits[best] >= 2 && culprits[best] >= len(stops)
	if best == "" {
		v.truth("culprit_first", false, "no long request of one path was in hand at the beginning of %d stops", len(stops))
		return
	}
	v.truth("culprit_first", is, "a request of %s was in hand at the beginning of %d of %d stops", best, culprits[best], len(stops))
}

// inHandAt returns paths of which a request was in hand when a stop began, and until its
// end, if others waited for it and none of the same path was quick otherwise.
func (v *view) inHandAt(m *server, s stop) map[string]bool {
	paths, others := map[string]bool{}, map[string]bool{}
	for i := range v.c.pool.stuck.list {
		r := &v.c.pool.stuck.list[i]
		if r.server != m || r.head.Before(s.end.Add(-beatSlot)) || r.head.After(s.end.Add(2*beatSlot)) {
			continue
		}
		if others[r.path.String()] = true; !r.began.After(s.first.Add(beatSlot)) {
			paths[r.path.String()] = true
		}
	}
	for _, g := range v.good {
		if g.try.Took < stuckMin {
			delete(paths, g.path.String())
		}
	}
	if len(others) < 2 {
		return nil
	}
	return paths
}
