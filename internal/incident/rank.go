// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"causey/internal/cause"
	"causey/internal/sensor"
)

// update looks at an incident anew.
func (b *Book) update(i *Incident, all map[sensor.Key]*seen, now time.Time) {
	var cases []*seen
	for _, k := range i.Cases {
		if s := all[k]; s != nil {
			cases = append(cases, s)
		}
	}
	if len(cases) == 0 { // the sensor has forgotten them
		b.close(i, now)
		return
	}
	if i.LastSeen.After(now.Add(time.Minute)) { // the clock was put back
		i.LastSeen = now
	}
	worse := i.Severity
	b.count(i, cases)
	ends := recovered(cases)
	if !ends || i.Title == "" {
		b.judge(i, cases, now)
	}
	if ends {
		b.recover(i, now)
	}
	switch {
	case i.State == Closed: // told
	case !i.known, i.fingerprint() != i.told && (now.Sub(i.Updated) >= tellEvery || isWorse(i.Severity, worse)):
		i.Updated, i.kept, i.known, i.told = now, now, true, i.fingerprint()
		b.pass(b.opts.Changed, i)
	case now.Sub(i.kept) >= keepEvery:
		i.kept = now
		b.pass(b.opts.Grown, i)
	}
}

// How often an incident is told anew at most, unless it becomes worse, and how often its
// numbers are passed on.
const (
	tellEvery = 10 * time.Second
	keepEvery = time.Minute
)

func isWorse(now, before Severity) bool {
	return slices.Index(Severities, now) < slices.Index(Severities, before)
}

// pass gives a copy to who wants to know.
func (b *Book) pass(to func(*Incident), i *Incident) {
	if to != nil {
		c := i.copy()
		to(&c)
	}
}

// fingerprint is what has to change for an incident to be told anew. I3.
func (i *Incident) fingerprint() string {
	return string(i.State) + "|" + string(i.Severity) + "|" + i.Title + "|" + i.Scope.Level + "|" + i.Scope.Value + "|" + i.topID
}

func (b *Book) count(i *Incident, cases []*seen) {
	i.Failed, i.Saved, i.Clients = i.failedBefore, i.savedBefore, 0
	i.Exemplars = i.Exemplars[:0:0]
	for _, s := range cases {
		i.Failed += s.failed - min(s.failed, i.before[s.Key].failed) // the sensor may know it anew
		i.Saved += s.saved - min(s.saved, i.before[s.Key].saved)
		i.Clients = max(i.Clients, s.clients)
		i.note(s)
		i.Exemplars = append(i.Exemplars, s.exemplars[:min(len(s.exemplars), exemplarsMax-len(i.Exemplars))]...)
	}
}

// note widens what an incident is about by one of its cases.
func (i *Incident) note(s *seen) {
	if s.last.After(i.LastSeen) {
		i.LastSeen = s.last
	}
	if s.onset.Before(i.Opened) && i.Reopened == 0 {
		i.Opened = s.onset
	}
	if up := s.Upstream; up != "" && !slices.Contains(i.Upstreams, up) {
		i.Upstreams = append(i.Upstreams, up)
	}
	for _, site := range s.sites {
		if !slices.Contains(i.Sites, site) {
			i.Sites = append(i.Sites, site)
		}
	}
}

const exemplarsMax = 8

func recovered(cases []*seen) bool {
	return !slices.ContainsFunc(cases, func(s *seen) bool { return !s.recovered })
}

// recover lets an incident end when it has been quiet for long enough.
func (b *Book) recover(i *Incident, now time.Time) {
	if i.State != Recovering {
		i.State = Recovering
		return
	}
	if now.Sub(i.LastSeen) > quiet {
		b.close(i, now)
	}
}

func (b *Book) close(i *Incident, now time.Time) {
	i.State, i.Ended, i.Updated = Closed, now, now
	b.open = slices.DeleteFunc(b.open, func(o *Incident) bool { return o == i })
	for _, k := range i.Cases {
		delete(b.byCase, k)
		if o := b.onsets[k]; o != nil {
			o.sum = 0
		}
	}
	b.closed = slices.Insert(b.closed, 0, i)
	if len(b.closed) > closedMax {
		b.closed = b.closed[:closedMax]
	}
	i.known = true
	b.pass(b.opts.Changed, i)
}

// judge ranks the causes, and says how bad it is and how far it reaches.
func (b *Book) judge(i *Incident, cases []*seen, now time.Time) {
	cases = slices.Clone(cases)
	slices.SortStableFunc(cases, func(a, b *seen) int {
		return cmp.Or(boolCompare(isConsequence(a.Mode), isConsequence(b.Mode)),
			boolCompare(a.Mode.IsCondition(), b.Mode.IsCondition()),
			cmp.Compare(b.failed+b.saved, a.failed+a.saved))
	})
	main := cases[0]
	symptom, facts := together(cases)
	ranking := b.opts.Catalogue.Rank(symptom, facts)
	i.Ranked, i.Unknown, i.Facts = rankedOf(&ranking), ranking.Unknown, factsOf(facts)
	i.Sure = len(i.Ranked) > 0 && i.Ranked[0].Confidence >= cause.Sure
	top := ""
	if t := ranking.Top(); t != nil {
		top = t.Cause.ID
	}
	if top != i.topID {
		i.topID, i.topSince = top, now
	}
	switch {
	case top == "":
		i.State = Open
	case i.Sure && now.Sub(i.topSince) >= confirmAfter:
		i.State = Confirmed
	default:
		i.State = Suspected
	}
	i.Severity = severity(i, cases)
	i.Scope = b.scope(i, main)
	b.tell(i, &ranking, main)
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// together are all symptoms of an incident, and its facts: what was seen of the first case
// counts, and of the others what was not seen there, and how else it failed.
func together(cases []*seen) (symptom cause.Symptom, facts cause.Facts) {
	facts, symptom = maps.Clone(cases[0].facts), cases[0].symptom
	for _, s := range cases[1:] {
		for name, v := range s.facts {
			switch has, is := facts[name]; {
			case !is:
				facts[name] = v
			case name == "code" && !isConsequence(s.Mode):
				has.Words = slices.Clone(has.Words)
				for _, w := range v.Words {
					if !slices.Contains(has.Words, w) {
						has.Words = append(has.Words, w)
					}
				}
				facts[name] = has
			}
		}
		if !isConsequence(s.Mode) {
			more := s.symptom
			symptom.Codes = slices.Concat(symptom.Codes, more.Codes)
			symptom.Statuses = slices.Concat(symptom.Statuses, more.Statuses)
			symptom.Conditions = slices.Concat(symptom.Conditions, more.Conditions)
		}
	}
	return symptom, facts
}

// severity says how bad it is for visitors at present.
func severity(i *Incident, cases []*seen) Severity {
	bad, good := 0, 0
	counted := map[string]bool{}
	for _, s := range cases {
		if bad += s.bad; !counted[s.Upstream] {
			good += s.good
		}
		counted[s.Upstream] = true
	}
	switch {
	case i.Failed == 0:
		return Saved
	case !slices.ContainsFunc(cases, func(s *seen) bool { return !s.Mode.IsCondition() }):
		return Minor
	case bad > good && bad >= 3:
		return Critical
	case 20*bad > good:
		return Major
	}
	return Minor
}
