// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"slices"
	"time"

	"causey/internal/cause"
)

// Key says what a case is about.
type Key struct {
	// Upstream is "" for what the gateway fails at itself, before it has one.
	Upstream string `json:"upstream"`
	Mode     Mode   `json:"mode"`
}

// episodeGap is how long a case has to be free of failures, with requests coming, to
// have recovered; the next failure is another episode then.
const episodeGap = 5 * time.Second

// episodesMax bounds the episodes that are kept: the newest.
const episodesMax = 32

// What comes rarely comes in episodes of less than few failures each. They are looked at
// together, as far back as spellMost, until there are spellLeast failures.
const (
	spellLeast = 8
	spellMost  = 10 * time.Minute
)

// Case is what fails in one mode at one upstream.
type Case struct {
	Key
	// First and Last are when the first and the newest failure came. Failed counts
	// failures that clients got, Saved those that they did not see.
	First, Last   time.Time
	Failed, Saved uint64

	pool     *pool
	all      seconds // of the gateway
	bad      ring
	secs     seconds
	episodes []episode
	wanted   Wanted
	// signs counts signs of the present episode that no request had to do with, signed is
	// when the last one came.
	signs  int
	signed time.Time
}

type episode struct {
	first, last   time.Time
	n             int
	failed, saved uint64 // of the case before it
}

func newCase(k Key, p *pool, all seconds, at time.Time) *Case {
	return &Case{Key: k, First: at, pool: p, all: all, bad: newRing(badFirst, badKept), secs: make(seconds, 120)}
}

// note counts a failure and returns the place for its sample.
func (c *Case) note(at time.Time, seen bool) *sample {
	s := c.place(at)
	if seen {
		c.Failed++
	} else {
		c.Saved++
	}
	c.secs.of(at.Unix()).bad++
	return s
}

// place enters something of this mode without counting it as a request's failure.
func (c *Case) place(at time.Time) *sample {
	if n := len(c.episodes); n == 0 || at.Sub(c.episodes[n-1].last) > episodeGap && c.cameMeanwhile(c.episodes[n-1].last, at) {
		if n == episodesMax {
			c.episodes = append(c.episodes[:0], c.episodes[1:]...)
		}
		c.episodes = append(c.episodes, episode{first: at, last: at, failed: c.Failed, saved: c.Saved})
		c.signs = 0
	}
	e := &c.episodes[len(c.episodes)-1]
	e.n++
	if at.After(e.last) { // failures become known when their exchange is over
		e.last = at
	}
	c.Last = e.last
	return c.bad.place()
}

// cameMeanwhile reports that something went well between two failures.
func (c *Case) cameMeanwhile(from, to time.Time) bool {
	if c.pool == nil {
		return c.all.sum(from.Unix()+1, to.Unix()-1).requests > 0
	}
	return c.pool.secs.sum(from.Unix()+1, to.Unix()-1).good > 0
}

// spell returns the episodes that are looked at together: the newest, and those before it
// while they have few failures.
func (c *Case) spell() []episode {
	first, n := len(c.episodes)-1, 0
	for i := first; i >= 0; i-- {
		e := &c.episodes[i]
		if i < first && (n >= spellLeast || e.n >= few || c.Last.Sub(e.first) > spellMost) {
			break
		}
		n += e.n
		if first = i; e.n >= few {
			break
		}
	}
	return c.episodes[first:]
}

// Recovered reports that things go well again by now: for episodeGap, or where failures
// are rare for some times as long as they were apart.
func (c *Case) Recovered(now time.Time) bool {
	if c.Mode == ModeDisk || c.Mode == ModeCheck {
		return now.Sub(c.Last) > episodeGap // it is looked at, whether requests come or not
	}
	gap, list := episodeGap, c.spell()
	for i := 1; i < len(list); i++ {
		gap = max(gap, min(3*list[i].first.Sub(list[i-1].last), time.Minute))
	}
	return now.Sub(c.Last) > gap && c.cameMeanwhile(c.Last, now)
}

// Rare reports failures that come one by one, among many attempts that go well.
func (c *Case) Rare() bool { return len(c.spell()) >= few }

// Onset is when what is looked at began: the present episode, or the first of a spell of
// rare failures.
func (c *Case) Onset() time.Time { return c.spell()[0].first }

// signsMany are so many signs, of at most one a second, that they tell of something that
// lasts.
const signsMany = 5

// denialsMany is the same of a check that requests deny: an application that is about to
// end has its check fail for a while, and still serves.
const denialsMany = 10

// Signed reports that signs tell of something that lasts, whether requests fail or not.
func (c *Case) Signed(now time.Time) bool {
	many := signsMany
	if c.Mode == ModeCheck {
		many = denialsMany
	}
	return c.signs >= many && now.Sub(c.signed) < episodeGap
}

// present are the samples of what is looked at.
func (c *Case) present() []*sample { return c.bad.since(c.Onset()) }

// during are the attempts at the same upstream, which c has to have, that went well
// meanwhile: until a second after the newest failure.
func (c *Case) during() []*sample {
	last := c.Last.Add(time.Second)
	return slices.DeleteFunc(c.pool.good.since(c.Onset()), func(s *sample) bool { return s.at.After(last) })
}

// Before returns what Failed and Saved were before what is looked at.
func (c *Case) Before() (failed, saved uint64) {
	e := &c.spell()[0]
	return e.failed, e.saved
}

// Symptom is what causes are asked about: what came since the onset.
func (c *Case) Symptom() (s cause.Symptom) {
	if c.Mode.IsCondition() {
		s.Conditions = []string{string(c.Mode)}
		return s
	}
	for _, b := range c.present() {
		switch {
		case !b.try.Failure.IsNone():
			if !slices.Contains(s.Codes, b.try.Failure) {
				s.Codes = append(s.Codes, b.try.Failure)
			}
		case b.try.Status > 0 && len(s.Statuses) == 0: // a mode has one status
			s.Statuses = append(s.Statuses, b.try.Status)
		}
	}
	return s
}
