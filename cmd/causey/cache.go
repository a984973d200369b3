// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"causey/internal/admin"
	"causey/internal/config"
)

func newCache(w world) *cobra.Command {
	var where finder
	asJSON := false
	cmd := &cobra.Command{
		Use:     "cache",
		Short:   "Show what the cache of a running gateway keeps, or make it forget",
		Example: "  causey cache\n  causey cache purge https://shop.example/catalogue",
		Args:    knownSubcommand,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			var state admin.CacheState
			if err := a.get(cmd.Context(), "/api/v1/cache", &state); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(w.stdout).Encode(state)
			}
			return writeCache(w.stdout, &state)
		}),
	}
	where.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.AddCommand(newCachePurge(w))
	return cmd
}

// writeCache writes a table with one line per store.
func writeCache(w io.Writer, s *admin.CacheState) error {
	if !s.On {
		_, err := io.WriteString(w, "no route has a cache; write cache: on in one\n")
		return err
	}
	t := newTable(w)
	t.row("STORE", "OBJECTS", "BYTES", "OF", "")
	t.row("memory", fmt.Sprint(s.Objects), fmt.Sprint(s.Bytes), config.Size(s.BytesMax).String(),
		fmt.Sprintf("%d kept, %d abandoned, %d bytes on their way in", s.Kept, s.Abandoned, s.IncomingBytes))
	if d := s.Disk; d != nil {
		t.row("disk", fmt.Sprint(d.Objects), fmt.Sprint(d.Bytes), config.Size(d.BytesMax).String(),
			fmt.Sprintf("%d loaded, %d skipped, %d failed, %d broken; %s", d.Loaded, d.Skipped, d.Failed, d.Broken, printable(d.Path)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if d := s.Disk; d != nil && d.Trouble != "" {
		_, err := fmt.Fprintf(w, "\nnothing is written to the disk just now: %s\n", printable(d.Trouble))
		return err
	}
	return nil
}

func newCachePurge(w world) *cobra.Command {
	var where finder
	var tag, host string
	all := false
	cmd := &cobra.Command{
		Use:   "purge [URL]",
		Short: "Make the cache forget answers: by URL, tag, host, or all of them",
		Long: `Purge makes the cache of a running gateway forget answers at once: those in memory,
those on disk, and those that a server is sending just now.

A URL is one target with its query, as clients ask for it; its variants go with it.
A tag is one that answers carry in Cache-Groups, Cache-Tag or Surrogate-Key.

The gateway is asked by its unix socket, or over TCP with a token.`,
		Example: "  causey cache purge https://shop.example/catalogue?page=2\n  causey cache purge --tag product-17\n  causey cache purge --host shop.example\n  causey cache purge --all",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError(cmd, "one URL at a time, got %d", len(args))
			}
			return nil
		},
		RunE: typed(func(cmd *cobra.Command, args []string) error {
			query, err := purgeQuery(cmd, args, admin.Purge{Tag: tag, Host: host, All: all})
			if err != nil {
				return err
			}
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			answer, err := a.ask(cmd.Context(), http.MethodPost, "/api/v1/cache/purge?"+query.Encode())
			if err != nil {
				return err
			}
			var result admin.PurgeResult
			if err := json.Unmarshal(answer, &result); err != nil {
				return fmt.Errorf("the answer of the gateway: %w", err)
			}
			_, err = fmt.Fprintf(w.stdout, "purged; %d answers were in memory\n", result.Dropped)
			return err
		}),
	}
	where.flags(cmd)
	cmd.Flags().StringVar(&tag, "tag", "", "forget the answers with this tag")
	cmd.Flags().StringVar(&host, "host", "", "forget the answers of this host")
	cmd.Flags().BoolVar(&all, "all", false, "forget everything")
	return cmd
}

// purgeQuery makes the question of what is to go. It has to be one thing.
func purgeQuery(cmd *cobra.Command, args []string, p admin.Purge) (url.Values, error) {
	q := url.Values{}
	if len(args) > 0 {
		q.Set("url", args[0])
	}
	if p.Tag != "" {
		q.Set("tag", p.Tag)
	}
	if p.Host != "" {
		q.Set("host", p.Host)
	}
	if p.All {
		q.Set("all", "1")
	}
	if len(q) != 1 {
		return nil, usageError(cmd, "say what to purge: a URL, --tag, --host or --all, and one of them only")
	}
	return q, nil
}
