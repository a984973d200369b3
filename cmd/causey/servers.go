// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/admin"
	"causey/internal/text"
	"causey/internal/upstream"
)

// watchEvery is how often --watch looks again.
const watchEvery = 2 * time.Second

func newServers(w world) *cobra.Command {
	var where finder
	asJSON, watch := false, false
	cmd := &cobra.Command{
		Use:     "servers",
		Aliases: []string{"server"},
		Short:   "Show the servers of a running gateway, or take one out of service and back",
		Long: `Servers lists what a running gateway knows of the servers behind it, and why those
that are not in service are not.

  up           in service; with a share while it begins slowly
  returning    back lately, and lost too often to be asked while others can be
  unreachable  no connection can be opened; it is tried again in the background
  ejected      answered much worse than the others; it comes back by itself
  stalled      has requests and answers none, while others do
  failing      its health check fails
  draining     by hand: it finishes what it has, and gets nothing new
  maintenance  by hand: nobody comes

Exit code 0: every upstream has a server in service; 1: one has none, or no gateway
answers; 2: the command line is wrong.`,
		Example: `  causey servers
  causey servers --json | jq '.upstreams[].servers[] | select(.state != "up")'
  causey servers drain shop 10.0.0.4:9000 --why "version 2" --wait 1m
  causey servers restore shop 10.0.0.4:9000`,
		SuggestFor: []string{"upstreams", "upstream", "drain", "maintenance", "restore"},
		Args:       knownSubcommand,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			if watch && !asJSON {
				return a.watchServers(cmd.Context(), w)
			}
			list, err := a.upstreams(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(w.stdout).Encode(upstreamList{list})
			} else {
				err = writeServers(w.stdout, list, time.Now())
			}
			if err == nil && slices.ContainsFunc(list, outOfServers) {
				return &exitError{code: exitProblem}
			}
			return err
		}),
	}
	cmd.SuggestionsMinimumDistance = 2
	where.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&watch, "watch", false, "again every two seconds, until it is interrupted")
	cmd.MarkFlagsMutuallyExclusive("json", "watch")
	cmd.AddCommand(newDrain(w), newMaintenance(w), newRestore(w), newSet(w))
	return cmd
}

// upstreamList is the answer of /api/v1/upstreams.
type upstreamList struct {
	Upstreams []admin.Upstream `json:"upstreams"`
}

func (a *adminSide) upstreams(ctx context.Context) ([]admin.Upstream, error) {
	var answer upstreamList
	err := a.get(ctx, "/api/v1/upstreams", &answer)
	return answer.Upstreams, err
}

// watchServers writes the list again and again, on a terminal each in the place of the
// one before.
func (a *adminSide) watchServers(ctx context.Context, w world) error {
	clear := ""
	if styleOf(w.stdout, w.env).on {
		clear = "\x1b[H\x1b[2J"
	}
	for {
		list, err := a.upstreams(ctx)
		if err != nil {
			return err
		}
		var p text.Page
		p.Printf("%s%s\n\n", clear, time.Now().Format(time.TimeOnly))
		if err := writeServers(&p, list, time.Now()); err != nil {
			return err
		}
		if err := p.SendTo(w.stdout); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// outOfServers reports that no server of u is in service.
func outOfServers(u admin.Upstream) bool {
	return !slices.ContainsFunc(u.Servers, func(s admin.UpstreamServer) bool { return s.InService() })
}

// writeServers writes a table with one line per server, and below it the reasons and
// what is to be said of the upstreams.
func writeServers(w io.Writer, list []admin.Upstream, now time.Time) error {
	t := newTable(w)
	t.row("UPSTREAM", "SERVER", "STATE", "FOR", "LATENCY", "ACTIVE", "IDLE", "LATELY", "ATTEMPTS", "FAILED", "LAST FAILURE")
	var why, found, sums text.Page
	for _, u := range list {
		for i := range u.Servers {
			s := &u.Servers[i]
			last := "-"
			if s.LastFailure != nil {
				last = s.LastFailure.Code
			}
			t.row(printable(u.Name), printable(s.Name), stateText(s), sinceText(s.Since, now), latencyText(s), strconv.Itoa(s.Connections.Active), strconv.Itoa(s.Connections.Idle),
				recentText(s), thousands(int64(s.Attempts)), thousands(int64(s.Failures)), last)
			if s.State != upstream.Up && s.Reason != "" {
				why.Wrap("  ", "    ", fmt.Sprintf("%s %s: %s", printable(u.Name), printable(s.Name), printable(s.Reason)))
			}
		}
		for _, s := range u.Sources {
			if s.Problem != "" {
				found.Wrap("  ", "    ", fmt.Sprintf("%s %s: %s", printable(u.Name), printable(s.Source), printable(s.Problem)))
			}
		}
		if text := upstreamText(&u); text != "" {
			sums.Wrap("  ", "    ", printable(u.Name)+": "+text)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var p text.Page
	if why.Len() > 0 {
		p.Printf("\nNot in service, because\n%s", why.String())
	}
	if found.Len() > 0 {
		p.Printf("\nServers are not found as they should be\n%s", found.String())
	}
	if sums.Len() > 0 {
		p.Printf("\nThe upstreams\n%s", sums.String())
	}
	return p.SendTo(w)
}

// stateText is the state, with the share while it is not whole.
func stateText(s *admin.UpstreamServer) string {
	if s.State == upstream.Up && s.Share < 1 {
		return fmt.Sprintf("%s (%.0f %%)", s.State, 100*s.Share)
	}
	return string(s.State)
}

func sinceText(at admin.Moment, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	switch d := max(now.Sub(at.Time), 0); {
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + " days"
	}
}

func latencyText(s *admin.UpstreamServer) string {
	if s.LatencyMS == 0 {
		return "-"
	}
	return span(s.LatencyMS)
}

func recentText(s *admin.UpstreamServer) string {
	switch {
	case s.Recent.Good+s.Recent.Bad == 0:
		return "-"
	case s.Recent.Bad == 0:
		return strconv.Itoa(s.Recent.Good) + " good"
	}
	return fmt.Sprintf("%d good, %d bad", s.Recent.Good, s.Recent.Bad)
}

// upstreamText says of an upstream what is worth it, "" if nothing is.
func upstreamText(u *admin.Upstream) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if outOfServers(*u) {
		add("no server is in service")
	}
	if u.AllAsked {
		add("so many are left out that all are asked which can be reached")
	}
	switch {
	case u.Held == 1:
		add("1 request waits for a server")
	case u.Held > 1:
		add("%d requests wait for a server (%d may)", u.Held, u.HeldMost)
	}
	if n := u.Recent.Repeated; n > 0 {
		add("%d of the last %s repeated (%d might have been)", n, plural(u.Recent.Requests, "request"), u.Recent.Repeatable)
	}
	if c := u.Saved; c.Exchanges > 0 {
		var by []string
		for _, one := range []struct {
			means string
			n     uint64
		}{{"retry", c.Retry}, {"hold", c.Hold}, {"stale", c.Stale}, {"hedge", c.Hedge}} {
			if one.n > 0 {
				by = append(by, fmt.Sprintf("%s %s", one.means, thousands(int64(one.n))))
			}
		}
		what := "failures that no visitor saw"
		if c.Exchanges == 1 {
			what = "failure that no visitor saw"
		}
		add("%s %s (%s)", thousands(int64(c.Exchanges)), what, strings.Join(by, ", "))
	}
	return strings.Join(parts, "; ")
}
