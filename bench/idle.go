// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"time"

	"causey/bench/load"
)

const (
	// idleWait is how long after the last answer the memory is read.
	idleWait = 10 * time.Second
	// idleSources is how many addresses the connections come from: one has too few
	// ports.
	idleSources = 8
	// idleWarm is how many connections come and go before: what the first ones
	// allocate is not the price of each.
	idleWarm = 50
)

// idle opens w.conns connections, asks once on each, and reports how much memory
// of the contender each costs: growth of the proportional set size over a warmed
// gateway, divided by the connections. All must still be open then, and answer.
func (b *bench) idle(w workload, c *contender, _ float64) (sample, error) {
	addr, err := netip.ParseAddrPort(c.addr)
	if err != nil {
		return sample{}, err
	}
	crowd := load.Crowd{Addr: addr, Request: request, Conns: idleWarm, AtOnce: 1, TLS: c.tls}
	for i := range idleSources {
		crowd.Sources = append(crowd.Sources, netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + i)}))
	}
	warm, err := load.OpenIdle(b.ctx, crowd)
	if err != nil {
		return sample{}, err
	}
	warm.Close()
	time.Sleep(time.Second)
	before, err := c.memory()
	if err != nil {
		return sample{}, err
	}
	crowd.Conns = w.conns
	held, err := load.OpenIdle(b.ctx, crowd)
	if err != nil {
		return sample{}, err
	}
	defer held.Close()
	select {
	case <-time.After(idleWait):
	case <-b.ctx.Done():
		return sample{}, b.ctx.Err()
	}
	after, err := c.memory()
	if err != nil {
		return sample{}, err
	}
	if open := held.Open(); open < w.conns {
		return sample{}, fmt.Errorf("%d of %d connections were closed", w.conns-open, w.conns)
	}
	if err := held.AskAgain(b.ctx); err != nil {
		return sample{}, fmt.Errorf("asking again: %w", err)
	}
	return sample{value: float64(after-before) / float64(w.conns)}, nil
}
