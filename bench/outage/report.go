// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"causey/bench/steady"
)

// result is one scenario through one gateway.
type result struct {
	scenario  *scenario
	contender string
	// missing is why it could not be run, empty if it was.
	missing string
	// died: the gateway's own process ended.
	died    bool
	outcome *steady.Outcome
	audit   audit
}

// cell is its place in the table.
func (r *result) cell() string {
	switch {
	case r.missing != "":
		return r.missing
	case r.died:
		return "the gateway died"
	}
	o := r.outcome
	all := o.Gets.Plus(o.Posts)
	return fmt.Sprintf("%d / %d / %d / %d / %s", o.Gets.Failed, o.Posts.Failed, all.Cut, all.Held, millis(o.Latency.Quantile(0.99)))
}

// seen is its place in the table of what the servers saw.
func (r *result) seen() string {
	a := r.audit
	if !a.kept {
		return "-"
	}
	return fmt.Sprintf("%d / %d / %.2f / %s / %s", a.repeated, a.lost, a.load, a.ejected, a.back)
}

func (s span) String() string {
	switch {
	case !s.known:
		return "-"
	case s.never:
		return "never"
	}
	return fmt.Sprintf("%.1f s", s.d.Seconds())
}

func millis(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// report collects the results.
type report struct {
	o     options
	names []string
	rows  []*scenario
	cells map[*scenario]map[string]*result
	// lag is the longest that the visitors themselves were late.
	lag time.Duration
}

func newReport(o options, names []string) *report {
	return &report{o: o, names: names, cells: map[*scenario]map[string]*result{}}
}

func (r *report) add(res *result) {
	if r.cells[res.scenario] == nil {
		r.rows = append(r.rows, res.scenario)
		r.cells[res.scenario] = map[string]*result{}
	}
	r.cells[res.scenario][res.contender] = res
	if res.outcome != nil {
		r.lag = max(r.lag, res.outcome.Lag.Quantile(0.99))
	}
}

// markdown is the whole report.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %g requests/s for %g s or longer, a tenth of them orders; visitors leave after %s; 99 %% of the requests were sent at most %s late\n\n",
		time.Now().UTC().Format("2006-01-02"), r.o.rate, r.o.seconds, r.o.patience, millis(r.lag))
	b.WriteString("GETs failed / POSTs failed / answers cut / answers later than 1 s / 99th percentile:\n\n")
	table := r.table((*result).cell, func(*scenario) bool { return true })
	b.WriteString(aligned(append(table, r.totals())))
	b.WriteString("\nWhat the servers' journals say: orders repeated / confirmed orders lost / requests per request of a visitor / " +
		"a failing server asked for / a good one back after:\n\n")
	b.WriteString(aligned(r.table((*result).seen, func(s *scenario) bool { return s.origin == "shop" })))
	b.WriteString(r.failures())
	return b.String()
}

// table has a line for each scenario and a column for each contender.
func (r *report) table(cell func(*result) string, has func(*scenario) bool) [][]string {
	lines := [][]string{append([]string{"scenario"}, r.names...)}
	for _, s := range r.rows {
		if !has(s) {
			continue
		}
		line := []string{s.name}
		for _, name := range r.names {
			if res := r.cells[s][name]; res != nil {
				line = append(line, cell(res))
			} else {
				line = append(line, "-")
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// totals is the last line of the table: shares in percent, and the worst percentile.
func (r *report) totals() []string {
	line := []string{"all, %"}
	for _, name := range r.names {
		var gets, posts steady.Tally
		var worst time.Duration
		for _, s := range r.rows {
			if res := r.cells[s][name]; res != nil && res.outcome != nil {
				gets, posts = gets.Plus(res.outcome.Gets), posts.Plus(res.outcome.Posts)
				worst = max(worst, res.outcome.Latency.Quantile(0.99))
			}
		}
		all := gets.Plus(posts)
		line = append(line, fmt.Sprintf("%s / %s / %s / %s / %s", percent(gets.Failed, gets.Due), percent(posts.Failed, posts.Due),
			percent(all.Cut, all.Due), percent(all.Held, all.Due), millis(worst)))
	}
	return line
}

func percent(n, of int) string {
	if n == 0 || of == 0 {
		return "0"
	}
	return fmt.Sprintf("%.3f", 100*float64(n)/float64(of))
}

// failures names what failed and was cut, with examples.
func (r *report) failures() string {
	var b strings.Builder
	for _, s := range r.rows {
		for _, name := range r.names {
			res := r.cells[s][name]
			if res == nil || res.outcome == nil || len(res.outcome.Reasons) == 0 {
				continue
			}
			fmt.Fprintf(&b, "\n%s, %s:\n\n", s.name, name)
			for _, what := range slices.Sorted(maps.Keys(res.outcome.Reasons)) {
				fmt.Fprintf(&b, "- %d × %s\n", res.outcome.Reasons[what], what)
			}
			for _, e := range res.outcome.Examples {
				fmt.Fprintf(&b, "  - %s\n", e)
			}
		}
	}
	if b.Len() == 0 {
		return "\nNothing failed, and nothing was cut.\n"
	}
	return "\nWhat failed and what was cut, with the first examples:\n" + b.String()
}

// aligned is a table of Markdown that can be read as text too.
func aligned(lines [][]string) string {
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for n, line := range lines {
		for i, cell := range line {
			fmt.Fprintf(&b, "| %-*s ", width[i], cell)
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i := range line {
			b.WriteString("|" + strings.Repeat("-", width[i]+2))
		}
		b.WriteString("|\n")
	}
	return b.String()
}
