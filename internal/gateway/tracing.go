// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"fmt"
	"time"

	"causey/internal/config"
	"causey/internal/metrics"
	"causey/internal/record"
	"causey/internal/trace"
)

// newTracer makes what exports spans, nil without tracing.
func (g *Gateway) newTracer(cfg *config.Config) *trace.Sink {
	t := &cfg.Tracing
	if t.IsZero() {
		return nil
	}
	o := trace.Options{
		Endpoint: t.Endpoint,
		Slow:     t.Slow.Std(),
		Service:  trace.Service{Name: t.ServiceName, Version: g.opts.Build.Version, Instance: fmt.Sprintf("%016x", g.epoch)},
		Counts:   &g.spans,
		Now:      time.Now,
		After:    time.After,
		Logger:   g.opts.Logger,
	}
	for _, h := range t.Headers {
		o.Headers = append(o.Headers, trace.Header{Name: h.Name, Value: h.Value})
	}
	return trace.New(o)
}

// closeTracer has s send what it holds, for flushWait at most, beside whatever else
// goes on. The result is closed when that is done.
func (g *Gateway) closeTracer(s *trace.Sink) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), flushWait)
		defer cancel()
		s.Close(ctx)
	}()
	return done
}

// traceSink hands records to whatever exports spans.
type traceSink struct{ g *Gateway }

func (t traceSink) Consume(batch []record.Record) {
	if s := t.g.tracer.Load(); s != nil {
		s.Consume(batch)
	}
}

func (g *Gateway) spanCounts() metrics.SpanCounts {
	c := &g.spans
	return metrics.SpanCounts{
		Exported:  c.Exported.Load(),
		QueueFull: c.QueueFull.Load(), Unreachable: c.Unreachable.Load(), Refused: c.Refused.Load(), Stopped: c.Stopped.Load(),
		Failures: c.Failures.Load(),
	}
}
