// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync/atomic"
	"syscall"
	"time"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
)

// appendHead appends the fields of o: those added, then those passed on.
func appendHead(b []byte, o *exchange.Out) []byte {
	for i := range o.Add {
		b = h1.AppendFieldBytes(b, o.Add[i].Name, o.Add[i].Value)
	}
	if o.Head != nil {
		b = h1.AppendFields(b, o.Head, &o.Skip)
	}
	return b
}

func reason(o *exchange.Out) []byte {
	if o.Head == nil {
		return nil
	}
	return o.Head.Bytes(o.Reason)
}

// newError returns a failure with empty evidence.
func newError(p failure.Party, ph phase.Phase, k failure.Kind) *failure.Error {
	return &failure.Error{
		Code:     failure.Code{Party: p, Phase: ph, Kind: k},
		Evidence: failure.Evidence{Offset: -1, Missing: -1, BytesAcked: -1},
	}
}

// endOf tells how a peer ended its connection. EPIPE is what a write meets behind a
// FIN, ETIMEDOUT what the kernel says when nobody answers any more.
func endOf(end ioEnd, errno syscall.Errno) failure.End {
	switch {
	case end == ioEOF || end == ioErrno && errno == syscall.EPIPE:
		return failure.EndFIN
	case end == ioErrno && errno != syscall.ETIMEDOUT:
		return failure.EndRST
	}
	return failure.EndOpen
}

// dateCache is the Date field's value, made once a second.
type dateCache struct {
	second int64
	text   []byte
}

var dates atomic.Pointer[dateCache]

// date returns the present time as RFC 9110 section 5.6.7 writes it.
func (e *Engine) date() []byte {
	now := e.sweep.wall.Load()
	d := dates.Load()
	if d == nil || d.second != now {
		d = &dateCache{now, time.Unix(now, 0).UTC().AppendFormat(nil, "Mon, 02 Jan 2006 15:04:05 GMT")}
		dates.Store(d)
	}
	return d.text
}
