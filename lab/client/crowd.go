// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// portsPerSource is how many connections to one address leave from one source address; the kernel has some 28,000
// ephemeral ports for each pair.
const portsPerSource = 20000

// Loopback is the i-th address of 127.0.0.0/8, from 127.0.0.1 for 0 on. It leaves out those that end in 0 or 255.
func Loopback(i int) string {
	last, i := i%254+1, i/254
	return fmt.Sprintf("127.%d.%d.%d", i/256%256, i%256, last)
}

// Crowd is many connections that stay open.
type Crowd struct{ conns []*Conn }

// IdleCrowd opens n connections, width of them at a time, sends request on each, receives one whole response to it,
// and holds them until Close. From 20,000 on the source addresses are spread over 127.0.0.0/8. The target's deadline
// is that of each opening. On an error everything is closed again.
func IdleCrowd(ctx context.Context, t Target, n, width int, request []byte) (*Crowd, error) {
	crowd := &Crowd{conns: make([]*Conn, n)}
	errs := make([]error, max(1, min(width, n)))
	var wg sync.WaitGroup
	var next atomic.Int64
	var failed atomic.Bool
	for w := range errs {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !failed.Load(); i = int(next.Add(1)) - 1 {
				if crowd.conns[i], errs[w] = openIdle(ctx, t, i, request); errs[w] != nil {
					errs[w] = fmt.Errorf("connection %d of %d: %w", i+1, n, errs[w])
					failed.Store(true)
					return
				}
			}
		})
	}
	wg.Wait()
	if failed.Load() {
		crowd.Close()
		return nil, errors.Join(errs...)
	}
	return crowd, nil
}

func openIdle(ctx context.Context, t Target, i int, request []byte) (*Conn, error) {
	if t.Source == "" && i >= portsPerSource {
		t.Source = Loopback(i / portsPerSource)
	}
	c, err := Dial(ctx, t)
	if err != nil {
		return nil, err
	}
	if _, err := c.Ask(request); err != nil {
		c.Close()
		return nil, err
	}
	_ = c.nc.SetDeadline(time.Time{})
	return c, nil
}

// ErrUnanswered is a request that got no whole response.
var ErrUnanswered = errors.New("client: no whole response")

// Ask sends request, receives one whole response to it and returns its bytes; what had arrived before is forgotten.
func (c *Conn) Ask(request []byte) ([]byte, error) {
	c.result.Received = nil
	if c.Send(request) && c.ReceiveUntil(readSize, Responses(methodOf(request))) {
		return c.result.Received, nil
	}
	return c.result.Received, errors.Join(ErrUnanswered, c.result.Err)
}

// Len is how many connections the crowd was given.
func (w *Crowd) Len() int { return len(w.conns) }

// Conn is the i-th connection, for whoever wants to use it again.
func (w *Crowd) Conn(i int) *Conn { return w.conns[i] }

// Alive counts the connections that neither side has ended.
func (w *Crowd) Alive() int {
	n := 0
	for _, c := range w.conns {
		if c.Alive() {
			n++
		}
	}
	return n
}

// Close closes them all.
func (w *Crowd) Close() {
	for _, c := range w.conns {
		if c != nil {
			c.Close()
		}
	}
}
