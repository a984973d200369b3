// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/text"
)

// demoOptions are the flags of causey demo.
type demoOptions struct {
	listen, admin string
	length        time.Duration
}

func newDemo(w world) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the gateway at work, with good and bad servers and a little traffic",
		Long: `Demo starts a gateway with its admin page, good servers and servers that
misbehave, and sends a little traffic through it. Each failure is printed as the
gateway names it; beneath the first of each code stands its evidence. Everything
runs in this process and on this machine's loopback address.

It ends with Ctrl-C, or after --for, and then says what happened how often.`,
		Example: "  causey demo\n  causey demo --for 10s",
		Args:    noArguments,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			if o.length < 0 {
				return usageError(cmd, "--for takes a duration such as 30s")
			}
			ctx, stop := interruptible(cmd.Context(), w)
			defer stop()
			if o.length > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, o.length)
				defer cancel()
			}
			return o.run(ctx, w)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "loopback `address` of the sites; the next free port is taken")
	f.StringVar(&o.admin, "admin", "127.0.0.1:8081", "loopback `address` of the admin page; the next free port is taken")
	f.DurationVar(&o.length, "for", 0, "how long, such as 30s; 0 is until Ctrl-C")
	return cmd
}

// run sets up the stage, plays until ctx ends, and sums up.
func (o *demoOptions) run(ctx context.Context, w world) error {
	s, err := newStage(w.stderr)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.open(o.listen, o.admin); err != nil {
		return err
	}
	defer s.stop()
	a := dialledAt(place{"tcp", s.g.AdminAddr()}, "")
	out := &demoPrinter{out: w.stdout, style: styleOf(w.stdout, w.env), seen: map[string]bool{}}
	if err := out.intro(s); err != nil {
		return err
	}
	began := time.Now()
	var told error
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listening := make(chan struct{})
	wg.Go(func() {
		defer cancel()
		told = a.follow(ctx, "client=true", "", func(e event) error {
			if e.name == "hello" {
				close(listening)
			}
			return out.event(e)
		})
	})
	select {
	case <-listening:
		s.play(ctx)
	case <-ctx.Done():
	}
	cancel()
	wg.Wait()
	if told != nil && ctx.Err() == nil {
		return told
	}
	return out.summary(a, time.Since(began))
}

// demoPrinter shows the failures of a demo.
type demoPrinter struct {
	out   io.Writer
	style style
	seen  map[string]bool // codes that have been shown with their evidence
}

func (d *demoPrinter) intro(s *stage) error {
	var p text.Page
	site := s.g.Addrs()[0]
	p.Printf("%s\n\n", versionLine(build()))
	p.Printf("  a good site   %s\n", d.style.bold(urlOf(site)+"/"))
	p.Printf("  a broken one  http://blog.localhost:%s/\n", portOf(site))
	p.Printf("  the failures  %s\n\n", d.style.bold(urlOf(s.g.AdminAddr())+"/"))
	p.Printf("Requests are on their way; the good ones are not shown. More about one that\nfailed, from another terminal: causey explain ID%s. Ctrl-C ends the demo.\n\n", s.adminFlag())
	return p.SendTo(d.out)
}

// Widths of the demo's columns.
const (
	demoCodeColumns  = 37
	demoTitleColumns = 47
	demoIndent       = "          "
)

func (d *demoPrinter) event(e event) error {
	if e.name != "failure" {
		return nil
	}
	x, err := decodeExchange(e.data)
	if err != nil {
		return err
	}
	title := ""
	if entry := entryOf(x.Failure); entry != nil {
		title = entry.Title
	}
	var p text.Page
	p.Printf("%s  %s  %s  %s\n", x.clock()[:8], d.style.bold(pad(x.Failure, demoCodeColumns)),
		pad(shorten(title, demoTitleColumns), demoTitleColumns), shorten(x.request(), requestColumns))
	if !d.seen[x.Failure] {
		p.Printf("%s%s  %s\n", demoIndent, d.style.dim(x.ID), x.inWords())
	}
	d.seen[x.Failure] = true
	return p.SendTo(d.out)
}

// codeSum is what /api/v1/failures tells of one code.
type codeSum struct {
	Code  string `json:"code"`
	Title string `json:"title"`
	Count int    `json:"count"`
}

// summary says what happened how often.
func (d *demoPrinter) summary(a *adminSide, took time.Duration) error {
	var sum struct {
		Exchanges    uint64    `json:"exchanges"`
		Failed       uint64    `json:"failed"`
		ClientFailed uint64    `json:"client_failed"`
		Codes        []codeSum `json:"codes"`
	}
	if err := a.get(context.Background(), "/api/v1/failures", &sum); err != nil {
		return err
	}
	slices.SortStableFunc(sum.Codes, func(a, b codeSum) int { return cmp.Compare(b.Count, a.Count) })
	var p text.Page
	failed := sum.Failed + sum.ClientFailed
	p.Printf("\nIn %s %d requests went well and %d failed, in %s:\n\n", took.Round(time.Second), sum.Exchanges-failed, failed,
		plural(len(sum.Codes), "way"))
	for _, c := range sum.Codes {
		p.Printf("  %4d  %s  %s\n", c.Count, pad(c.Code, demoCodeColumns), c.Title)
	}
	if len(sum.Codes) > 0 {
		p.Printf("\nWhat a code means: causey explain %s\n", sum.Codes[0].Code)
	}
	return p.SendTo(d.out)
}
