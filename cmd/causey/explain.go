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
	"causey/internal/failure"
	"causey/internal/record"
	"causey/internal/text"
)

func newExplain(w world) *cobra.Command {
	var where finder
	asJSON := false
	cmd := &cobra.Command{
		Use:   "explain CODE|ID",
		Short: "Explain a failure code, or one exchange by its reference id",
		Long: `Explain says what a failure code means, why it most probably happened and what
to look at. For the reference id of an exchange, as it stands on the error page
and in the log, it asks the running gateway and tells what happened to that
exchange, with the evidence.

Of a code the first parts will do: "upstream.connect" lists what begins so.`,
		Example: "  causey explain upstream.connect.refused\n  causey explain 3f9k2m1q-0000000004h",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return errors.New("explain takes one failure code or one reference id")
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return codeCompletions(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: typed(func(cmd *cobra.Command, args []string) error {
			asked := strings.TrimSpace(args[0])
			if code, ok := failure.ParseCode(strings.ToLower(asked)); ok {
				e := failure.Lookup(code)
				if asJSON {
					return json.NewEncoder(w.stdout).Encode(admin.Describe(e))
				}
				return e.Explain(w.stdout)
			}
			if id, ok := record.ParseID(asked); ok {
				return explainExchange(cmd.Context(), w, &where, id, asJSON)
			}
			if below := codesBelow(strings.ToLower(asked)); len(below) > 0 {
				return listCodes(w, below, asJSON)
			}
			return unknownCode(asked)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	where.flags(cmd)
	return cmd
}

func codeCompletions() []string {
	var all []string
	for _, e := range failure.All() {
		all = append(all, e.Name+"\t"+e.Title)
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

// unknownCode says what was probably meant.
func unknownCode(asked string) error {
	var p text.Page
	p.Printf(`"%s" is no failure code and no reference id`, shorten(printable(asked), 80))
	near := failure.Suggest(asked)
	if len(near) > 0 {
		p.Printf("\nDid you mean:")
	}
	for _, name := range near {
		p.Printf("\n  %s", name)
	}
	if len(near) == 0 {
		p.Printf("\nA code looks like upstream.connect.refused, an id like 3f9k2m1q-0000000004h." +
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
	return x.tell(w.stdout)
}
