// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/proxyproto"
)

// introduction is what the PROXY header of a connection said.
type introduction struct {
	// proxy is who sent it, the connection's real other end.
	proxy netip.AddrPort
	// local is the address that the client connected to, at the proxy.
	local netip.AddrPort
	// tlvs is kept only if an upstream is to have them.
	tlvs []byte
}

// SetProxies says from which networks a connection begins with a PROXY header; nil
// is none. It holds for connections accepted from now on.
func (l *Listener) SetProxies(networks []netip.Prefix) {
	networks = slices.Clone(networks)
	l.proxies.Store(&networks)
}

// believed are the networks whose connections begin with a PROXY header.
func (l *Listener) believed() []netip.Prefix {
	if networks := l.proxies.Load(); networks != nil {
		return *networks
	}
	return nil
}

// expects reports that peer is a proxy that has to say whom it relays. Who may open a
// unix socket is the file system's decision: there everybody is one, if anybody is.
func (l *Listener) expects(peer netip.Addr) bool {
	networks := l.believed()
	if !peer.IsValid() {
		return len(networks) > 0
	}
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// introduced takes the PROXY header off a connection that was just accepted, where
// one is expected. It reports false if the connection was ended.
//
// The header is looked at where it lies and then taken by its exact length: what
// follows, a request or a TLS handshake, is not touched.
func (c *clientConn) introduced() bool {
	if len(c.listener.believed()) == 0 {
		return true
	}
	if !c.listener.expects(c.arrival.Peer.Addr()) {
		return c.modest()
	}
	began := c.eng.env.Now()
	c.r.pace = nil
	c.r.deadline.Store(c.eng.mono() + int64(c.eng.opts.Load().ProxyHeader))
	c.idle.Store(max(c.eng.sweep.now(), 1))
	intro, err, ended := c.awaitHeader()
	c.idle.Store(0)
	c.r.deadline.Store(0)
	switch {
	case err != nil:
		c.turnAway(began, err)
		return false
	case ended:
		c.end()
		return false
	case intro != nil:
		c.introduce(intro)
	}
	if err := c.eng.accept.Accept(c.arrival.Peer).Refusal; err != nil {
		c.turnAway(began, err)
		return false
	}
	return true
}

// modest reports that a peer from whom no header is believed does not send one. Only
// what is here already is looked at: the parser of requests knows a header too.
func (c *clientConn) modest() bool {
	var b [16]byte
	n, errno := peekInto(c.fd, b[:])
	if errno != 0 || !proxyproto.IsHeader(b[:n]) {
		return true
	}
	err := newError(failure.Client, phase.Accept, failure.ProxyUntrusted)
	err.Evidence.SetFirst(b[:n])
	c.turnAway(c.eng.env.Now(), err)
	return false
}

// pretends reports that a PROXY header at the beginning of this connection comes from
// somebody who is not to send one.
func (c *clientConn) pretends() bool {
	return c.intro == nil && c.arrival.Exchanges == 1 && !c.listener.expects(c.arrival.Peer.Addr())
}

// introduce makes the connection that of the client which a proxy named.
func (c *clientConn) introduce(intro *introduction) {
	c.intro, c.arrival.Proxy, c.arrival.Proxied = intro, intro.proxy, true
}

// turnAway ends the connection with a record and, where somebody can read it, an
// answer.
func (c *clientConn) turnAway(began time.Time, err *failure.Error) {
	e, l := c.eng, c.listener
	rec := e.newRecord(l, c.arrival.Peer, began)
	rec.Proxy, rec.Proxied = c.arrival.Proxy, c.arrival.Proxied
	e.turnAway(l, c.detach(), rec, err)
	e.leave(l)
	c.retire()
}

// awaitHeader waits for a whole header and takes it. ended reports that the
// connection is over without anything to say about it: a proxy, or a check of its
// health, that came and left without a byte, and the gateway's own end. intro is nil
// where the header names nobody.
func (c *clientConn) awaitHeader() (intro *introduction, err *failure.Error, ended bool) {
	for before := 0; ; {
		v := c.lookForHeader()
		switch {
		case v.rej.Kind != failure.NoKind:
			return nil, c.notIntroduced(v.rej.Kind, &v), false
		case v.whole:
			return v.intro, nil, false
		case v.errno == 0 && v.n == 0:
			return nil, nil, true
		case v.errno != 0 && v.errno != syscall.EAGAIN:
			if before == 0 {
				return nil, nil, true
			}
			v.end = failure.EndRST
			return nil, c.notIntroduced(failure.Reset, &v), false
		case v.n == before && v.n > 0 && c.hungUp(&v):
			return nil, c.notIntroduced(v.rej.Kind, &v), false
		}
		before = v.n
		switch c.await(&c.r) {
		case ioOK:
		case ioPark:
			if c.eng.idleOver.Load() {
				return nil, nil, true
			}
		case ioTimeout:
			return nil, c.notIntroduced(failure.Timeout, &v), false
		default:
			return nil, nil, true
		}
	}
}

// headerView is what one look showed.
type headerView struct {
	n     int // bytes that are there
	errno syscall.Errno
	rej   proxyproto.Reject
	whole bool // the header was taken
	intro *introduction
	end   failure.End
	first [failure.FirstBytesMax]byte
}

// lookForHeader looks at what is there, and takes a header that is whole. It holds a
// buffer no longer than that (I2).
func (c *clientConn) lookForHeader() (v headerView) {
	b := getSmall()
	b = b[:cap(b)]
	if v.n, v.errno = peekInto(c.fd, b); v.n == len(b) {
		putBuf(b)
		b = getLarge()[:proxyproto.MaxBytes]
		v.n, v.errno = peekInto(c.fd, b)
	}
	defer func() { putBuf(b) }()
	copy(v.first[:], b[:v.n])
	if v.errno != 0 || v.n == 0 {
		return v
	}
	var h proxyproto.Header
	n, rej := proxyproto.Parse(&h, b[:v.n])
	if v.rej = rej; n == 0 {
		return v
	}
	v.whole = true
	if h.Source.IsValid() && h.Destination.IsValid() {
		v.intro = &introduction{proxy: c.arrival.Peer, local: unmapped(h.Destination)}
		if c.eng.opts.Load().KeepTLVs {
			v.intro.tlvs = slices.Clone(h.TLVs)
		}
		c.setPeer(unmapped(h.Source))
	}
	readFD(c.fd, b[:n]) // it is there, so it comes whole
	return v
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// hungUp reports that nothing will follow a part of a header, and how that is called:
// as long as bytes lie unread, looking at them does not tell.
func (c *clientConn) hungUp(v *headerView) bool {
	p := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLRDHUP}}
	unix.Poll(p, 0)
	switch got := p[0].Revents; {
	case got&(unix.POLLERR|unix.POLLHUP) != 0:
		v.rej.Kind, v.end = failure.Reset, failure.EndRST
		if code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil {
			v.errno = syscall.Errno(code)
		}
	case got&unix.POLLRDHUP != 0:
		v.rej.Kind, v.end = failure.Closed, failure.EndFIN
	default:
		return false
	}
	return true
}

// notIntroduced makes the failure of a connection whose header did not come.
func (c *clientConn) notIntroduced(k failure.Kind, v *headerView) *failure.Error {
	err := newError(failure.Client, phase.Accept, k)
	err.Site = v.rej.Site
	err.Evidence.End = v.end
	if v.errno != syscall.EAGAIN {
		err.Evidence.Errno = v.errno
	}
	err.Evidence.SetFirst(v.first[:min(v.n, len(v.first))])
	return err
}

// Local implements exchange.Socket.
func (c *clientConn) Local() netip.AddrPort {
	if c.intro != nil {
		return c.intro.local
	}
	sa, err := unix.Getsockname(c.fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPort(sa)
}

// TLVs implements exchange.Socket.
func (c *clientConn) TLVs() []byte {
	if c.intro == nil {
		return nil
	}
	return c.intro.tlvs
}
