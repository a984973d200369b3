// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// End is what becomes of a connection after an answer, or instead of one.
type End string

// The ends. On a unix socket there is no RST: RST and Close are the same there.
const (
	Keep  End = "keep"  // serve the next request
	FIN   End = "fin"   // FIN first, then read what still comes until the peer closes: the polite close
	Bare  End = "bare"  // FIN as above, under TLS without the farewell close_notify
	Close End = "close" // close(2) at once, as a dying process does: FIN, or RST if received bytes lay unread
	RST   End = "rst"   // RST, after the peer has acknowledged what was sent (I4)
	Stall End = "stall" // neither read nor write nor close
)

func (e End) valid() bool {
	switch e {
	case Keep, FIN, Bare, Close, RST, Stall:
		return true
	}
	return false
}

// duplex carries the bytes of HTTP: a socket, or TLS over one.
type duplex interface {
	net.Conn
	CloseWrite() error
}

type socket interface {
	duplex
	syscall.Conn
}

const (
	lingerLimit = 2 * time.Second // longest wait for the peer's own FIN after ours, or for its ACKs before an RST
	pollFirst   = time.Millisecond
	pollMost    = 250 * time.Millisecond
)

// end carries out how; the connection is unusable afterwards.
func (c *conn) end(how End) {
	switch how {
	case FIN, Bare:
		if how == FIN {
			_ = c.nc.CloseWrite() // under TLS this is close_notify only
		}
		_ = c.raw.CloseWrite()
		_ = c.raw.SetReadDeadline(time.Now().Add(lingerLimit))
		if c.nc == c.raw {
			_, _ = io.Copy(io.Discard, c.in)
		} else {
			_, _ = io.Copy(io.Discard, c.raw)
		}
	case RST:
		c.poll(lingerLimit, func() bool { return c.unacked() == 0 })
		if tcp, ok := c.raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	case Stall:
		c.hold()
	}
	_ = c.raw.Close()
}

// hold keeps the connection open without reading or writing until the server closes, the peer resets, or the peer's
// FIN is lingerLimit old. It looks at the socket's state only; nothing is consumed.
func (c *conn) hold() {
	var finAt time.Time
	c.poll(c.srv.opts.HoldLimit, func() bool {
		switch c.peerState() {
		case peerReset:
			return true
		case peerClosed:
			if finAt.IsZero() {
				finAt = time.Now()
			}
			return time.Since(finAt) > lingerLimit
		}
		return false
	})
}

// sleep waits d, or less if the server closes or the peer resets; it reports whether to go on. A peer's FIN does not
// end it: a half-closed client still waits for its answer.
func (c *conn) sleep(d time.Duration) bool {
	return !c.poll(min(d, c.srv.opts.HoldLimit), func() bool { return c.peerState() == peerReset })
}

// poll asks stop again and again, ever more rarely, for at most limit. It reports whether it was stopped, by stop or
// by the server's end, rather than by the limit.
func (c *conn) poll(limit time.Duration, stop func() bool) bool {
	timer := time.NewTimer(0)
	defer timer.Stop()
	until := time.Now().Add(limit)
	for step := pollFirst; ; step = min(2*step, pollMost) {
		if stop() {
			return true
		}
		left := time.Until(until)
		if left <= 0 {
			return false
		}
		timer.Reset(min(step, left))
		select {
		case <-timer.C:
		case <-c.srv.done:
			return true
		}
	}
}

type peerState int

const (
	peerOpen   peerState = iota
	peerClosed           // its FIN has arrived
	peerReset            // RST, or both directions are closed
)

// peerState looks at the socket without reading from it, and tells the log what it saw.
func (c *conn) peerState() peerState {
	state := peerOpen
	err := onDescriptor(c.raw, func(fd int) error {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if _, err := unix.Poll(p, 0); err != nil {
			return err
		}
		switch {
		case p[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0:
			state = peerReset
		case p[0].Revents&unix.POLLRDHUP != 0:
			state = peerClosed
		}
		return nil
	})
	switch {
	case err != nil && !isRetry(err):
		return peerReset
	case state == peerClosed:
		c.srv.log.peerEnded(c.seen, PeerFIN)
	case state == peerReset:
		c.srv.log.peerEnded(c.seen, PeerRST)
	}
	return state
}

func isRetry(err error) bool { return errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) }

// unacked is how many bytes sent the peer's kernel has not acknowledged (on a unix socket: not read).
func (c *conn) unacked() int {
	n := 0
	_ = onDescriptor(c.raw, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ)
		return err
	})
	return n
}
