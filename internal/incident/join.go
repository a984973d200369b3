// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"slices"

	"causey/internal/cause"
	"causey/internal/sensor"
)

// belongs reports that a new case is one more symptom of an incident: at the same
// upstream by what fails there, at another one by how and when. top is its likeliest
// cause, nil for none. I1.
func (b *Book) belongs(s *seen, top *cause.Ranked, i *Incident) bool {
	if !slices.Contains(i.Upstreams, s.Upstream) {
		return b.sameElsewhere(s, i)
	}
	if b.follows(top, i) {
		return true
	}
	apart := s.onset.Sub(i.Opened).Abs()
	switch {
	case apart > joinWithin && s.onset.Sub(i.LastSeen) > joinWithin:
		return false
	case isConsequence(s.Mode):
		return true
	}
	mine, theirs := narrowest(s.shares), i.Scope
	return mine.Level == theirs.Level && mine.Value == theirs.Value || !isNarrow(mine.Level) && !isNarrow(theirs.Level)
}

// isNarrow reports a scope that tells two incidents of one upstream apart.
func isNarrow(level string) bool { return level == "path" || level == "client" || level == "network" }

// isConsequence reports a failure that always has another one behind it.
func isConsequence(m sensor.Mode) bool {
	return m == "gateway no-server" || m == "gateway limit" || m == sensor.ModeLeft
}

func narrowest(shares []sensor.Share) sensor.Share {
	if len(shares) == 0 {
		return sensor.Share{Level: "upstream"}
	}
	return shares[0]
}

// follows reports that the likeliest cause of a case is one that the incident's own
// leads to, or the other way round.
func (b *Book) follows(top *cause.Ranked, i *Incident) bool {
	if top == nil || len(i.Ranked) == 0 {
		return false
	}
	first := b.opts.Catalogue.Lookup(i.Ranked[0].Cause)
	return first != nil && (first.ID == top.Cause.ID || slices.Contains(first.LeadsTo, top.Cause.ID) || slices.Contains(top.Cause.LeadsTo, first.ID))
}

// sameElsewhere reports that another upstream begins to fail in the same way at the same
// time, and not for reasons of its own.
func (b *Book) sameElsewhere(s *seen, i *Incident) bool {
	if s.onset.Sub(i.Opened).Abs() > atOnce || isNarrow(narrowest(s.shares).Level) || isNarrow(i.Scope.Level) {
		return false
	}
	return slices.ContainsFunc(i.Cases, func(k sensor.Key) bool { return kin(k.Mode, s.Mode) })
}

// kin reports modes that one shared thing behind several upstreams can show.
func kin(a, b sensor.Mode) bool {
	return a == b || isServerError(a) && isServerError(b)
}

func isServerError(m sensor.Mode) bool {
	return m == sensor.ModeSilent || m.Status()/100 == 5
}
