// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

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
SIGUSR1 opens the log files again.

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

// run starts the gateway and stays until it has stopped.
func (o *runOptions) run(ctx context.Context, w world) error {
	cfg, err := o.load()
	if err != nil {
		return refusedConfig(err)
	}
	logger := o.logger(w)
	logWarnings(logger, cfg)
	opts := gateway.Options{Build: build(), Logger: logger, NetworksDir: config.StateDirectory(w.env)}
	if o.config != "" {
		opts.Load = func() (*config.Config, error) {
			next, err := o.load()
			if err != nil {
				logProblems(logger, err)
				return nil, err
			}
			logWarnings(logger, next)
			return next, nil
		}
	}
	g, err := gateway.New(cfg, opts)
	if err != nil {
		return startError(err)
	}
	// A log that nobody reads any more is an error of its writer, not the end of
	// the gateway: asking for SIGPIPE turns it into EPIPE.
	_, stopPipe := w.signals(syscall.SIGPIPE)
	defer stopPipe()
	got, stop := w.signals(syscall.SIGTERM, os.Interrupt, syscall.SIGHUP, syscall.SIGUSR1)
	defer stop()
	if err := g.Start(); err != nil {
		return startError(err)
	}
	service, err := newNotifier(w.env)
	if err != nil {
		logger.Warn("cannot tell the service manager that the gateway runs", "error", err)
	}
	defer service.close()
	if o.logFormat == "text" {
		announce(w.stderr, cfg, g)
	} else {
		logger.Info("started", "listen", g.Addrs(), "admin", g.AdminAddr(), "admin_socket", string(cfg.Admin.Socket))
	}
	s := &steering{g: g, log: logger, service: service}
	s.steer(ctx, got)
	return nil
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

// steering turns signals into what the gateway does.
type steering struct {
	g       *gateway.Gateway
	log     *slog.Logger
	service *notifier
}

// steer serves until SIGTERM, SIGINT or the end of ctx, then drains, and returns
// when everything has ended.
func (s *steering) steer(ctx context.Context, got <-chan os.Signal) {
	beats, stopBeats := s.service.beats()
	defer stopBeats()
	var reloads sync.WaitGroup
	wanted := make(chan struct{}, 1) // SIGHUPs during a reload are one more reload
	reloads.Go(func() {
		for range wanted {
			s.reload()
		}
	})
	s.service.ready(s.status())
	s.serve(ctx, got, beats, wanted)
	close(wanted)
	reloads.Wait()

	s.log.Info("stopping: draining; a second signal stops at once")
	s.service.stopping("draining")
	now, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.g.Stop(now)
	}()
	s.drain(got, beats, now, done)
	s.log.Info("stopped")
}

// serve handles signals until one says to stop.
func (s *steering) serve(ctx context.Context, got <-chan os.Signal, beats <-chan time.Time, wanted chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-beats:
			s.service.alive()
		case sig := <-got:
			switch sig {
			case syscall.SIGHUP:
				select {
				case wanted <- struct{}{}:
				default:
				}
			case syscall.SIGUSR1:
				s.reopen()
			default:
				return
			}
		}
	}
}

// drain waits for done; the first signal to stop makes now readable.
func (s *steering) drain(got <-chan os.Signal, beats <-chan time.Time, now, done chan struct{}) {
	hurried := false
	for {
		select {
		case <-done:
			return
		case <-beats:
			s.service.alive()
		case sig := <-got:
			switch {
			case sig == syscall.SIGUSR1:
				s.reopen()
			case sig != syscall.SIGHUP && !hurried:
				hurried = true
				s.log.Warn("stopping at once: what still runs is cut")
				close(now)
			}
		}
	}
}

// reload reads the configuration again; the gateway logs what came of it.
func (s *steering) reload() {
	s.service.reloading()
	_ = s.g.Reload(context.Background())
	s.service.ready(s.status())
}

func (s *steering) reopen() {
	if err := s.g.ReopenLogs(); err != nil {
		s.log.Error("the log file cannot be opened again; the old one stays in use", "error", err)
		return
	}
	s.log.Info("log files opened again")
}

func (s *steering) status() string {
	return fmt.Sprintf("listening on %v", s.g.Addrs())
}
