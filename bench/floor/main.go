// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Command floor relays bytes between clients and one origin without looking at
// them: the cost that no gateway on this kernel can be below.
//
// What it is: one epoll loop per processor, non-blocking reads and writes, one
// connection to the origin for each client. The comparison of `make bench` puts
// it beside the gateways.
//
// What it never does: HTTP, logging, pooling, deadlines.
//
// Start reading with loop.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

const loops = 2

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: floor LISTEN ORIGIN")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(listen, origin string) error {
	local, err := net.ResolveTCPAddr("tcp4", listen)
	if err != nil {
		return err
	}
	remote, err := net.ResolveTCPAddr("tcp4", origin)
	if err != nil {
		return err
	}
	errs := make(chan error, loops)
	for range loops {
		fd, err := listenOn(local)
		if err != nil {
			return err
		}
		go func() { errs <- (&loop{listener: fd, origin: sockaddr(remote)}).run() }()
	}
	return <-errs
}

func sockaddr(a *net.TCPAddr) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}
}

func listenOn(a *net.TCPAddr) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := unix.Bind(fd, sockaddr(a)); err != nil {
		return -1, fmt.Errorf("bind %s: %w", a, err)
	}
	return fd, unix.Listen(fd, 4096)
}

// end is one socket; peer is the other one of the pair.
type end struct {
	fd, peer int32
	pending  []byte // what the peer's socket did not take yet
	eof      bool
}

// loop relays on one thread.
type loop struct {
	listener int
	origin   *unix.SockaddrInet4
	epoll    int
	ends     map[int32]*end
	buf      [64 << 10]byte
}

func (l *loop) run() error {
	runtime.LockOSThread()
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	l.ends = map[int32]*end{}
	l.watch(int32(l.listener), unix.EPOLLIN)
	var events [256]unix.EpollEvent
	for {
		n, err := unix.EpollWait(l.epoll, events[:], -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		for i := range events[:n] {
			ev := &events[i]
			switch e := l.ends[ev.Fd]; {
			case ev.Fd == int32(l.listener):
				l.accept()
			case e == nil:
			case ev.Events&unix.EPOLLOUT != 0 && len(e.pending) > 0 && !l.drain(e):
				l.drop(e)
			case ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 && !l.read(e):
				l.drop(e)
			}
		}
	}
}

func (l *loop) watch(fd int32, events uint32) {
	unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{Events: events, Fd: fd})
}

func (l *loop) accept() {
	for {
		c, _, err := unix.Accept4(l.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		o, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			unix.Close(c)
			continue
		}
		unix.SetsockoptInt(o, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if err := unix.Connect(o, l.origin); err != nil && err != unix.EINPROGRESS {
			unix.Close(c)
			unix.Close(o)
			continue
		}
		l.ends[int32(c)] = &end{fd: int32(c), peer: int32(o)}
		l.ends[int32(o)] = &end{fd: int32(o), peer: int32(c)}
		const edges = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
		l.watch(int32(c), edges)
		l.watch(int32(o), edges)
	}
}

// read moves what came from e to its peer. Reading stops while the peer is full.
func (l *loop) read(e *end) bool {
	p := l.ends[e.peer]
	for len(p.pending) == 0 && !e.eof {
		n, err := unix.Read(int(e.fd), l.buf[:])
		switch {
		case err == unix.EAGAIN:
			return true
		case err != nil:
			return false
		case n == 0:
			e.eof = true
			unix.Shutdown(int(p.fd), unix.SHUT_WR)
			return !p.eof
		}
		p.pending = append(p.pending, l.buf[:l.skip(p, n)]...)
		if n < len(l.buf) && len(p.pending) == 0 {
			return true
		}
	}
	return true
}

// skip writes the first n bytes of the buffer to p and moves what is left to the
// buffer's front, returning its length.
func (l *loop) skip(p *end, n int) int {
	w, err := unix.Write(int(p.fd), l.buf[:n])
	if err != nil {
		w = 0
	}
	return copy(l.buf[:], l.buf[w:n])
}

// drain writes what e still owes and then reads on from its peer.
func (l *loop) drain(e *end) bool {
	n, err := unix.Write(int(e.fd), e.pending)
	if err != nil && err != unix.EAGAIN {
		return false
	}
	if e.pending = e.pending[max(n, 0):]; len(e.pending) > 0 {
		return true
	}
	e.pending = nil
	return l.read(l.ends[e.peer])
}

func (l *loop) drop(e *end) {
	for _, fd := range []int32{e.fd, e.peer} {
		delete(l.ends, fd)
		unix.Close(int(fd))
	}
}
