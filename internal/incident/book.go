// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package incident

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"causey/internal/cause"
	"causey/internal/sensor"
)

// Options are what a book needs.
type Options struct {
	Catalogue *cause.Catalogue
	Sensor    *sensor.Sensor
	// Changed is told of each change that is worth telling. It is called with the book
	// locked and must not wait.
	Changed func(*Incident)
	// Grown is told once a minute of an incident of which only numbers changed, likewise.
	Grown func(*Incident)
	// Experiments tries things out, nil for nothing.
	Experiments Experiments
}

// The bounds of a book. I2.
const (
	openMax   = 64
	closedMax = 256
)

// The times of an incident's life.
const (
	confirmAfter = 5 * time.Second // that the same cause has to be sure
	quiet        = 2 * time.Minute // without failures until it is closed
	reopenWithin = time.Hour
	joinWithin   = time.Minute
	atOnce       = 15 * time.Second
)

// Book keeps the incidents.
type Book struct {
	opts Options

	mu     sync.Mutex
	open   []*Incident // the oldest first
	closed []*Incident // the newest first
	onsets map[sensor.Key]*onset
	byCase map[sensor.Key]*Incident
	day    string // of the last id
	number int
}

// New returns an empty book.
func New(o Options) *Book {
	return &Book{opts: o, onsets: map[sensor.Key]*onset{}, byCase: map[sensor.Key]*Incident{}}
}

// seen is what was to be seen of a case at one look. It has nothing of the case itself,
// into which records are taken meanwhile.
type seen struct {
	sensor.Key
	onset, last   time.Time
	failed, saved uint64
	before        counts // failed and saved before the onset
	// bad and good came within recently.
	bad, good        int
	recovered        bool
	clients          int
	sites, exemplars []string
	servers          []string // with failures, that of the newest first
	dialled          netip.AddrPort
	symptom          cause.Symptom
	facts            cause.Facts
	shares           []sensor.Share
}

// counts are how many requests failed, and how many failures visitors did not see.
type counts struct{ failed, saved uint64 }

// recently is over how many seconds it is judged how bad an incident is.
const recently = 30

// Look looks at all cases. looks is what the gateway tells of its upstreams.
func (b *Book) Look(now time.Time, looks []sensor.Look) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[sensor.Key]*seen{}
	b.opts.Sensor.Each(func(c *sensor.Case) {
		look := lookOf(looks, c.Upstream)
		if b.byCase[c.Key] == nil && !b.begins(c, look, now) {
			return
		}
		gone := look == nil && len(looks) > 0 && c.Upstream != ""
		all[c.Key] = b.see(c, look, gone, now)
	})
	for _, k := range sorted(all) {
		if b.byCase[k] == nil {
			b.enter(all[k], now)
		}
	}
	for _, i := range slices.Clone(b.open) {
		b.update(i, all, now)
	}
	for k := range b.onsets {
		if b.byCase[k] == nil && now.Unix()-b.onsets[k].last > int64(reopenWithin/time.Second) {
			delete(b.onsets, k)
		}
	}
}

func sorted(all map[sensor.Key]*seen) []sensor.Key {
	keys := make([]sensor.Key, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b sensor.Key) int {
		return cmp.Or(all[a].onset.Compare(all[b].onset), cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Mode, b.Mode))
	})
	return keys
}

func lookOf(looks []sensor.Look, upstream string) *sensor.Look {
	for i := range looks {
		if looks[i].Upstream == upstream {
			return &looks[i]
		}
	}
	return nil
}

// begins reports that a case has become more than ordinary.
func (b *Book) begins(c *sensor.Case, look *sensor.Look, now time.Time) bool {
	o := b.onsets[c.Key]
	if o == nil {
		o = &onset{}
		b.onsets[c.Key] = o
	}
	rises := o.step(c, now)
	return now.Sub(c.Last) < 10*time.Second && (rises || hopeless(c, now) || down(c, look, now) || c.Signed(now)) || b.namedThoughRare(c, look, now)
}

// Rare failures are below any alarm, and may have a cause that can be named all the same:
// it is looked for now and then.
const (
	rareEvery = 5 // seconds
	rareLeast = 4 // failures
)

// namedThoughRare reports rare failures whose cause is as good as sure.
func (b *Book) namedThoughRare(c *sensor.Case, look *sensor.Look, now time.Time) bool {
	if now.Unix()%rareEvery != 0 || !c.Rare() || c.Failed+c.Saved < rareLeast || now.Sub(c.Last) > time.Minute {
		return false
	}
	r := b.opts.Catalogue.Rank(c.Symptom(), b.opts.Sensor.Facts(c, look, now))
	return len(r.Causes) > 0 && r.Causes[0].Confidence >= cause.Sure
}

// see collects what is to be known of a case, of an upstream that is gone from the
// configuration or not. The sensor is locked.
func (b *Book) see(c *sensor.Case, look *sensor.Look, gone bool, now time.Time) *seen {
	s := &seen{
		Key: c.Key, onset: c.Onset(), last: c.Last, failed: c.Failed, saved: c.Saved, clients: c.Clients(),
		sites: c.Sites(), exemplars: c.Exemplars(exemplarsMax), symptom: c.Symptom(),
		facts: b.opts.Sensor.Facts(c, look, now), shares: b.opts.Sensor.Scopes(c),
	}
	s.before.failed, s.before.saved = c.Before()
	s.servers, s.dialled = c.Newest()
	s.recovered = c.Recovered(now) || gone
	s.bad, s.good = c.Recent(now, recently)
	if b.opts.Experiments != nil && c.Mode != sensor.ModeLeft { // slow pages are not asked for once more
		if tried := b.opts.Experiments.Consider(doubtOf(c, s, now)); len(tried) > 0 {
			s.facts = maps.Clone(s.facts) // the doubt has the other one
			maps.Copy(s.facts, tried)
		}
	}
	return s
}

// enter finds the incident that a case belongs to, or opens one. I1.
func (b *Book) enter(s *seen, now time.Time) {
	k := s.Key
	ranking := b.opts.Catalogue.Rank(s.symptom, s.facts)
	top := ranking.Top()
	if isOrdinary(k.Mode) && !isKnownWhy(s, top) {
		return
	}
	for _, i := range b.open {
		if b.belongs(s, top, i) {
			b.join(i, s)
			return
		}
	}
	if len(b.open) >= openMax || b.again(s, now) != nil {
		return
	}
	i := &Incident{ID: b.newID(now), State: Open, Opened: s.onset, Scope: Scope{Level: narrowest(s.shares).Level, Value: narrowest(s.shares).Value}}
	b.open = append(b.open, i)
	b.join(i, s)
}

// join makes a case one of an incident. I1.
func (b *Book) join(i *Incident, s *seen) {
	i.Cases = append(i.Cases, s.Key)
	if i.before == nil {
		i.before = map[sensor.Key]counts{}
	}
	i.before[s.Key] = s.before
	b.byCase[s.Key] = i
	i.note(s)
}

// isKnownWhy reports that a case has a cause, and another one than that visitors do such
// things. That they leave has one only if they do so after equally long.
func isKnownWhy(s *seen, top *cause.Ranked) bool {
	return top != nil && top.Cause.Layer != "client" && (s.Mode != sensor.ModeLeft || s.facts["left_clustered"].True)
}

// isOrdinary reports what is no incident unless it is known why. Answers by which a
// server does something else than it was asked for, as it should: it refuses a request,
// which is mostly the client's fault, does not switch protocols, sends to where the client
// is already. And visitors that leave, or ask for what is not there, live connections that
// end, and checks that are denied.
func isOrdinary(m sensor.Mode) bool {
	status := m.Status()
	return m == sensor.ModeLeft || m == sensor.ModeRoute || m == sensor.ModeEnded || m == sensor.ModeCheck || status > 0 && (status/100 != 5 || status == 501 || status == 505)
}

// again finds the closed incident that comes again. I4.
func (b *Book) again(s *seen, now time.Time) *Incident {
	for n, i := range b.closed {
		if now.Sub(i.Ended) <= reopenWithin && slices.Contains(i.Cases, s.Key) {
			b.closed = slices.Delete(b.closed, n, n+1)
			b.open = append(b.open, i)
			i.State, i.Ended, i.known = Open, time.Time{}, false
			i.Reopened++
			i.Cases, i.Upstreams, i.Sites = nil, nil, nil
			i.failedBefore, i.savedBefore, i.before = i.Failed, i.Saved, nil
			b.join(i, s)
			return i
		}
	}
	return nil
}

// newID returns the next id: the day and a number.
func (b *Book) newID(now time.Time) string {
	if day := now.UTC().Format("20060102"); day != b.day {
		b.day, b.number = day, int(now.UTC().Unix()%86400)*10
	}
	b.number++
	return b.day + "-" + strconv.FormatInt(int64(b.number), 36)
}

// Incidents returns the incidents, those that are open first and the newest first.
func (b *Book) Incidents() []Incident {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Incident, 0, len(b.open)+len(b.closed))
	for n := len(b.open) - 1; n >= 0; n-- {
		if b.open[n].Title != "" {
			out = append(out, b.open[n].copy())
		}
	}
	for _, i := range b.closed {
		out = append(out, i.copy())
	}
	return out
}

func (i *Incident) copy() Incident {
	c := *i
	c.Cases = slices.Clone(i.Cases)
	return c
}

// Restore takes in what another process knew, the newest first. What was not closed is
// closed as of when it was last seen; if it goes on it is the same incident again. I4.
func (b *Book) Restore(list []Incident) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := range list[:min(len(list), closedMax)] {
		i := list[n]
		if i.State != Closed {
			i.State, i.Ended = Closed, i.LastSeen
		}
		i.known = true
		b.closed = append(b.closed, &i)
	}
}

// OfExchange returns the id of the incident that the exchange with this id belongs to,
// "" for none. Of those that are closed only the exemplars are known.
func (b *Book) OfExchange(id string) (incident string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opts.Sensor.Each(func(c *sensor.Case) {
		if i := b.byCase[c.Key]; incident == "" && i != nil && c.Has(id) {
			incident = i.ID
		}
	})
	for _, list := range [][]*Incident{b.open, b.closed} {
		for _, i := range list {
			if incident == "" && slices.Contains(i.Exemplars, id) {
				incident = i.ID
			}
		}
	}
	return incident
}
