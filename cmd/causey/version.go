// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"causey/internal/admin"
)

// version is the release. A packager sets it with
// -ldflags "-X main.version=1.2.3".
var version = "0.1.0-dev"

// shortCommit is how many digits of a commit people are shown.
const shortCommit = 12

// build tells what was compiled, as far as the compiler was told.
func build() admin.Build {
	b := admin.Build{Version: version, GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	dirty := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if dirty {
		b.Commit += "+changes"
	}
	return b
}

func newVersion(w world) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Args:  noArguments,
		RunE: typed(func(*cobra.Command, []string) error {
			b := build()
			if asJSON {
				return json.NewEncoder(w.stdout).Encode(b)
			}
			_, err := fmt.Fprintln(w.stdout, versionLine(b))
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// versionLine is a build in one line.
func versionLine(b admin.Build) string {
	line := "causey " + b.Version
	if b.Commit != "" {
		line += fmt.Sprintf(" (commit %.*s, %s)", shortCommit, b.Commit, b.Date)
	}
	return fmt.Sprintf("%s, %s, %s/%s", line, b.GoVersion, runtime.GOOS, runtime.GOARCH)
}
