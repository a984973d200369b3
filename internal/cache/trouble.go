// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"sync/atomic"
	"time"

	"causey/internal/failure"
	"causey/internal/phase"
)

// trouble remembers that asking a server has just failed, so that not every visitor
// waits for the same timeout: while it lasts, an answer that may stand in does so without
// anybody being asked. An answer has one for itself, and a route one for its servers,
// since one that cannot be reached cannot be reached for any page.
type trouble struct {
	until atomic.Int64  // nanoseconds since 1970
	lasts atomic.Int64  // the newest, in nanoseconds
	code  atomic.Uint32 // of the failure, 0 for an error that the server answered
}

// A failure is believed for troubleMin, and twice as long each time that it is met again
// soon, up to troubleMax. Then one visitor asks.
const (
	troubleMin = 2 * time.Second
	troubleMax = 30 * time.Second
)

// note takes a failure. Those who asked at the same time meet the same one, which counts
// once. Two that note it at once may both double the time; it stays within its bound.
func (t *trouble) note(code failure.Code, now time.Time) {
	lasts := troubleMin
	if last := t.until.Load(); last != 0 {
		since := time.Duration(now.UnixNano() - last)
		if since < 0 {
			return
		}
		if since < troubleMax {
			lasts = min(2*time.Duration(t.lasts.Load()), troubleMax)
		}
	}
	t.lasts.Store(int64(lasts))
	t.code.Store(uint32(code.Party)<<16 | uint32(code.Phase)<<8 | uint32(code.Kind))
	t.until.Store(now.Add(lasts).UnixNano())
}

// over takes back what was noted: a server has answered.
func (t *trouble) over() {
	if t.until.Load() != 0 {
		t.until.Store(0)
	}
}

// at reports whether there is trouble, and which.
func (t *trouble) at(now time.Time) (code failure.Code, is bool) {
	if t.until.Load() <= now.UnixNano() {
		return failure.None, false
	}
	c := t.code.Load()
	return failure.Code{Party: failure.Party(c >> 16), Phase: phase.Phase(c >> 8), Kind: failure.Kind(c)}, true
}

// isUnreachable reports a failure that has nothing to do with what was asked for.
func isUnreachable(code failure.Code) bool {
	return !code.IsNone() && code.Phase <= phase.UpHandshake
}
