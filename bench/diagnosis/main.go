// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Command diagnosis makes faults behind the real program at random moments, while
// visitors come, and scores what the program names: blindly, since it is told nothing.
//
//	go run ./bench/diagnosis                       all faults, once
//	go run ./bench/diagnosis -faults 'tls.*' -seed 7
//
// Faults are of two halves, by their names: the catalogue's weights may be changed after
// looking at the first, and the second only scores. Both are printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"causey/lab/fault"
	"causey/lab/judge"
)

type options struct {
	causey, faults, dump string
	seconds              time.Duration
	parallel             int
	seed                 uint64
}

func main() {
	var o options
	flag.StringVar(&o.causey, "causey", "", "the program; built anew if empty")
	flag.StringVar(&o.faults, "faults", "*", "which faults, by ID, as a pattern of path.Match")
	flag.StringVar(&o.dump, "dump", "", "a directory for the last incidents of each fault, as JSON")
	flag.DurationVar(&o.seconds, "for", 20*time.Second, "how long a fault is looked at")
	flag.IntVar(&o.parallel, "parallel", 2, "how many stages there are at a time")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "what chance begins with")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "diagnosis:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	if o.causey == "" {
		dir, err := os.MkdirTemp("", "causey-diagnosis-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if o.causey, err = judge.Build(dir); err != nil {
			return err
		}
	}
	program, err := filepath.Abs(o.causey)
	if err != nil {
		return err
	}
	var faults []*fault.Fault
	for _, f := range fault.All() {
		if is, err := filepath.Match(o.faults, f.ID()); err != nil {
			return err
		} else if is {
			faults = append(faults, f)
		}
	}
	if len(faults) == 0 {
		return fmt.Errorf("no fault is called %s", o.faults)
	}
	fmt.Printf("%d faults, %v each, seed %d\n", len(faults), o.seconds, o.seed)
	results := make([]*result, len(faults))
	var wg sync.WaitGroup
	slots := make(chan struct{}, max(o.parallel, 1))
	for n, f := range faults {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if ctx.Err() == nil {
				results[n] = play(ctx, o, program, f, o.seed+uint64(n))
				fmt.Println(results[n])
			}
		})
	}
	wg.Wait()
	report(os.Stdout, results)
	return ctx.Err()
}

// half tells the two halves apart: by the fault's name, so that it is the same for ever.
func half(f *fault.Fault) int {
	h := fnv.New32a()
	h.Write([]byte(f.ID()))
	return int(h.Sum32() % 2)
}

// play makes one fault and looks at what is said for the time that there is.
func play(ctx context.Context, o *options, program string, f *fault.Fault, seed uint64) *result {
	r := &result{fault: f}
	p, err := judge.Begin(ctx, program, f, seed)
	defer p.End()
	if err == nil {
		chance := rand.New(rand.NewPCG(seed, 1))
		time.Sleep(4*time.Second + time.Duration(chance.Int64N(int64(4*time.Second))))
		err = p.Break()
	}
	var needs fault.ErrNeeds
	if errors.As(err, &needs) {
		r.skipped = needs.What
		return r
	}
	if err != nil {
		r.skipped = "cannot be made: " + err.Error()
		return r
	}
	began := time.Now()
	for time.Since(began) < o.seconds && ctx.Err() == nil {
		list, err := p.Incidents()
		if err != nil {
			r.skipped = err.Error()
			return r
		}
		r.take(list, time.Since(began))
		time.Sleep(250 * time.Millisecond)
	}
	if o.dump != "" {
		if data, err := p.Whole(); err == nil {
			_ = os.WriteFile(filepath.Join(o.dump, f.ID()+".json"), data, 0o644)
		}
	}
	return r
}
