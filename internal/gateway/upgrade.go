// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/admin"
	"causey/internal/config"
	"causey/internal/handover"
)

// Upgrade says how to start the program that takes over.
type Upgrade struct {
	Program handover.Program
	// Succeeded is called when this process accepts nothing more and the new one,
	// whose number it is given, does, before that one is told.
	Succeeded func(pid int)
}

const (
	// goWait bounds the time from the word to serve until the new process does. All
	// that can take time, or fail, comes before.
	goWait = 10 * time.Second
	// takeoverWait bounds the wait for the old process to accept nothing more.
	takeoverWait = 10 * time.Second
)

// Left is closed when another process has taken over: what remains is to Stop.
func (g *Gateway) Left() <-chan struct{} { return g.leftC }

// Upgrade starts the program anew and has it take over the listening sockets. The
// new process gets wait to be prepared. If anything goes wrong before it serves,
// this one goes on as if nothing had been, and the error says what; a *admin.ReloadError
// has the new one's own words. When it returns without one, this process accepts
// nothing more.
func (g *Gateway) Upgrade(ctx context.Context, wait time.Duration) (admin.Upgraded, error) {
	if !g.upgrades.TryLock() {
		return admin.Upgraded{}, admin.ErrUpgrading
	}
	defer g.upgrades.Unlock()
	next, err := g.upgrade(ctx, wait)
	if err != nil {
		g.opts.Logger.Error("upgrade failed; this process goes on as before", "problem", err.Error())
		return admin.Upgraded{}, err
	}
	g.opts.Logger.Info("upgraded: another process has taken over", "pid", next.PID, "version", next.Version)
	close(g.leftC)
	return next, nil
}

func (g *Gateway) upgrade(ctx context.Context, wait time.Duration) (admin.Upgraded, error) {
	sockets, err := g.offer()
	defer closeSockets(sockets)
	if err != nil {
		return admin.Upgraded{}, err
	}
	defer func() { g.upgrading.Store(g.left.Load()) }()
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("the new process was not ready within %s, so it was ended; "+
		"look at its messages, or give it more time with --wait", wait))
	defer cancel()
	ctx, stopped := context.WithCancelCause(ctx)
	defer stopped(nil)
	go func() {
		select {
		case <-g.quit:
			stopped(errStopping)
		case <-ctx.Done():
		}
	}()
	s, err := handover.Begin(g.opts.Upgrade.Program, sockets)
	if err != nil {
		return admin.Upgraded{}, problem(err.Error())
	}
	g.opts.Logger.Info("upgrade: a new process was started", "pid", s.PID, "program", g.opts.Upgrade.Program.Path)
	ready, err := s.Prepared(ctx)
	if err != nil {
		s.Kill()
		return admin.Upgraded{}, refusal(err)
	}
	going, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), goWait, fmt.Errorf("the new process was ready and did not serve within %s, so it was asked to stop", goWait))
	defer cancel()
	if err := s.Go(going); err != nil {
		return admin.Upgraded{}, refusal(err)
	}
	g.leave(sockets, ready)
	if done := g.opts.Upgrade.Succeeded; done != nil {
		done(s.PID)
	}
	s.Release()
	select {
	case <-g.quit: // somebody stops the service, who does not know of two processes
		s.Stop()
	default:
	}
	return admin.Upgraded{PID: s.PID, Version: ready.Version, Old: os.Getpid()}, nil
}

var errStopping = errors.New("the gateway is stopping")

// offer lists what is handed over, each as a duplicate, and keeps reloads away: the
// new process reads the configuration itself.
func (g *Gateway) offer() (all []handover.Socket, err error) {
	g.reloads.Lock()
	defer g.reloads.Unlock()
	switch {
	case g.opts.Upgrade == nil:
		return nil, problem("this gateway runs within another program, which alone can start it anew")
	case g.stopped, g.left.Load():
		return nil, problem(errStopping.Error())
	case os.Getpid() == 1:
		return nil, problem("this gateway is process 1 of its container, which ends with it; start a new container instead, " +
			"or run the gateway under an init (docker run --init)")
	}
	for name, l := range g.listeners {
		if isActivated(g.cfg, name) {
			continue // handed over below, as they came
		}
		fd, err := l.Dup()
		if err != nil {
			return all, problem(err.Error())
		}
		all = append(all, handover.Socket{Kind: handover.Listen, Name: name, FD: fd})
	}
	for i, name := range g.inherited.names {
		fd, err := g.inherited.dup(i)
		if err != nil {
			return all, problem(err.Error())
		}
		all = append(all, handover.Socket{Kind: handover.Activated, Name: name, FD: fd})
	}
	own, err := g.admin.Sockets()
	if err != nil {
		return all, problem(err.Error())
	}
	for _, s := range own {
		all = append(all, handover.Socket{Kind: adminKind(s.Network), Name: s.Address, FD: s.FD})
	}
	g.upgrading.Store(true)
	return all, nil
}

func isActivated(cfg *config.Config, name string) bool {
	for _, l := range cfg.Listen {
		if l.Address.String() == name {
			return l.Address.Network == config.Systemd
		}
	}
	return false
}

func adminKind(network string) handover.Kind {
	if network == "unix" {
		return handover.AdminUnix
	}
	return handover.AdminTCP
}

func closeSockets(list []handover.Socket) {
	for _, s := range list {
		unix.Close(s.FD)
	}
}

// leave stops accepting. What the new process serves is left to it, with its queue;
// the rest closes.
func (g *Gateway) leave(sockets []handover.Socket, ready handover.Ready) {
	g.reloads.Lock()
	defer g.reloads.Unlock()
	g.left.Store(true)
	tookUnix := false
	for i, s := range sockets {
		if !ready.Took(i) {
			continue
		}
		switch s.Kind {
		case handover.Listen:
			g.listeners[s.Name].Leave()
		case handover.AdminUnix:
			tookUnix = true
		}
	}
	g.admin.Leave(tookUnix)
	for _, l := range g.listeners {
		l.Close()
	}
}

// refusal is the error of an upgrade with the new process's own words, if it said
// any.
func refusal(err error) error {
	var no *handover.Refusal
	if !errors.As(err, &no) || len(no.Problems) == 0 {
		return problem(err.Error())
	}
	e := &admin.ReloadError{}
	for _, p := range no.Problems {
		e.Problems = append(e.Problems, admin.ReloadProblem(p))
	}
	return e
}
