// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package steady

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"

	"causey/bench/load"
)

// pool keeps the visitors' connections.
type pool struct {
	addr string
	keep int

	mu sync.Mutex
	// idle are those without a request, the longest idle first: so all are in use.
	idle []*conn
}

// conn is a connection with what was read ahead on it.
type conn struct {
	net.Conn
	in *bufio.Reader
}

// openPool opens keep connections.
func openPool(ctx context.Context, addr string, keep int) (*pool, error) {
	p := &pool{addr: addr, keep: keep}
	for range keep {
		c, err := p.dial(ctx, time.Now().Add(10*time.Second))
		if err != nil {
			p.close()
			return nil, err
		}
		p.put(c)
	}
	return p, nil
}

func (p *pool) dial(ctx context.Context, until time.Time) (*conn, error) {
	nc, err := (&net.Dialer{Deadline: until}).DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	return &conn{nc, bufio.NewReaderSize(nc, 4<<10)}, nil
}

// take returns a kept connection, or a new one if none is idle or fresh is asked for.
func (p *pool) take(ctx context.Context, fresh bool, until time.Time) (*conn, error) {
	for !fresh {
		c := p.pop()
		if c == nil {
			break
		}
		// A gateway may close a connection that waits, and clients see that before they
		// send. One that it closes under a request is a failure.
		if c.in.Buffered() == 0 && load.IsOpen(c.Conn) {
			return c, nil
		}
		_ = c.Close()
	}
	return p.dial(ctx, until)
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[0]
	p.idle = p.idle[1:]
	return c
}

// put gives a connection back; those beyond the number to keep are closed.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < p.keep {
		p.idle = append(p.idle, c)
		return
	}
	_ = c.Close()
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		_ = c.Close()
	}
	p.idle = nil
}
