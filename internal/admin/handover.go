// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Socket is an open listening socket of the admin side, for a process that takes
// over.
type Socket struct {
	Network, Address string // as configured
	FD               int    // a duplicate, the caller's to close
}

// Sockets returns duplicates of what is open. On an error there are none.
func (s *Server) Sockets() ([]Socket, error) {
	var all []Socket
	for _, e := range s.endpoints() {
		fd, err := duplicate(e.ln)
		if err != nil {
			for _, other := range all {
				_ = unix.Close(other.FD)
			}
			return nil, fmt.Errorf("admin: the socket %s: %w", e.ln.Addr(), err)
		}
		k := Socket{"tcp", s.opts.Listen, fd}
		if e == s.unix {
			k.Network, k.Address = "unix", e.path
		}
		all = append(all, k)
	}
	return all, nil
}

// duplicate is not File: whose descriptor may turn the socket to blocking mode.
func duplicate(ln net.Listener) (fd int, err error) {
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return -1, err
	}
	if e := raw.Control(func(f uintptr) { fd, err = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 3) }); e != nil {
		return -1, e
	}
	return fd, err
}

// Leave stops accepting: from its return on whoever connects meets the process that
// took over. Requests under way are answered, streams end so that their readers come
// back to that process, and idle connections close. The file of the unix socket stays
// if the other process took the socket.
func (s *Server) Leave(tookUnix bool) {
	for _, e := range s.endpoints() {
		e.left.Store(true)
		e.http.SetKeepAlivesEnabled(false)
		_ = e.ln.Close()
		if e == s.unix && tookUnix {
			e.path = ""
		}
	}
	s.endStreams()
}

// Own says that sockets which were left to us are ours alone: Shutdown takes the file
// of the unix socket along.
func (s *Server) Own() {
	for _, e := range s.endpoints() {
		e.lent.Store(false)
	}
}
