// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

func listen(network, addr string, backlog int) (net.Listener, error) {
	ln, err := net.Listen(network, addr)
	if err != nil || backlog == 0 {
		return ln, err
	}
	if err := setBacklog(ln, backlog); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// setBacklog shortens the queue of a listener: a second listen(2) on a listening socket only changes its length.
func setBacklog(ln net.Listener, n int) error {
	return onDescriptor(ln.(syscall.Conn), func(fd int) error { return unix.Listen(fd, n) })
}

// onDescriptor runs f on the descriptor of a socket that stays open meanwhile.
func onDescriptor(sc syscall.Conn, f func(fd int) error) error {
	rc, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := rc.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// maxFill is far above what a queue of length 0 holds: one or two.
const maxFill = 64

// fillBacklog makes every further connect to ln hang (TCP drops the SYN) or fail with EAGAIN (unix): the queue is
// shortened to nothing and filled with connections that nobody will accept.
func fillBacklog(ln net.Listener) ([]net.Conn, error) {
	if err := setBacklog(ln, 0); err != nil {
		return nil, err
	}
	addr := ln.Addr()
	var filler []net.Conn
	for range maxFill {
		full, err := queueIsFull(ln)
		if full || err != nil {
			return filler, err
		}
		nc, err := net.Dial(addr.Network(), addr.String())
		if errors.Is(err, unix.EAGAIN) {
			return filler, nil
		}
		if err != nil {
			return filler, err
		}
		filler = append(filler, nc)
	}
	return filler, fmt.Errorf("origin: the listen queue of %v took %d connections and is not full", addr, maxFill)
}

// queueIsFull asks the kernel. For a listening TCP socket tcpi_unacked is the length of the accept queue and
// tcpi_sacked its limit, which the kernel lets be exceeded by one. A unix socket says so itself, with EAGAIN.
func queueIsFull(ln net.Listener) (full bool, err error) {
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return false, nil
	}
	err = onDescriptor(tcp, func(fd int) error {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			full = info.Unacked > info.Sacked
		}
		return err
	})
	return full, err
}

// RefusedAddr returns a loopback address that refuses connections until release is called: its port is bound, so that
// nobody else can take it, and nobody listens.
func RefusedAddr() (addr string, release func() error, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", nil, err
	}
	var name unix.Sockaddr
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if err == nil {
		name, err = unix.Getsockname(fd)
	}
	if err != nil {
		return "", nil, errors.Join(err, unix.Close(fd))
	}
	port := name.(*unix.SockaddrInet4).Port
	return fmt.Sprintf("127.0.0.1:%d", port), func() error { return unix.Close(fd) }, nil
}

// StaleSocket leaves a unix socket's file at path with nobody behind it: connecting is refused.
func StaleSocket(path string) error {
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	ln.SetUnlinkOnClose(false)
	return ln.Close()
}
