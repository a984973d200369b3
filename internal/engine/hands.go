// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import "sync/atomic"

// handsMax bounds the goroutines that wait for a connection.
const handsMax = 32

// hands are the goroutines that serve clients' connections. One that is done waits
// for another connection, up to handsMax of them: a new goroutine has to grow its
// stack anew, which costs more than handing over does.
type hands struct {
	next chan *clientConn
	quit chan struct{}
	idle atomic.Int64
}

func (h *hands) init() { h.next, h.quit = make(chan *clientConn), make(chan struct{}) }

// serve serves c in a goroutine of its own.
func (h *hands) serve(c *clientConn) {
	select {
	case h.next <- c:
	default:
		go h.run(c)
	}
}

func (h *hands) run(c *clientConn) {
	for {
		c.serve()
		if h.idle.Add(1) > handsMax {
			h.idle.Add(-1)
			return
		}
		select {
		case c = <-h.next:
			h.idle.Add(-1)
		case <-h.quit:
			return
		}
	}
}

// close ends the goroutines that wait.
func (h *hands) close() { close(h.quit) }
