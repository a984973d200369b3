// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Command labshop runs one shop of the lab.
//
// What it is: causey/lab/shop as a process, which can be killed, stopped and frozen. It
// reads what shall be wrong with it from its standard input, an order a line, and ends
// when that ends, or at SIGTERM once those inside are served.
//
// What it never does: outlive the program that holds the other end of its standard
// input.
//
// Invariants:
//   - I1: the journal is appended to, so that one file tells of all the lives of a
//     server.
//
// Where to start reading: run.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"causey/lab/shop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "labshop:", err)
		os.Exit(1)
	}
}

// leaveLimit is how long those inside may take at SIGTERM.
const leaveLimit = 5 * time.Second

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	fs := flag.NewFlagSet("labshop", flag.ContinueOnError)
	listen := fs.String("listen", "127.0.0.1:0", "`address`")
	journal := fs.String("journal", os.DevNull, "`file` that gets a line for each request")
	var o shop.Options
	fs.DurationVar(&o.Work, "work", 20*time.Millisecond, "how long a request takes")
	fs.DurationVar(&o.IdleClose, "idle-close", 0, "end connections idle for so long")
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "labshop runs a shop. On its standard input it takes:\n%s\n", shop.Orders)
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	file, err := os.OpenFile(*journal, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	o.Journal = file
	s, err := shop.Start(*listen, o)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, s.Addr())
	told := make(chan error, 1)
	go func() { told <- follow(s, in) }()
	select {
	case <-ctx.Done():
		return s.Leave(leaveLimit)
	case err := <-told:
		_ = s.Close()
		return err
	}
}

// follow does what it is told until in ends.
func follow(s *shop.Server, in io.Reader) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if err := s.Tell(lines.Text()); err != nil {
			return err
		}
	}
	return lines.Err()
}
