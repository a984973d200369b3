// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package shop

import (
	"net"
	"net/http"
	"sync"

	"golang.org/x/sys/unix"
)

// gate is a listener that can be shut: then what is connected is closed, and nobody
// is accepted. The kernel still takes one or two into its queue, as it does for a
// server that hangs; the others' connects get no answer.
type gate struct {
	*net.TCPListener
	mu sync.Mutex
	// opened is closed while the gate is open.
	opened chan struct{}
	isShut bool
	conns  map[net.Conn]struct{}
}

func newGate(ln *net.TCPListener) *gate {
	g := &gate{TCPListener: ln, opened: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	close(g.opened)
	return g
}

// Accept is net.Listener's.
func (g *gate) Accept() (net.Conn, error) {
	c, err := g.TCPListener.Accept()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	opened := g.opened
	g.mu.Unlock()
	<-opened
	return c, nil
}

// state is http.Server.ConnState.
func (g *gate) state(c net.Conn, state http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch state {
	case http.StateNew:
		g.conns[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(g.conns, c)
	}
}

// openBacklog is the queue's length while the gate is open; the kernel cuts it to its
// own limit.
const openBacklog = 4096

func (g *gate) shut() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isShut {
		return nil
	}
	g.isShut, g.opened = true, make(chan struct{})
	for c := range g.conns {
		_ = c.Close()
	}
	return g.backlog(0)
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.isShut {
		return
	}
	g.isShut = false
	close(g.opened)
	_ = g.backlog(openBacklog)
}

// backlog changes the length of the queue: a second listen(2) does nothing else.
func (g *gate) backlog(n int) error {
	raw, err := g.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = unix.Listen(int(fd), n) }); err != nil {
		return err
	}
	return inner
}
