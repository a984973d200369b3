// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Command labpages captures the error pages of programs that can be run here: it starts each on loopback with dead and
// misbehaving servers behind it and saves what it answers.
//
// What it is: a table of subjects (subjects.go, apps.go), each a configuration under conf/ and the requests that make it
// fail, and the form of a saved page (page.go). A program that is not installed is named with its Debian package, and
// the others are captured all the same.
//
// What it never does: listen beyond loopback, touch a page of a program that it did not run, or judge a page.
//
// Invariants:
//   - I1: a saved page is the head as it came, byte for byte but for the ends of lines, and the body without transfer
//     coding.
//   - I2: each page says on its first line which program in which version made it, and when.
//
// Where to start reading: subject, then subjects.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"causey/lab/real"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "labpages:", err)
		os.Exit(1)
	}
}

// run captures what the command line asks for. Its error has what went wrong with any of the subjects.
func run(ctx context.Context, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("labpages", flag.ContinueOnError)
	dir := fs.String("out", "", "`folder` for the pages: out/pages/PRODUCT/NAME.http, and out/held for those that no mark is made from")
	only := fs.String("only", "", "`products` to capture, with commas between; all if empty")
	list := fs.Bool("list", false, "list the products that can be captured, and stop")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *list {
		for _, s := range subjects() {
			fmt.Fprintf(out, "%-18s %s\n", s.product, s.program.Package)
		}
		return nil
	}
	if *dir == "" {
		return errors.New("-out is missing: where are the pages to go?")
	}
	b, err := startBehind()
	if err != nil {
		return err
	}
	defer b.close()
	var wrong []error
	for _, s := range subjects() {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), s.product) {
			continue
		}
		n, err := s.capture(ctx, b, *dir, time.Now())
		var missing real.ErrMissing
		switch {
		case errors.As(err, &missing):
			fmt.Fprintf(out, "%-18s skipped: %v\n", s.product, missing)
		case err != nil:
			wrong = append(wrong, fmt.Errorf("%s: %w", s.product, err))
		default:
			fmt.Fprintf(out, "%-18s %d pages\n", s.product, n)
		}
	}
	return errors.Join(wrong...)
}
