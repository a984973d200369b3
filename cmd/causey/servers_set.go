// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"causey/internal/admin"
)

func newSet(w world) *cobra.Command {
	var where finder
	var configured, none bool
	cmd := &cobra.Command{
		Use: "set UPSTREAM SERVER...", Short: "Say which servers an upstream has",
		Long: `Set makes the given servers those of an upstream whose configuration says
discover: {api: true}. Those that stay keep their connections; those that go finish
what they have; requests that wait for a server go to the new ones at once.

What was set holds over reloads, until it is set anew, --configured gives the upstream
the servers of its configuration again, or the gateway starts anew. The gateway is
asked by its unix socket, or over TCP with a token.`,
		Example: "  causey servers set shop 10.0.0.5:3000 10.0.0.6:3000\n  causey servers set shop --configured",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return fmt.Errorf("%s takes the name of an upstream and its servers", cmd.CommandPath())
			case (configured || none) != (len(args) == 1):
				return fmt.Errorf("%s takes servers, or --none, or --configured", cmd.CommandPath())
			}
			return nil
		},
		RunE: typed(func(cmd *cobra.Command, args []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			u, err := a.setServers(cmd.Context(), args[0], args[1:], configured)
			if err != nil {
				return withProblems(err)
			}
			_, err = fmt.Fprintf(w.stdout, "%s: %s\n", printable(u.Name), plural(len(u.Servers), "server"))
			return err
		}),
	}
	where.flags(cmd)
	cmd.Flags().BoolVar(&configured, "configured", false, "go back to the servers of the configuration")
	cmd.Flags().BoolVar(&none, "none", false, "leave the upstream without a server")
	cmd.MarkFlagsMutuallyExclusive("configured", "none")
	return cmd
}

// setServers makes servers those of an upstream, or those of its configuration.
func (a *adminSide) setServers(ctx context.Context, name string, servers []string, configured bool) (u admin.Upstream, err error) {
	path := "/api/v1/upstreams/" + url.PathEscape(name) + "/servers"
	if configured {
		err = a.tell(ctx, http.MethodDelete, path, nil, &u)
		return u, err
	}
	err = a.tell(ctx, http.MethodPut, path, append([]string{}, servers...), &u) // never null
	return u, err
}
