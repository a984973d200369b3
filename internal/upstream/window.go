// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"sync/atomic"
	"time"
)

// windowHalf is half of what a window remembers.
const windowHalf = 5 * time.Second

// window counts good and bad results of the last five to ten seconds, without a
// lock. Where two goroutines turn it at once a few results are lost, which no
// decision notices.
type window struct {
	turned    atomic.Int64
	good, bad [2]atomic.Uint32 // the present half, and the one before
}

func (w *window) count(now int64, good bool) {
	w.turn(now)
	if good {
		w.good[0].Add(1)
	} else {
		w.bad[0].Add(1)
	}
}

// turn begins a new half when the present one is over.
func (w *window) turn(now int64) {
	at := w.turned.Load()
	age := now - at
	if age < int64(windowHalf) || !w.turned.CompareAndSwap(at, now) {
		return
	}
	for _, c := range []*[2]atomic.Uint32{&w.good, &w.bad} {
		was := c[0].Swap(0)
		if age >= 2*int64(windowHalf) {
			was = 0 // nothing for so long
		}
		c[1].Store(was)
	}
}

func (w *window) sum(now int64) (good, bad uint32) {
	w.turn(now)
	return w.good[0].Load() + w.good[1].Load(), w.bad[0].Load() + w.bad[1].Load()
}
