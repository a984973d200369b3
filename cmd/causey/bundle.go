// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/incident"
	"causey/internal/phase"
	"causey/internal/text"
)

func newBundle(w world) *cobra.Command {
	var where finder
	cmd := &cobra.Command{
		Use:   "bundle ID",
		Short: "Write the evidence of one incident for a hoster, without what is private",
		Long: `Bundle writes one text with all that a hoster or a colleague needs to look into an
incident: when it was (UTC), which servers, how many, the failures with what the wire
showed, and some exchanges as examples. It has no cookies, no query strings, no bytes of
requests or answers, and of visitors' addresses only the network (/24, /48). Read it
before you send it: paths and names of hosts are in it.`,
		Example: "  causey incidents bundle 20260309-a1 > for-the-hoster.txt",
		Args:    oneIncident,
		RunE: typed(func(cmd *cobra.Command, args []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			_, i, err := a.incident(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			b, err := a.bundle(cmd.Context(), i, time.Now())
			if err != nil {
				return err
			}
			return b.SendTo(w.stdout)
		}),
	}
	where.flags(cmd)
	return cmd
}

// bundle collects what belongs to an incident, without what is private.
func (a *adminSide) bundle(ctx context.Context, i *incident.Incident, now time.Time) (*text.Page, error) {
	var examples []*exchange
	for _, id := range i.Exemplars {
		body, err := a.answer(ctx, "/api/v1/exchanges/"+id)
		if err != nil {
			continue // no longer kept
		}
		x, err := decodeExchange(body)
		if err != nil {
			return nil, err
		}
		examples = append(examples, x)
	}
	upstreams, err := a.upstreams(ctx)
	if err != nil {
		return nil, err
	}
	r := redactor{servers: map[netip.Addr]bool{}}
	for _, u := range upstreams {
		for _, s := range u.Servers {
			r.addServer(s.Name)
			for _, at := range s.Addresses {
				r.addServer(at)
			}
		}
	}
	for _, x := range examples {
		r.addServer(x.Server)
		r.addServer(x.Evidence.text("dialled"))
	}
	var p text.Page
	writeBundle(&p, i, examples, now)
	out := &text.Page{}
	out.WriteString(r.redact(p.String()))
	return out, nil
}

// utc writes a time for people who live elsewhere.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func writeBundle(p *text.Page, i *incident.Incident, examples []*exchange, now time.Time) {
	p.Line("Evidence of an incident, collected by Causey (a gateway before the servers named here)")
	p.Printf("Written %s. Addresses of visitors are shortened; query strings, cookies and contents are left out.\n", utc(now))
	p.Printf("\n%s\n%s\n\n", i.ID, i.Title)
	p.Printf("  %-10s %s\n", "Began", utc(i.Opened))
	p.Printf("  %-10s %s\n", "Last seen", utc(i.LastSeen))
	if !i.Ended.IsZero() {
		p.Printf("  %-10s %s\n", "Closed", utc(i.Ended))
	}
	p.Printf("  %-10s %s, %s\n", "State", i.State, i.Severity)
	p.Printf("  %-10s %s (%s)\n", "Where", whereText(i), i.Scope.Reach)
	p.Printf("  %-10s %s\n", "Proof", i.Scope.Says)
	p.Printf("  %-10s %s\n", "Upstreams", strings.Join(i.Upstreams, ", "))
	p.Printf("  %-10s %s\n", "Sites", strings.Join(i.Sites, ", "))
	p.Printf("  %-10s %s lost by visitors, %s kept from them\n", "Requests", thousands(int64(i.Failed)), thousands(int64(i.Saved)))
	p.Line("\nWhat happens")
	p.Wrap("  ", "  ", i.Account.What+". "+i.Account.Affected)
	p.Line("\nCauses that come into question, with what speaks for them (+) and against them (-)")
	for _, c := range i.Ranked {
		p.Printf("  %s %s, %s: %s\n", percent(c.Confidence), c.Cause, c.Number, c.Title)
		for _, l := range c.Evidence {
			if l.Says != "" {
				p.Printf("    %+5.1f  %s\n", l.Weight, l.Says)
			}
		}
	}
	p.Printf("  %s another one\n", percent(i.Unknown))
	p.Line("\nAll that was observed")
	for _, f := range i.Facts {
		p.Line(strings.TrimRight(fmt.Sprintf("  %-18s %-10s  %s", f.Name, factText(f.Value), f.Says), " "))
	}
	p.Line("\nExamples")
	if len(examples) == 0 {
		p.Line("  None is kept any more.")
	}
	for _, x := range examples {
		writeExample(p, x)
	}
}

// factText is the value of a fact as JSON has it.
func factText(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case []any:
		var words []string
		for _, w := range v {
			words = append(words, fmt.Sprint(w))
		}
		return strings.Join(words, ",")
	}
	return fmt.Sprint(v)
}

// evidenceTold are the parts of an exchange's evidence that are no content of anybody's.
var evidenceTold = []string{
	"errno", "end", "dialled", "reused", "request_number", "idle_ms", "conn_age_ms", "bytes_written", "bytes_acked", "retransmits", "rtt_ms",
	"response_bytes", "missing", "rcode", "dns_server", "tls_alert", "tls_alert_name", "tls_alert_sent", "tls_server_name", "tls_not_after",
}

func writeExample(p *text.Page, x *exchange) {
	p.Printf("  %s  %s\n", x.Time, x.ID)
	p.Printf("    %-9s %s %s%s, status %d, from %s\n", "request", x.Method, x.Host, x.Target, x.Status, networkOf(x.Client))
	p.Printf("    %-9s %s\n", "server", x.Server)
	p.Printf("    %-9s %s\n", "failure", x.Failure)
	var shown []string
	for _, name := range evidenceTold {
		if x.Evidence.has(name) {
			var v any
			if json.Unmarshal(x.Evidence[name], &v) == nil && v != nil {
				shown = append(shown, name+"="+printable(fmt.Sprint(v)))
			}
		}
	}
	p.Printf("    %-9s %s\n", "evidence", strings.Join(shown, " "))
	var phases []string
	for n := range phase.Count {
		name := phase.Phase(n).String()
		if ms, reached := x.Phases[name]; reached {
			phases = append(phases, fmt.Sprintf("%s %.1f ms", name, ms))
		}
	}
	p.Printf("    %-9s %s\n", "time", strings.Join(phases, ", "))
}

// redactor takes what is private out of a text: whatever looks like an address and is no
// server's, and query strings.
type redactor struct{ servers map[netip.Addr]bool }

var (
	// addressLike finds what may be an address; netip.ParseAddr decides.
	addressLike = regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[0-9A-Za-z_.-]+)?`)
	// network finds what was shortened before.
	network = regexp.MustCompile(`^/(24|48)\b`)
	// queryString finds one behind a path or a URL.
	queryString = regexp.MustCompile(`(/[^\s?"]*)\?[^\s",]+`)
)

// addServer notes that the addresses of name, if it has one, are a server's.
func (r *redactor) addServer(name string) {
	for _, s := range addressLike.FindAllString(name, -1) {
		if at, err := netip.ParseAddr(s); err == nil {
			r.servers[at.Unmap()] = true
		}
	}
	if at, err := netip.ParseAddrPort(name); err == nil {
		r.servers[at.Addr().Unmap()] = true
	}
}

func (r *redactor) redact(s string) string {
	s = queryString.ReplaceAllString(s, "$1?...")
	var out strings.Builder
	at := 0
	for _, m := range addressLike.FindAllStringIndex(s, -1) {
		out.WriteString(s[at:m[0]])
		found := s[m[0]:m[1]]
		at = m[1]
		a, err := netip.ParseAddr(found)
		if err != nil || r.servers[a.Unmap()] || a.IsLoopback() || a.IsUnspecified() {
			out.WriteString(found)
			continue
		}
		out.WriteString(networkOf(found))
		at += len(network.FindString(s[at:]))
	}
	out.WriteString(s[at:])
	return out.String()
}

// networkOf is all that is told of a visitor's address.
func networkOf(address string) string {
	at, err := netip.ParseAddr(address)
	if err != nil {
		return "an unknown address"
	}
	bits := 48
	if at = at.Unmap().WithZone(""); at.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(at, bits).Masked().String()
}
