// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Command outage measures what visitors lose while servers die, hang, fail and come
// back, behind causey, nginx, HAProxy and Caddy: the same visitors, the same outages,
// the same machine, the gateways in turn.
//
// What it is: scenarios with real servers and with a shop that keeps a journal, visitors
// at a steady rate through each gateway, and one table of what failed, what was cut,
// what came late, and the 99th percentile. The journals say besides what the servers
// saw: orders that were repeated or lost, and how long a failing server was still
// asked.
//
// What it never does: it changes nothing on the machine, and ends only processes that it
// started. It judges nobody: the bars stand in docs/benchmarks.md.
//
// Invariants:
//
//	I1. Each gateway meets fresh servers and is a fresh process in each scenario, so
//	    that none has learned from the last one.
//	I2. An order counts as repeated if it stands twice in the journals, and as lost if
//	    it was confirmed and stands in none, whatever the gateway says.
//	I3. A scenario whose servers are not installed is named in the table, not left out.
//
// Start reading with run; scenarios.go is the list.
package main

import (
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

	"causey/bench/steady"
	"causey/lab/real"
)

// options are the flags.
type options struct {
	causey     string
	scenarios  string
	contenders string
	rate       float64
	seconds    float64
	patience   time.Duration
	smoke      bool
	list       bool
	markdown   string
}

func main() {
	o := options{}
	flag.StringVar(&o.causey, "causey", "bin/causey", "the causey binary")
	flag.StringVar(&o.scenarios, "scenarios", "", "comma-separated names, all if empty")
	flag.StringVar(&o.contenders, "contenders", "causey,nginx,haproxy,caddy", "comma-separated names; direct is no gateway at all")
	flag.Float64Var(&o.rate, "rate", 300, "requests per second")
	flag.Float64Var(&o.seconds, "seconds", 25, "length of a scenario; some last longer than 25 s in proportion")
	flag.DurationVar(&o.patience, "patience", 10*time.Second, "how long a visitor waits")
	flag.BoolVar(&o.smoke, "smoke", false, "two short scenarios: does everything work?")
	flag.BoolVar(&o.list, "list", false, "list the scenarios, and stop")
	flag.StringVar(&o.markdown, "markdown", "", "also write the report to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "outage:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	if o.smoke {
		o.seconds, o.rate, o.patience = 4, 100, 3*time.Second
	}
	list, err := selected(o)
	if err != nil || o.list {
		for _, s := range list {
			fmt.Fprintf(out, "%-16s %s\n", s.name, s.doc)
		}
		return err
	}
	dir, err := os.MkdirTemp("", "causey-outage")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// Real servers run as another user and must reach their files.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	c := &course{o: o, dir: dir, shop: filepath.Join(dir, "labshop")}
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", c.shop, "causey/lab/cmd/labshop").CombinedOutput(); err != nil {
		return fmt.Errorf("building the shop: %w: %s", err, text)
	}
	names := installed(strings.Split(o.contenders, ","), out)
	r := newReport(o, names)
	for _, s := range list {
		for _, name := range names {
			res, err := c.measure(ctx, s, name)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", s.name, name, err)
			}
			fmt.Fprintf(out, "%-16s %-8s %s\n", s.name, name, res.cell())
			r.add(res)
			if res.missing != "" {
				break
			}
		}
	}
	text := r.markdown()
	fmt.Fprintf(out, "\n%s", text)
	if o.markdown != "" {
		return os.WriteFile(o.markdown, []byte(text), 0o644)
	}
	return nil
}

// selected returns the scenarios to run.
func selected(o options) ([]*scenario, error) {
	names := strings.Split(o.scenarios, ",")
	switch {
	case o.scenarios != "":
	case o.smoke:
		names = []string{"kill", "errors"}
	default:
		return scenarios, nil
	}
	var list []*scenario
	for _, name := range names {
		i := slices.IndexFunc(scenarios, func(s *scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q; -list names them", name)
		}
		list = append(list, scenarios[i])
	}
	return list, nil
}

// installed leaves out the peers that are not installed, and says so.
func installed(names []string, out io.Writer) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		if name == "causey" || name == "direct" {
			return false
		}
		_, err := exec.LookPath(name)
		if err != nil {
			fmt.Fprintf(out, "%s is not installed and is left out\n", name)
		}
		return err != nil
	})
}

// course is one run of the command.
type course struct {
	o   options
	dir string
	// shop is the program of the shops.
	shop string
	runs int
}

// measure runs one scenario through one gateway (I1).
func (c *course) measure(ctx context.Context, s *scenario, name string) (*result, error) {
	c.runs++
	dir := filepath.Join(c.dir, fmt.Sprintf("%d-%s-%s", c.runs, s.name, name))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	res := &result{scenario: s, contender: name}
	st, err := c.openStage(ctx, s, dir)
	defer st.close()
	var missing real.ErrMissing
	if errors.As(err, &missing) {
		res.missing = missing.Error()
		return res, nil
	}
	if err != nil {
		return nil, err
	}
	g, err := startGateway(name, c.o, dir, st.setting())
	if err != nil {
		return nil, err
	}
	defer g.stop()
	if err := g.warm(ctx, st); err != nil {
		return nil, err
	}
	played := make(chan error, 1)
	st.begin()
	go func() { played <- st.play(ctx) }()
	res.outcome, err = steady.Run(ctx, c.visits(s, st, g.addr))
	if err := errors.Join(err, <-played); err != nil {
		return nil, err
	}
	if g.ended() {
		res.died = true
	}
	res.audit, err = st.audit(res.outcome)
	return res, err
}

// visits is who comes during a scenario.
func (c *course) visits(s *scenario, st *stage, addr string) steady.Plan {
	p := steady.Plan{
		Addr: addr, PerSecond: c.o.rate, Length: st.length, Patience: c.o.patience, Held: time.Second,
		Conns: 64, Fresh: 0.1, Posts: s.posts, Page: st.kind.page, Form: st.kind.form, Want: st.want,
	}
	if s.bursts {
		p.Burst = max(1, int(c.o.rate))
	}
	return p
}
