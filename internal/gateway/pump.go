// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"time"

	"causey/internal/record"
)

// pumpEvery is how often ordinary records are fetched, pumpBusy how often while
// there are busyRecords of them at a time: reading hundreds at a stretch would hold
// up the exchanges of that moment, and show in their 99th percentile. Failed
// records, and a ring that fills up, are fetched at once.
const (
	pumpEvery   = 50 * time.Millisecond
	pumpBusy    = 2 * time.Millisecond
	busyRecords = 16
)

// pump is the one goroutine that carries records from the ring to their readers.
// As it looks up every pumpEvery at the latest, it sets the clock too.
type pump struct {
	quit, done chan struct{}
}

func startPump(ring *record.Ring, c *clock, sinks []record.Sink) *pump {
	p := &pump{make(chan struct{}), make(chan struct{})}
	go func() {
		defer close(p.done)
		t := time.NewTimer(pumpEvery)
		defer t.Stop()
		for {
			select {
			case <-t.C:
			case <-ring.Woken():
			case <-p.quit:
				ring.Drain(sinks)
				return
			}
			c.set()
			next := pumpEvery
			if ring.Drain(sinks) >= busyRecords {
				next = pumpBusy
			}
			t.Reset(next)
		}
	}()
	return p
}

// stop fetches what is left and ends the pump.
func (p *pump) stop() {
	close(p.quit)
	<-p.done
}
