// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// doorstep stands where the gateway would, and keeps what is sent to it by address.
type doorstep struct {
	ln    net.Listener
	wg    sync.WaitGroup
	mu    sync.Mutex
	heads map[string][]string
}

func sitOutside(addr string) (*doorstep, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	d := &doorstep{ln: ln, heads: map[string][]string{}}
	d.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			d.wg.Go(func() { d.take(c) })
		}
	})
	return d, nil
}

// take reads a head and answers it.
func (d *doorstep) take(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	var b strings.Builder
	piece := make([]byte, 16<<10)
	for b.Len() < 1<<20 && !strings.Contains(b.String(), "\r\n\r\n") {
		n, err := c.Read(piece)
		b.Write(piece[:n])
		if err != nil {
			break
		}
	}
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heads[host] = append(d.heads[host], b.String())
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

// close returns what came. It may be called twice.
func (d *doorstep) close() map[string][]string {
	_ = d.ln.Close()
	d.wg.Wait()
	return d.heads
}

// strangersAre is a gateway to which so many addresses come within a second, and send nothing but what fits.
func strangersAre(least int, fits func(head string) bool) proof {
	return func(ctx context.Context, s *Stage) error {
		d, err := sitOutside(s.Gateway)
		if err != nil {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		heads := d.close()
		for who, all := range heads {
			for _, head := range all {
				if !fits(head) {
					return instead("%.80q from %s", head, who)
				}
			}
		}
		if len(heads) < least {
			return instead("%d addresses", len(heads))
		}
		return nil
	}
}
