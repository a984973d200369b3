// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"causey/internal/exchange"
)

// ioEnd says how a wait for a socket ended.
type ioEnd uint8

const (
	ioOK ioEnd = iota
	// ioEOF: the peer sent a FIN.
	ioEOF
	// ioTimeout: the deadline passed.
	ioTimeout
	// ioCanceled: cancel was called.
	ioCanceled
	// ioPark: the sweeper asks an idle connection to go and park, or to close if
	// the engine drains.
	ioPark
	// ioErrno: the kernel said no; see the half's errno.
	ioErrno
)

// sock is a non-blocking socket that waits on the runtime's poller.
//
// Reads and writes are raw system calls inside the poller's callbacks: they never
// block, so the scheduler need not be told, and the callback tries before it waits,
// since the poller forgets a readiness that came before the callback began.
//
// Deadlines are words that the sweeper looks at; it wakes a waiter by setting the
// runtime's deadline to the past. A deadline so set is answered by asking again
// what it was for, so that a wake-up that came too late for one wait cannot end
// the next.
type sock struct {
	eng  *Engine
	file *os.File
	raw  syscall.RawConn
	fd   int // for socket options, while file is open
	in   input
	r, w half

	// quiet, set in a tunnel, says when both its directions have been silent for
	// too long.
	quiet exchange.QuietRule

	// canceled ends all waits, readStopped those for bytes, parkAsked one wait.
	canceled, readStopped, parkAsked atomic.Bool
	// client is the connection's owner if it is a client's.
	client *clientConn
	slot   int // in the sweeper
	look   func(fd uintptr)
	byte   byte // what peek looks at
}

// half is one direction of a sock.
type half struct {
	// deadline is when the present wait is over, in the engine's clock; 0: never.
	deadline atomic.Int64
	try      func(fd uintptr) bool
	errno    syscall.Errno
	n        int
	// buf and next are what is still to be written, in this order.
	buf, next []byte
	iov       [2]unix.Iovec
	// first, on the reading side, goes out before the wait begins; unsent is what
	// the kernel did not take of it.
	first, unsent []byte
	// pace, if set, says how slow is too slow; it sets deadline whenever the wait
	// begins.
	pace *pace
	// total counts bytes since the socket was opened; the other half's failures
	// tell it too.
	total atomic.Int64
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// init takes over fd, which is non-blocking.
func (s *sock) init(e *Engine, fd int) error {
	s.eng, s.fd = e, fd
	s.file = os.NewFile(uintptr(fd), "socket")
	raw, err := s.file.SyscallConn()
	if err != nil {
		s.file.Close()
		return err
	}
	s.raw = raw
	s.bind()
	s.canceled.Store(false)
	s.readStopped.Store(false)
	s.parkAsked.Store(false)
	s.r.pace, s.w.pace = nil, nil
	s.r.total.Store(0)
	s.w.total.Store(0)
	e.sweep.add(s)
	return nil
}

// bind makes the callbacks once: a method value made for each call would be an
// allocation each.
func (s *sock) bind() {
	if s.look == nil {
		s.r.try, s.w.try, s.look = s.tryRead, s.tryWrite, s.tryPeek
	}
}

// takeOver moves the open socket of other, which is no more afterwards, to s.
func (s *sock) takeOver(other *sock) {
	s.eng, s.fd, s.file, s.raw = other.eng, other.fd, other.file, other.raw
	s.bind()
	s.eng.sweep.remove(other)
	s.eng.sweep.add(s)
}

// close ends the socket and gives its buffer back.
func (s *sock) close() {
	s.eng.sweep.remove(s)
	s.file.Close()
	s.in.release()
	s.r.deadline.Store(0)
	s.w.deadline.Store(0)
}

// cancel makes waits on the socket end, those of now and those to come. It may be
// called from any goroutine.
func (s *sock) cancel() {
	s.canceled.Store(true)
	s.file.SetDeadline(past)
}

// park asks a reader that waits to give up its connection.
func (s *sock) park() {
	s.parkAsked.Store(true)
	s.file.SetReadDeadline(past)
}

// fill waits for bytes and reads what fits into the input, under the deadline and
// pace of s.r.
func (s *sock) fill() ioEnd {
	for {
		if s.canceled.Load() || s.readStopped.Load() {
			return ioCanceled
		}
		s.r.n, s.r.errno = 0, 0
		err := s.raw.Read(s.r.try)
		if err == nil {
			s.r.total.Add(int64(s.r.n))
			switch {
			case s.r.errno != 0:
				return ioErrno
			case s.r.n == 0:
				return ioEOF
			}
			return ioOK
		}
		s.in.releaseIfEmpty()
		if end, ok := s.woken(&s.r, err, s.file.SetReadDeadline); ok {
			return end
		}
	}
}

// sendAndFill writes p, a whole request, and then waits for bytes as fill does.
//
// The answer cannot be there before the request went out, so trying to read at
// once would be a system call for nothing. Leaving it out is safe only because p
// is written inside the poller's callback: the poller forgets a readiness that
// came before the callback, and none that comes after the write. What the kernel
// does not take is returned, with nothing read; the caller sends it in the
// ordinary way.
func (s *sock) sendAndFill(p []byte) (unsent []byte, end ioEnd) {
	s.r.first, s.r.unsent, s.w.errno = p, nil, 0
	end = s.fill()
	s.r.first = nil
	return s.r.unsent, end
}

// writeFirst writes what sendAndFill was given. It reports whether the wait is
// over: it is if not all went out.
func (s *sock) writeFirst(fd uintptr) bool {
	p := s.r.first
	s.r.first = nil
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	if errno != 0 {
		n = 0
		if errno != syscall.EAGAIN && errno != syscall.EINTR {
			s.w.errno = errno // the kernel tells a reset once only
		}
	}
	s.w.total.Add(int64(n))
	s.r.unsent = p[n:]
	return len(s.r.unsent) > 0
}

// tryRead is the poller's callback: read, or report that there is nothing yet.
func (s *sock) tryRead(fd uintptr) bool {
	if s.r.first != nil {
		return s.writeFirst(fd)
	}
	room := s.in.room()
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&room[0])), uintptr(len(room)))
		switch errno {
		case 0:
			s.r.n = int(n)
			s.in.w += int(n)
			s.in.releaseIfEmpty()
			s.r.pace.moved(int64(n), s)
			return true
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			s.in.shrink()
			s.r.pace.waits(&s.r, s)
			return false
		}
		s.r.errno = errno
		s.in.releaseIfEmpty()
		return true
	}
}

// write sends all of p and then of q, under the deadline and pace of s.w.
func (s *sock) write(p, q []byte) ioEnd {
	if len(p) == 0 {
		p, q = q, nil
	}
	s.w.buf, s.w.next, s.w.errno = p, q, 0
	for {
		if s.canceled.Load() {
			return ioCanceled
		}
		err := s.raw.Write(s.w.try)
		if err == nil {
			s.w.buf, s.w.next = nil, nil
			if s.w.errno != 0 {
				return ioErrno
			}
			return ioOK
		}
		if end, ok := s.woken(&s.w, err, s.file.SetWriteDeadline); ok {
			s.w.buf, s.w.next = nil, nil
			return end
		}
	}
}

// tryWrite is the poller's callback: write until all is out or the kernel is full.
func (s *sock) tryWrite(fd uintptr) bool {
	for len(s.w.buf) > 0 {
		n, errno := s.writeOnce(fd)
		switch errno {
		case 0:
			s.w.total.Add(int64(n))
			s.w.pace.moved(int64(n), s)
			if n >= len(s.w.buf) {
				n -= len(s.w.buf)
				s.w.buf, s.w.next = s.w.next, nil
			}
			s.w.buf = s.w.buf[n:]
		case syscall.EINTR:
		case syscall.EAGAIN:
			s.w.pace.waits(&s.w, s)
			return false
		default:
			s.w.errno = errno
			return true
		}
	}
	return true
}

// writeOnce offers what is left to the kernel.
func (s *sock) writeOnce(fd uintptr) (n int, errno syscall.Errno) {
	h := &s.w
	if len(h.next) == 0 {
		r, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&h.buf[0])), uintptr(len(h.buf)))
		return int(r), e
	}
	h.iov[0].Base, h.iov[0].Len = &h.buf[0], uint64(len(h.buf))
	h.iov[1].Base, h.iov[1].Len = &h.next[0], uint64(len(h.next))
	r, _, e := syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&h.iov[0])), 2)
	h.iov[0].Base, h.iov[1].Base = nil, nil
	return int(r), e
}

// woken finds out why a wait ended without the socket being ready. ok is false if
// it was for a reason that is gone: then the caller waits on.
func (s *sock) woken(h *half, err error, set func(time.Time) error) (end ioEnd, ok bool) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		h.errno = syscall.EBADF
		return ioErrno, true
	}
	set(time.Time{})
	switch {
	case s.canceled.Load() || h == &s.r && s.readStopped.Load():
		return ioCanceled, true
	case h == &s.r && s.parkAsked.Swap(false) && s.client.idle.Load() != 0:
		// Asked too late, when a request had begun, it is forgotten.
		return ioPark, true
	}
	d := h.deadline.Load()
	if now := s.eng.mono(); d == 0 || now < d || h.pace.forgives(h, s, now) || s.stillBusy(h, now) {
		return 0, false
	}
	return ioTimeout, true
}

// peek looks at the receive queue without waiting: n bytes are there, or the peer
// has closed (n is 0), or nothing has happened (EAGAIN).
func (s *sock) peek() (n int, errno syscall.Errno) {
	if s.raw.Control(s.look) != nil {
		return 0, syscall.EBADF
	}
	return s.r.n, s.r.errno
}

func (s *sock) tryPeek(fd uintptr) {
	r, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&s.byte)), 1,
		syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	s.r.n, s.r.errno = int(r), e
}

// acknowledged is how many of the bytes written the peer's kernel has. The queue
// holds the others.
func (s *sock) acknowledged() int64 {
	queued, _ := unix.IoctlGetInt(s.fd, unix.TIOCOUTQ)
	return s.w.total.Load() - int64(queued)
}

// shutdownWrite sends a FIN after what was written.
func (s *sock) shutdownWrite() {
	s.raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_WR) })
}

// resetOnClose makes close send a RST, so that the peer cannot take what it got
// for the whole.
func (s *sock) resetOnClose() {
	s.raw.Control(func(fd uintptr) {
		unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	})
}
