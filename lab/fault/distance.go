// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"causey/lab/real"
)

// distance relays TCP to addr with a delay in each direction, and returns the address
// where it listens: a server in another city. Ends pass through as they are, FIN or RST,
// as late as bytes do.
func (s *Stage) distance(addr string, delay time.Duration) (string, error) {
	here, err := real.FreeAddr("0")
	if err != nil {
		return "", err
	}
	ln, err := net.Listen("tcp", here)
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithCancel(s.ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { carry(ctx, near.(*net.TCPConn), addr, delay) })
		}
	})
	s.AtEnd(func() { stop(); _ = ln.Close(); wg.Wait() })
	return here, nil
}

// carry relays one connection until both sides have ended.
func carry(ctx context.Context, near *net.TCPConn, addr string, delay time.Duration) {
	defer near.Close()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		_ = near.SetLinger(0)
		return
	}
	far := c.(*net.TCPConn)
	defer far.Close()
	defer context.AfterFunc(ctx, func() { near.Close(); far.Close() })()
	var wg sync.WaitGroup
	wg.Go(func() { lateCopy(ctx, far, near, delay) })
	wg.Go(func() { lateCopy(ctx, near, far, delay) })
	wg.Wait()
}

// piece is what was read, and when it is due on the other side.
type piece struct {
	due   time.Time
	bytes []byte
	reset bool
}

// lateCopy writes what comes from src to dst, each piece after the delay. At most 64
// pieces are on their way; then src has to wait.
func lateCopy(ctx context.Context, dst, src *net.TCPConn, delay time.Duration) {
	way := make(chan piece, 64)
	go func() {
		defer close(way)
		for {
			b := make([]byte, 16<<10)
			n, err := src.Read(b)
			select {
			case way <- piece{time.Now().Add(delay), b[:n], errors.Is(err, syscall.ECONNRESET)}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range way {
		if !pause(ctx, time.Until(p.due)) {
			break
		}
		if p.reset {
			_ = dst.SetLinger(0)
			_ = dst.Close()
			break
		}
		_, _ = dst.Write(p.bytes) // a peer that is gone says so on its own way
	}
	_ = dst.CloseWrite()
	for range way { // the reader must not wait for us
	}
}
