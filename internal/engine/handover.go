// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Own says that a socket that another process opened, under the name that it has
// here, is ours from now on: who waits in its queue is for us, and so is its path.
func (l *Listener) Own() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed.Load() {
		l.own, l.path = true, socketPath(l.Name)
	}
}

// Dup returns a duplicate of the socket's descriptor, which is the caller's to close.
// The listener must be open.
func (l *Listener) Dup() (int, error) {
	fd, err := unix.FcntlInt(uintptr(l.fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return -1, fmt.Errorf("listener %s: %w", l.Name, err)
	}
	return fd, nil
}

// Leave stops accepting as Close does, and leaves the socket to another process that
// serves it: with what waits in its queue, and with its path.
func (l *Listener) Leave() {
	l.mu.Lock()
	if !l.closed.Load() {
		l.own, l.path = false, ""
	}
	l.mu.Unlock()
	l.Close()
}
