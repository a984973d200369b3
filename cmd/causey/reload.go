// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"causey/internal/admin"
	"causey/internal/text"
)

func newReload(w world) *cobra.Command {
	var where finder
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Let a running gateway read its configuration again, and wait for the result",
		Long: `Reload asks a running gateway to read its configuration again, waits, and says
what came of it. The new configuration is put to use whole or not at all: if
anything is wrong the old one stays, the problems are printed, and the exit code
is 1.

The gateway is asked by its unix socket, or over TCP with a token.`,
		Example: "  causey reload\n  causey reload -c /etc/causey/causey.yaml",
		Args:    noArguments,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			if err := a.reload(cmd.Context()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(w.stdout, "reloaded")
			return err
		}),
	}
	where.flags(cmd)
	return cmd
}

// reload waits for the result, however long that takes.
func (a *adminSide) reload(ctx context.Context) error {
	_, err := a.ask(ctx, http.MethodPost, "/api/v1/reload")
	return withProblems(err)
}

// withProblems adds to a refusal the problems that came with it.
func withProblems(err error) error {
	var no *refusal
	if !errors.As(err, &no) || len(no.Problems) == 0 {
		return err
	}
	var p text.Page
	p.Printf("%s", no.Error())
	for _, one := range no.Problems {
		p.Printf("\n  %s", problemLine(one))
	}
	return errors.New(p.String())
}

// problemLine is a problem behind its place, as editors jump to it.
func problemLine(p admin.ReloadProblem) string {
	text := printable(p.Message)
	switch {
	case p.File == "":
		return text
	case p.Line == 0:
		return printable(p.File) + ": " + text
	}
	return fmt.Sprintf("%s:%d:%d: %s", printable(p.File), p.Line, p.Column, text)
}
