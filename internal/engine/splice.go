// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/wire"
)

// The sizes of pipes.
const (
	// pipeBytes is what one pipe is asked to hold; the kernel may give less.
	pipeBytes = 256 << 10
	// pipesMax bounds the pipes in use: each is two descriptors and as much kernel
	// memory as it holds. Bodies beyond it are copied.
	pipesMax = 256
	// pipesIdle bounds the empty pipes that are kept.
	pipesIdle = 32
)

// pipe carries bytes from one socket to another inside the kernel. One that still
// holds bytes is never used again: they are one visitor's and must not reach
// another.
type pipe struct {
	r, w int
	held int
}

// pipes are an engine's pipes.
type pipes struct {
	mu   sync.Mutex
	idle []*pipe
	open atomic.Int64
	// useless: the kernel does not splice (a sandbox, an old kernel); bodies are
	// copied.
	useless atomic.Bool
}

// get returns an empty pipe, or nil if there are enough or none can be made.
func (s *pipes) get() *pipe {
	if s.useless.Load() {
		return nil
	}
	s.mu.Lock()
	if n := len(s.idle); n > 0 {
		p := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		return p
	}
	s.mu.Unlock()
	if s.open.Add(1) > pipesMax {
		s.open.Add(-1)
		return nil
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC) != nil {
		s.open.Add(-1)
		return nil
	}
	unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeBytes)
	return &pipe{r: fds[0], w: fds[1]}
}

// put takes a pipe back.
func (s *pipes) put(p *pipe) {
	if p.held == 0 {
		s.mu.Lock()
		if len(s.idle) < pipesIdle {
			s.idle = append(s.idle, p)
			p = nil
		}
		s.mu.Unlock()
	}
	if p != nil {
		s.end(p)
	}
}

func (s *pipes) end(p *pipe) {
	unix.Close(p.r)
	unix.Close(p.w)
	s.open.Add(-1)
}

// close closes those that are not in use.
func (s *pipes) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.idle {
		s.end(p)
	}
	s.idle = nil
}

// SpliceFrom implements exchange.Splicer for answers. What TLS has to see cannot go
// past us.
func (c *clientConn) SpliceFrom(src any) (int64, *failure.Error) {
	u, ok := src.(*upConn)
	if !ok || c.tls != nil || u.tls != nil || c.framing != wire.FramingLength || u.quiet != nil || u.endless || u.in.r < u.in.w {
		return 0, nil
	}
	if err := c.Flush(); err != nil {
		return 0, err
	}
	u.in.release() // the head is sent, and nothing of the body comes this way
	u.bodyPace.reset(Rate{Grace: u.times.BodyStall})
	n, rend, wend := splice(&u.sock, &c.sock, &u.bodyPace, &c.downPace, u.decoder.Remaining())
	u.decoder.Skip(n.in)
	u.bodyDone = u.decoder.Remaining() == 0
	switch {
	case wend != ioOK:
		return n.out, c.unsent(wend)
	case rend == ioEOF:
		_, rej := u.decoder.EOF()
		err := u.refused(phase.RelayBody, rej, rend)
		err.Evidence.Missing, err.Evidence.Size = err.Evidence.Size, 0
		return n.out, err
	case rend != ioOK:
		return n.out, u.lost(phase.RelayBody, rend, u.r.errno)
	}
	return n.out, nil
}

// SpliceFrom implements exchange.Splicer for request bodies.
func (u *upConn) SpliceFrom(src any) (int64, *failure.Error) {
	c, ok := src.(*clientConn)
	if !ok || c.tls != nil || u.tls != nil || u.framing != wire.FramingLength || c.quiet != nil || c.in.r < c.in.w {
		return 0, nil
	}
	if err := u.Flush(); err != nil {
		return 0, err
	}
	c.refilled = true
	u.sendPace.reset(Rate{Grace: u.times.SendStall})
	n, rend, wend := splice(&c.sock, &u.sock, &c.upPace, &u.sendPace, c.decoder.Remaining())
	c.decoder.Skip(n.in)
	switch {
	case wend != ioOK:
		u.sendBroken = true
		return n.out, u.lost(phase.SendBody, wend, u.w.errno)
	case rend != ioOK:
		return n.out, c.broken(phase.SendBody, rend)
	}
	return n.out, nil
}

// Only these two sides can splice.
var (
	_ exchange.Splicer = (*clientConn)(nil)
	_ exchange.Splicer = (*upConn)(nil)
)

// spliced counts what left one socket and what reached the other.
type spliced struct{ in, out int64 }

// splice moves up to n bytes from src to dst through a pipe. Without a pipe it
// moves nothing.
func splice(src, dst *sock, from, to *pace, n int64) (s spliced, rend, wend ioEnd) {
	p := src.eng.pipes.get()
	if p == nil {
		return s, ioOK, ioOK
	}
	defer src.eng.pipes.put(p)
	src.r.pace, dst.w.pace = from, to
	defer func() {
		src.r.pace = nil
		src.r.deadline.Store(0)
		dst.w.deadline.Store(0)
	}()
	for s.in < n {
		dst.client.waits(true)
		src.client.isAsking(true)
		got, end := src.spliceIn(p, min(n-s.in, pipeBytes))
		src.client.isAsking(false)
		dst.client.waits(false)
		if end == ioErrno && s.in == 0 && cannotSplice(src.r.errno) {
			src.eng.pipes.useless.Store(true)
			return s, ioOK, ioOK
		}
		if end != ioOK {
			return s, end, ioOK
		}
		if s.in += int64(got); s.in == n && src.client != nil {
			src.client.bodyDone.Store(true) // before the server can answer
		}
		for p.held > 0 {
			sent, end := dst.spliceOut(p)
			s.out += int64(sent)
			if end != ioOK {
				return s, ioOK, end
			}
		}
	}
	return s, ioOK, ioOK
}

// cannotSplice reports an errno that says nothing about the peer.
func cannotSplice(errno syscall.Errno) bool {
	return errno == syscall.EINVAL || errno == syscall.ENOSYS || errno == syscall.EPERM
}

const spliceFlags = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK

// spliceIn waits for bytes and moves them into the pipe.
func (s *sock) spliceIn(p *pipe, most int64) (int, ioEnd) {
	for {
		if s.stopped(&s.r) {
			return 0, ioCanceled
		}
		s.r.n, s.r.errno = spliceOnce(s.fd, p.w, most)
		switch {
		case s.r.errno == syscall.EAGAIN:
		case s.r.errno != 0:
			return 0, ioErrno
		case s.r.n == 0:
			return 0, ioEOF
		default:
			s.r.pace.moved(int64(s.r.n), s)
			s.r.total.Add(int64(s.r.n))
			s.drained = false // who knows
			p.held += s.r.n
			return s.r.n, ioOK
		}
		s.r.pace.waits(&s.r, s)
		if end := s.await(&s.r); end != ioOK {
			return 0, end
		}
	}
}

// spliceOut waits for room and moves bytes out of the pipe.
func (s *sock) spliceOut(p *pipe) (int, ioEnd) {
	for {
		if s.stopped(&s.w) {
			return 0, ioCanceled
		}
		s.w.n, s.w.errno = spliceOnce(p.r, s.fd, int64(p.held))
		switch {
		case s.w.errno == syscall.EAGAIN:
		case s.w.errno != 0:
			return 0, ioErrno
		default:
			s.w.pace.moved(int64(s.w.n), s)
			s.w.total.Add(int64(s.w.n))
			p.held -= s.w.n
			return s.w.n, ioOK
		}
		s.w.pace.waits(&s.w, s)
		if end := s.await(&s.w); end != ioOK {
			return 0, end
		}
	}
}

func spliceOnce(from, to int, most int64) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(most), spliceFlags)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
