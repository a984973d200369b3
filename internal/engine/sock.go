// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"causey/internal/engine/netpoll"
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
// Reads and writes are raw system calls: they never block, so the scheduler need
// not be told. They are tried before anything is waited for, and the socket is
// registered with the poller only when the first wait is due: a connection whose
// request is here when it is accepted, and that is closed after its answer, never
// is. What only one goroutine may do at a time is written at half.
//
// Deadlines are words that the sweeper looks at; it wakes a waiter by interrupting
// its wait. An interruption is answered by asking again what it was for, so that
// one that came too late for one wait cannot end the next.
type sock struct {
	eng  *Engine
	fd   int
	poll netpoll.Desc
	in   input
	r, w half
	// tls, if set, stands between the bytes of fill and write and those of the
	// kernel.
	tls *tlsLayer
	// drained reports that the last read took all that was there. Owned by the
	// reader.
	drained bool

	// quiet, set in a tunnel, says when both its directions have been silent for
	// too long.
	quiet exchange.QuietRule

	// canceled ends all waits, readStopped those for bytes, parkAsked one wait.
	canceled, readStopped, parkAsked atomic.Bool
	// client is the connection's owner if it is a client's.
	client *clientConn
	slot   int // in the sweeper
}

// half is one direction of a sock. One goroutine uses it at a time.
type half struct {
	dir netpoll.Direction
	// deadline is when the present wait is over, in the engine's clock; 0: never.
	deadline atomic.Int64
	// n and errno are what the kernel said last.
	n     int
	errno syscall.Errno
	// pace, if set, says how slow is too slow; it sets deadline whenever the wait
	// begins.
	pace *pace
	// total counts bytes since the socket was opened: those that fill gave, and
	// those that the kernel took, which with TLS are more than write was given. The
	// other half's failures tell it too.
	total atomic.Int64
}

// init takes over fd, which is non-blocking.
func (s *sock) init(e *Engine, fd int) {
	s.eng, s.fd = e, fd
	s.r.dir, s.w.dir = netpoll.Read, netpoll.Write
	s.canceled.Store(false)
	s.readStopped.Store(false)
	s.parkAsked.Store(false)
	s.r.pace, s.w.pace = nil, nil
	s.r.total.Store(0)
	s.w.total.Store(0)
	s.drained = false
	s.tls = nil
	e.sweep.add(s)
}

// takeOver moves the open socket of other, which is no more afterwards, to s.
func (s *sock) takeOver(other *sock) {
	s.eng, s.fd = other.eng, other.fd
	s.r.dir, s.w.dir = netpoll.Read, netpoll.Write
	s.eng.sweep.remove(other)
	s.poll.Take(&other.poll)
	s.tls = nil // the handshake follows the race
	s.eng.sweep.add(s)
}

// close ends the socket and gives its buffer back.
func (s *sock) close() {
	s.tls.sayGoodbye()
	closeFD(s.detach())
}

// detach ends everything but the descriptor, which is the caller's from now on.
func (s *sock) detach() (fd int) {
	s.eng.sweep.remove(s)
	s.poll.Close()
	s.in.release()
	s.r.deadline.Store(0)
	s.w.deadline.Store(0)
	return s.fd
}

// cancel makes waits on the socket end, those of now and those to come. It may be
// called from any goroutine.
func (s *sock) cancel() {
	s.canceled.Store(true)
	s.poll.Interrupt(netpoll.Read)
	s.poll.Interrupt(netpoll.Write)
}

// stopReading makes waits for bytes end, as cancel does.
func (s *sock) stopReading() {
	s.readStopped.Store(true)
	s.poll.Interrupt(netpoll.Read)
}

// park asks a reader that waits to give up its connection. One that is about to
// register misses it; the sweeper asks again.
func (s *sock) park() {
	s.parkAsked.Store(true)
	s.poll.Interrupt(netpoll.Read)
}

// stopped reports that nobody may wait in h's direction any more.
func (s *sock) stopped(h *half) bool {
	return s.canceled.Load() || h == &s.r && s.readStopped.Load()
}

// await waits until h's direction may be ready, or until the wait is over.
func (s *sock) await(h *half) ioEnd {
	if err := s.poll.Open(s.fd); err != nil {
		h.errno = errnoOf(err)
		return ioErrno
	}
	if s.stopped(h) {
		// Whoever asked may have come before the registration, ours or the other
		// direction's, and found nothing to interrupt.
		return ioCanceled
	}
	switch s.poll.Wait(h.dir) {
	case netpoll.Ready:
		return ioOK
	case netpoll.Interrupted:
		return s.interrupted(h)
	}
	h.errno = syscall.EBADF
	return ioErrno
}

// fill waits for bytes and reads what fits into the input, under the deadline and
// pace of s.r.
func (s *sock) fill() ioEnd { return s.receive(false) }

// fillLater is fill where bytes cannot be there yet, because what asks for them
// has only just gone out: it waits before it reads, and saves the system call that
// would find nothing. It is only for a socket on which nothing was left unread,
// the end included; what came since then the poller has kept. What TLS may hold is
// read first.
func (s *sock) fillLater() ioEnd { return s.receive(true) }

func (s *sock) receive(later bool) ioEnd {
	for {
		if s.stopped(&s.r) {
			return ioCanceled
		}
		if !later || !s.tls.holdsNothing() {
			s.readNow()
			switch {
			case s.r.errno == syscall.EAGAIN:
				s.in.shrink()
			case s.r.errno != 0:
				s.in.releaseIfEmpty()
				return ioErrno
			case s.r.n == 0:
				s.in.releaseIfEmpty()
				return ioEOF
			default:
				return ioOK
			}
		}
		later = false
		s.r.pace.waits(&s.r, s)
		if end := s.await(&s.r); end != ioOK {
			return end
		}
	}
}

// readNow reads once into the input, without waiting.
func (s *sock) readNow() {
	room := s.in.room()
	if s.tls != nil {
		s.r.n, s.r.errno = s.tls.read(room)
	} else {
		s.r.n, s.r.errno = readFD(s.fd, room)
		s.noteRead(len(room))
	}
	if s.r.errno == 0 {
		s.in.w += s.r.n
		s.r.total.Add(int64(s.r.n))
	}
}

// noteRead books what the kernel gave for a room of that many bytes.
func (s *sock) noteRead(room int) {
	if s.r.errno == 0 {
		s.drained = s.r.n < room
		s.r.pace.moved(int64(s.r.n), s)
	}
}

// write sends all of p and then of q, under the deadline and pace of s.w.
func (s *sock) write(p, q []byte) ioEnd {
	if s.tls != nil {
		return s.tls.write(p, q)
	}
	return s.writeRaw(p, q)
}

// writeRaw is write to the kernel.
func (s *sock) writeRaw(p, q []byte) ioEnd {
	for {
		if s.stopped(&s.w) {
			return ioCanceled
		}
		for len(p)+len(q) > 0 && s.writeNow(p, q) {
			taken := min(s.w.n, len(p))
			p, q = p[taken:], q[s.w.n-taken:]
		}
		switch {
		case len(p)+len(q) == 0:
			return ioOK
		case s.w.errno != syscall.EAGAIN:
			return ioErrno
		}
		s.w.pace.waits(&s.w, s)
		if end := s.await(&s.w); end != ioOK {
			return end
		}
	}
}

// writeNow offers p and q to the kernel once and reports whether it took s.w.n
// bytes of them.
func (s *sock) writeNow(p, q []byte) bool {
	switch {
	case len(q) == 0:
		s.w.n, s.w.errno = writeFD(s.fd, p)
	case len(p) == 0:
		s.w.n, s.w.errno = writeFD(s.fd, q)
	default:
		s.w.n, s.w.errno = writevFD(s.fd, p, q)
	}
	if s.w.errno != 0 {
		return false
	}
	s.w.total.Add(int64(s.w.n))
	s.w.pace.moved(int64(s.w.n), s)
	return true
}

// interrupted finds out why a wait was interrupted. ioOK means that it was for a
// reason that is gone: the caller tries, and waits on.
func (s *sock) interrupted(h *half) ioEnd {
	s.poll.Resume(h.dir)
	switch {
	case s.stopped(h):
		return ioCanceled
	case h == &s.r && s.parkAsked.Swap(false) && s.client.idle.Load() != 0:
		// Asked too late, when a request had begun, it is forgotten.
		return ioPark
	}
	d := h.deadline.Load()
	if now := s.eng.mono(); d == 0 || now < d || h.pace.forgives(h, s, now) || s.stillBusy(h, now) {
		return ioOK
	}
	return ioTimeout
}

// peek looks at the receive queue without waiting: n bytes are there, or the peer
// has closed (n is 0), or nothing has happened (EAGAIN).
func (s *sock) peek() (n int, errno syscall.Errno) { return peekFD(s.fd) }

// acknowledged is how many of the bytes written the peer's kernel has. The queue
// holds the others.
func (s *sock) acknowledged() int64 {
	queued, _ := unix.IoctlGetInt(s.fd, unix.TIOCOUTQ)
	return s.w.total.Load() - int64(queued)
}

// shutdownWrite sends a FIN after what was written.
func (s *sock) shutdownWrite() {
	s.tls.sayGoodbye()
	unix.Shutdown(s.fd, unix.SHUT_WR)
}

// resetOnClose makes close send a RST, so that the peer cannot take what it got
// for the whole.
func (s *sock) resetOnClose() {
	s.tls.leaveSilently()
	unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}
