// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/incident"
	"causey/internal/text"
)

func newIncidentShow(w world) *cobra.Command {
	var where finder
	asJSON := false
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Tell one incident: what happens, why probably, and what to do",
		Long: `Show tells one incident with its evidence. The weight before a line of evidence is for
the cause, or against it with a minus: +0.7 makes it twice as likely, +2.3 ten times.
The reference id of an exchange will do for the id.`,
		Args: oneIncident,
		RunE: typed(func(cmd *cobra.Command, args []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			body, i, err := a.incident(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				_, err = w.stdout.Write(body)
				return err
			}
			return tellIncident(w.stdout, i, time.Now())
		}),
	}
	where.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// tellIncident writes all that is to be said of an incident.
func tellIncident(w io.Writer, i *incident.Incident, now time.Time) error {
	var p text.Page
	p.Line(i.ID)
	p.Wrap("", "", i.Title)
	p.Line("")
	p.Wrap("  State      ", "             ", stateWords(i, now))
	p.Wrap("  Severity   ", "             ", string(i.Severity)+": "+severityWords[i.Severity])
	p.Wrap("  Where      ", "             ", whereText(i)+" ("+i.Scope.Reach+")")
	if len(i.Sites) > 0 {
		p.Wrap("  Sites      ", "             ", strings.Join(i.Sites, ", "))
	}
	p.Line("\nWhat happens")
	p.Wrap("  ", "  ", i.Account.What+". "+i.Account.Affected)
	p.Line("\nWhy")
	p.Wrap("  ", "  ", i.Account.Why)
	if c := i.Named(); c != nil {
		p.Wrap("  ", "  ", fmt.Sprintf("This is %s (%s), with a confidence of %s: `causey explain %s`", c.Cause, c.Number, percent(c.Confidence), c.Cause))
		if len(c.Evidence) > 0 {
			writeEvidence(&p, c)
		}
	}
	if len(i.Account.Else) > 0 {
		p.Line("\nWhat it could be instead")
		for _, o := range i.Account.Else {
			p.Wrap("  - ", "    ", o.Cause+", "+o.Title+otherConfidence(i, o.Cause)+":")
			p.Wrap("    ", "    ", o.Ask)
		}
	}
	if len(i.Account.Do) > 0 {
		p.Line("\nWhat to do")
		for _, d := range i.Account.Do {
			p.Wrap(fmt.Sprintf("  %-10s ", d.Stack), strings.Repeat(" ", 13), d.Text)
		}
	}
	if len(i.Exemplars) > 0 {
		p.Line("\nExamples (causey explain ID)")
		for _, id := range i.Exemplars {
			p.Line("  " + id)
		}
	}
	return p.SendTo(w)
}

// writeEvidence writes the lines of a score that say something.
func writeEvidence(p *text.Page, c *incident.Ranked) {
	p.Line("\nThe evidence, and what it weighs")
	for _, l := range c.Evidence {
		says := l.Says
		if says == "" {
			says = l.Fact
		}
		p.Wrap(fmt.Sprintf("  %+5.1f  ", l.Weight), strings.Repeat(" ", 9), says)
	}
}

// otherConfidence is the confidence of another cause, behind a comma; "" if it is not
// known.
func otherConfidence(i *incident.Incident, name string) string {
	for _, r := range i.Ranked {
		if r.Cause == name {
			return ", " + percent(r.Confidence)
		}
	}
	return ""
}

// severityWords say what the severities mean.
var severityWords = map[incident.Severity]string{
	incident.Critical: "most of what is asked for fails",
	incident.Major:    "visitors get errors",
	incident.Minor:    "few visitors get errors",
	incident.Saved:    "no visitor noticed",
}

// stateWords say where in its life an incident is.
func stateWords(i *incident.Incident, now time.Time) string {
	began := i.Opened.In(now.Location()).Format("2 January 15:04:05")
	again := ""
	if i.Reopened > 0 {
		again = fmt.Sprintf("; it came again %s", times(i.Reopened))
	}
	if i.State == incident.Closed {
		return fmt.Sprintf("closed; it lasted from %s for %s%s", began, lasting(i.LastSeen.Sub(i.Opened)), again)
	}
	return fmt.Sprintf("%s, since %s (%s)%s", i.State, began, lasting(now.Sub(i.Opened)), again)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// lasting says how long something takes or took.
func lasting(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", max(d.Seconds(), 0))
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
