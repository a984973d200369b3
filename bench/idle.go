// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// idleWait is how long after the last answer the memory is read.
const idleWait = 10 * time.Second

// idle opens w.conns connections, asks once on each, and reports how much memory
// of the contender each costs: growth of the proportional set size over a warmed
// gateway, divided by the connections.
func (b *bench) idle(w workload, c *contender, _ float64) (sample, error) {
	conns := make([]net.Conn, 0, w.conns)
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	for range 50 { // warm
		conn, err := askOnce(c.addr, 2)
		if err != nil {
			return sample{}, err
		}
		conn.Close()
	}
	time.Sleep(time.Second)
	before, err := c.memory()
	if err != nil {
		return sample{}, err
	}
	for i := range w.conns {
		conn, err := askOnce(c.addr, 2+i%8)
		if err != nil {
			return sample{}, fmt.Errorf("connection %d: %w", i, err)
		}
		conns = append(conns, conn)
	}
	select {
	case <-time.After(idleWait):
	case <-b.ctx.Done():
		return sample{}, b.ctx.Err()
	}
	after, err := c.memory()
	if err != nil {
		return sample{}, err
	}
	return sample{value: float64(after-before) / float64(w.conns)}, nil
}

// askOnce opens a connection from 127.0.0.n and sends one request on it.
func askOnce(addr string, n int) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(n))}}
	conn, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		conn.Close()
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 2048), nil)
	if err == nil {
		_, err = io.Copy(io.Discard, res.Body)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}
