// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Command bench measures causey beside nginx, HAProxy, Caddy and the floor: the
// same load, the same origin, the same machine, in alternating rounds of one run.
//
// What it is: it starts an origin and every contender on loopback, checks that
// each really relays, drives each with wrk (or the loads of bench/load), and
// prints one table with CPU per request, ratios and bars.
//
// What it never does: it changes nothing on the machine, and ends only processes
// that it started.
//
// Start reading with run; docs/benchmarks.md says how to read the table.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"causey/bench/peers"
)

// options are the flags.
type options struct {
	causey     string
	rounds     int
	seconds    int
	smoke      bool
	workloads  string
	contenders string
	markdown   string
	against    string
	without    string
	pairs      int
}

func main() {
	o := options{}
	flag.StringVar(&o.causey, "causey", "bin/causey", "the causey binary")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds per workload; the median counts")
	flag.IntVar(&o.seconds, "seconds", 4, "seconds per round and contender")
	flag.BoolVar(&o.smoke, "smoke", false, "one short round of few workloads: does everything work? no verdicts")
	flag.StringVar(&o.workloads, "workloads", "", "comma-separated names, all if empty")
	flag.StringVar(&o.contenders, "contenders", "causey,nginx,haproxy,caddy,floor", "comma-separated names")
	flag.StringVar(&o.markdown, "markdown", "", "also write the table to this file, as Markdown")
	flag.StringVar(&o.against, "against", "", "another causey binary: measure what -causey costs beside it, in alternating pairs, and nothing else")
	flag.StringVar(&o.without, "without", "", "a line of configuration that switches something off: measure what it costs that -causey does it, likewise")
	flag.IntVar(&o.pairs, "pairs", 20, "how many pairs, with -against and -without")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	if _, err := exec.LookPath("wrk"); err != nil {
		return errors.New("wrk is not installed; on Debian: apt-get install wrk")
	}
	raiseFileLimit()
	dir, err := os.MkdirTemp("", "causey-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// nginx's workers may run as another user and must reach the files.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if o.smoke {
		o.rounds, o.seconds = 1, 1
	}
	origin, err := startOrigin(dir)
	if err != nil {
		return err
	}
	defer origin.stop()
	if o.against != "" || o.without != "" {
		fmt.Fprintf(out, "%s; %s beside %s, %d pairs of %d s each\n\n", machine(), o.causey, cmp.Or(o.against, "itself with "+o.without), o.pairs, o.seconds)
		return (&bench{ctx: ctx, o: o, dir: dir, origin: origin.addr}).comparePairs(out)
	}
	all, err := startContenders(o, dir, origin.addr, nil, out)
	defer func() {
		for _, c := range all {
			c.stop()
		}
	}()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; %d rounds of %d s, contenders in turn; figures are medians\n\n", machine(), o.rounds, o.seconds)
	t := &table{}
	b := &bench{ctx: ctx, o: o, dir: dir, origin: origin.addr, all: all}
	defer b.close()
	for _, w := range selected(o) {
		rows, err := b.measure(w)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		t.print(out, w, rows, !o.smoke)
	}
	fmt.Fprintln(out, t.verdict(o.smoke))
	if o.markdown != "" {
		return os.WriteFile(o.markdown, t.markdown(o), 0o644)
	}
	return nil
}

// selected returns the workloads to run.
func selected(o options) []workload {
	var names []string
	switch {
	case o.workloads != "":
		names = strings.Split(o.workloads, ",")
	case o.smoke:
		names = []string{"get-64", "post-16k", "get-1m", "new-connection", "tls-resume"}
	default:
		return workloads
	}
	var list []workload
	for _, w := range workloads {
		if slices.Contains(names, w.name) {
			list = append(list, w)
		}
	}
	return list
}

// bench is one run.
type bench struct {
	ctx context.Context
	o   options
	dir string
	// origin is the origin's address.
	origin string
	all    []*contender
	// large is causey with a large configuration, started when first needed.
	large *contender
	// secure are the contenders with TLS, started when first needed.
	secure []*contender
	// certs are causey with many certificates and with one, started when first needed.
	certs []*contender
}

// measure runs one workload in alternating rounds.
func (b *bench) measure(w workload) ([]row, error) {
	all := b.all
	var err error
	switch {
	case w.certs:
		all, err = b.withCerts()
	case w.tls:
		all, err = b.withTLS()
	}
	if err != nil {
		return nil, err
	}
	samples := map[string][]sample{}
	rate := 0.0
	for range b.rounds(w) {
		for _, c := range all {
			if w.skips(c.name) {
				continue
			}
			if err := b.ctx.Err(); err != nil {
				return nil, err
			}
			if w.half && rate == 0 {
				var err error
				if rate, err = b.halfLoad(w, b.reference()); err != nil {
					return nil, err
				}
			}
			s, err := w.run(b, w, c, rate)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			s.started = c.started
			samples[c.name] = append(samples[c.name], s)
		}
	}
	var rows []row
	for _, c := range all {
		if len(samples[c.name]) > 0 {
			rows = append(rows, row{c.name, medianOf(samples[c.name])})
		}
	}
	return rows, nil
}

func (b *bench) rounds(w workload) int {
	if w.once {
		return 1
	}
	return b.o.rounds
}

// largeCausey returns causey with 10,000 routes to 1,000 upstreams.
func (b *bench) largeCausey() (*contender, error) {
	if b.large != nil {
		return b.large, nil
	}
	at := filepath.Join(b.dir, "causey-large")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return nil, err
	}
	v := values{Listen: peers.FreeAddr(), Origin: b.origin, Dir: at, Routes: 10_000, Upstreams: 1_000}
	var err error
	b.large, err = startGateway("causey", b.o, at, v)
	return b.large, err
}

func (b *bench) close() {
	for _, c := range append(b.secure, b.certs...) {
		c.stop()
	}
	if b.large != nil {
		b.large.stop()
	}
}

// reference is the contender whose capacity sets the constant rate: nginx, or
// whoever comes first.
func (b *bench) reference() *contender {
	for _, c := range b.all {
		if c.name == "nginx" {
			return c
		}
	}
	return b.all[0]
}

func raiseFileLimit() {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) == nil && l.Cur < l.Max {
		l.Cur = l.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
	}
}

// machine describes what was measured with.
func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	var u syscall.Utsname
	_ = syscall.Uname(&u)
	release := make([]byte, 0, len(u.Release))
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		release = append(release, byte(c))
	}
	return fmt.Sprintf("%s, %d processors, Linux %s, %s", model, cpus(), release, time.Now().UTC().Format("2006-01-02"))
}

func fileIn(dir, name string) string { return filepath.Join(dir, name) }
