// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"encoding/binary"
	"math/rand/v2"

	"causey/internal/wire"
)

// Tracing says whether the gateway takes part in distributed traces (W3C Trace
// Context). If it does not, traceparent and tracestate pass as they came.
type Tracing struct {
	On bool
	// Bound is the share of traces to be kept of those that nobody else decided
	// about: NewTracing makes it.
	Bound uint64
}

// NewTracing returns tracing that keeps this share of traces, 0 to 1.
func NewTracing(ratio float64) Tracing {
	return Tracing{On: true, Bound: uint64(ratio * (1 << 63))}
}

// keeps reports whether a trace with this random number is among those kept. The
// same bits of a trace id decide as in the samplers of OpenTelemetry, so that a
// service behind us with the same ratio would choose the same traces.
func (t Tracing) keeps(random uint64) bool { return random>>1 < t.Bound }

// beginTrace begins a trace of the exchange's own. The generator is the runtime's:
// ChaCha8, one per thread, without a lock.
func (x *Exchange) beginTrace() {
	t := &x.rec.Trace
	random := rand.Uint64() | 1<<8 // not all zero
	binary.BigEndian.PutUint64(t.ID[:8], rand.Uint64())
	binary.BigEndian.PutUint64(t.ID[8:], random)
	binary.BigEndian.PutUint64(t.Span[:], (rand.Uint64()|1<<8)&^0xff)
	t.Sampled = x.plan.Tracing.keeps(random)
}

// joinTrace takes over the trace that the request belongs to, if it says so in one
// valid field. A trusted proxy's word on sampling stands either way, so that traces
// are whole or absent. Anybody else gives the id only: the number that decides is
// still the one that was drawn here, since an id can be chosen to pass any rule.
func (x *Exchange) joinTrace() {
	at := x.req.Find(wire.Traceparent)
	if at < 0 {
		return
	}
	for i := at + 1; i < len(x.req.Fields); i++ {
		if x.req.Fields[i].ID == wire.Traceparent {
			return
		}
	}
	p, ok := wire.ParseTraceparent(x.req.Value(at))
	if !ok {
		return
	}
	t := &x.rec.Trace
	t.ID, t.Parent = p.TraceID, p.Parent
	if x.trusted {
		t.Sampled = p.Sampled
	}
}

// addTraceparent makes the attempt's span the parent of what the server does. A
// tracestate goes on only with the trace it belongs to.
func (x *Exchange) addTraceparent() {
	t := &x.rec.Trace
	x.out.Skip[wire.Traceparent] = true
	x.out.Skip[wire.Tracestate] = t.Parent == [8]byte{}
	p := wire.TraceContext{TraceID: t.ID, Parent: t.Part(x.rec.AttemptLen), Sampled: t.Sampled}
	x.add("traceparent", p.Append)
}
