// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/admin"
	"causey/internal/incident"
)

func newIncidents(w world) *cobra.Command {
	var where finder
	asJSON, all, before := false, false, ""
	cmd := &cobra.Command{
		Use:     "incidents",
		Aliases: []string{"incident"},
		Short:   "Show what is wrong with the sites of a running gateway, and why most probably",
		Long: `Incidents lists what is wrong: failures with one cause are one incident, however many
they are. CAUSE is the likeliest one, for causey explain; CONFIDENCE how sure that is.

  open        it is there, and no cause stands out
  suspected   a cause is likely
  confirmed   a cause is as good as sure, and has been for a while
  recovering  nothing fails any more
  closed      it is over (only with --all or --before)

In memory are the newest ones; --before lists older ones too, from the gateway's disk.`,
		Example: `  causey incidents
  causey incidents --before 2026-03-01
  causey incidents show 20260309-a1
  causey incidents show 3f9k2m1q-0000000004h
  causey incidents bundle 20260309-a1 > for-the-hoster.txt`,
		Args: knownSubcommand,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			path := incidentsPath(all)
			if before != "" {
				var err error
				if path, err = pastPath(before); err != nil {
					return usageError(cmd, "--before %s: want a day such as 2026-03-01, or a time such as 2026-03-01T12:00:00Z", before)
				}
			}
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			body, err := a.answer(cmd.Context(), path)
			if err != nil {
				return err
			}
			if asJSON {
				_, err = w.stdout.Write(body)
				return err
			}
			list, err := decodeIncidents(body)
			if err != nil {
				return err
			}
			return writeIncidents(w.stdout, list, time.Now())
		}),
	}
	cmd.SuggestionsMinimumDistance = 2
	where.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&all, "all", false, "also those that are over")
	cmd.Flags().StringVar(&before, "before", "", "those that were opened before this `time`: 2026-03-01, or 2026-03-01T12:00:00Z")
	cmd.AddCommand(newIncidentShow(w), newBundle(w))
	return cmd
}

// incidentsPath is where incidents are asked for.
func incidentsPath(all bool) string {
	if all {
		return "/api/v1/incidents?limit=500"
	}
	return "/api/v1/incidents?limit=500&open=1"
}

// pastPath is where those are asked for that were opened before a time; a day begins at
// midnight here.
func pastPath(before string) (string, error) {
	at, err := time.ParseInLocation(time.DateOnly, before, time.Local)
	if err != nil {
		if at, err = time.Parse(time.RFC3339, before); err != nil {
			return "", err
		}
	}
	return "/api/v1/incidents?limit=500&before=" + url.QueryEscape(at.UTC().Format(time.RFC3339)), nil
}

// answer asks for path and gives the answer as it came.
func (a *adminSide) answer(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return a.ask(ctx, http.MethodGet, path)
}

// incident asks for one incident, by its id or that of an exchange.
func (a *adminSide) incident(ctx context.Context, id string) (body []byte, i *incident.Incident, err error) {
	body, err = a.answer(ctx, "/api/v1/incidents/"+url.PathEscape(strings.ToLower(strings.TrimSpace(id))))
	if err != nil {
		return nil, nil, err
	}
	i = &incident.Incident{}
	return body, i, decodeHarmless(body, i)
}

// decodeIncidents reads a list. Where nothing is looked for it is an error.
func decodeIncidents(body []byte) ([]incident.Incident, error) {
	var answer admin.IncidentList
	if err := decodeHarmless(body, &answer); err != nil {
		return nil, err
	}
	if !answer.On {
		return nil, errors.New("the diagnosis is off (diagnosis: off in the configuration), so nothing is known of incidents")
	}
	return answer.Incidents, nil
}

// decodeHarmless decodes an answer whose texts may be a stranger's: they are made
// harmless for a terminal here, once and for all.
func decodeHarmless(body []byte, into any) error {
	var all any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	err := d.Decode(&all)
	if err == nil {
		if body, err = json.Marshal(harmless(all)); err == nil {
			err = json.Unmarshal(body, into)
		}
	}
	if err != nil {
		return fmt.Errorf("this is no answer of a gateway of this version: %w", err)
	}
	return nil
}

// harmless makes all texts below v printable.
func harmless(v any) any {
	switch v := v.(type) {
	case string:
		return printable(v)
	case []any:
		for n := range v {
			v[n] = harmless(v[n])
		}
	case map[string]any:
		for name := range v {
			v[name] = harmless(v[name])
		}
	}
	return v
}

// writeIncidents writes a table with a line for each incident.
func writeIncidents(w io.Writer, list []incident.Incident, now time.Time) error {
	if len(list) == 0 {
		_, err := io.WriteString(w, "Nothing is wrong.\n")
		return err
	}
	t := newTable(w)
	t.row("ID", "STATE", "SINCE", "WHERE", "CAUSE", "CONFIDENCE", "FAILED", "SAVED")
	for n := range list {
		i := &list[n]
		name, confidence := "unknown", "-"
		if c := i.Named(); c != nil {
			name, confidence = c.Cause, percent(c.Confidence)
		}
		t.row(i.ID, string(i.State), sinceText(admin.Moment{Time: i.Opened}, now), shorten(whereText(i), 40), name, confidence,
			thousands(int64(i.Failed)), thousands(int64(i.Saved)))
	}
	return t.Flush()
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// whereText names what an incident is about.
func whereText(i *incident.Incident) string {
	if i.Scope.Value != "" {
		return i.Scope.Level + " " + i.Scope.Value
	}
	return i.Scope.Level
}

// oneIncident demands the id that a subcommand is about.
func oneIncident(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New(cmd.CommandPath() + " takes one id, of an incident or of an exchange that belongs to it")
	}
	return nil
}
