// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"causey/bench/peers"
)

// comparePairs measures two gateways in alternating pairs, another binary and this one, or
// this one without something and with it: what the second one costs beside the first. One
// pair says little on a shared machine; the median of twenty, with an interval, says
// whether there is a difference at all.
func (b *bench) comparePairs(out io.Writer) error {
	var two [2]*contender
	for i, binary := range []string{cmp.Or(b.o.against, b.o.causey), b.o.causey} {
		at := filepath.Join(b.dir, fmt.Sprint("pair-", i))
		if err := os.Mkdir(at, 0o755); err != nil {
			return err
		}
		o, v := b.o, values{Listen: peers.FreeAddr(), Origin: b.origin, Dir: at}
		if o.causey = binary; i == 0 {
			v.Line = o.without
		}
		var err error
		if two[i], err = startGateway("causey", o, at, v); err != nil {
			return err
		}
		defer two[i].stop()
		if err := two[i].check(b.origin); err != nil {
			return fmt.Errorf("%s does not relay: %w", binary, err)
		}
	}
	for _, w := range selected(b.o) {
		if w.tls || w.certs || w.half || w.once {
			continue
		}
		ratios, err := b.pairsOf(w, two)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		writePairs(out, w, ratios)
	}
	return nil
}

// pairsOf returns the second one's cost as a multiple of the first's, pair by pair.
// Who begins alternates, so that a machine that grows slower favours nobody.
func (b *bench) pairsOf(w workload, two [2]*contender) ([]float64, error) {
	var ratios []float64
	for i := range b.o.pairs {
		var cost [2]float64
		for k := range two {
			at := (i + k) % 2
			if err := b.ctx.Err(); err != nil {
				return nil, err
			}
			s, err := w.run(b, w, two[at], 0)
			if err != nil {
				return nil, err
			}
			if s.failed > 0 {
				return nil, fmt.Errorf("%d requests failed", s.failed)
			}
			cost[at] = s.value
		}
		ratios = append(ratios, cost[1]/cost[0])
	}
	return ratios, nil
}

func writePairs(out io.Writer, w workload, ratios []float64) {
	texts := make([]string, len(ratios))
	for i, r := range ratios {
		texts[i] = fmt.Sprintf("%.3f", r)
	}
	median, low, high := interval(ratios)
	fmt.Fprintf(out, "%s\n  %s of each pair: %s\n  median %.3f, 95 %% interval %.3f to %.3f, %d pairs\n\n",
		w.title, w.metric, strings.Join(texts, " "), median, low, high, len(ratios))
}

// interval returns the median of values and an interval that holds the true one with
// a probability of at least 95 %, whatever their distribution is: between the two
// order statistics of which the binomial distribution says so (the sign test).
func interval(values []float64) (median, low, high float64) {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	median = (v[(n-1)/2] + v[n/2]) / 2
	// below is the probability that fewer than k+1 of n fair coins fall on one side.
	below, term := 0.0, 1.0
	for range n {
		term /= 2
	}
	k := 0
	for ; k < (n-1)/2; k++ {
		if below+term > 0.025 {
			break
		}
		below += term
		term *= float64(n-k) / float64(k+1)
	}
	k = max(k-1, 0)
	return median, v[k], v[n-1-k]
}
