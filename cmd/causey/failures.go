// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// recentMax is how many failures a stream can begin with.
const recentMax = 256

// returnEvery is how often a gateway that went away is looked for.
const returnEvery = time.Second

// failuresOptions are the flags of causey failures.
type failuresOptions struct {
	where                              finder
	asJSON, follow, noFollow, byClient bool
	recent                             int
}

func newFailures(w world) *cobra.Command {
	var o failuresOptions
	cmd := &cobra.Command{
		Use:   "failures",
		Short: "Show the failures of a running gateway, as they happen",
		Long: `Failures prints the latest failures of a running gateway and then each new one
as it happens, one line each: when, the answer's status, the code, the reference
id (for causey explain), the request, and the evidence in a few words. It goes on
until Ctrl-C, also over a restart of the gateway.

What clients did to themselves is left out unless --client is given.`,
		Example: "  causey failures\n  causey failures --no-follow --json | jq .failure | sort | uniq -c",
		Args:    noArguments,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			if o.recent < 0 || o.recent > recentMax {
				return usageError(cmd, "--recent takes 0 to %d", recentMax)
			}
			ctx, stop := interruptible(cmd.Context(), w)
			defer stop()
			if !o.follow || o.noFollow {
				return o.list(ctx, w)
			}
			return o.watch(ctx, w)
		}),
	}
	o.where.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.asJSON, "json", false, "one JSON object per line, as the access log has it")
	f.BoolVar(&o.follow, "follow", true, "go on with new failures until Ctrl-C")
	f.BoolVar(&o.noFollow, "no-follow", false, "print the latest failures and stop")
	f.BoolVar(&o.byClient, "client", false, "also what clients caused themselves")
	f.IntVarP(&o.recent, "recent", "n", 20, "how many of the latest to begin with")
	return cmd
}

// interruptible returns a context that ends when somebody presses Ctrl-C.
func interruptible(ctx context.Context, w world) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	got, stop := w.signals(os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-got:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { stop(); cancel() }
}

// list prints the latest failures, oldest first.
func (o *failuresOptions) list(ctx context.Context, w world) error {
	if o.recent == 0 {
		return nil
	}
	a, err := o.where.find(ctx, w)
	if err != nil {
		return err
	}
	severity := "error,warning"
	if o.byClient {
		severity += ",client"
	}
	var answer struct {
		Exchanges []json.RawMessage `json:"exchanges"`
	}
	if err := a.get(ctx, fmt.Sprintf("/api/v1/exchanges?severity=%s&limit=%d", severity, o.recent), &answer); err != nil {
		return err
	}
	out := o.printer(w)
	for _, body := range slices.Backward(answer.Exchanges) {
		if err := out.failure(body); err != nil {
			return err
		}
	}
	return nil
}

// watch prints failures until ctx ends. A gateway that stops is waited for; the
// stream then resumes behind the last failure that was printed.
func (o *failuresOptions) watch(ctx context.Context, w world) error {
	a, err := o.where.find(ctx, w)
	if err != nil {
		return err
	}
	out := o.printer(w)
	query := fmt.Sprintf("client=%t&replay=%d", o.byClient, o.recent)
	last, met, told := "", false, false
	for {
		err := a.follow(ctx, query, last, func(e event) error {
			met, told = true, false
			if e.id != "" {
				last = e.id
			}
			return out.event(e)
		})
		var no *refusal
		var broken *printError
		switch {
		case ctx.Err() != nil:
			return nil
		case !met, errors.As(err, &no), errors.As(err, &broken):
			return err
		}
		if !told {
			fmt.Fprintln(w.stderr, "-- the gateway is gone; waiting for it to come back --")
			told = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(returnEvery):
		}
	}
}

// printer writes failures to stdout.
type printer struct {
	out, notes io.Writer
	asJSON     bool
	style      style
}

func (o *failuresOptions) printer(w world) *printer {
	return &printer{out: w.stdout, notes: w.stderr, asJSON: o.asJSON, style: styleOf(w.stdout, w.env)}
}

// printError is output that nobody takes any more.
type printError struct{ err error }

func (e *printError) Error() string { return e.err.Error() }
func (e *printError) Unwrap() error { return e.err }

func (p *printer) write(line string) error {
	if _, err := io.WriteString(p.out, line+"\n"); err != nil {
		return &printError{err}
	}
	return nil
}

func (p *printer) event(e event) error {
	switch e.name {
	case "failure":
		return p.failure(e.data)
	case "dropped":
		var d struct {
			Count uint64 `json:"count"`
		}
		if json.Unmarshal(e.data, &d) == nil {
			fmt.Fprintf(p.notes, "-- %s more came faster than they could be shown --\n", strconv.FormatUint(d.Count, 10))
		}
	}
	return nil
}

func (p *printer) failure(body []byte) error {
	if p.asJSON {
		return p.write(string(body))
	}
	x, err := decodeExchange(body)
	if err != nil {
		return err
	}
	return p.write(x.line(p.style))
}

// Widths of the columns of a line; longer texts push the rest to the right.
const (
	codeColumns    = 37
	requestColumns = 44
)

// line is a failure in one line.
func (x *exchange) line(s style) string {
	status := "---"
	if x.Status > 0 {
		status = strconv.Itoa(x.Status)
	}
	return x.clock() + "  " + status + "  " + s.bold(pad(x.Failure, codeColumns)) + "  " + s.dim(x.ID) + "  " +
		pad(shorten(x.request(), requestColumns), requestColumns) + "  " + x.inWords()
}

// clock is the time of day at which x began, where the reader is.
func (x *exchange) clock() string {
	t, err := time.Parse(time.RFC3339, x.Time)
	if err != nil {
		return x.Time
	}
	return t.Local().Format("15:04:05.000")
}
