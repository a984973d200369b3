// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// predicate says something about one fact:
//
//	NAME           a Truth is true, a Number is not 0, a Word is there
//	!NAME          the contrary
//	NAME=A,B       a Number or Word is one of these; of several words, one is
//	NAME=LOW..HIGH a Number lies between the two, both included
//	NAME<N         a Number is below; also >
type predicate struct {
	fact *Fact
	not  bool
	op   byte // 0, '=', '<', '>'
	// words or ranges are what it is compared with.
	words  []string
	ranges [][2]float64
}

var errPredicate = errors.New("want NAME, !NAME, NAME=A,B, NAME=LOW..HIGH, NAME<N or NAME>N")

func parsePredicate(s string) (p predicate, err error) {
	name, p2 := s, predicate{}
	if rest, ok := strings.CutPrefix(name, "!"); ok {
		name, p2.not = rest, true
	}
	value := ""
	if i := strings.IndexAny(name, "=<>"); i >= 0 {
		p2.op, value, name = name[i], name[i+1:], name[:i]
	}
	if p2.fact = LookupFact(name); p2.fact == nil {
		return p, fmt.Errorf("%q: there is no fact %q", s, name)
	}
	switch {
	case p2.op == 0:
		return p2, nil
	case value == "" || p2.fact.Kind == Truth || p2.op != '=' && p2.fact.Kind != Number:
		return p, fmt.Errorf("%q: %w", s, errPredicate)
	case p2.fact.Kind == Word:
		p2.words = strings.Split(value, ",")
		return p2, nil
	}
	for v := range strings.SplitSeq(value, ",") {
		low, high, is := strings.Cut(v, "..")
		if !is {
			high = low
		}
		a, err1 := strconv.ParseFloat(low, 64)
		b, err2 := strconv.ParseFloat(high, 64)
		if err1 != nil || err2 != nil || a > b {
			return p, fmt.Errorf("%q: %w", s, errPredicate)
		}
		p2.ranges = append(p2.ranges, [2]float64{a, b})
	}
	return p2, nil
}

// holds reports whether p is true of the facts; known is false if its fact was not
// observed. I2.
func (p *predicate) holds(f Facts) (is, known bool) {
	v, known := f[p.fact.Name]
	if !known {
		return false, false
	}
	return p.of(v) != p.not, true
}

func (p *predicate) of(v Value) bool {
	switch {
	case p.op == 0 && p.fact.Kind == Truth:
		return v.True
	case p.op == 0 && p.fact.Kind == Number:
		return v.Num != 0
	case p.op == 0:
		return len(v.Words) > 0
	case p.op == '<':
		return v.Num < p.ranges[0][0]
	case p.op == '>':
		return v.Num > p.ranges[0][1]
	case p.fact.Kind == Word:
		return slices.ContainsFunc(v.Words, func(w string) bool {
			return slices.ContainsFunc(p.words, func(want string) bool { return matches(want, w) })
		})
	}
	return slices.ContainsFunc(p.ranges, func(r [2]float64) bool { return r[0] <= v.Num && v.Num <= r[1] })
}

// matches reports whether a word is the wanted one, which may end in "*".
func matches(want, word string) bool {
	front, open := strings.CutSuffix(want, "*")
	return word == want || open && strings.HasPrefix(word, front)
}
