// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/admin"
	"causey/internal/text"
	"causey/internal/upstream"
)

// lookEvery is how often a waiting command looks whether a server is done.
const lookEvery = 200 * time.Millisecond

// quietLooks is how often a server has to be seen idle before it counts as such: a
// request that was given to it just before it was drained may still be connecting.
const quietLooks = 2

// change is a command that takes a server out of service or gives it back.
type change struct {
	where finder
	state upstream.Hand
	why   string
	wait  time.Duration
}

const changeLong = `

The decision holds until it is taken back, over reloads and restarts of the gateway
too. The names are those of: causey servers. The gateway is asked by its unix socket,
or over TCP with a token.`

func newDrain(w world) *cobra.Command {
	c := &change{state: upstream.Drain}
	cmd := c.command(w, "drain", "Let a server finish what it has and send it nothing new", `Drain sends a server no new request; what is under way goes on to its end. Clients
that are bound to the server still come. With --wait it waits until nothing is
active there any more, so that the server can be stopped:

  causey servers drain shop 10.0.0.4:9000 --wait 1m && ssh 10.0.0.4 deploy &&
  causey servers restore shop 10.0.0.4:9000

Exit code 0: it is drained, with --wait also idle; 1: it was not idle in time, there
is no such server, or no gateway answers; 2: the command line is wrong.`+changeLong)
	cmd.Flags().DurationVar(&c.wait, "wait", 0, "wait so long for the server to be idle, such as 1m")
	return cmd
}

func newMaintenance(w world) *cobra.Command {
	c := &change{state: upstream.Maintain}
	cmd := c.command(w, "maintenance", "Take a server out of service, for everybody", `Maintenance sends a server no request of anybody, not even of clients that are bound
to it. What is under way goes on to its end; --wait waits for that.`+changeLong)
	cmd.Flags().DurationVar(&c.wait, "wait", 0, "wait so long for the server to be idle, such as 1m")
	return cmd
}

func newRestore(w world) *cobra.Command {
	c := &change{state: upstream.Auto}
	return c.command(w, "restore", "Give a server back that was drained or in maintenance", `Restore leaves a server to what the gateway sees of it: it is in service if it can be
reached and nothing speaks against it, and takes up its share slowly.`+changeLong)
}

func (c *change) command(w world, name, short, long string) *cobra.Command {
	cmd := &cobra.Command{
		Use: name + " UPSTREAM SERVER", Short: short, Long: long,
		Example: "  causey servers " + name + ` shop 10.0.0.4:9000 --why "version 2"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("%s takes the names of an upstream and of one of its servers, not %s; they are those of: causey servers", cmd.CommandPath(), plural(len(args), "argument"))
			}
			return nil
		},
		RunE: typed(func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("wait") && c.wait <= 0 {
				return usageError(cmd, "--wait takes a time such as 30s or 5m")
			}
			a, err := c.where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			return c.run(cmd.Context(), w, a, args[0], args[1])
		}),
	}
	c.where.flags(cmd)
	cmd.Flags().StringVar(&c.why, "why", "", "the `reason`, shown wherever the state is")
	return cmd
}

// run asks for the change, says what came of it, and waits if that was asked for.
func (c *change) run(ctx context.Context, w world, a *adminSide, inUpstream, server string) error {
	var answer admin.Decided
	path := "/api/v1/upstreams/" + url.PathEscape(inUpstream) + "/servers/" + url.PathEscape(server) + "/state"
	if err := a.post(ctx, path, admin.Decision{State: c.state, Why: c.why}, &answer); err != nil {
		return err
	}
	for _, text := range answer.Warnings {
		fmt.Fprintf(w.stderr, "causey: %s\n", printable(text))
	}
	if err := writeChange(w.stdout, inUpstream, &answer.Server, c.wait > 0); err != nil || c.wait <= 0 {
		return err
	}
	return c.waitIdle(ctx, w, a, [2]string{inUpstream, server})
}

// writeChange says in one line what state the server is in now.
func writeChange(w io.Writer, inUpstream string, s *admin.UpstreamServer, waits bool) error {
	var p text.Page
	p.Printf("%s %s: %s", printable(inUpstream), printable(s.Name), stateText(s))
	switch active := s.Connections.Active; {
	case !s.ByHand && s.State != upstream.Up && s.Reason != "":
		p.Printf(": %s", printable(s.Reason))
	case !s.ByHand:
	case active == 0:
		p.Printf("; nothing is active there")
	case waits:
		p.Printf("; waiting for %s to end", plural(active, "exchange"))
	default:
		p.Printf("; %s still active there", areOrIs(active, "exchange"))
	}
	p.Printf("\n")
	return p.SendTo(w)
}

func areOrIs(n int, thing string) string {
	if n == 1 {
		return "1 " + thing + " is"
	}
	return plural(n, thing) + " are"
}

// waitIdle waits until the server has nothing active.
func (c *change) waitIdle(ctx context.Context, w world, a *adminSide, name [2]string) error {
	began := time.Now()
	for quiet := 0; ; {
		list, err := a.upstreams(ctx)
		if err != nil {
			return err
		}
		s := serverOf(list, name)
		took := time.Since(began)
		switch {
		case s == nil:
			return fmt.Errorf("%s %s is no server any more", printable(name[0]), printable(name[1]))
		case s.State != stateOf(c.state):
			return fmt.Errorf("%s %s is not to be idle any more: its state is %s now; somebody else changed it", printable(name[0]), printable(name[1]), s.State)
		case s.Connections.Active > 0:
			quiet = 0
		case quiet < quietLooks:
			quiet++
		default:
			_, err := fmt.Fprintf(w.stdout, "%s %s: idle after %s\n", printable(name[0]), printable(name[1]), took.Round(100*time.Millisecond))
			return err
		}
		if took >= c.wait && s.Connections.Active > 0 {
			return fmt.Errorf("%s %s: %s still active after %s; the server stays out of service, and what is under way goes on to its end", printable(name[0]), printable(name[1]), areOrIs(s.Connections.Active, "exchange"), c.wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// stateOf is the state that a decision leads to.
func stateOf(h upstream.Hand) upstream.State {
	if h == upstream.Drain {
		return upstream.Draining
	}
	return upstream.Maintenance
}

// serverOf returns a server by upstream and name, nil if it is not there.
func serverOf(list []admin.Upstream, name [2]string) *admin.UpstreamServer {
	for i := range list {
		for j := range list[i].Servers {
			if list[i].Name == name[0] && list[i].Servers[j].Name == name[1] {
				return &list[i].Servers[j]
			}
		}
	}
	return nil
}
