// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Command diagnosis makes faults behind the real program at random moments, while
// visitors come, and scores what the program names: blindly, since it is told nothing.
//
//	go run ./bench/diagnosis                       all faults, once
//	go run ./bench/diagnosis -faults 'tls.*' -seed 7
//	go run ./bench/diagnosis -pairs 40             two at once, behind one gateway
//
// Faults are of two halves, by their names: the catalogue's weights may be changed after
// looking at the first, and the second only scores. Both are printed.
package main

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"causey/lab/fault"
	"causey/lab/judge"
)

type options struct {
	causey, faults, dump string
	seconds              time.Duration
	parallel, pairs      int
	seed                 uint64
}

func main() {
	var o options
	flag.StringVar(&o.causey, "causey", "", "the program; built anew if empty")
	flag.StringVar(&o.faults, "faults", "*", "which faults, by ID, as a pattern of path.Match")
	flag.StringVar(&o.dump, "dump", "", "a directory for the last incidents of each fault, as JSON")
	flag.DurationVar(&o.seconds, "for", 20*time.Second, "how long a fault is looked at")
	flag.IntVar(&o.parallel, "parallel", 2, "how many stages there are at a time")
	flag.IntVar(&o.pairs, "pairs", 0, "in place of single faults, so many times two that chance picks")
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
	if o.pairs > 0 {
		return runPairs(ctx, o, program, faults)
	}
	fmt.Printf("%d faults, %v each, seed %d\n", len(faults), o.seconds, o.seed)
	results := make([]*result, len(faults))
	atATime(o.parallel, len(faults), func(n int) {
		if ctx.Err() == nil {
			results[n] = &result{fault: faults[n]}
			play(ctx, o, program, o.seed+uint64(n), results[n])
			fmt.Println(results[n])
		}
	})
	report(os.Stdout, results)
	return ctx.Err()
}

// atATime does so many things, some of them at a time.
func atATime(atATime, things int, do func(int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, max(atATime, 1))
	for n := range things {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			do(n)
		})
	}
	wg.Wait()
}

// runPairs plays pairs of faults that can be behind one gateway: none that is the
// gateway's own or everybody's.
func runPairs(ctx context.Context, o *options, program string, faults []*fault.Fault) error {
	faults = slices.DeleteFunc(faults, func(f *fault.Fault) bool {
		return quiet(f) || f.Scope == "gateway" || f.Scope == "everything"
	})
	fmt.Printf("%d pairs of %d faults, %v each, seed %d\n", o.pairs, len(faults), o.seconds, o.seed)
	var both, one, none atomic.Int64
	atATime(o.parallel, o.pairs, func(n int) {
		chance := rand.New(rand.NewPCG(o.seed, uint64(n)))
		for range pairTries {
			a, b := &result{fault: faults[chance.IntN(len(faults))]}, &result{fault: faults[chance.IntN(len(faults))]}
			if ctx.Err() != nil || slices.ContainsFunc(truths(a.fault), func(id string) bool { return slices.Contains(truths(b.fault), id) }) {
				continue
			}
			a.mine = func(i *judge.Incident) bool { return !i.IsOf(1) || i.IsOf(0) }
			b.mine = func(i *judge.Incident) bool { return !i.IsOf(0) || i.IsOf(1) }
			play(ctx, o, program, o.seed+uint64(n), a, b)
			if a.skipped != "" && !a.ended {
				continue
			}
			fmt.Printf("%v\n%v\n\n", a, b)
			switch a.among3() + b.among3() {
			case 2:
				both.Add(1)
			case 1:
				one.Add(1)
			default:
				none.Add(1)
			}
			return
		}
	})
	all := both.Load() + one.Load() + none.Load()
	fmt.Printf("of %d pairs both are among the first three in %d, one in %d, none in %d\n", all, both.Load(), one.Load(), none.Load())
	return ctx.Err()
}

// pairTries is how often chance picks anew where two cannot be behind one gateway.
const pairTries = 30

// half tells the two halves apart: by the fault's name, so that it is the same for ever.
func half(f *fault.Fault) int {
	h := fnv.New32a()
	h.Write([]byte(f.ID()))
	return int(h.Sum32() % 2)
}

// play makes faults and looks at what is said for the time that there is.
func play(ctx context.Context, o *options, program string, seed uint64, results ...*result) {
	faults := make([]*fault.Fault, 0, len(results))
	for _, r := range results {
		faults = append(faults, r.fault)
	}
	p, err := judge.Begin(ctx, program, seed, faults...)
	defer p.End()
	if err == nil {
		chance := rand.New(rand.NewPCG(seed, 1))
		time.Sleep(4*time.Second + time.Duration(chance.Int64N(int64(4*time.Second))))
		err = p.Break()
	}
	made := err == nil
	for began := time.Now(); err == nil && time.Since(began) < o.seconds && ctx.Err() == nil; time.Sleep(250 * time.Millisecond) {
		var list []judge.Incident
		if list, err = p.Incidents(); err == nil {
			for _, r := range results {
				r.take(list, time.Since(began))
			}
		}
	}
	for _, r := range results {
		r.ended = made && err != nil
		r.skip(err)
	}
	if err == nil && o.dump != "" {
		if data, err := p.Whole(); err == nil {
			_ = os.WriteFile(filepath.Join(o.dump, results[0].fault.ID()+".json"), data, 0o644)
		}
	}
}
