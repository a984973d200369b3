// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Target is whom to talk to, and from where.
type Target struct {
	Network  string        // "" is tcp; "unix" takes a path in Addr
	Addr     string        // host:port or path
	Source   string        // local IP address, any of 127.0.0.0/8 on loopback; "" lets the kernel choose
	Deadline time.Duration // of the whole conversation; 0 is 10 s

	RecvBuffer int // SO_RCVBUF in bytes before the connect, which also bounds the window offered; 0 is the system's
	SendBuffer int // SO_SNDBUF in bytes; 0 is the system's
	KeepBytes  int // how much of what arrives is kept; 0 is 1 MiB

	TLS *tls.Config // speaks TLS, if not nil; Dial shakes hands

	Sink io.Writer // gets every received byte as well, if not nil; an error of it ends the receiving
}

// End says how a conversation ended.
type End string

// The ends of a conversation.
const (
	PeerFIN   End = "fin"       // the peer closed its side
	PeerRST   End = "rst"       // the peer reset the connection
	Deadline  End = "deadline"  // nothing more came in time, or the context ended
	Satisfied End = "satisfied" // what was asked for has arrived, or was done
	Broken    End = "broken"    // another error: Result.Err
)

// Result is what came of a conversation.
type Result struct {
	Received      []byte // the first KeepBytes
	ReceivedBytes int64
	SentBytes     int64 // taken by our kernel
	End           End
	Err           error // nil for Satisfied, and for PeerFIN when reading
}

// How is the way in which we end a connection.
type How string

// The ways to leave.
const (
	FIN  How = "fin"  // close our side, and receive until the peer closes
	RST  How = "rst"  // reset
	Wait How = "wait" // say nothing, and receive until the peer closes
)

// Conn is a raw connection. It belongs to one goroutine.
type Conn struct {
	target Target
	raw    net.Conn
	nc     net.Conn // raw, or TLS over it
	stop   func() bool
	result Result
}

// Dial connects. The connection ends with ctx and with the target's deadline (I1).
func Dial(ctx context.Context, t Target) (*Conn, error) {
	if t.Network == "" {
		t.Network = "tcp"
	}
	if t.Deadline == 0 {
		t.Deadline = 10 * time.Second
	}
	if t.KeepBytes == 0 {
		t.KeepBytes = 1 << 20
	}
	deadline := time.Now().Add(t.Deadline)
	d := net.Dialer{Deadline: deadline, Control: t.buffers}
	if t.Source != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(t.Source)}
	}
	nc, err := d.DialContext(ctx, t.Network, t.Addr)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(deadline)
	c := &Conn{target: t, raw: nc, nc: nc}
	c.stop = context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	if t.TLS != nil {
		if err := c.secure(ctx, t.TLS); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

func (t Target) buffers(_, _ string, rc syscall.RawConn) error {
	var inner error
	err := rc.Control(func(fd uintptr) {
		if t.RecvBuffer > 0 {
			inner = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, t.RecvBuffer)
		}
		if t.SendBuffer > 0 && inner == nil {
			inner = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, t.SendBuffer)
		}
	})
	return errors.Join(err, inner)
}

// LocalAddr is our end's address.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// Send writes p whole; false if that failed.
func (c *Conn) Send(p []byte) bool {
	n, err := c.nc.Write(p)
	c.result.SentBytes += int64(n)
	return c.note(err)
}

// Trickle writes p, n bytes at a time, with a pause after each piece.
func (c *Conn) Trickle(ctx context.Context, p []byte, n int, every time.Duration) bool {
	for at := 0; at < len(p); at += n {
		if !c.Send(p[at:min(at+n, len(p))]) || !c.pause(ctx, every) {
			return false
		}
	}
	return true
}

func (c *Conn) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return c.note(ctx.Err())
	}
}

// ReceiveUntil reads until done, asked after each piece with everything kept so far, says that it is enough; a nil
// done reads until the peer ends. Each read takes at most piece bytes.
func (c *Conn) ReceiveUntil(piece int, done func(received []byte, total int64) bool) bool {
	buf := make([]byte, piece)
	for {
		if done != nil && done(c.result.Received, c.result.ReceivedBytes) {
			c.result.End = Satisfied
			return true
		}
		n, err := c.nc.Read(buf)
		c.result.ReceivedBytes += int64(n)
		room := max(0, c.target.KeepBytes-len(c.result.Received))
		c.result.Received = append(c.result.Received, buf[:min(n, room)]...)
		if c.target.Sink != nil && n > 0 {
			if _, sinkErr := c.target.Sink.Write(buf[:n]); sinkErr != nil {
				return c.note(sinkErr)
			}
		}
		if !c.note(err) {
			return false
		}
	}
}

// HalfClose sends our FIN and leaves the other direction open.
func (c *Conn) HalfClose() bool {
	return c.note(errors.Join(c.farewell(), c.raw.(interface{ CloseWrite() error }).CloseWrite()))
}

// note remembers how the conversation ended (I3) and reports whether it goes on. The kernel reports an RST once, to
// whichever call comes first, and as the end of the stream from then on; so a reset stays a reset.
func (c *Conn) note(err error) bool {
	if err == nil {
		return true
	}
	if c.result.End != PeerRST {
		c.result.End, c.result.Err = classify(err), err
		if errors.Is(err, io.EOF) {
			c.result.Err = nil
		}
	}
	return false
}

// classify names the end that an error of the network means. EPIPE means that the peer's FIN came first: Linux
// reports an RST that follows a FIN so.
func classify(err error) End {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, unix.EPIPE):
		return PeerFIN
	case errors.Is(err, unix.ECONNRESET):
		return PeerRST
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Deadline
	}
	return Broken
}

// Leave ends the connection in the given way.
func (c *Conn) Leave(how How) Result {
	switch how {
	case RST:
		if tcp, ok := c.raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.result.End, c.result.Err = Satisfied, nil
	case FIN:
		if c.HalfClose() {
			c.ReceiveUntil(readSize, nil)
		}
	case Wait:
		c.ReceiveUntil(readSize, nil)
	}
	return c.Close()
}

// Close closes the socket and returns the result. It may be called twice.
func (c *Conn) Close() Result {
	c.stop()
	_ = c.raw.Close()
	if c.result.End == "" {
		c.result.End = Satisfied
	}
	return c.result
}

const readSize = 32 << 10
