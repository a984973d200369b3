// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"causey/internal/admin"
)

func newUpstreams(w world) *cobra.Command {
	var where finder
	asJSON := false
	cmd := &cobra.Command{
		Use:   "upstreams",
		Short: "Show the upstreams of a running gateway with their servers",
		Args:  noArguments,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			var answer struct {
				Upstreams []admin.Upstream `json:"upstreams"`
			}
			if err := a.get(cmd.Context(), "/api/v1/upstreams", &answer); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(w.stdout).Encode(answer)
			}
			return writeUpstreams(w.stdout, answer.Upstreams)
		}),
	}
	where.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// writeUpstreams writes a table with one line per server.
func writeUpstreams(w io.Writer, list []admin.Upstream) error {
	t := newTable(w)
	t.row("UPSTREAM", "SERVER", "ADDRESSES", "ACTIVE", "IDLE", "ATTEMPTS", "FAILED", "LAST FAILURE")
	for _, u := range list {
		for _, s := range u.Servers {
			last := "-"
			if s.LastFailure != nil {
				last = s.LastFailure.Code + " " + s.LastFailure.Time
			}
			addresses := strings.Join(s.Addresses, ",")
			if addresses == "" {
				addresses = "-"
			}
			t.row(u.Name, s.Name, addresses, strconv.Itoa(s.Connections.Active), strconv.Itoa(s.Connections.Idle),
				strconv.FormatUint(s.Attempts, 10), strconv.FormatUint(s.Failures, 10), last)
		}
	}
	return t.Flush()
}
