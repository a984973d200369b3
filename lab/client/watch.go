// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// state asks the kernel which of these events, or of ERR and HUP, the socket has; nothing is consumed.
func (c *Conn) state(events int16) int16 {
	const gone = unix.POLLHUP
	rc, err := c.raw.(syscall.Conn).SyscallConn()
	if err != nil {
		return gone
	}
	p := []unix.PollFd{{Events: events}}
	if err := rc.Control(func(fd uintptr) {
		p[0].Fd = int32(fd)
		_, _ = unix.Poll(p, 0) // an interrupted poll shows no events; the callers ask again
	}); err != nil {
		return gone
	}
	return p[0].Revents & (events | unix.POLLERR | unix.POLLHUP)
}

// Alive reports whether neither side has ended the connection as far as our kernel knows.
func (c *Conn) Alive() bool { return c.state(unix.POLLRDHUP) == 0 }

// awaitReset watches without reading until the peer resets (PeerRST) or time is up (Deadline).
func (c *Conn) awaitReset(ctx context.Context) End {
	ctx, cancel := context.WithTimeout(ctx, c.target.Deadline)
	defer cancel()
	for c.state(0) == 0 {
		if !c.pause(ctx, 10*time.Millisecond) {
			return Deadline
		}
	}
	return PeerRST
}
