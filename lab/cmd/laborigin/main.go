// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Command laborigin runs one misbehaving origin of the lab.
//
// What it is: causey/lab/origin behind flags. It prints the address it listens on, and with -log a line for each
// request, until SIGINT or SIGTERM.
//
// What it never does: listen beyond loopback unless -listen says so; anybody who can connect can make it misbehave.
//
// Invariants:
//   - I1: each field of origin.Options that changes what a peer sees, and is no function, has a flag.
//
// Where to start reading: parse.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"causey/lab/origin"
	"causey/lab/pki"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "laborigin:", err)
		os.Exit(1)
	}
}

// errUsage is a command line that the flag package has already complained about.
var errUsage = errors.New("bad usage")

type command struct {
	network, listen string
	opts            origin.Options
	modes, log      bool
}

func parse(args []string, out io.Writer) (command, error) {
	var c command
	o := &c.opts
	fs := flag.NewFlagSet("laborigin", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.StringVar(&c.network, "network", "tcp", "tcp or unix")
	fs.StringVar(&c.listen, "listen", "127.0.0.1:0", "`address`, or the path of a unix socket")
	fs.BoolVar(&c.modes, "modes", false, "list what it can do, and stop")
	fs.BoolVar(&c.log, "log", false, "print a line for each request")
	fs.StringVar(&o.Accept, "accept", "serve", "what to do at the accept; -modes lists the `names`")
	fs.Func("tls", "speak TLS, with a self-signed certificate for these `names` (with commas between)", func(s string) error {
		o.TLS = pki.SelfSigned(pki.Leaf{Names: strings.Split(s, ",")}).Server(nil)
		return nil
	})
	fs.IntVar(&o.Backlog, "backlog", 0, "`length` of the listen queue; 0 is the system's")
	fs.BoolVar(&o.HTTP10, "http10", false, "answer as an HTTP/1.0 server")
	fs.BoolVar(&o.PreferLength, "prefer-length", false, "Content-Length wins over Transfer-Encoding in requests")
	fs.DurationVar(&o.IdleClose, "idle-close", 0, "end connections idle for so long")
	fs.IntVar(&o.CloseAfter, "close-after", 0, "end connections after `n` answers, unannounced")
	end := func(p *origin.End) func(string) error {
		return func(s string) error { *p = origin.End(s); return nil }
	}
	fs.Func("close-how", "how these two end: close, fin, rst or stall", end(&o.CloseHow))
	fs.Func("reuse", "end reused connections at their next request: close, fin, rst or stall", end(&o.ReuseHow))
	fs.StringVar(&o.ReuseMethod, "reuse-method", "", "only at requests of this `method`")
	fs.Func("idle-bytes", "`text` sent on idle reused connections", func(s string) error { o.IdleBytes = []byte(s); return nil })
	fs.DurationVar(&o.IdleBytesAfter, "idle-bytes-after", 0, "how far into the wait")
	fs.Func("field", "header `line` added to good answers; may be repeated", func(s string) error {
		o.Fields = append(o.Fields, s)
		return nil
	})
	fs.IntVar(&o.MaxConns, "max-conns", 0, "connections open at a time; 0 is 16384")
	fs.IntVar(&o.HeadLimit, "head-limit", 0, "longest request head in `bytes`; 0 is 128 KiB")
	fs.DurationVar(&o.HoldLimit, "hold-limit", 0, "longest a connection is held; 0 is 10m")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return c, err
		}
		return c, errUsage
	}
	if fs.NArg() > 0 {
		fmt.Fprintf(out, "laborigin: what is %q?\n", fs.Arg(0))
		return c, errUsage
	}
	return c, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	c, err := parse(args, os.Stderr)
	if err != nil {
		return err
	}
	if c.modes {
		return list(out)
	}
	if !c.log {
		c.opts.LogLimit = -1
	}
	s, err := origin.Start(c.network, c.listen, c.opts)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, s.Addr())
	if c.log {
		follow(ctx, s, out)
	} else {
		<-ctx.Done()
	}
	return s.Close()
}

// follow prints each request once its head has arrived.
func follow(ctx context.Context, s *origin.Server, out io.Writer) {
	for printed := 0; ; {
		if s.Wait(ctx, func(s *origin.Server) bool { _, n := s.Counts(); return n > printed }) != nil {
			return
		}
		_, total := s.Counts()
		kept := s.Requests()
		for _, r := range kept[max(0, len(kept)-(total-printed)):] {
			fmt.Fprintf(out, "connection %d request %d: %q %q, head %d bytes\n", r.Conn, r.Seq, r.Method, r.Target, len(r.Head))
		}
		printed = total
	}
}

func list(out io.Writer) error {
	var b strings.Builder
	b.WriteString("By -accept:\n")
	for _, m := range origin.AcceptModes() {
		name := m.Name
		if m.Arg {
			name += "=N"
		}
		fmt.Fprintf(&b, "  %-24s %s\n", name, m.Doc)
	}
	row := func(m origin.Mode) {
		params := ""
		if m.Params != "" {
			params = " [" + m.Params + "]"
		}
		fmt.Fprintf(&b, "  %-24s %s%s\n", m.Name, m.Doc, params)
	}
	b.WriteString("By path, as a good origin: /NAME?parameter=value\n")
	for _, m := range origin.Routes() {
		row(m)
	}
	b.WriteString("By path, misbehaving: /lab/NAME?parameter=value\n")
	for _, m := range origin.Modes() {
		row(m)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
