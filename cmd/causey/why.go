// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/incident"
	"causey/internal/text"
)

func newWhy(w world) *cobra.Command {
	var where finder
	cmd := &cobra.Command{
		Use:   "why",
		Short: "Say in one paragraph what is wrong now, and why",
		Long: `Why says in one paragraph what is wrong with the sites of a running gateway, why most
probably, and what to do first. Of several incidents it tells the worst.

Exit code 0: nothing is wrong, or not any more; 1: something is, or no gateway answers;
2: the command line is wrong.`,
		Example:    "  causey why\n  causey why || mail -s 'the shop' owner@example.com",
		SuggestFor: []string{"status", "health", "diagnose"},
		Args:       noArguments,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			body, err := a.answer(cmd.Context(), incidentsPath(true))
			if err != nil {
				return err
			}
			list, err := decodeIncidents(body)
			if err != nil {
				return err
			}
			verdict, wrong := why(list, time.Now())
			var p text.Page
			p.Wrap("", "", verdict)
			if err := p.SendTo(w.stdout); err != nil {
				return err
			}
			if wrong {
				return &exitError{code: exitProblem}
			}
			return nil
		}),
	}
	where.flags(cmd)
	return cmd
}

// why says what is wrong. list has the open incidents first, and the newest first.
func why(list []incident.Incident, now time.Time) (verdict string, wrong bool) {
	var ill, better []*incident.Incident
	var last *incident.Incident
	for n := range list {
		switch i := &list[n]; {
		case i.State == incident.Recovering:
			better = append(better, i)
		case i.State != incident.Closed:
			ill = append(ill, i)
		case last == nil:
			last = i
		}
	}
	if len(ill) > 0 {
		return whyIll(ill, now), true
	}
	switch {
	case len(better) > 0:
		return fmt.Sprintf("Nothing fails any more. Until %s ago it did: %s. `causey incidents show %s` tells more.",
			lasting(now.Sub(better[0].LastSeen)), better[0].Title, better[0].ID), false
	case last != nil:
		return fmt.Sprintf("Nothing is wrong. The last time something was, it ended %s ago: %s. `causey incidents show %s` tells more.",
			lasting(now.Sub(last.Ended)), last.Title, last.ID), false
	}
	return "Nothing is wrong, and nothing was since the gateway started.", false
}

// whyIll tells the worst of the incidents.
func whyIll(ill []*incident.Incident, now time.Time) string {
	i := slices.MinFunc(ill, func(a, b *incident.Incident) int {
		return cmp.Compare(slices.Index(incident.Severities, a.Severity), slices.Index(incident.Severities, b.Severity))
	})
	parts := []string{fmt.Sprintf("%s, for %s.", i.Title, lasting(now.Sub(i.Opened))), i.Account.Affected, i.Account.Why}
	if len(i.Account.HowKnown) > 0 {
		parts = append(parts, i.Account.HowKnown[0])
	}
	if len(i.Account.Do) > 0 {
		parts = append(parts, "What to do first: "+i.Account.Do[0].Text)
	}
	if n := len(ill) - 1; n > 0 {
		parts = append(parts, fmt.Sprintf("Besides there %s: `causey incidents`.", others(n)))
	}
	parts = append(parts, fmt.Sprintf("`causey incidents show %s` tells more.", i.ID))
	return strings.Join(parts, " ")
}

func others(n int) string {
	if n == 1 {
		return "is 1 other incident"
	}
	return fmt.Sprintf("are %d other incidents", n)
}
