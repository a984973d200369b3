// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"maps"
	"math"

	"causey/internal/cause"
)

// leastGain is the expected gain, in bits, below which nothing is worth a question.
const leastGain = 0.02

// tie is how much a dearer experiment has to be better than a cheaper one.
const tie = 0.005

// gain returns by how many bits the entropy of a ranking is expected to fall if the
// fact were known. Each cause has its own opinion of what will be observed, which is
// read off the two scores that it would have; the opinions count by the present
// confidences, which are those of now.
func gain(c *cause.Catalogue, s cause.Symptom, f cause.Facts, now *cause.Ranking, fact string) float64 {
	yes, no := suppose(c, s, f, fact, true), suppose(c, s, f, fact, false)
	ifYes, ifNo := scores(&yes), scores(&no)
	likely := now.Unknown / 2 // an unknown cause has no opinion
	for i := range now.Causes {
		id := now.Causes[i].Cause.ID
		y, canYes := ifYes[id]
		n, canNo := ifNo[id]
		switch {
		case canYes && canNo:
			likely += now.Causes[i].Confidence / (1 + math.Exp(n-y))
		case canYes: // the contrary excludes it
			likely += now.Causes[i].Confidence
		}
	}
	return entropy(now) - likely*entropy(&yes) - (1-likely)*entropy(&no)
}

// suppose ranks as if the fact had been observed.
func suppose(c *cause.Catalogue, s cause.Symptom, f cause.Facts, fact string, is bool) cause.Ranking {
	f = maps.Clone(f)
	v := cause.Value{True: is}
	if is && cause.LookupFact(fact).Kind == cause.Word {
		v = cause.Value{Words: []string{"something"}}
	}
	f[fact] = v
	derive(f)
	return c.Rank(s, f)
}

func scores(r *cause.Ranking) map[string]float64 {
	m := make(map[string]float64, len(r.Causes))
	for i := range r.Causes {
		m[r.Causes[i].Cause.ID] = r.Causes[i].Score
	}
	return m
}

// entropy is how much is left to be known, in bits.
func entropy(r *cause.Ranking) float64 {
	bits := func(p float64) float64 {
		if p <= 0 {
			return 0
		}
		return -p * math.Log2(p)
	}
	h := bits(r.Unknown)
	for i := range r.Causes {
		h += bits(r.Causes[i].Confidence)
	}
	return h
}

// suspects are how many of the first causes are taken to heart.
const suspects = 3

// isPoisoned reports that one page may be what kills servers. I2.
func isPoisoned(r *cause.Ranking) bool {
	for i := range r.Causes[:min(len(r.Causes), suspects)] {
		if r.Causes[i].Cause.ID == "app.poison_request" {
			return true
		}
	}
	return false
}
