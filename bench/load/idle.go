// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Crowd says which connections to open and hold.
type Crowd struct {
	Addr netip.AddrPort
	// Request is sent once on each connection.
	Request []byte
	Conns   int
	// Sources are the addresses that the connections come from, in turn.
	Sources []netip.Addr
	// AtOnce is how many are being opened at a time.
	AtOnce int
	// TLS is nil for plain connections.
	TLS *tls.Config
}

// askLimit is how long one connection may take to be opened and answered.
const askLimit = 30 * time.Second

// Idle is a crowd of open connections.
type Idle struct {
	request []byte
	atOnce  int
	conns   []net.Conn
}

// OpenIdle opens the crowd's connections and asks once on each. It returns when
// the last answer is there.
func OpenIdle(ctx context.Context, c Crowd) (*Idle, error) {
	i := &Idle{request: c.Request, atOnce: c.AtOnce, conns: make([]net.Conn, c.Conns)}
	if c.TLS != nil {
		c.TLS = c.TLS.Clone()
		c.TLS.ClientSessionCache = forgetful{}
	}
	err := i.each(ctx, func(n int) error {
		from := net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.Sources[n%len(c.Sources)], 0))
		conn, err := (&net.Dialer{LocalAddr: from, Timeout: askLimit}).DialContext(ctx, "tcp4", c.Addr.String())
		if err != nil {
			return err
		}
		if c.TLS != nil {
			conn = tls.Client(conn, c.TLS) // ask makes the handshake
		}
		i.conns[n] = conn
		return ask(conn, c.Request)
	})
	if err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// AskAgain sends the request once more on each connection: a gateway that keeps
// little of an idle connection must still be able to serve it.
func (i *Idle) AskAgain(ctx context.Context) error {
	return i.each(ctx, func(n int) error { return ask(i.conns[n], i.request) })
}

// each calls f for every connection, atOnce at a time, and returns the first error.
func (i *Idle) each(ctx context.Context, f func(n int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var crew sync.WaitGroup
	for first := range i.atOnce {
		crew.Go(func() {
			for n := first; n < len(i.conns) && ctx.Err() == nil; n += i.atOnce {
				if err := f(n); err != nil {
					cancel(fmt.Errorf("connection %d of %d: %w", n+1, len(i.conns), err))
				}
			}
		})
	}
	crew.Wait()
	return context.Cause(ctx)
}

// ask sends the request and reads the whole answer.
func ask(conn net.Conn, request []byte) error {
	if err := conn.SetDeadline(time.Now().Add(askLimit)); err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	var a answer
	buf := make([]byte, 4<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return err
		}
		if done, err := a.feed(buf[:n]); done || err != nil {
			return err
		}
	}
}

// Open counts the connections that the gateway still keeps.
func (i *Idle) Open() int {
	open := 0
	for _, conn := range i.conns {
		if IsOpen(conn) {
			open++
		}
	}
	return open
}

// IsOpen looks at the socket without taking anything from it: nothing there means
// open; bytes (with TLS an alert), an end or an error mean that it is of no more use.
func IsOpen(conn net.Conn) bool {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	err = raw.Control(func(fd uintptr) {
		_, _, peeked = unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
	})
	return err == nil && peeked == unix.EAGAIN
}

// Close closes what is open.
func (i *Idle) Close() {
	for _, conn := range i.conns {
		if conn != nil {
			_ = conn.Close()
		}
	}
}
