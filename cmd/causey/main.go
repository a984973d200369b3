// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Command causey is the gateway and everything one does with it on a command
// line.
//
// What it is: one file per subcommand, with its flags and the wiring to the
// packages that do the work; adminside.go, through which the subcommands talk to a
// running gateway; notify.go, which talks to systemd.
//
// What it never does: it decides nothing about traffic, and reads no
// configuration but through internal/config. It does not colour what goes to
// anything but a terminal, and shows no character of a stranger that a terminal
// would act on.
//
// Invariants:
//
//	I1. Exit codes: 0 all is well; 1 a problem was found, or a thing asked for is
//	    not there; 2 the command line is wrong; 75 trying again may help (an
//	    address in use); 78 the configuration was refused at start.
//	I2. What was asked for goes to stdout, everything else to stderr.
//	I3. A subcommand sees the outside through world only, so that a test can be
//	    the outside.
//
// Start reading with run, then run.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
)

// world is the outside as a subcommand sees it (I3).
type world struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    func(name string) (string, bool)
	// signals delivers the given signals until stop is called.
	signals func(which ...os.Signal) (got <-chan os.Signal, stop func())
}

func main() {
	os.Exit(run(context.Background(), os.Args[1:], world{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		env: os.LookupEnv, signals: processSignals,
	}))
}

func processSignals(which ...os.Signal) (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, which...)
	return c, func() { signal.Stop(c) }
}

// run runs one command line and returns the exit code (I1).
func run(ctx context.Context, args []string, w world) int {
	root := newRoot(w)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var known *exitError
	if !errors.As(err, &known) {
		// Only the subcommands' own errors are typed; this one is cobra's, about
		// the command line.
		fmt.Fprintf(w.stderr, "causey: %s\nSee: %s --help\n", strings.TrimSpace(err.Error()), cmd.CommandPath())
		return exitUsage
	}
	if known.err != nil {
		fmt.Fprintf(w.stderr, "causey: %v\n", known.err)
	}
	return known.code
}

func newRoot(w world) *cobra.Command {
	root := &cobra.Command{
		Use:   "causey",
		Short: "A gateway that names the cause of each failure",
		Long: `Causey is a gateway (reverse proxy) for website owners. It relays requests to
your servers, and when one fails it says which side failed, in which phase, with
the evidence from the wire.

  causey run --listen 127.0.0.1:8080 --to 127.0.0.1:3000 --admin 127.0.0.1:8081
  causey demo`,
		Args:                       knownSubcommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
	}
	root.SetIn(w.stdin)
	root.SetOut(w.stdout)
	root.SetErr(w.stderr)
	root.SetFlagErrorFunc(explainFlagError)
	root.AddCommand(newRun(w), newCheck(w), newReload(w), newUpgrade(w), newWhy(w), newIncidents(w), newFailures(w), newExplain(w), newServers(w), newCertificates(w), newCache(w),
		newNetworks(w), newConfig(w), newDemo(w), newVersion(w))
	return root
}

// knownSubcommand refuses arguments of a command that only groups others, with
// what was probably meant.
func knownSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf(" (did you mean %s?)", strings.Join(near, " or "))
	}
	return fmt.Errorf("there is no command %q%s", cmd.CommandPath()+" "+args[0], hint)
}
