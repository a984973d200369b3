// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes (I1). 75 and 78 are EX_TEMPFAIL and EX_CONFIG of sysexits(3);
// packaging/causey.service restarts after the first and not after the second.
const (
	exitOK        = 0
	exitProblem   = 1
	exitUsage     = 2
	exitTemporary = 75
	exitConfig    = 78
)

// exitError ends the program with a code. A nil err means that everything has
// been said.
type exitError struct {
	code int
	err  error
}

// Error gives the text of the error behind it.
func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

// Unwrap returns the error behind it.
func (e *exitError) Unwrap() error { return e.err }

// typed gives an error of a subcommand's own the exit code 1, unless it brings
// one. What cobra says about the command line never passes here.
func typed(body func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := body(cmd, args)
		var known *exitError
		if err == nil || errors.As(err, &known) {
			return err
		}
		return &exitError{exitProblem, err}
	}
}

// usageError is a command line that parses and still means nothing.
func usageError(cmd *cobra.Command, format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format+"\nSee: %s --help", append(args, cmd.CommandPath())...)}
}

// noArguments refuses arguments of a command that has flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no argument such as %q", cmd.CommandPath(), args[0])
}

// explainFlagError adds to an unknown flag what was probably meant.
func explainFlagError(cmd *cobra.Command, err error) error {
	var named interface{ GetSpecifiedName() string }
	if !errors.As(err, &named) || cmd.Flags().Lookup(named.GetSpecifiedName()) != nil {
		return err
	}
	// cobra compares names of commands; the flags lend theirs.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	for word := range strings.FieldsSeq(cmd.Flags().FlagUsages()) {
		if name, ok := strings.CutPrefix(word, "--"); ok {
			flags.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
		}
	}
	near := flags.SuggestionsFor(named.GetSpecifiedName())
	if len(near) == 0 {
		return err
	}
	return fmt.Errorf("%w (did you mean --%s?)", err, strings.Join(near, " or --"))
}
