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

	"causey/internal/admin"
	"causey/internal/gateway"
)

// steering turns signals into what the gateway does.
type steering struct {
	g       *gateway.Gateway
	log     *slog.Logger
	service *notifier

	got         <-chan os.Signal
	stopSignals func()
	upgrades    sync.WaitGroup
}

// steer serves until SIGTERM, SIGINT, the end of ctx, or until another process has
// taken over; then it drains, and returns when everything has ended.
func (s *steering) steer(ctx context.Context) {
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
	left := s.serve(ctx, beats, wanted)
	close(wanted)
	reloads.Wait()

	if left {
		s.log.Info("another process has taken over: finishing what runs here; a signal stops at once")
		beats = nil // its own are asked for now
	} else {
		s.log.Info("stopping: draining; a second signal stops at once")
		s.service.stopping("draining")
	}
	now, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.g.Stop(now)
	}()
	s.drain(beats, now, done)
	s.upgrades.Wait()
	s.log.Info("stopped")
}

// serve handles signals until one says to stop, or another process has taken over.
func (s *steering) serve(ctx context.Context, beats <-chan time.Time, wanted chan<- struct{}) (left bool) {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-s.g.Left():
			return true
		case <-beats:
			s.service.alive()
		case sig := <-s.got:
			switch sig {
			case syscall.SIGHUP:
				select {
				case wanted <- struct{}{}:
				default:
				}
			case syscall.SIGUSR1:
				s.reopen()
			case syscall.SIGUSR2:
				s.upgrades.Go(s.upgrade)
			default:
				return false
			}
		}
	}
}

// drain waits for done; the first signal to stop makes now readable.
func (s *steering) drain(beats <-chan time.Time, now, done chan struct{}) {
	hurried := false
	for {
		select {
		case <-done:
			return
		case <-beats:
			s.service.alive()
		case sig := <-s.got:
			switch {
			case sig == syscall.SIGUSR1:
				s.reopen()
			case sig != syscall.SIGHUP && sig != syscall.SIGUSR2 && !hurried:
				hurried = true
				s.log.Warn("stopping at once: what still runs is cut")
				close(now)
			}
		}
	}
}

// upgrade has a new process take over; the gateway logs what came of it.
func (s *steering) upgrade() {
	if _, err := s.g.Upgrade(context.Background(), admin.UpgradeWait); errors.Is(err, admin.ErrUpgrading) {
		s.log.Warn("SIGUSR2: another upgrade is under way")
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
