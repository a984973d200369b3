// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"golang.org/x/sys/unix"

	"causey/internal/failure"
	"causey/internal/record"
)

// failureEvent tells what was seen on the wire when the first failure happened. It
// stands where the attempt that it belongs to ended, else at the end of the exchange.
// Bytes of the wire and the underlying error's own words stay out: both may quote
// what a peer sent.
func failureEvent(r *record.Record, e *failure.Entry) eventJSON {
	ev := eventJSON{Name: "failure", Time: nanos(r.Start.Add(r.Total))}
	for i := range r.KeptAttempts() {
		if a := &r.Attempts[i]; a.Failure == r.Failure && a.Start >= 0 {
			ev.Time = nanos(r.Start.Add(a.Start + a.Took))
			break
		}
	}
	a := &ev.Attributes
	a.text("causey.failure", e.Name)
	a.text("causey.failure.title", e.Title)
	a.text("causey.failure.severity", e.Severity.String())
	var trail []string
	for _, c := range r.Trail[:r.TrailLen] {
		trail = append(trail, c.String())
	}
	a.texts("causey.failure.trail", trail)
	if r.Error == nil {
		return ev
	}
	a.text("causey.failure.site", r.Error.Site)
	a.evidence(&r.Error.Evidence)
	return ev
}

func (a *attributes) evidence(v *failure.Evidence) {
	if v.Errno != 0 {
		a.text("causey.evidence.errno", unix.ErrnoName(v.Errno))
	}
	a.text("causey.evidence.end", v.End.String())
	if v.Dialled.IsValid() {
		a.text("causey.evidence.dialled", v.Dialled.String())
	}
	if v.DNSServer.IsValid() {
		a.text("causey.evidence.dns_server", v.DNSServer.String())
		a.number("causey.evidence.rcode", int64(v.Rcode))
	}
	if v.HasConn {
		a.flag("causey.evidence.reused", v.Reused)
		a.millis("causey.evidence.conn_age_ms", v.ConnAge)
		a.millis("causey.evidence.idle_ms", v.IdleFor)
		a.number("causey.evidence.bytes_written", v.BytesWritten)
		if v.BytesAcked >= 0 {
			a.number("causey.evidence.bytes_acked", v.BytesAcked)
		}
		a.number("causey.evidence.retransmits", int64(v.Retransmits))
		a.millis("causey.evidence.rtt_ms", v.RTT)
		a.number("causey.evidence.response_bytes", v.ResponseBytes)
	}
	if v.Limit > 0 {
		a.number("causey.evidence.size", v.Size)
		a.number("causey.evidence.limit", v.Limit)
	}
	if v.Missing > 0 {
		a.number("causey.evidence.missing", v.Missing)
	}
	a.text("causey.evidence.field", v.Field)
}
