// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/cdn"
	"causey/internal/config"
)

func newNetworks(w world) *cobra.Command {
	dir := ""
	where := func() string {
		if dir != "" {
			return dir
		}
		return config.StateDirectory(w.env)
	}
	cmd := &cobra.Command{
		Use:   "networks",
		Short: "Show the sets of networks that a configuration may name",
		Long: `Networks lists the sets of networks, such as cloudflare, that trusted_proxies and
proxy_protocol may name: how many networks each has, of which day, and where they
are published. A newer list in the directory takes the place of the built-in one.`,
		Example: "  causey networks\n  causey networks update cloudflare && causey reload",
		Args:    noArguments,
		RunE: typed(func(*cobra.Command, []string) error {
			now := time.Now()
			sets, problems := cdn.Load(where(), now)
			for _, err := range problems {
				fmt.Fprintf(w.stderr, "causey: %v\n", err)
			}
			return writeNetworks(w.stdout, sets, now)
		}),
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", "", "`directory` of newer lists (default $STATE_DIRECTORY, else $XDG_STATE_HOME/causey, else ~/.local/state/causey, without a home /var/lib/causey)")
	force := false
	update := &cobra.Command{
		Use:   "update [SET...]",
		Short: "Download sets of networks from those who publish them",
		Long: `Update downloads the lists, all or those that are named, checks them, and puts
them into the directory, each whole or not at all. A running gateway uses them
after the next reload. A list that is not what it should be is refused, and the
old one stays; so is one that lacks most of the networks there were, unless it
is forced. A gateway that systemd runs has a directory of its own: --dir.`,
		Example: "  causey networks update && causey reload\n  causey networks update --dir /var/lib/causey && systemctl reload causey",
		RunE: typed(func(cmd *cobra.Command, names []string) error {
			for _, name := range names {
				if !slices.Contains(cdn.Names(), name) {
					return usageError(cmd, "no set of networks is called %q; there are %s", name, strings.Join(cdn.Names(), ", "))
				}
			}
			u := updater{client: downloadClient(), dir: where(), now: time.Now(), force: force, out: w.stdout, err: w.stderr}
			return u.update(cmd.Context(), names)
		}),
	}
	update.Flags().BoolVar(&force, "force", false, "take a list although most of its former networks are not in it")
	cmd.AddCommand(update)
	return cmd
}

// writeNetworks writes a table with one line per set.
func writeNetworks(out io.Writer, sets []cdn.Set, now time.Time) error {
	t := newTable(out)
	t.row("SET", "NETWORKS", "OF", "AGE", "FROM", "PUBLISHED AT")
	for i := range sets {
		s := &sets[i]
		day, age, from := "-", "empty: run causey networks update", "built in"
		if !s.Empty() {
			day, age = s.Day, strconv.Itoa(int(s.Age(now)/(24*time.Hour)))+" d"
		}
		if s.Old(now) {
			age += ", old"
		}
		if s.File != "" {
			from = printable(s.File)
		}
		t.row(s.Name, strconv.Itoa(len(s.Prefixes)), day, age, from, strings.Join(s.Sources, " "))
	}
	return t.Flush()
}

// The bounds of a download.
const (
	downloadTime     = 30 * time.Second
	redirectsAllowed = 3
)

func downloadClient() *http.Client {
	return &http.Client{Timeout: downloadTime, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > redirectsAllowed || req.URL.Scheme != "https" {
			return errors.New("redirected too often, or away from https")
		}
		return nil
	}}
}

// updater downloads lists into a directory.
type updater struct {
	client   *http.Client
	dir      string
	now      time.Time
	force    bool
	out, err io.Writer
}

// update downloads the named sets, or all. One that fails does not keep the others
// from being updated.
func (u *updater) update(ctx context.Context, names []string) error {
	sets, problems := cdn.Load(u.dir, u.now)
	for _, err := range problems {
		fmt.Fprintf(u.err, "causey: %v; it is replaced\n", err)
	}
	failed := 0
	for i := range sets {
		s := &sets[i]
		if len(names) > 0 && !slices.Contains(names, s.Name) {
			continue
		}
		prefixes, err := u.download(ctx, s)
		if err == nil && !u.force && s.Shrunk(prefixes) {
			err = fmt.Errorf("%s are published now, and most of the %d that were are not among them; if its owner says so too: causey networks update --force %s",
				plural(len(prefixes), "network"), len(s.Prefixes), s.Name)
		}
		if err == nil {
			err = s.Save(u.dir, prefixes, u.now)
		}
		if err != nil {
			failed++
			fmt.Fprintf(u.err, "causey: %s: %v\n", s.Name, err)
			continue
		}
		fmt.Fprintf(u.out, "%s: %s, %d new, %d gone\n", s.Name, plural(len(prefixes), "network"), missing(prefixes, s.Prefixes), missing(s.Prefixes, prefixes))
	}
	fmt.Fprintf(u.out, "Lists are kept in %s.\n", printable(u.dir))
	if failed > 0 {
		return &exitError{exitProblem, fmt.Errorf("%s not updated", plural(failed, "set"))}
	}
	return nil
}

// missing counts what of a is not in b.
func missing(a, b []netip.Prefix) int {
	n := 0
	for _, p := range a {
		if !slices.Contains(b, p) {
			n++
		}
	}
	return n
}

// download reads all parts of a list.
func (u *updater) download(ctx context.Context, s *cdn.Set) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, url := range s.Sources {
		text, err := u.get(ctx, url)
		if err != nil {
			return nil, err
		}
		part, err := s.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", url, err)
		}
		all = append(all, part...)
	}
	slices.SortFunc(all, func(a, b netip.Prefix) int { return a.Compare(b) })
	return slices.Compact(all), nil
}

func (u *updater) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if req.URL.Scheme != "https" {
		return nil, fmt.Errorf("%s: lists are believed over https only", url)
	}
	req.Header.Set("User-Agent", "causey")
	req.Header.Set("Accept", "application/json, text/plain")
	resp, err := u.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, cdn.DownloadLimitBytes+1))
	if err == nil && len(text) > cdn.DownloadLimitBytes {
		err = fmt.Errorf("more than %d bytes", cdn.DownloadLimitBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return text, nil
}
