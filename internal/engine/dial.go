// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/engine/resolve"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/upstream"
)

// raceDelay is how long one address has a head start on the next (RFC 8305
// section 8: the recommended 250 ms).
const raceDelay = 250 * time.Millisecond

// resolveGrace is how much longer a lookup is waited for than it may take.
const resolveGrace = 100 * time.Millisecond

// dial is one opening of a connection, from name to socket. Cancel ends it.
type dial struct {
	eng      *Engine
	resolver *resolve.Resolver
	server   *upstream.Server
	want     *exchange.Want
	// lost is told of the first address if another one was taken, see tellAddressLost.
	lost func(first netip.AddrPort, err *failure.Error)

	// until is when the connecting under way has to be over, in the engine's clock;
	// 0: never.
	until int64

	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	socks  map[*sock]bool
	ended  atomic.Bool
}

// Cancel implements exchange.Canceler.
func (d *dial) Cancel() {
	d.ended.Store(true)
	d.cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	for s := range d.socks {
		s.cancel()
	}
}

// open opens a connection to the server. It fills c's socket.
func (d *dial) open(c *upConn) *failure.Error {
	d.ctx, d.cancel = context.WithCancel(context.Background())
	defer d.cancel()
	d.want.Waiter.Watch(d)
	defer func() {
		// Whoever asks next sees whether the client left meanwhile.
		d.ended.Store(true)
	}()
	if d.server.Path != "" {
		d.beginConnect()
		return d.connect(c, &unix.SockaddrUnix{Name: d.server.Path}, netip.AddrPort{})
	}
	if d.server.Host == "" {
		d.beginConnect()
		return d.connect(c, sockaddr(d.server.Addr), d.server.Addr)
	}
	return d.openByName(c)
}

// openByName resolves and connects. When no address answers, the name is asked
// for anew: a container that was recreated has another address now.
func (d *dial) openByName(c *upConn) *failure.Error {
	var tried []netip.Addr
	var first *failure.Error
	for {
		answer, rerr := d.lookup()
		if rerr != nil {
			if first != nil {
				return first
			}
			return resolveFailure(rerr)
		}
		if first != nil {
			noteResolved(first, answer)
			if sameAddrs(tried, answer.Addrs) {
				return first
			}
		}
		d.beginConnect()
		err := d.race(c, resolve.Interleave(answer.Addrs))
		if err == nil || err == exchange.Canceled || err.Code.Party == failure.Gateway {
			return err
		}
		if first != nil {
			return first
		}
		first, tried = err, answer.Addrs
		noteResolved(first, answer)
		d.resolver.Forget(d.server.Host)
	}
}

// lookup asks for the server's addresses. Each asking has all of its time: what an
// address that is dead used up must not keep us from hearing of a new one.
func (d *dial) lookup() (resolve.Answer, error) {
	d.want.Waiter.Enter(phase.Resolve)
	ctx := d.ctx
	if t := d.want.Timeouts.Resolve; t > 0 {
		var cancel context.CancelFunc
		// The resolver has the same bound, and knows why when it gives up.
		ctx, cancel = context.WithTimeout(ctx, t+resolveGrace)
		defer cancel()
	}
	return d.resolver.Lookup(ctx, d.server.Host)
}

// beginConnect starts the time for connecting, which all addresses share.
func (d *dial) beginConnect() {
	d.want.Waiter.Enter(phase.Connect)
	d.until = 0
	t := d.want.Timeouts.Connect
	if p := d.want.Patience; p > 0 && (t == 0 || t > max(p, connectPatience)) {
		t = max(p, connectPatience)
	}
	if t > 0 {
		d.until = d.eng.mono() + int64(t)
	}
}

// connectPatience is how long a connection is waited for at least where another
// server could be asked instead, of which nothing has been sent yet.
const connectPatience = 500 * time.Millisecond

func noteResolved(err *failure.Error, a resolve.Answer) {
	ev := &err.Evidence
	ev.ResolvedLen = uint8(copy(ev.ResolvedNow[:], a.Addrs))
	ev.DNSServer, ev.DNSStale = a.Server, a.Stale
}

func sameAddrs(a, b []netip.Addr) bool {
	for _, x := range b {
		found := false
		for _, y := range a {
			found = found || x == y
		}
		if !found {
			return false
		}
	}
	return true
}

// race connects to the addresses in order, each after a head start for the one
// before or at once when that one failed (RFC 8305 section 5), and keeps the
// first connection.
func (d *dial) race(c *upConn, addrs []netip.Addr) *failure.Error {
	port := d.server.Addr.Port()
	if len(addrs) == 1 {
		a := netip.AddrPortFrom(addrs[0], port)
		return d.connect(c, sockaddr(a), a)
	}
	type result struct {
		c   *upConn
		err *failure.Error
	}
	results := make(chan result, len(addrs))
	start := func(a netip.AddrPort) {
		rival := &upConn{}
		results <- result{rival, d.connect(rival, sockaddr(a), a)}
	}
	var first *failure.Error
	next, running := 0, 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next < len(addrs) || running > 0 {
		var more <-chan time.Time
		if next < len(addrs) {
			more = timer.C
		}
		select {
		case <-more:
			go start(netip.AddrPortFrom(addrs[next], port))
			next++
			running++
			timer.Reset(raceDelay)
		case r := <-results:
			running--
			if r.err == nil {
				c.adopt(r.c)
				if r.c.addr.Addr() != addrs[0] && d.lost != nil {
					d.lost(netip.AddrPortFrom(addrs[0], port), first)
				}
				d.endRivals(running, func() (*upConn, *failure.Error) { r := <-results; return r.c, r.err })
				return nil
			}
			if first == nil {
				first = r.err
			}
			if d.ended.Load() {
				next = len(addrs)
			}
			timer.Reset(0)
		}
	}
	return first
}

// endRivals gives up the connections that lost the race.
func (d *dial) endRivals(running int, next func() (*upConn, *failure.Error)) {
	if running == 0 {
		return
	}
	d.Cancel() // those that are about to wait as well
	go func() {
		for range running {
			if c, err := next(); err == nil {
				c.sock.close()
			}
		}
	}()
}

// connect opens one socket to sa.
func (d *dial) connect(c *upConn, sa unix.Sockaddr, addr netip.AddrPort) *failure.Error {
	_, isUnix := sa.(*unix.SockaddrUnix)
	end, errno, local := d.connectSock(&c.sock, sa, isUnix)
	if end == ioOK {
		c.addr = addr
		return nil
	}
	if end == ioCanceled {
		return exchange.Canceled
	}
	if end == ioTimeout {
		errno = syscall.ETIMEDOUT
	}
	code := connectFailure(errno, isUnix)
	if isUnix && errno == syscall.ECONNREFUSED && !isSocket(d.server.Path) {
		code.Kind = failure.NoSocket // the kernel says the same of an ordinary file
	}
	err := newError(code.Party, code.Phase, code.Kind)
	err.Err = errno
	err.Evidence.Dialled, err.Evidence.Local, err.Evidence.Errno = addr, local, errno
	if !isUnix && (errno == syscall.ECONNREFUSED || errno == syscall.ECONNRESET) {
		err.Evidence.End = failure.EndRST
	}
	return err
}

// connectSock opens a socket and connects it. local is our end of one that did not come
// to be a connection.
func (d *dial) connectSock(s *sock, sa unix.Sockaddr, isUnix bool) (end ioEnd, errno syscall.Errno, local netip.Addr) {
	family := unix.AF_INET
	switch sa.(type) {
	case *unix.SockaddrInet6:
		family = unix.AF_INET6
	case *unix.SockaddrUnix:
		family = unix.AF_UNIX
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ioErrno, errnoOf(err), local
	}
	if !isUnix {
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	}
	err = unix.Connect(fd, sa)
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return ioErrno, errnoOf(err), local
	}
	s.init(d.eng, fd)
	if err != nil {
		if end = d.await(s); end != ioOK {
			errno, local = s.w.errno, localAddr(fd)
			s.close()
			return end, errno, local
		}
	}
	if !isUnix && connectedToItself(fd) {
		s.close()
		return ioErrno, syscall.ECONNREFUSED, local
	}
	return ioOK, 0, local
}

// connectedToItself reports a connection whose two ends are one: dialling a port
// of this machine on which nobody listens can choose that very port as its own,
// and TCP allows two ends to open at once (RFC 9293 section 3.5).
func connectedToItself(fd int) bool {
	local, err1 := unix.Getsockname(fd)
	remote, err2 := unix.Getpeername(fd)
	return err1 == nil && err2 == nil && addrPort(local) == addrPort(remote)
}

// await waits until a connect has succeeded or failed.
func (d *dial) await(s *sock) ioEnd {
	d.mu.Lock()
	if d.socks == nil {
		d.socks = map[*sock]bool{}
	}
	d.socks[s] = true
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.socks, s)
		d.mu.Unlock()
	}()
	if d.ended.Load() {
		return ioCanceled
	}
	s.w.deadline.Store(d.until)
	end := s.connected()
	s.w.deadline.Store(0)
	return end
}

// connected waits for the outcome of a connect.
func (s *sock) connected() ioEnd {
	for {
		v, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil {
			v = int(errnoOf(err))
		}
		if s.w.errno = syscall.Errno(v); v != 0 {
			return ioErrno
		}
		if _, err = unix.Getpeername(s.fd); err == nil {
			return ioOK
		}
		if end := s.await(&s.w); end != ioOK {
			return end
		}
	}
}

// localAddr is our own end of a connection, invalid if the kernel does not say.
func localAddr(fd int) netip.Addr {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.Addr{}
	}
	return addrPort(sa).Addr()
}

func isSocket(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFSOCK
}

func errnoOf(err error) syscall.Errno {
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return syscall.EIO
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}
