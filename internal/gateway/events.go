// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"log/slog"
	"sync/atomic"
	"time"

	"causey/internal/admin"
	"causey/internal/upstream"
)

// eventsWaiting bounds the events that wait to be told: a change of a few servers
// each, or of a whole group of a thousand at once.
const eventsWaiting = 1024

// events takes what groups tell of their servers out of their locks, logs it and keeps
// the newest. A group is never kept waiting: what comes too fast is dropped and
// counted.
type events struct {
	log     *slog.Logger
	timeOf  func(moment int64) time.Time
	kept    admin.EventLog
	waiting chan upstream.Event
	dropped atomic.Uint64

	quit, done chan struct{}
}

// startEvents returns events that end with stop. timeOf converts the times of groups.
func startEvents(log *slog.Logger, timeOf func(moment int64) time.Time) *events {
	v := &events{log: log, timeOf: timeOf, waiting: make(chan upstream.Event, eventsWaiting), quit: make(chan struct{}), done: make(chan struct{})}
	go v.run()
	return v
}

// put is what groups call, with their lock held.
func (v *events) put(e upstream.Event) {
	select {
	case v.waiting <- e:
	default:
		v.dropped.Add(1)
	}
}

func (v *events) run() {
	defer close(v.done)
	told := uint64(0)
	for {
		select {
		case e := <-v.waiting:
			v.tell(e, v.timeOf(e.At))
		case <-v.quit:
			for len(v.waiting) > 0 { // nobody else takes of it
				e := <-v.waiting
				v.tell(e, v.timeOf(e.At))
			}
			return
		}
		if n := v.dropped.Load(); n != told && len(v.waiting) == 0 {
			v.log.Warn("servers changed their states faster than it could be told", "dropped", n-told)
			told = n
		}
	}
}

// stop tells what waits and ends. No group may call put any more.
func (v *events) stop() {
	close(v.quit)
	<-v.done
}

// tell logs e in one line and keeps it.
func (v *events) tell(e upstream.Event, at time.Time) {
	v.kept.Put(admin.Event{Time: admin.Moment{Time: at}, Upstream: e.Upstream, Server: e.Server,
		From: string(e.From), To: string(e.To), Reason: e.Reason})
	attrs := []any{"upstream", e.Upstream}
	if e.Server != "" {
		attrs = append(attrs, "server", e.Server)
	}
	if e.From != e.To {
		attrs = append(attrs, "from", string(e.From), "to", string(e.To))
	}
	attrs = append(attrs, "reason", e.Reason)
	switch {
	case e.Server == "":
		v.log.Warn("the choice among the servers of an upstream changed", attrs...)
	case e.From == e.To:
		v.log.Warn("a server is in doubt", attrs...)
	case e.To == upstream.Up && e.From == "", e.To == upstream.Gone:
		v.log.Info("the servers of an upstream changed", attrs...)
	case e.To == upstream.Up:
		v.log.Info("a server is in service again", attrs...)
	case e.To == upstream.Draining, e.To == upstream.Maintenance:
		v.log.Info("a server was taken out of service by hand", attrs...)
	case e.To == upstream.Returning:
		v.log.Info("a server can be reached again and is not trusted yet", attrs...)
	default:
		v.log.Warn("a server is out of service", attrs...)
	}
}
