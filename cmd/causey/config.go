// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed" // example.yaml

	"github.com/spf13/cobra"

	"causey/internal/config"
)

// example is a configuration to begin with.
//
//go:embed example.yaml
var example []byte

func newConfig(w world) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print what there is to know about the configuration",
		Args:  knownSubcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	prints := func(use, short string, text func() []byte) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: noArguments,
			RunE: typed(func(*cobra.Command, []string) error {
				_, err := w.stdout.Write(text())
				return err
			})}
	}
	cmd.AddCommand(
		prints("schema", "Print the JSON Schema of a configuration, for editors", config.Schema),
		prints("reference", "Print every key with its meaning, as Markdown", config.Reference),
		prints("example", "Print a configuration to begin with", func() []byte { return example }),
	)
	return cmd
}
