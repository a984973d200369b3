// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"causey/internal/accesslog"
	"causey/internal/admin"
	"causey/internal/config"
	"causey/internal/engine"
	"causey/internal/engine/resolve"
	"causey/internal/record"
	"causey/internal/trace"
)

// Reload loads the configuration anew and puts it to use whole, or not at all.
// Exchanges that run keep the one they began with. A *admin.ReloadError tells the
// problems with their places. When it returns, what the old one sent to a log and a
// collector is written, or was given its time.
func (g *Gateway) Reload(context.Context) error {
	g.reloads.Lock()
	defer g.reloads.Unlock()
	err := g.reload()
	g.lastFailed.Store(err != nil)
	if err != nil {
		g.reloadsFailed.Add(1)
		g.opts.Logger.Error("reload refused; the old configuration stays in use", "problem", err.Error())
		return err
	}
	g.reloadsOK.Add(1)
	now := time.Now()
	if g.diagnosis.on {
		g.diagnosis.sensor.ConfigChanged(now)
	}
	g.loadedAt.Store(&now)
	g.opts.Logger.Info("reloaded", "sites", len(g.cfg.Sites), "upstreams", len(g.cfg.Upstreams))
	return nil
}

func (g *Gateway) reload() error {
	if g.opts.Load == nil {
		return problem("this gateway was started without a configuration file; there is nothing to load again")
	}
	if g.upgrading.Load() {
		return problem(admin.ErrUpgrading.Error() + "; the new process reads the configuration itself")
	}
	if g.stopped {
		return problem(errStopping.Error())
	}
	cfg, err := g.opts.Load()
	if err != nil {
		return reloadError(err)
	}
	// First everything that can fail: nothing of the old is touched.
	opened, err := g.openListeners(cfg)
	if err != nil {
		return reloadError(err)
	}
	oldLog := g.log.Load()
	newLog := cfg.AccessLog != g.cfg.AccessLog
	if newLog {
		if err := g.openLog(cfg); err != nil {
			closeListeners(opened)
			return reloadError(err)
		}
	}
	undo := func() {
		closeListeners(opened)
		if newLog {
			closeLog(g.log.Swap(oldLog))
		}
	}
	store, err := g.openCache(cfg, g.live.cache)
	if err != nil {
		undo()
		return reloadError(fmt.Errorf("cache.disk: %w", err))
	}
	certOptions := g.certOptions(cfg)
	if err := g.certs.Reload(certOptions); err != nil {
		undo()
		if store != nil && store != g.live.cache {
			store.Close()
		}
		return reloadError(err)
	}
	if cfg.Admin != g.cfg.Admin {
		g.opts.Logger.Warn("changes of admin take effect at the next start, or by: causey upgrade")
	}
	if cfg.Diagnosis.Enabled != g.cfg.Diagnosis.Enabled {
		g.opts.Logger.Warn("changes of diagnosis.enabled take effect at the next start, or by: causey upgrade")
	}
	// From here nothing fails.
	resolver := g.resolver
	if !slices.Equal(cfg.Resolver, g.cfg.Resolver) || cfg.Timeouts.Resolve != g.cfg.Timeouts.Resolve {
		resolver = newResolver(cfg)
		g.live.forgetTexts()
	}
	g.obtained = certOptions.Automatic
	traced := g.change(cfg, g.buildLive(cfg, g.live, resolver, store), resolver, opened)
	if newLog {
		closeLog(oldLog)
	}
	<-traced
	return nil
}

// closeLog writes what a log holds, for flushWait at most.
func closeLog(s *accesslog.Sink) {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushWait)
	defer cancel()
	s.Close(ctx)
}

// change puts next to use and ends what only the old configuration had. traced is
// closed when the old one's spans are sent.
func (g *Gateway) change(cfg *config.Config, next live, resolver *resolve.Resolver, opened []*engine.Listener) (traced <-chan struct{}) {
	g.eng.SetOptions(engineOptions(cfg))
	g.allow(cfg)
	g.useCache(cfg, next)
	g.eng.SetClientTLS(g.clientTLS(cfg))
	var unsent *trace.Sink
	if !reflect.DeepEqual(cfg.Tracing, g.cfg.Tracing) {
		unsent = g.tracer.Swap(g.newTracer(cfg))
	}
	traced = g.closeTracer(unsent)
	g.plan.Store(next.plan)
	old := g.live
	g.mu.Lock()
	unused := g.serve(cfg, next.networks, opened)
	g.live, g.cfg = next, cfg
	if g.resolver != resolver {
		g.retired = append(g.retired, g.resolver)
		g.resolver = resolver
	}
	g.mu.Unlock()
	g.useNetworks(next)
	g.diagnosis.use(cfg, next.networks, g.opts.StateDir)
	next.discover()
	g.syncByHand(next)
	next.startFeeds()
	closeListeners(unused)
	g.checks.use(cfg, next, resolver)
	old.close(next)
	if old.cache != nil && old.cache != next.cache {
		old.cache.Close() // exchanges that run keep what they have of it, in memory
	}
	return traced
}

// forgetTexts makes every group be built anew.
func (l *live) forgetTexts() {
	for _, g := range l.groups {
		g.text = ""
	}
}

func problem(text string) error {
	return &admin.ReloadError{Problems: []admin.ReloadProblem{{Message: text}}}
}

func reloadError(err error) error {
	var list config.Errors
	if !errors.As(err, &list) {
		return problem(err.Error())
	}
	e := &admin.ReloadError{}
	for _, p := range list {
		text := p.Message
		if p.Hint != "" {
			text += "; " + p.Hint
		}
		e.Problems = append(e.Problems, admin.ReloadProblem{File: p.File, Line: p.Line, Column: p.Column, Message: text})
	}
	return e
}

// openLog opens the access log that cfg wants and puts it in place.
func (g *Gateway) openLog(cfg *config.Config) error {
	if cfg.AccessLog.Format == config.LogOff {
		g.log.Store(nil)
		return nil
	}
	format, _ := accesslog.ParseFormat(string(cfg.AccessLog.Format))
	s, err := accesslog.Open(accesslog.Options{Format: format, Path: cfg.AccessLog.Path, Logger: g.opts.Logger})
	if err != nil {
		return err
	}
	g.log.Store(s)
	return nil
}

// ReopenLogs opens the access log's file again, for rotation.
func (g *Gateway) ReopenLogs() error {
	if s := g.log.Load(); s != nil {
		return s.Reopen()
	}
	return nil
}

// logSink writes to whatever access log is in place.
type logSink struct{ g *Gateway }

func (l logSink) Consume(batch []record.Record) {
	if s := l.g.log.Load(); s != nil {
		s.Consume(batch)
	}
}
