// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"causey/internal/admin"
	"causey/internal/cause"
	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/text"
)

func newExplain(w world) *cobra.Command {
	var where finder
	asJSON := false
	cmd := &cobra.Command{
		Use:   "explain CODE|CAUSE|ID",
		Short: "Explain a failure code, a cause, or one exchange by its reference id",
		Long: `Explain says what a failure code means, why it most probably happened and what
to look at; of a cause, what it is known by, what it is mistaken for and what to
do. For the reference id of an exchange, as it stands on the error page and in
the log, it asks the running gateway and tells what happened to that exchange,
with the evidence, and which incident it belongs to.

Of a code or a cause the first parts will do: "upstream.connect" and "tcp" list
what begins so. A cause may be given by its number.`,
		Example: "  causey explain upstream.connect.refused\n  causey explain tcp.refused.down\n  causey explain F009\n  causey explain 3f9k2m1q-0000000004h",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return errors.New("explain takes one failure code, one cause or one reference id")
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completions(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: typed(func(cmd *cobra.Command, args []string) error {
			return explain(cmd.Context(), w, &where, strings.TrimSpace(args[0]), asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	where.flags(cmd)
	return cmd
}

// explain explains whatever asked is the name of.
func explain(ctx context.Context, w world, where *finder, asked string, asJSON bool) error {
	if id, ok := record.ParseID(asked); ok {
		return explainExchange(ctx, w, where, id, asJSON)
	}
	causes, err := cause.Load()
	if err != nil {
		return err
	}
	if code, ok := failure.ParseCode(strings.ToLower(asked)); ok {
		return explainCode(w, causes, code, asJSON)
	}
	if e := causes.Lookup(asked); e != nil {
		if asJSON {
			return json.NewEncoder(w.stdout).Encode(e)
		}
		return e.Explain(w.stdout)
	}
	if below := codesBelow(strings.ToLower(asked)); len(below) > 0 {
		return listCodes(w, below, asJSON)
	}
	if below := causes.Below(asked); len(below) > 0 {
		return listCauses(w, below, asJSON)
	}
	return unknownName(causes, asked)
}

// codeExplained is a code as --json prints it: the registry's entry with its causes.
type codeExplained struct {
	admin.RegistryEntry
	Causes []string `json:"causes"`
}

// explainCode explains a failure, and lists what may be behind it.
func explainCode(w world, causes *cause.Catalogue, code failure.Code, asJSON bool) error {
	e, behind := failure.Lookup(code), causes.ForCode(code)
	if asJSON {
		x := codeExplained{admin.Describe(e), []string{}}
		for _, c := range behind {
			x.Causes = append(x.Causes, c.ID)
		}
		return json.NewEncoder(w.stdout).Encode(x)
	}
	if err := e.Explain(w.stdout); err != nil || len(behind) == 0 {
		return err
	}
	var p text.Page
	p.Line("\nWhat may be behind it, the most frequent first (causey explain CAUSE)")
	width := causeWidth(behind)
	for _, c := range behind {
		p.Wrap("  "+pad(c.ID, width)+"  ", strings.Repeat(" ", width+4), c.Title)
	}
	return p.SendTo(w.stdout)
}

// completions are all codes and causes, with their titles.
func completions() []string {
	var all []string
	for _, e := range failure.All() {
		all = append(all, e.Name+"\t"+e.Title)
	}
	if causes, err := cause.Load(); err == nil {
		for _, e := range causes.All() {
			all = append(all, e.ID+"\t"+e.Title)
		}
	}
	return all
}

// codesBelow returns the codes that begin with the given parts.
func codesBelow(parts string) []*failure.Entry {
	var found []*failure.Entry
	for _, e := range failure.All() {
		if strings.HasPrefix(e.Name, strings.TrimSuffix(parts, ".")+".") {
			found = append(found, e)
		}
	}
	return found
}

func listCodes(w world, list []*failure.Entry, asJSON bool) error {
	if asJSON {
		var all []admin.RegistryEntry
		for _, e := range list {
			all = append(all, admin.Describe(e))
		}
		return json.NewEncoder(w.stdout).Encode(all)
	}
	width := 0
	for _, e := range list {
		width = max(width, len(e.Name))
	}
	var p text.Page
	for _, e := range list {
		p.Printf("%s  %s\n", pad(e.Name, width), e.Title)
	}
	return p.SendTo(w.stdout)
}

func listCauses(w world, list []*cause.Entry, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w.stdout).Encode(list)
	}
	var p text.Page
	width := causeWidth(list)
	for _, e := range list {
		p.Printf("%s  %s  %s\n", e.Number, pad(e.ID, width), e.Title)
	}
	return p.SendTo(w.stdout)
}

// causeWidth is how wide the column of the ids has to be.
func causeWidth(list []*cause.Entry) (width int) {
	for _, e := range list {
		width = max(width, len(e.ID))
	}
	return width
}

// unknownName says what was probably meant.
func unknownName(causes *cause.Catalogue, asked string) error {
	var p text.Page
	p.Printf(`"%s" is no failure code, no cause and no reference id`, shorten(printable(asked), 80))
	near := failure.Suggest(asked)
	for _, e := range causes.Suggest(asked) {
		near = append(near, e.ID)
	}
	if len(near) > 0 {
		p.Printf("\nDid you mean:")
	}
	for _, name := range near {
		p.Printf("\n  %s", name)
	}
	if len(near) == 0 {
		p.Printf("\nA code looks like upstream.connect.refused, a cause like tcp.refused.down, an id like 3f9k2m1q-0000000004h." +
			"\nTo list all codes: causey explain client, causey explain upstream, causey explain gateway")
	}
	return errors.New(p.String())
}

// explainExchange asks the running gateway about one exchange.
func explainExchange(ctx context.Context, w world, where *finder, id record.ID, asJSON bool) error {
	a, err := where.find(ctx, w)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	body, err := a.ask(ctx, http.MethodGet, "/api/v1/exchanges/"+id.String())
	if err != nil {
		return err
	}
	if asJSON {
		_, err := w.stdout.Write(body)
		return err
	}
	x, err := decodeExchange(body)
	if err != nil {
		return err
	}
	if x.Incident != "" {
		if _, i, err := a.incident(ctx, x.Incident); err == nil { // it may just have been forgotten
			x.about = i.Title
		}
	}
	return x.tell(w.stdout)
}
