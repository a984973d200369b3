// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"causey/internal/failure"
	"causey/internal/record"
)

// Bounds of what waits and of what is sent at a time, in exchanges. One makes ten
// spans or fewer, which are about 6 KiB of JSON and a tenth of that compressed. The
// SDKs of OpenTelemetry keep 2048 spans and send 512.
const (
	queueMax = 2048
	batchMax = 128
)

// batchEvery is how long the first exchange of a batch waits for others.
const batchEvery = time.Second

// Options is what a Sink needs from outside.
type Options struct {
	// Endpoint is the URL of the collector, with its path.
	Endpoint string
	// Headers are sent with each request.
	Headers []Header
	// Slow is the time from which on an exchange is exported although nothing
	// failed, 0 for never. Tunnels are as long as their users like, never slow.
	Slow time.Duration
	// Service says whose spans these are.
	Service Service
	// Counts is where spans are counted. It outlives the Sink.
	Counts *Counts
	// Now and After are the clock: time.Now and time.After.
	Now    func() time.Time
	After  func(time.Duration) <-chan time.Time
	Logger *slog.Logger
}

// Header is a field of the requests to the collector.
type Header struct{ Name, Value string }

// Service is the resource of all spans.
type Service struct{ Name, Version, Instance string }

// Counts counts spans and requests.
type Counts struct {
	Exported atomic.Uint64
	// QueueFull counts spans that found the queue full, Unreachable those of batches
	// that were given up, Refused those that the collector did not want, be it for
	// want of time (429), Stopped those that were left when the time to stop was over.
	QueueFull, Unreachable, Refused, Stopped atomic.Uint64
	// Failures counts requests that failed.
	Failures atomic.Uint64
}

// Sink is a record.Sink that exports spans.
type Sink struct {
	opts   Options
	client *http.Client
	wake   chan struct{} // something waits
	full   chan struct{} // a batch is full
	quit   chan struct{} // closed by Close: send what is there and end
	done   chan struct{}
	life   context.Context
	kill   context.CancelFunc
	post   poster

	mu      sync.Mutex
	waiting []record.Record
	closing bool
}

// New returns a Sink whose goroutine runs.
func New(o Options) *Sink {
	s := &Sink{
		opts: o, client: newClient(),
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	s.life, s.kill = context.WithCancel(context.Background())
	go s.run()
	return s
}

// Consume keeps copies of the records it chooses.
func (s *Sink) Consume(batch []record.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		r := &batch[i]
		if s.reason(r) == "" {
			continue
		}
		if s.closing {
			s.opts.Counts.Stopped.Add(spanCount(r))
			continue
		}
		if len(s.waiting) == queueMax {
			s.opts.Counts.QueueFull.Add(spanCount(r))
			continue
		}
		s.waiting = append(s.waiting, *r)
		signal(s.wake)
		if len(s.waiting) >= batchMax {
			signal(s.full)
		}
	}
}

// Why a record is exported, as an attribute says it.
const (
	byFailure = "failed"
	bySlow    = "slow"
	bySample  = "sampled"
)

// reason says why r is exported, "" if it is not. A record of no exchange (a
// connection that was refused) belongs to no trace.
func (s *Sink) reason(r *record.Record) string {
	switch {
	case !r.Trace.Exists():
		return ""
	case isError(r.Failure):
		return byFailure
	case s.opts.Slow > 0 && r.Total >= s.opts.Slow && r.Outcome != record.Tunnelled:
		return bySlow
	case r.Trace.Sampled:
		return bySample
	}
	return ""
}

// isError reports a failure that harmed the exchange and was not the client's doing.
func isError(c failure.Code) bool {
	if c.IsNone() {
		return false
	}
	e := failure.Lookup(c)
	return e != nil && e.Severity == failure.SeverityError
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take returns the oldest exchanges that wait, a batch of them at most.
func (s *Sink) take() []record.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.waiting), batchMax)
	batch := append([]record.Record(nil), s.waiting[:n]...)
	kept := copy(s.waiting, s.waiting[n:])
	clear(s.waiting[kept:]) // lets go of the evidence
	s.waiting = s.waiting[:kept]
	if kept == 0 {
		s.waiting = nil // and of the memory of a crowd
	}
	return batch
}

// Close sends what is left, once, until ctx is done. What is consumed from now on is
// dropped and counted.
func (s *Sink) Close(ctx context.Context) {
	s.mu.Lock()
	again := s.closing
	s.closing = true
	s.mu.Unlock()
	if !again {
		close(s.quit)
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		s.kill()
		<-s.done
	}
	s.kill()
}
