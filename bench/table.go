// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// row is one contender's median.
type row struct {
	name string
	sample
}

// medianOf takes the median of each figure by itself.
func medianOf(list []sample) sample {
	pick := func(f func(sample) float64) float64 {
		v := make([]float64, len(list))
		for i, s := range list {
			v[i] = f(s)
		}
		slices.Sort(v)
		if n := len(v); n%2 == 0 {
			return (v[n/2-1] + v[n/2]) / 2
		}
		return v[len(v)/2]
	}
	m := sample{
		value:  pick(func(s sample) float64 { return s.value }),
		perSec: pick(func(s sample) float64 { return s.perSec }),
		p50:    time.Duration(pick(func(s sample) float64 { return float64(s.p50) })),
		p99:    time.Duration(pick(func(s sample) float64 { return float64(s.p99) })),
	}
	for _, s := range list {
		m.failed += s.failed
		m.started = max(m.started, s.started)
	}
	return m
}

// table collects what was printed.
type table struct {
	text   bytes.Buffer
	missed []string
	bars   int
}

// judge returns causey's ratios to the better peer and to the floor; NaN where
// there is nothing to compare with.
func judge(rows []row) (toPeer, toFloor float64) {
	own, peer, floor := math.NaN(), math.NaN(), math.NaN()
	for _, r := range rows {
		switch r.name {
		case "causey":
			own = r.value
		case "nginx", "haproxy", oneCert:
			if math.IsNaN(peer) || r.value < peer {
				peer = r.value
			}
		case "floor":
			floor = r.value
		}
	}
	return own / peer, own / floor
}

// print writes one workload's part of the table.
func (t *table) print(out io.Writer, w workload, rows []row, verdicts bool) {
	p := io.MultiWriter(out, &t.text)
	fmt.Fprintf(p, "%s\n", w.title)
	fmt.Fprintf(p, "  %-10s %18s %14s %10s %10s %8s\n", "", w.metric, w.counted(), "p50 ms", "p99 ms", "failed")
	for _, r := range rows {
		fmt.Fprintf(p, "  %-10s %18s %14s %10s %10s %8d\n", r.name, figure(r.value), figure(r.perSec), millis(r.p50), millis(r.p99), r.failed)
	}
	if verdicts {
		t.judge(p, w, rows)
	}
	fmt.Fprintln(p)
}

func (t *table) judge(p io.Writer, w workload, rows []row) {
	toPeer, toFloor := judge(rows)
	for _, b := range []struct {
		what       string
		ratio, bar float64
	}{{w.peer(), toPeer, w.bar}, {"the floor", toFloor, w.floorBar}} {
		if math.IsNaN(b.ratio) {
			continue
		}
		line := fmt.Sprintf("  causey is %.2f × %s", b.ratio, b.what)
		if b.bar > 0 {
			line += t.bar(b.ratio, b.bar, w.name+" against "+b.what)
		}
		fmt.Fprintln(p, line)
	}
	for _, r := range rows {
		if r.name == "causey" && w.startBar > 0 {
			took := r.started.Seconds()
			fmt.Fprintf(p, "  causey answers %.2f s after its start%s\n", took, t.bar(took, w.startBar.Seconds(), w.name+" at its start"))
		}
	}
}

// bar judges one figure, and says so.
func (t *table) bar(figure, bar float64, what string) string {
	t.bars++
	if figure <= bar {
		return fmt.Sprintf(", bar %.2f: met", bar)
	}
	t.missed = append(t.missed, what)
	return fmt.Sprintf(", bar %.2f: missed", bar)
}

// verdict is the last line.
func (t *table) verdict(smoke bool) string {
	if smoke {
		return "every contender relayed every workload; a smoke run judges nothing"
	}
	if len(t.missed) == 0 {
		return fmt.Sprintf("%d of %d bars met", t.bars, t.bars)
	}
	return fmt.Sprintf("%d of %d bars met; missed: %s", t.bars-len(t.missed), t.bars, strings.Join(t.missed, ", "))
}

// markdown is the whole table as a file.
func (t *table) markdown(o options) []byte {
	return fmt.Appendf(nil, "```\n$ make bench\n%s; %d rounds of %d s, contenders in turn; figures are medians\n\n%s%s\n```\n",
		machine(), o.rounds, o.seconds, t.text.String(), t.verdict(o.smoke))
}

func figure(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func millis(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(d.Microseconds())/1000)
}
