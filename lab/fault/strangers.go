// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"sync"
	"time"

	"causey/lab/client"
)

// strangers are clients of the gateway beside its visitors, who may send anything: each request is bytes, over a connection
// of its own, and no answer is read whole.
type strangers struct {
	addresses int // of 127.0.0.0/8, that they come from
	width     int // requests at a time from one address
	every     time.Duration
	patience  time.Duration
	request   func(who, n int) []byte
}

// visitLimit bounds how long strangers stay.
const visitLimit = 20 * time.Second

// comeTo has them come from Break to Mend.
func (x strangers) comeTo(s *Stage) {
	ctx, stop := context.WithCancel(s.ctx)
	var wg sync.WaitGroup
	s.breaks = func() error {
		for who := range x.addresses * x.width {
			wg.Go(func() { x.visit(ctx, s.Gateway, who) })
		}
		return nil
	}
	s.mends = func() error {
		stop()
		wg.Wait()
		return nil
	}
	s.AtEnd(func() { _ = s.mends() })
}

func (x strangers) visit(ctx context.Context, gateway string, who int) {
	ctx, cancel := context.WithTimeout(ctx, visitLimit)
	defer cancel()
	tick := time.NewTicker(x.every)
	defer tick.Stop()
	to := client.Target{Addr: gateway, Source: client.Loopback(2000 + who%x.addresses), Deadline: x.patience}
	for n := 0; ; n++ {
		client.RawUntil(ctx, to, x.request(who, n), func(_ []byte, total int64) bool { return total > 0 })
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
