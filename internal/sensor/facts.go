// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"causey/internal/cause"
	"causey/internal/record"
)

// before is how far back from the onset good attempts are compared with.
const before = time.Minute

// view is one case at one moment: its failures, and what went well meanwhile.
type view struct {
	s     *Sensor
	c     *Case
	now   time.Time
	onset time.Time
	look  *Look
	// bad are failures since the onset, asked are those of them that requests had, good are
	// attempts at the same upstream from a minute before the onset on; during are those of
	// them from the onset to the newest failure.
	bad, asked, good, during []*sample
	// failing counts the failures of each server that has some.
	failing map[string]int

	facts cause.Facts
}

// Facts returns what is to be seen of c. look is what the gateway tells of its upstream
// now, nil for nothing. It is to be called within Each.
func (s *Sensor) Facts(c *Case, look *Look, now time.Time) cause.Facts {
	v := &view{s: s, c: c, now: now, onset: c.Onset(), look: look, facts: cause.Facts{}}
	v.bad = c.present()
	if len(v.bad) == 0 {
		return v.facts
	}
	v.asked, v.failing = requested(v.bad), v.countFailing()
	if c.pool != nil {
		v.good = c.pool.good.since(v.onset.Add(-before))
		v.during = c.during()
	}
	if record.IsMissing(c.Mode.Status()) { // such answers are counted as good
		missing := func(s *sample) bool { return record.IsMissing(s.try.Status) }
		v.good, v.during = slices.DeleteFunc(v.good, missing), slices.DeleteFunc(v.during, missing)
	}
	for _, topic := range []func(*view){
		seeFailure, seeBroken, seeAddress, seeName, seeTLS, seeConnection, seeTime, seeShare, seeServers, seePaths, seeNames, seeClients, seeOthers,
		seeRequest, seeHistory, seeSoftware, seeLoad, seeWaits, seeBodies, seeAsked, seeLeft, seeHands, seePauses, seeAnswers, seeMakers, seeGateway, seeHost,
	} {
		topic(v)
	}
	return v.facts
}

func (v *view) truth(name string, is bool, say string, args ...any) {
	v.facts[name] = cause.Value{True: is, Say: fmt.Sprintf(say, args...)}
}

func (v *view) number(name string, n float64, say string, args ...any) {
	v.facts[name] = cause.Value{Num: n, Say: fmt.Sprintf(say, args...)}
}

func (v *view) words(name string, w []string, say string, args ...any) {
	v.facts[name] = cause.Value{Words: w, Say: fmt.Sprintf(say, args...)}
}

// most notes a truth that holds for most of the failures of which it is known. It is not
// noted where it is known of none.
func (v *view) most(name string, of func(*sample) (is, known bool), say string) {
	yes, all := v.count(of)
	if all > 0 {
		v.truth(name, 2*yes > all, "%s", tally(yes, all, say))
	}
}

func (v *view) count(of func(*sample) (is, known bool)) (yes, all int) {
	for _, b := range v.bad {
		if is, known := of(b); known {
			all++
			if is {
				yes++
			}
		}
	}
	return yes, all
}

// tally is "3 of 4 failures" with what is said of them behind it, as portion.
func tally(n, of int, say string) string { return portion(n, of, "failure", say) }

// portion is "3 of 4 servers" with what is said of them behind it: a verb in the plural,
// or in a form that is both, and no other word that has a number. "1 of 1" is "the only".
func portion(n, of int, thing, say string) string {
	if n == 1 || of == 1 {
		verb, rest, _ := strings.Cut(say, " ")
		if one, ok := map[string]string{"are": "is", "were": "was", "have": "has", "give": "gives"}[verb]; ok {
			say = one + " " + rest
		}
	}
	switch {
	case of == 1 && n == 1:
		return "the only " + thing + " " + say
	case of == 1 && n == 0:
		return "no " + thing + " " + say
	}
	return fmt.Sprintf("%d of %d %ss %s", n, of, thing, say)
}

// some is a number of things in words.
func some(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// majority returns what most of the samples have, of two the smaller, and how many do; ok
// is false where less than half of those that have anything have it.
func majority[T cmp.Ordered](list []*sample, of func(*sample) (T, bool)) (most T, n, all int, ok bool) {
	keys, counts, all := shares(list, of)
	if all == 0 {
		return most, 0, 0, false
	}
	n = counts[keys[0]]
	return keys[0], n, all, 2*n >= all
}

// middle returns the median of what samples have, in seconds or whatever it is.
func middle[S any](list []S, of func(S) (float64, bool)) (median float64, sorted []float64) {
	for _, s := range list {
		if x, known := of(s); known {
			sorted = append(sorted, x)
		}
	}
	if len(sorted) == 0 {
		return 0, nil
	}
	slices.Sort(sorted)
	return sorted[len(sorted)/2], sorted
}

// clustered reports that four fifths of at least 3 sorted numbers lie within a width of
// each other.
func clustered(sorted []float64, width float64) bool {
	if len(sorted) < 3 {
		return false
	}
	n := int(math.Ceil(0.8 * float64(len(sorted))))
	for i := 0; i+n <= len(sorted); i++ {
		if sorted[i+n-1]-sorted[i] <= width {
			return true
		}
	}
	return false
}

// span says between which two of its numbers most of a sorted list lies.
func span(sorted []float64) string {
	low, high := sorted[len(sorted)/10], sorted[len(sorted)-1-len(sorted)/10]
	if high-low < 0.1 {
		return fmt.Sprintf("%.1f s", high)
	}
	return fmt.Sprintf("%.1f to %.1f s", low, high)
}

// sizes says between which two of its numbers of bytes most of a sorted list lies.
func sizes(sorted []float64) string {
	low, high := sorted[len(sorted)/10], sorted[len(sorted)-1-len(sorted)/10]
	if low == high {
		return bytesText(high)
	}
	return bytesText(low) + " to " + bytesText(high)
}

// shares counts what samples have, the most frequent first.
func shares[S any, T cmp.Ordered](list []S, of func(S) (T, bool)) (keys []T, counts map[T]int, all int) {
	counts = map[T]int{}
	for _, s := range list {
		if k, known := of(s); known {
			counts[k]++
			all++
		}
	}
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b T) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return keys, counts, all
}
