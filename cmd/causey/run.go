// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"causey/internal/config"
	"causey/internal/gateway"
)

// runOptions are the flags of causey run.
type runOptions struct {
	config, admin     string
	listen, to, hosts []string
	logFormat         string
}

func newRun(w world) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the gateway",
		Long: `Run the gateway, with a configuration file or with what the flags say: --to names
the servers that every request goes to. Without any flag it reads causey.yaml in
the current directory.

With --host it serves that host on the ports 80 and 443, with a certificate that it
obtains from Let's Encrypt and renews; by this you agree to their terms of service.
The host's name has to lead to this machine.

SIGTERM and SIGINT drain: listeners close, running exchanges finish; a second one
stops at once. SIGHUP reads the configuration again; a bad one changes nothing.
SIGUSR1 opens the log files again. SIGUSR2 replaces this process by a new one of the
program as it is on disk then (see causey upgrade).

Exit codes: 0 stopped as asked; 1 failed; 2 the command line is wrong; 75 an
address is in use; 78 the configuration was refused.`,
		Example: "  causey run --listen 127.0.0.1:8080 --to 127.0.0.1:3000 --admin 127.0.0.1:8081\n  causey run --host example.com --to 127.0.0.1:3000\n  causey run -c causey.yaml",
		Args:    noArguments,
		RunE: typed(func(cmd *cobra.Command, _ []string) error {
			if o.logFormat != "text" && o.logFormat != "json" {
				return usageError(cmd, "--log-format is text or json, not %q", o.logFormat)
			}
			byFlags := len(o.listen) > 0 || len(o.to) > 0 || len(o.hosts) > 0 || o.admin != ""
			if o.config != "" && byFlags {
				return usageError(cmd, "the file given with -c says everything; --listen, --to, --host and --admin are for running without one")
			}
			if o.config == "" && len(o.to) == 0 {
				if byFlags {
					return usageError(cmd, "where do the requests go? Name the server with --to, such as --to 127.0.0.1:3000")
				}
				if _, err := os.Stat(configDefault); err != nil {
					return usageError(cmd, "there is no %s here; name a configuration with -c, or a server with --to", configDefault)
				}
				o.config = configDefault
			}
			return o.run(cmd.Context(), w)
		}),
	}
	f := cmd.Flags()
	f.StringVarP(&o.config, "config", "c", "", "the configuration `file`")
	f.StringArrayVar(&o.listen, "listen", nil, "`address` to listen on, https://ADDRESS for TLS; may be repeated (default "+config.DefaultListen+", with --host :80 and https://:443)")
	f.StringArrayVar(&o.hosts, "host", nil, "`name` of the site, which gets a certificate; may be repeated (default every host)")
	f.StringArrayVar(&o.to, "to", nil, "`server` that answers, host:port or unix:PATH; may be repeated")
	f.StringVar(&o.admin, "admin", "", "loopback `address` of the admin page, beside its unix socket")
	f.StringVar(&o.logFormat, "log-format", "text", "form of the gateway's own messages on stderr: text or json")
	return cmd
}

// load reads the configuration that the flags mean.
func (o *runOptions) load() (*config.Config, error) {
	if o.config != "" {
		return config.Load(o.config)
	}
	return config.Default(config.Flags{Listen: o.listen, To: o.to, Hosts: o.hosts, Admin: o.admin})
}

func (o *runOptions) logger(w world) *slog.Logger {
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w.stderr, nil))
	}
	return slog.New(slog.NewTextHandler(w.stderr, nil))
}

// run takes what this process was given at its start, and runs the gateway. A process
// that was started to take over says so to the other one if it cannot.
func (o *runOptions) run(ctx context.Context, w world) error {
	inherited, err := gateway.Inherit()
	if err != nil {
		return &exitError{exitProblem, err}
	}
	s, err := o.start(w, inherited)
	if err != nil {
		inherited.Fail(err)
		return err
	}
	defer s.service.close()
	defer s.stopSignals()
	s.steer(ctx)
	return nil
}

// start starts the gateway.
func (o *runOptions) start(w world, inherited *gateway.Inherited) (*steering, error) {
	cfg, err := o.load()
	if err != nil {
		return nil, refusedConfig(err)
	}
	logger := o.logger(w)
	logWarnings(logger, cfg)
	service, err := newNotifier(w.env)
	if err != nil {
		logger.Warn("cannot tell the service manager that the gateway runs", "error", err)
	}
	service.successor = inherited.Successor()
	opts := gateway.Options{Build: build(), Logger: logger, StateDir: config.StateDirectory(w.env), Inherited: inherited, Load: o.loader(logger)}
	if opts.Upgrade, err = successor(os.Args, service); err != nil {
		logger.Warn("no upgrades while the gateway runs", "error", err)
	}
	g, err := gateway.New(cfg, opts)
	if err != nil {
		return nil, startError(err)
	}
	// A log that nobody reads any more is an error of its writer, not the end of
	// the gateway: asking for SIGPIPE turns it into EPIPE.
	_, stopPipe := w.signals(syscall.SIGPIPE)
	got, stop := w.signals(syscall.SIGTERM, os.Interrupt, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	stopSignals := func() { stop(); stopPipe() }
	if err := g.Start(); err != nil {
		stopSignals()
		return nil, startError(err)
	}
	if o.logFormat == "text" {
		announce(w.stderr, cfg, g)
	} else {
		logger.Info("started", "listen", g.Addrs(), "admin", g.AdminAddr(), "admin_socket", string(cfg.Admin.Socket))
	}
	return &steering{g: g, log: logger, service: service, got: got, stopSignals: stopSignals}, nil
}

// loader loads the configuration again, nil if there is no file.
func (o *runOptions) loader(logger *slog.Logger) func() (*config.Config, error) {
	if o.config == "" {
		return nil
	}
	return func() (*config.Config, error) {
		next, err := o.load()
		if err != nil {
			logProblems(logger, err)
			return nil, err
		}
		logWarnings(logger, next)
		return next, nil
	}
}

// startError gives a start that failed its exit code.
func startError(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return &exitError{exitTemporary, err}
	}
	return &exitError{exitProblem, err}
}

// refusedConfig ends the program because of its configuration.
func refusedConfig(err error) error {
	var list config.Errors
	if !errors.As(err, &list) {
		return &exitError{exitConfig, err}
	}
	return &exitError{exitConfig, fmt.Errorf("the configuration was refused\n\n%w", list)}
}

// logProblems writes what is wrong with a configuration, an event for each.
func logProblems(log *slog.Logger, err error) {
	var list config.Errors
	if !errors.As(err, &list) {
		return // the gateway reports the error itself
	}
	for _, p := range list {
		log.Error("configuration: problem", problemAttrs(p)...)
	}
}

func logWarnings(log *slog.Logger, cfg *config.Config) {
	for _, p := range cfg.Warnings {
		log.Warn("configuration: doubtful", problemAttrs(p)...)
	}
}

func problemAttrs(p *config.Problem) []any {
	at := printable(p.File)
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", at, p.Line, p.Column)
	}
	attrs := []any{"at", at, "problem", p.Message}
	if p.Path != "" {
		attrs = append(attrs, "key", p.Path)
	}
	if p.Hint != "" {
		attrs = append(attrs, "hint", p.Hint)
	}
	return attrs
}
