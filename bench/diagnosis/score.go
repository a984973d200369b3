// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"causey/lab/fault"
	"causey/lab/judge"
)

// named is the confidence from which on a cause is named; below, the program says that it
// does not know. sure is that from which on it is said without reserve.
const (
	named = 0.5
	sure  = 0.85
)

// result is what the program said of one fault.
type result struct {
	fault   *fault.Fault
	skipped string
	// ended says that the program could not be asked any more; mine which incidents may be
	// this fault's, nil for all.
	ended bool
	mine  func(*judge.Incident) bool

	// rank is the place of the truth in the end, 1 for first, 0 for not named; opened that
	// there was an incident at all.
	rank   int
	opened bool
	// top is what is first in the end, with its confidence.
	top, party string
	confidence float64
	scope      string
	// right is when the truth was first at last, and stayed so.
	right time.Duration
}

// skip says why nothing was scored, where err is one.
func (r *result) skip(err error) {
	var needs fault.ErrNeeds
	switch {
	case err == nil:
	case errors.As(err, &needs):
		r.skipped = needs.What
	default:
		r.skipped = "cannot be made: " + err.Error()
	}
}

// among3 is 1 if the truth is among the first three causes of an incident.
func (r *result) among3() int {
	if r.rank >= 1 && r.rank <= 3 {
		return 1
	}
	return 0
}

// take takes in what is said so long after the fault.
func (r *result) take(list []judge.Incident, after time.Duration) {
	truth := truths(r.fault)
	before := r.rank
	r.rank, r.opened = 0, len(list) > 0
	var best *judge.Incident
	for i := range list {
		if r.mine != nil && !r.mine(&list[i]) {
			continue
		}
		rank := list[i].Rank(truth)
		if best == nil || rank > 0 && (r.rank == 0 || rank < r.rank) {
			best, r.rank = &list[i], rank
		}
	}
	if best != nil {
		r.top, r.party, r.confidence, r.scope = best.Top(), "", best.Confidence(), best.Scope.Level
		if r.confidence >= named {
			r.party = best.Party()
		}
	}
	if r.rank == 1 && before != 1 {
		r.right = after
	}
}

// truths are the causes of which one has to be named.
func truths(f *fault.Fault) []string { return append([]string{f.Cause}, f.Twins...) }

// quiet reports a fault that no incident is to be opened for: it is the client's own.
func quiet(f *fault.Fault) bool { return strings.HasPrefix(f.Cause, "cli.") }

func (r *result) String() string {
	switch {
	case r.skipped != "":
		return fmt.Sprintf("%-40s skipped: %s", r.fault.ID(), r.skipped)
	case quiet(r.fault):
		return fmt.Sprintf("%-40s nothing is to be said: %v", r.fault.ID(), !r.opened)
	case !r.opened:
		return fmt.Sprintf("%-40s no incident", r.fault.ID())
	}
	return fmt.Sprintf("%-40s rank %d, first %s (%.0f %%), scope %s, right after %.1f s", r.fault.ID(), r.rank, r.top, 100*r.confidence, r.scope, r.right.Seconds())
}

// isRightParty reports that the side that is named is that of the truth.
func isRightParty(r *result) bool {
	return slices.ContainsFunc(truths(r.fault), func(id string) bool { return fault.Side(id) == r.party })
}

// score counts results.
type score struct {
	all, first, three, unknown, wrongSure, none, quietAll, quietRight int
	// blamed are those of which a side is named, blamedRight those where it is the right one.
	blamed, blamedRight int
	times               []time.Duration
}

func (s *score) add(r *result) {
	if quiet(r.fault) {
		s.quietAll++
		if !r.opened {
			s.quietRight++
		}
		return
	}
	s.all++
	switch {
	case !r.opened:
		s.none++
	case r.rank == 1:
		s.first++
		s.times = append(s.times, r.right)
	case r.confidence >= sure:
		s.wrongSure++
	case r.confidence < named:
		s.unknown++
	}
	s.three += r.among3()
	if r.party != "" {
		s.blamed++
		if isRightParty(r) {
			s.blamedRight++
		}
	}
}

func (s *score) row(name string) string {
	if s.all == 0 {
		return ""
	}
	percent := func(n int) string { return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(s.all)) }
	median := "-"
	if len(s.times) > 0 {
		slices.Sort(s.times)
		median = fmt.Sprintf("%.1f s", s.times[len(s.times)/2].Seconds())
	}
	party := "-"
	if s.blamed > 0 {
		party = fmt.Sprintf("%.0f %%", 100*float64(s.blamedRight)/float64(s.blamed))
	}
	return fmt.Sprintf("%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, s.all, percent(s.first), percent(s.three), percent(s.unknown), percent(s.none), percent(s.wrongSure), party, median)
}

// report prints the score of both halves, and by layer.
func report(w io.Writer, results []*result) {
	halves, layers := [2]score{}, map[string]*score{}
	var total score
	skipped := 0
	for _, r := range results {
		if r == nil || r.skipped != "" {
			skipped++
			continue
		}
		total.add(r)
		halves[half(r.fault)].add(r)
		layer, _, _ := strings.Cut(r.fault.Cause, ".")
		if layers[layer] == nil {
			layers[layer] = &score{}
		}
		layers[layer].add(r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\n\tfaults\tfirst\tamong three\tunknown\tno incident\twrong and sure\tside right\tmedian time")
	fmt.Fprint(t, halves[0].row("calibrated half"), halves[1].row("scored half"), total.row("all"))
	names := make([]string, 0, len(layers))
	for name := range layers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprint(t, layers[name].row(name))
	}
	_ = t.Flush()
	fmt.Fprintf(w, "\n%d of %d faults of clients opened no incident; %d faults were skipped\n", total.quietRight, total.quietAll, skipped)
}
