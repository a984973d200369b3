// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// door lets visitors in to a gateway that runs in a namespace. The gateway listens at Stage.Gateway there; the door
// listens at the same address here as soon as it does, and carries bytes. A visitor comes out with the address that it
// came with, since all of 127.0.0.0/8 is at home in every namespace.
type door struct {
	space *space
	addr  string
	ln    net.Listener
	done  chan struct{}
	wg    sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// door opens one for the stage's gateway.
func (s *Stage) door(n *space) {
	d := &door{space: n, addr: s.Gateway, done: make(chan struct{}), conns: map[net.Conn]bool{}}
	d.wg.Go(d.open)
	s.AtEnd(d.close)
}

const knock = 20 * time.Millisecond

// open waits until the gateway listens, then lets visitors in.
func (d *door) open() {
	for {
		c, err := d.space.dial(net.Dialer{Timeout: time.Second}, d.addr)
		if err == nil {
			c.Close()
			break
		}
		select {
		case <-d.done:
			return
		case <-time.After(knock):
		}
	}
	ln, err := net.Listen("tcp", d.addr)
	if err != nil {
		return // somebody has taken the address: who drives the stage sees that nobody answers
	}
	d.mu.Lock()
	select {
	case <-d.done:
		ln.Close()
	default:
		d.ln = ln
	}
	d.mu.Unlock()
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		d.wg.Go(func() { d.lead(c.(*net.TCPConn)) })
	}
}

// lead carries one connection, with its end: a FIN stays a FIN, a reset a reset.
func (d *door) lead(visitor *net.TCPConn) {
	from := &net.TCPAddr{IP: visitor.RemoteAddr().(*net.TCPAddr).IP}
	c, err := d.space.dial(net.Dialer{Timeout: 10 * time.Second, LocalAddr: from, Control: portLater}, d.addr)
	if err != nil {
		_ = visitor.SetLinger(0)
		visitor.Close()
		return
	}
	gateway := c.(*net.TCPConn)
	if d.keep(visitor, gateway) {
		var way sync.WaitGroup
		way.Go(func() { oneWay(gateway, visitor) })
		oneWay(visitor, gateway)
		way.Wait()
	}
	d.forget(visitor, gateway)
}

// portLater leaves the choice of a port to connect(2). One that bind(2) has chosen is of no use to the gateway's own
// connections, and there are stages with few.
func portLater(_, _ string, raw syscall.RawConn) (err error) {
	if e := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}); e != nil {
		return e
	}
	return err
}

// oneWay carries one direction.
func oneWay(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err == nil {
		_ = to.CloseWrite()
		return
	}
	for _, c := range []*net.TCPConn{to, from} {
		_ = c.SetLinger(0)
		c.Close()
	}
}

func (d *door) keep(conns ...net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range conns {
		d.conns[c] = true
	}
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}

func (d *door) forget(conns ...net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range conns {
		c.Close()
		delete(d.conns, c)
	}
}

func (d *door) close() {
	d.mu.Lock()
	close(d.done)
	if d.ln != nil {
		d.ln.Close()
	}
	for c := range d.conns {
		c.Close()
	}
	d.mu.Unlock()
	d.wg.Wait()
}
