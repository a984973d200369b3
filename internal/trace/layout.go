// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"time"

	"causey/internal/phase"
	"causey/internal/record"
)

// kind is the kind of a span as OTLP numbers them.
type kind uint8

const (
	internalSpan kind = 1
	serverSpan   kind = 2
	clientSpan   kind = 3
)

// span is the place of one span in the waterfall.
type span struct {
	kind kind
	// part is the span's number in its exchange, and within that of its parent; see
	// record.Trace.Part.
	part, within uint8
	// start and end count from the record's Start.
	start, end time.Duration
	// attempt is set for the span of an attempt, phase for that of a phase.
	attempt *record.Attempt
	phase   phase.Phase
}

// phaseMin is the shortest phase that has a span of its own: shorter ones nobody can
// see in a waterfall. (The time of every phase is an attribute of the exchange.) The
// phase that failed has one however short it was.
const phaseMin = 100 * time.Microsecond

// spansMax is the most spans that one exchange can have.
const spansMax = 1 + 2*record.AttemptsMax + phase.Count

// phasePart numbers the spans of phases from 255 down, connectPart those of opening
// connections below them.
func phasePart(p phase.Phase) uint8   { return 255 - uint8(p) }
func connectPart(attempt uint8) uint8 { return 255 - uint8(phase.Count) - attempt%64 }

// layout lists the spans of r: first that of the exchange, then the attempts, then
// phases.
//
// An exchange is in one phase at a time, so the durations of the phases, laid end to
// end, are its waterfall, as long as there is one attempt. With several, a phase's
// duration is the sum over all of them: then only the phases before the first
// attempt and after the last head have a place of their own, and of the others the
// record tells how long connections took to open.
func layout(r *record.Record) []span {
	spans := make([]span, 1, spansMax)
	spans[0] = span{kind: serverSpan, end: r.Total}
	spans = appendAttempts(spans, r)
	if r.AttemptLen <= 1 {
		return appendChain(spans, r, phase.Tunnel)
	}
	spans = appendConnects(spans)
	spans = appendChain(spans, r, phase.Queue)
	if last := spans[len(r.KeptAttempts())]; last.attempt.Failure.IsNone() {
		spans = appendTail(spans, r, &last)
	}
	return spans
}

func spanCount(r *record.Record) uint64 { return uint64(len(layout(r))) }

func appendAttempts(spans []span, r *record.Record) []span {
	at := time.Duration(0)
	for p := phase.ReadHead; p < phase.Resolve; p++ {
		at += max(r.Phases[p], 0)
	}
	for i := range r.KeptAttempts() {
		a := &r.Attempts[i]
		s := span{kind: clientSpan, part: uint8(i + 1), start: at, end: r.Total, attempt: a}
		if i == record.AttemptsMax-1 {
			s.part = r.AttemptLen
		}
		if a.Start >= 0 {
			s.start = a.Start
		}
		if !a.Failure.IsNone() {
			s.end = s.start + a.Took
		}
		at = s.end
		spans = append(spans, s)
	}
	return spans
}

// appendChain appends the phases up to last, laid end to end. (Where addresses were
// asked for anew, resolve and connect took turns; each shows as one.)
func appendChain(spans []span, r *record.Record, last phase.Phase) []span {
	at := time.Duration(0)
	for p := phase.ReadHead; p <= last; p++ {
		d := r.Phases[p]
		if d < 0 || p == phase.SendBody { // the other side's, beside these
			continue
		}
		s := span{kind: internalSpan, part: phasePart(p), start: at, end: at + d, phase: p}
		at = s.end
		if p >= phase.Resolve && r.AttemptLen == 1 {
			// The exchange goes on in the phase where an attempt failed, to answer.
			s.within, s.end = spans[1].part, min(s.end, spans[1].end)
		}
		if s.end-s.start >= phaseMin || p == r.Failure.Phase && !r.Failure.IsNone() && s.end >= s.start {
			spans = append(spans, s)
		}
	}
	return spans
}

// appendConnects appends the opening of a connection for each attempt that had one.
func appendConnects(spans []span) []span {
	for _, a := range spans[1:] {
		if d := a.attempt.Connect; d >= phaseMin && a.attempt.Start >= 0 {
			spans = append(spans, span{kind: internalSpan, part: connectPart(a.part), within: a.part,
				start: a.start, end: min(a.start+d, a.end), phase: phase.Connect})
		}
	}
	return spans
}

// appendTail appends the phases that end with the exchange: an attempt is not
// repeated once its answer has begun, so these are of the last alone.
func appendTail(spans []span, r *record.Record, last *span) []span {
	end := r.Total
	for p := phase.Tunnel; p >= phase.ReadHeadUp; p-- {
		d := r.Phases[p]
		if d < 0 {
			continue
		}
		if d >= phaseMin {
			spans = append(spans, span{kind: internalSpan, part: phasePart(p), within: last.part, start: max(end-d, last.start), end: end, phase: p})
		}
		end -= d
	}
	return spans
}
