// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"causey/internal/admin"
	"causey/internal/gateway"
	"causey/internal/handover"
)

func newUpgrade(w world) *cobra.Command {
	var where finder
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Replace a running gateway's process by a new one, without a lost request",
		Long: `Upgrade lets a running gateway start its program anew, from the same path as it is
on disk now, with the same arguments and environment, and hand its listening
sockets over. It waits, and says what came of it.

The new process reads the configuration and takes the sockets. Only when it serves
does the old one stop accepting: it finishes what it has, within
timeouts.upgrade_drain, and ends. Nobody is refused, and nothing that was
accepted is dropped.

If the new process cannot start (a configuration that its version refuses, a broken
program, or it is not ready within --wait), it is ended, the old one goes on as
before, the reason is printed, and the exit code is 1.

The same is started by SIGUSR2; the result is then among the gateway's messages.
Counters and the exchanges kept in memory begin anew with the new process.

The gateway is asked by its unix socket, or over TCP with a token.`,
		Example: "  install -m 755 bin/causey /usr/bin/causey && causey upgrade",
		Args:    noArguments,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			a, err := where.find(cmd.Context(), w)
			if err != nil {
				return err
			}
			next, err := a.upgrade(cmd.Context(), wait)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(w.stdout, "upgraded: process %d (version %s) has taken over from process %d, which finishes what it has\n",
				next.PID, printable(next.Version), next.Old)
			return err
		}),
	}
	where.flags(cmd)
	cmd.Flags().DurationVar(&wait, "wait", admin.UpgradeWait, "how long the new process may take to get ready (`duration`, 1s to 10m)")
	return cmd
}

// upgrade waits for the result.
func (a *adminSide) upgrade(ctx context.Context, wait time.Duration) (next admin.Upgraded, err error) {
	body, err := a.ask(ctx, http.MethodPost, "/api/v1/upgrade?wait="+url.QueryEscape(wait.String()))
	if err != nil {
		return next, withProblems(err)
	}
	if err := json.Unmarshal(body, &next); err != nil {
		return next, fmt.Errorf("%s does not answer as a gateway of this version: %w", a.at, err)
	}
	return next, nil
}

// successor says how this process is started anew.
func successor(args []string, service *notifier) (*gateway.Upgrade, error) {
	path, err := program(args)
	if err != nil {
		return nil, err
	}
	return &gateway.Upgrade{
		Program:   handover.Program{Path: path, Args: args, Env: os.Environ()},
		Succeeded: service.succeeded,
	}, nil
}

// program is where this program is on disk. The path by which it was started is
// better than the one that the kernel knows: a symbolic link in it may lead to
// another version by the time of an upgrade.
func program(args []string) (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("where this program is on disk: %w", err)
	}
	if len(args) == 0 || !filepath.IsAbs(args[0]) {
		return path, nil
	}
	named, err := os.Stat(args[0])
	if err != nil {
		return path, nil
	}
	if running, err := os.Stat("/proc/self/exe"); err == nil && os.SameFile(named, running) {
		return args[0], nil
	}
	return path, nil
}
