// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/engine/netpoll"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/h1"
	"causey/internal/phase"
	"causey/internal/record"
)

// Listener is one listening socket. There is one per address, without
// SO_REUSEPORT: a second gateway on the same address is an error, not a silent
// split of the traffic, and no queued connection is lost when a reload keeps it.
type Listener struct {
	// Name is the address as configured.
	Name string
	// TLS says that clients speak TLS here.
	TLS atomic.Bool
	// MaxConnections bounds the connections of this listener, 0 for no bound.
	MaxConnections atomic.Int64
	// proxies are the networks of those who have to send a PROXY header.
	proxies atomic.Pointer[[]netip.Prefix]

	addr net.Addr
	fd   int
	poll netpoll.Desc // of fd
	// path is removed when the listener closes.
	path string
	open atomic.Int64

	mu      sync.Mutex // orders serving and closing
	closed  atomic.Bool
	served  bool
	serving sync.WaitGroup
	// own reports that the socket is ours alone: nobody else serves those who wait in
	// its queue. late counts those accepted since it was closed; Serve owns it.
	own  bool
	late int
}

// Addr returns the address that was bound.
func (l *Listener) Addr() net.Addr { return l.addr }

// Listen opens a socket on a TCP address, or on "unix:PATH".
func Listen(name string) (*Listener, error) {
	network, address := "tcp", name
	if path, ok := strings.CutPrefix(name, "unix:"); ok {
		network, address = "unix", path
		if err := removeStale(path); err != nil {
			return nil, err
		}
	} else if ap, err := netip.ParseAddrPort(name); err == nil && ap.Addr().IsUnspecified() {
		// 0.0.0.0 means IPv4 and [::] means IPv6; ":80" means both.
		network = "tcp6"
		if ap.Addr().Is4() {
			network = "tcp4"
		}
	}
	ln, err := (&net.ListenConfig{KeepAlive: -1}).Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	l, err := NewListener(name, ln)
	if err != nil {
		return nil, err
	}
	l.own, l.path = true, socketPath(name)
	return l, nil
}

// socketPath is the file of a listener's socket, "" if it has none.
func socketPath(name string) string {
	path, ok := strings.CutPrefix(name, "unix:")
	if !ok || strings.HasPrefix(path, "@") {
		return ""
	}
	return path
}

// removeStale removes a unix socket that nobody listens on any more.
func removeStale(path string) error {
	st, err := os.Lstat(path)
	if err != nil {
		return nil // nothing there; whatever is wrong, the bind will say
	}
	if st.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s exists and is not a socket", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return &net.OpError{Op: "listen", Net: "unix", Err: syscall.EADDRINUSE}
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return os.Remove(path)
	}
	return nil
}

// NewListener takes over a listening socket that somebody else opened, such as
// systemd.
func NewListener(name string, ln net.Listener) (*Listener, error) {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("listener %s: not a socket", name)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	defer ln.Close()
	if ln.Addr().Network() == "tcp" {
		// Accepted sockets inherit these.
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 60)
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15)
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 4)
			// The client speaks first: the kernel keeps a new connection until its
			// first bytes are there, or for about a second (docs/adr/0011).
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1)
		})
	}
	// The net package lets nobody accept raw descriptors: take a duplicate of the
	// socket instead of its listener.
	fd := -1
	raw.Control(func(f uintptr) { fd, err = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 3) })
	if fd < 0 {
		return nil, fmt.Errorf("listener %s: %w", name, err)
	}
	l := &Listener{Name: name, addr: ln.Addr(), fd: fd}
	if err := l.poll.Open(fd); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listener %s: %w", name, err)
	}
	return l, nil
}

// Close stops accepting: when it returns no connection comes any more. Those that
// were accepted go on; those that the kernel holds ready are accepted first, unless
// the socket is somebody else's too.
func (l *Listener) Close() {
	l.mu.Lock()
	before, path := l.closed.Swap(true), l.path
	l.mu.Unlock()
	if before {
		return
	}
	if path != "" {
		os.Remove(path)
	}
	l.poll.Interrupt(netpoll.Read)
	l.serving.Wait()
	l.poll.Close()
	unix.Close(l.fd)
}

// serve counts a Serve that begins, unless the listener is closed or served.
func (l *Listener) serve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed.Load() || l.served {
		return false
	}
	l.served = true
	l.serving.Add(1)
	return true
}

// Serve accepts connections until the listener is closed.
func (e *Engine) Serve(l *Listener) {
	if !l.serve() {
		return
	}
	defer l.serving.Done()
	spare := openSpare()
	defer func() {
		if spare >= 0 {
			unix.Close(spare)
		}
	}()
	for {
		fd, peer, errno := l.accept()
		switch errno {
		case 0:
			e.admit(l, fd, peer)
		case syscall.EMFILE, syscall.ENFILE:
			// Refuse in order instead of leaving the client in the queue: give up
			// the spare descriptor, accept, close, and take it again.
			if spare >= 0 {
				unix.Close(spare)
			}
			fd, peer, errno = l.accept()
			if errno == 0 {
				e.refuse(l, fd, peer, failure.NoFDs, 0)
			}
			if spare = openSpare(); spare < 0 {
				// Somebody else took it; without a pause this would spin.
				time.Sleep(noFDsPause)
			}
		case syscall.EBADF:
			return
		case syscall.ECONNABORTED, syscall.EINTR:
		default:
			// ENOBUFS, ENOMEM and the errors of a dying network: wait a little,
			// nothing else helps.
			e.log.Error("accept failed", "listener", l.Name, "errno", errno.Error())
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// noFDsPause is how long a listener without a spare descriptor waits for one.
const noFDsPause = 10 * time.Millisecond

func openSpare() int {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// lateMax bounds what is still accepted of a listener that closes: some tens of
// milliseconds' worth, as much as the queue holds unless net.core.somaxconn was
// raised.
const lateMax = 4096

// accept takes one connection, waiting for it. EBADF means that the listener was
// closed.
func (l *Listener) accept() (fd int, peer netip.AddrPort, errno syscall.Errno) {
	for {
		closed := l.closed.Load()
		if closed {
			if l.late++; !l.own || l.late > lateMax {
				return -1, peer, syscall.EBADF
			}
		}
		fd, peer, errno = acceptFD(l.fd)
		switch {
		case closed && errno != 0 && errno != syscall.ECONNABORTED:
			return -1, peer, syscall.EBADF
		case errno == syscall.EAGAIN:
		case (errno == syscall.EMFILE || errno == syscall.ENFILE) && !waiting(l.fd):
		default:
			return fd, peer, errno
		}
		if l.poll.Wait(netpoll.Read) != netpoll.Ready {
			return -1, peer, syscall.EBADF
		}
	}
}

// waiting reports whether a connection waits to be accepted. The kernel looks for
// a descriptor first: without one, accept fails also where nobody waits.
func waiting(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(p, 0)
	return n != 0 || err != nil
}

// admit gives an accepted connection its goroutine, or refuses it.
func (e *Engine) admit(l *Listener, fd int, peer netip.AddrPort) {
	o := e.opts.Load()
	n, own := e.clients.Add(1), l.open.Add(1)
	e.conns.Add(1)
	limit := o.MaxConnections
	if most := l.MaxConnections.Load(); most > 0 && own > most {
		n, limit = own, most
	}
	if limit > 0 && n > limit {
		e.refuse(l, fd, peer, failure.Limit, limit)
	} else if err := e.judge(l, peer); err != nil {
		e.turnAway(l, fd, e.newRecord(l, peer, e.env.Now()), err)
	} else {
		c := e.newClient(l, fd, peer)
		c.fresh = true
		e.hands.serve(c)
		return
	}
	e.leave(l)
}

// judge asks the guard about who connected. Of a proxy's connection the client is
// judged instead, once it is known.
func (e *Engine) judge(l *Listener, peer netip.AddrPort) *failure.Error {
	if l.expects(peer.Addr()) {
		return nil
	}
	return e.accept.Accept(peer).Refusal
}

// refuse closes a connection that cannot be carried, and leaves a record.
func (e *Engine) refuse(l *Listener, fd int, peer netip.AddrPort, k failure.Kind, limit int64) {
	err := newError(failure.Gateway, phase.Accept, k)
	err.Evidence.Limit = limit
	e.turnAway(l, fd, e.newRecord(l, peer, e.env.Now()), err)
}

// turnAway ends a connection that never got as far as an exchange: an answer, if there
// is anybody to read it, a record, and the close.
func (e *Engine) turnAway(l *Listener, fd int, rec *record.Record, err *failure.Error) {
	rec.Total = e.env.Now().Sub(rec.Start)
	rec.Phases[phase.Accept] = rec.Total
	rec.NoteFailure(err)
	switch entry := failure.Lookup(err.Code); {
	case entry.ProxyError == "":
		rec.Outcome, rec.Status = record.ClientLeft, entry.Status
	case !l.TLS.Load(): // there it could not be read
		e.tellRefused(fd, rec, err)
	}
	unix.Close(fd)
	e.env.Ring.Put(0, rec)
}

// newRecord begins the record of a connection that carries no exchange.
func (e *Engine) newRecord(l *Listener, peer netip.AddrPort, start time.Time) *record.Record {
	rec := &record.Record{}
	rec.Reset()
	rec.ID, rec.Start, rec.Peer, rec.Client, rec.Listener = e.env.IDs.Next(), start, peer, peer.Addr(), l.Name
	rec.Outcome = record.Unanswered
	return rec
}

// tellRefused answers a connection whose request is not read.
func (e *Engine) tellRefused(fd int, rec *record.Record, err *failure.Error) {
	answer, body := refusal(e.env.Plan(), rec, err)
	if n, werr := unix.Write(fd, answer); werr == nil && n == len(answer) {
		rec.Outcome, rec.Status, rec.BodyOut = record.Answered, failure.Lookup(err.Code).Status, int64(body)
	}
	unix.Shutdown(fd, unix.SHUT_WR)
	// What of the request is here already would make the close a reset, which can
	// overtake the answer.
	var b [4 << 10]byte
	for range refusedReads {
		if n, werr := unix.Read(fd, b[:]); n <= 0 || werr != nil {
			break
		}
	}
}

// statusUnavailable is what trying again may help with.
const statusUnavailable = 503

// refusedReads bounds what is read, in vain, of a connection that is refused.
const refusedReads = 4

// refusal is what a refused connection is told, without reading its request, and
// the length of its body.
func refusal(plan *exchange.Plan, rec *record.Record, err *failure.Error) (answer []byte, body int) {
	e := failure.Lookup(err.Code)
	page := plan.Pages.Render(e, rec.ID, nil)
	b := h1.AppendStatusLine(make([]byte, 0, 1024), e.Status, nil)
	b = h1.AppendField(b, "Cache-Control", "no-store")
	b = h1.AppendField(b, "X-Request-Id", rec.ID.String())
	b = h1.AppendField(b, "Proxy-Status", exchange.ProxyStatus(plan, rec, err))
	if e.Status == statusUnavailable {
		b = h1.AppendField(b, "Retry-After", "2")
	}
	b = h1.AppendField(b, "Content-Type", page.ContentType)
	b = h1.AppendField(b, "Content-Length", strconv.Itoa(len(page.Body)))
	b = h1.AppendField(b, "Connection", "close")
	return append(append(b, "\r\n"...), page.Body...), len(page.Body)
}
