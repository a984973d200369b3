// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

const wrkText = `Running 1s test @ http://127.0.0.1:9000/
  1 threads and 64 connections
  Latency Distribution
     50%    1.50ms
     75%    2.00ms
     90%    3.00ms
     99%   12.44ms
  40706 requests in 1.00s, 48.25MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  40706.82
Transfer/sec:     48.25MB
`

func TestParseWrk(t *testing.T) {
	r, err := parseWrk(wrkText)
	want := wrkResult{requests: 40706, bytes: 48.25 * (1 << 20), perSec: 40706.82, p50: 1500 * time.Microsecond, p99: 12440 * time.Microsecond, failed: 15}
	if err != nil || r != want {
		t.Errorf("%+v, %v; want %+v", r, err, want)
	}
	for _, bad := range []string{"", "unable to connect", strings.Replace(wrkText, "40706 requests", "0 requests", 1)} {
		if _, err := parseWrk(bad); err == nil {
			t.Errorf("%q is taken for a result", bad)
		}
	}
}

func TestBarsAreJudged(t *testing.T) {
	rows := func(own float64) []row {
		return []row{{"causey", sample{value: own}}, {"nginx", sample{value: 20}}, {"haproxy", sample{value: 18}}, {"floor", sample{value: 14}}}
	}
	w := workload{name: "w", metric: cpuPerRequest, bar: 0.95, floorBar: 1.3}
	for _, c := range []struct {
		own    float64
		missed int
	}{{17, 0}, {17.5, 1}, {19, 2}} {
		tb := &table{}
		tb.print(&bytes.Buffer{}, w, rows(c.own), true)
		if len(tb.missed) != c.missed || tb.bars != 2 {
			t.Errorf("%v: missed %v of %d", c.own, tb.missed, tb.bars)
		}
	}
}

// The row about certificates has a bar for the start, and one against causey itself.
func TestCertificatesAreJudged(t *testing.T) {
	w := workload{name: "w", metric: cpuPerRequest, bar: 1.05, startBar: 2 * time.Second, certs: true}
	for _, c := range []struct {
		own     float64
		started time.Duration
		missed  int
	}{{20, time.Second, 0}, {22, time.Second, 1}, {22, 3 * time.Second, 2}} {
		tb, out := &table{}, &bytes.Buffer{}
		tb.print(out, w, []row{{"causey", sample{value: c.own, started: c.started}}, {oneCert, sample{value: 20}}}, true)
		if len(tb.missed) != c.missed || tb.bars != 2 || !strings.Contains(out.String(), "itself with one certificate") {
			t.Errorf("%v: missed %v of %d: %s", c, tb.missed, tb.bars, out)
		}
	}
}

func TestMedian(t *testing.T) {
	m := medianOf([]sample{{value: 3, failed: 1}, {value: 1}, {value: 2, failed: 2}})
	if m.value != 2 || m.failed != 3 {
		t.Errorf("%+v", m)
	}
	if m := medianOf([]sample{{value: 1}, {value: 2}}); m.value != 1.5 {
		t.Errorf("%+v", m)
	}
}

func TestStatFieldsFindUtime(t *testing.T) {
	f := statFields(os.Getpid())
	if len(f) < 13 {
		t.Fatalf("%d fields", len(f))
	}
	if statFields(-1) != nil {
		t.Error("a process that is not there has fields")
	}
}

func TestParseTicks(t *testing.T) {
	got, err := parseTicks("cpu  10 1 5 100 20 2 3 4 7 0\ncpu0 1 2 3\n")
	if want := (ticks{busy: 25, all: 145}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8", "cpu 1 2 3 x 5 6 7 8"} {
		if got, err := parseTicks(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

// The interval is that of the binomial distribution: of twenty values the sixth and
// the fifteenth, of which tables say 95.9 %.
func TestInterval(t *testing.T) {
	var v []float64
	for i := range 20 {
		v = append(v, float64((i*7)%20+1))
	}
	if median, low, high := interval(v); median != 10.5 || low != 6 || high != 15 {
		t.Errorf("median %v, from %v to %v", median, low, high)
	}
	if median, low, high := interval([]float64{3}); median != 3 || low != 3 || high != 3 {
		t.Errorf("of one value: %v, from %v to %v", median, low, high)
	}
}
