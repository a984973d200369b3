// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"causey/internal/admin"
	"causey/internal/config"
	"causey/internal/text"
)

func newCertificates(w world) *cobra.Command {
	var where finder
	asJSON := false
	cmd := &cobra.Command{
		Use:     "certificates",
		Aliases: []string{"certs"},
		Short:   "Show the certificates of a running gateway, the worst first",
		Long: `Certificates lists what the gateway shows to clients: for which hosts, from a file
or obtained from a CA, until when it is valid, and what happens next.

  ok        nothing is to be done
  expiring  it ends soon, and nothing newer is in sight
  failing   it is good, and a newer one cannot be had
  waiting   there is none yet that a client would take
  expired   clients refuse it

Exit code 0: all can be used and renewed; 1: one is failing, waiting or expired, or
no gateway answers; 2: the command line is wrong. Names on demand do not count:
their owners may have gone elsewhere.`,
		Example: "  causey certificates\n  causey certs --json | jq '.certificates[] | select(.state != \"ok\")'",
		Args:    noArguments,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			var answer admin.CertificateList
			if err := a.get(cmd.Context(), "/api/v1/certificates?limit="+strconv.Itoa(admin.CertificatesMax), &answer); err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(w.stdout).Encode(answer)
			} else {
				err = writeCertificates(w.stdout, &answer)
			}
			// The worst come first, so that trouble is never among those left out.
			if err == nil && slices.ContainsFunc(answer.Certificates, func(c admin.Certificate) bool { return c.Trouble() }) {
				return &exitError{code: exitProblem}
			}
			return err
		}),
	}
	where.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// certHostsShown is how many hosts of one certificate are listed.
const certHostsShown = 3

// writeCertificates writes a table with one line per certificate, and below it the
// errors.
func writeCertificates(w io.Writer, answer *admin.CertificateList) error {
	if len(answer.Certificates) == 0 {
		_, err := io.WriteString(w, "no certificates: no listener serves TLS, or no site has a host name\n")
		return err
	}
	t := newTable(w)
	t.row("STATE", "HOSTS", "VALID UNTIL", "DAYS", "FROM", "KEY", "NEXT")
	for i := range answer.Certificates {
		c := &answer.Certificates[i]
		until, days, next := "-", "-", "-"
		if c.DaysLeft != nil {
			until, days = c.NotAfter.UTC().Format("2006-01-02 15:04Z"), strconv.Itoa(*c.DaysLeft)
		}
		if c.Source != admin.FromFile && !c.NextAt.IsZero() {
			next = c.NextAt.UTC().Format("2006-01-02 15:04Z")
		}
		t.row(string(c.State), hostsOf(c), until, days, fromWhere(c), cmp.Or(c.KeyType, "-"), next)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var p text.Page
	for i := range answer.Certificates {
		if c := &answer.Certificates[i]; c.State != admin.Fine || c.Error != "" {
			p.Printf("\n%s: %s", hostsOf(c), c.NextStep)
			if c.Error != "" {
				p.Printf("\n  %s (%s)", printable(c.Error), plural(c.Failures, "failure"))
			}
		}
	}
	if p.Len() > 0 {
		p.Printf("\n")
	}
	all := 0
	for _, n := range answer.Counts {
		all += n
	}
	if left := all - len(answer.Certificates); left > 0 {
		p.Printf("\nand %s more, in no worse state\n", thousands(int64(left)))
	}
	return p.SendTo(w)
}

func hostsOf(c *admin.Certificate) string {
	hosts := c.Hosts
	if len(hosts) == 0 {
		hosts = []string{cmp.Or(c.Name, "-")}
	}
	more := ""
	if n := len(hosts) - certHostsShown; n > 0 {
		hosts, more = hosts[:certHostsShown], fmt.Sprintf("+%d", n)
	}
	return printable(strings.Join(hosts, ",") + more)
}

func fromWhere(c *admin.Certificate) string {
	switch {
	case c.Source == admin.FromFile:
		return printable(c.File)
	case c.Issuer == "":
		return string(c.Source)
	}
	return string(c.Source) + ": " + printable(shorten(c.Issuer, 40))
}

// certificateLine sums the certificates up for the announcement, "" where there is
// no TLS.
func certificateLine(cfg *config.Config, all []admin.Certificate) string {
	if !cfg.HasTLS() {
		return ""
	}
	sources, states := map[admin.CertificateSource]int{}, map[admin.CertificateState]int{}
	for i := range all {
		sources[all[i].Source]++
		states[all[i].State]++
	}
	var parts, doubts []string
	if n := sources[admin.FromFile]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d from files", n))
	}
	if n := sources[admin.Automatic]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d automatic", n))
	}
	if cfg.TLS.Automatic.Enabled && cfg.TLS.Automatic.Ask != "" {
		parts = append(parts, "others on demand")
	}
	if len(parts) == 0 {
		return "none: no site has a host name that one could be obtained for"
	}
	for _, state := range admin.CertificateStates {
		if n := states[state]; n > 0 && state != admin.Fine {
			doubts = append(doubts, fmt.Sprintf("%d %s", n, state))
		}
	}
	line := strings.Join(parts, ", ")
	if len(doubts) > 0 {
		line += " (" + strings.Join(doubts, ", ") + "; see: causey certificates)"
	}
	return line
}
