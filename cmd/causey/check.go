// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/config"
	"causey/internal/gateway"
	"causey/internal/text"
)

// configDefault is the configuration that is read when none is named.
const configDefault = "causey.yaml"

// stdinLimitBytes is more than config.Parse takes; what is above it is refused
// there, with a reason.
const stdinLimitBytes = 2 << 20

// verdict is what check found, as its JSON has it.
type verdict struct {
	File      string        `json:"file"`
	OK        bool          `json:"ok"`
	Problems  config.Errors `json:"problems"`
	Warnings  config.Errors `json:"warnings"`
	Sites     int           `json:"sites"`
	Upstreams int           `json:"upstreams"`
}

func newCheck(w world) *cobra.Command {
	file, format := "", ""
	cmd := &cobra.Command{
		Use:     "check [FILE]",
		Aliases: []string{"validate"},
		Short:   "Check a configuration file",
		Long: `Check reads a configuration as the gateway would and says everything that is
wrong with it: file, line and column, what was found, and what was probably
meant. FILE is causey.yaml if it is not named, and standard input if it is "-".

Exit code 0: it can be used (there may be warnings); 1: it cannot; 2: the command
line is wrong.`,
		Example: "  causey check causey.yaml\n  causey check --format json causey.yaml | jq .problems",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("check takes one file, not %d", len(args))
			}
			return nil
		},
		RunE: typed(func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if file != "" {
					return usageError(cmd, "name the file once: %s or %s", args[0], file)
				}
				file = args[0]
			}
			if format != "text" && format != "json" {
				return usageError(cmd, "--format is text or json, not %q", format)
			}
			if file == "" {
				file = configDefault
			}
			v, err := check(file, w)
			if err != nil {
				return err
			}
			if err := v.write(w.stdout, format); err != nil {
				return err
			}
			if !v.OK {
				return &exitError{code: exitProblem}
			}
			return nil
		}),
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "the `file`, as causey run takes it")
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// check reads one configuration.
func check(file string, w world) (verdict, error) {
	v := verdict{File: file, Problems: config.Errors{}, Warnings: config.Errors{}}
	var cfg *config.Config
	var err error
	if file == "-" {
		v.File = "stdin"
		var text []byte
		if text, err = io.ReadAll(io.LimitReader(w.stdin, stdinLimitBytes)); err != nil {
			return v, fmt.Errorf("reading standard input: %w", err)
		}
		cfg, err = config.Parse(v.File, text)
	} else {
		cfg, err = config.Load(file)
	}
	if errors.As(err, &v.Problems) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.OK, v.Sites, v.Upstreams = true, len(cfg.Sites), len(cfg.Upstreams)
	v.Warnings = append(v.Warnings, cfg.Warnings...)
	for _, p := range gateway.CheckNetworks(cfg, config.StateDirectory(w.env), time.Now()) {
		if p.File == "" {
			p.File = v.File
		}
		v.Warnings = append(v.Warnings, p)
	}
	return v, nil
}

func (v *verdict) write(w io.Writer, format string) error {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	}
	var p text.Page
	writeProblems(&p, "", v.Problems)
	writeProblems(&p, "warning: ", v.Warnings)
	switch n := len(v.Problems); {
	case n > 0:
		p.Printf("%s: %s\n", printable(v.File), plural(n, "problem"))
	case len(v.Warnings) > 0:
		p.Printf("%s: ok, %s, %s, %s\n", printable(v.File), plural(v.Sites, "site"), plural(v.Upstreams, "upstream"), plural(len(v.Warnings), "warning"))
	default:
		p.Printf("%s: ok, %s, %s\n", printable(v.File), plural(v.Sites, "site"), plural(v.Upstreams, "upstream"))
	}
	return p.SendTo(w)
}
