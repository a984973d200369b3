// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"cmp"
	"math"
	"slices"

	"causey/internal/failure"
)

// WeightMax bounds one line of a score: odds of 20 to 1. I3.
const WeightMax = 3.0

// Symptom is what the causes are asked about: failures of these codes, answers of these
// statuses, or some of Conditions.
type Symptom struct {
	Codes      []failure.Code
	Statuses   []int
	Conditions []string
}

// Ranked is one cause with its score.
type Ranked struct {
	Cause *Entry
	// Score is the sum of its lines, in natural logarithms of odds. Confidence is its
	// share among all that came into question and the unknown, 0 to 1.
	Score, Confidence float64
	// Lines are those of its evidence whose facts were observed, the heaviest first.
	Lines []Weighed
}

// Weighed is a line of evidence that counted.
type Weighed struct {
	Fact string
	// Weight is for the cause, or against it if negative.
	Weight float64
	// Say is what was observed.
	Say string
}

// Ranking is what can be said about a symptom.
type Ranking struct {
	// Causes are those that come into question, the likeliest first.
	Causes []Ranked
	// Unknown is the share of confidence that none of them has.
	Unknown float64
}

// unknownScore is that of a cause that the catalogue does not have: with no evidence
// beyond what all share, an everyday cause is as likely as not.
const unknownScore = 0.5

// The bounds of what is said about the first of a ranking: Sure is said without
// reserve, Likely with it, and below that the cause is unknown.
const (
	Sure   = 0.85
	Likely = 0.5
)

// Rank weighs all causes that may be behind a symptom. I4.
func (c *Catalogue) Rank(s Symptom, f Facts) Ranking {
	var out Ranking
	for _, e := range c.entries {
		if e.explains(s) && e.possible(f) {
			out.Causes = append(out.Causes, e.weigh(f))
		}
	}
	slices.SortStableFunc(out.Causes, func(a, b Ranked) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Cause.Number, b.Cause.Number))
	})
	sum := math.Exp(unknownScore)
	for _, r := range out.Causes {
		sum += math.Exp(r.Score)
	}
	for i := range out.Causes {
		out.Causes[i].Confidence = math.Exp(out.Causes[i].Score) / sum
	}
	out.Unknown = math.Exp(unknownScore) / sum
	return out
}

// Top returns the likeliest cause if it is likely enough to be named, nil otherwise.
func (r *Ranking) Top() *Ranked {
	if len(r.Causes) == 0 || r.Causes[0].Confidence < Likely {
		return nil
	}
	return &r.Causes[0]
}

// explains reports that what s is of can come from e at all.
func (e *Entry) explains(s Symptom) bool {
	return slices.ContainsFunc(s.Conditions, func(c string) bool { return slices.Contains(e.Conditions, c) }) ||
		slices.ContainsFunc(s.Codes, func(c failure.Code) bool { return slices.Contains(e.codes, c) }) ||
		slices.ContainsFunc(s.Statuses, func(status int) bool {
			return slices.ContainsFunc(e.statuses, func(r statusRange) bool { return r.low <= status && status <= r.high })
		})
}

// possible reports that nothing observed excludes e.
func (e *Entry) possible(f Facts) bool {
	return !slices.ContainsFunc(e.needs, func(p predicate) bool { is, known := p.holds(f); return known && !is })
}

func (e *Entry) weigh(f Facts) Ranked {
	r := Ranked{Cause: e, Score: priorScores[e.Prior]}
	for i := range e.Evidence {
		l := &e.Evidence[i]
		is, known := l.predicate.holds(f)
		w := l.No
		if is {
			w = l.Yes
		}
		if !known || w == 0 {
			continue
		}
		r.Score += w
		r.Lines = append(r.Lines, Weighed{l.predicate.fact.Name, w, f[l.predicate.fact.Name].Say})
	}
	slices.SortStableFunc(r.Lines, func(a, b Weighed) int { return cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)) })
	return r
}
