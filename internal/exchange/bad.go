// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"sync/atomic"
	"time"

	"causey/internal/record"
	"causey/internal/wire"
)

// asks says what is special about a request.
func asks(req *wire.Request) (a record.Asks) {
	if req.Upgrade {
		a |= record.AsksUpgrade
	}
	if req.Expect100 {
		a |= record.AsksContinue
	}
	if req.Framing == wire.FramingChunked {
		a |= record.AsksChunked
	}
	return a
}

// noteBad keeps what shows who made a bad answer, and why.
func (x *Exchange) noteBad() {
	x.bad = nil
	self := x.redirectsToSelf()
	bad := self || isBad(x.res.Status) || x.req.Upgrade && x.res.Status != 101
	x.rec.LastAttempt().Bad = bad
	switch {
	case bad && x.env.answers.take(x.last, answersPerSlot):
	case record.IsMissing(x.res.Status) && x.env.missing.take(x.last, missingPerSlot):
	default:
		return
	}
	head := bytes.TrimSuffix(x.res.Buf, []byte("\r\n\r\n"))
	x.bad = &record.Answer{
		Head:   bytes.Clone(head[:min(len(head), record.AnswerHeadMax)]),
		Length: x.res.ContentLength,
		ToSelf: self,
	}
	x.rec.LastAttempt().Answer = x.bad
}

// isBad reports a status that says that a server, or something before it, could not do
// what was asked, or did not understand how it was asked. That a page does not exist is
// ordinary.
func isBad(status int) bool {
	switch status {
	case 400, 408, 411, 413, 417, 421, 425, 426, 429, 431:
		return true
	}
	return status >= 500
}

// redirectsToSelf reports a redirect of a GET to the URL that was asked for, given by its
// path or whole. After a POST that is ordinary, and with a cookie the next answer may be
// another one.
func (x *Exchange) redirectsToSelf() bool {
	switch x.res.Status {
	case 301, 302, 303, 307, 308:
	default:
		return false
	}
	to := x.res.Get(wire.Location)
	if x.req.Method != wire.GET || len(to) == 0 || len(x.res.Get(wire.SetCookie)) > 0 {
		return false
	}
	if to[0] != '/' {
		scheme := "http://"
		if x.client.Arrival().Secure() || x.saysHTTPS() { // as evidence its word will do
			scheme = "https://"
		}
		var ours bool
		if to, ours = bytes.CutPrefix(to, []byte(scheme)); !ours {
			return false
		}
		if to, ours = bytes.CutPrefix(to, x.req.Bytes(x.req.HostSpan)); !ours {
			return false
		}
	}
	return bytes.Equal(to, x.req.Bytes(x.req.PathSpan))
}

// answersPerSlot bounds the bad answers that are kept in a slot of time, by all
// exchanges together: in a flood of them a sample says as much. Of those that are only
// missing few do. budgetSlot is how long a slot is.
const (
	answersPerSlot = 50
	missingPerSlot = 5
	budgetSlot     = 100 * time.Millisecond
)

// budget counts what was done in a slot of time. That two exchanges begin one at the same
// time costs a few more.
type budget struct{ slot, used atomic.Int64 }

// take reports whether there is room for one more of most. Once there is none it only
// reads, so that busy exchanges do not wait for each other.
func (b *budget) take(now time.Time, most int64) bool {
	if slot := now.UnixNano() / int64(budgetSlot); b.slot.Load() != slot && b.slot.Swap(slot) != slot {
		b.used.Store(0)
	}
	return b.used.Load() < most && b.used.Add(1) <= most
}
