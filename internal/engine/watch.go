// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"golang.org/x/sys/unix"

	"causey/internal/exchange"
)

// watch is how a client's departure is noticed while its exchange waits for the
// upstream. Most waits are over before anybody needs to look: only after
// watchAfter does the sweeper put the socket into the lot's epoll set. The
// connection's mu guards it.
type watch struct {
	canceler exchange.Canceler
	departed exchange.Departure
	armed    bool
	id       uint32
	// fin reports that the client's FIN was seen. Then the wait that began at
	// waitOf has the time from graceAt, when the sweeper saw both.
	fin             bool
	waitOf, graceAt int64
}

// Watch implements exchange.ClientStream.
func (c *clientConn) Watch(k exchange.Canceler) {
	c.mu.Lock()
	c.watch.canceler = k
	if c.dead.Load() || c.watch.departed != exchange.Present {
		k.Cancel()
	}
	c.mu.Unlock()
	c.watching.Store(max(c.eng.sweep.now(), 1))
}

// waits tells the watch apart from the client's own slowness while body bytes go
// straight from socket to socket: a client that said it sends no more is not gone
// as long as it takes what there is. A nil c has no watch.
func (c *clientConn) waits(forUpstream bool) {
	switch {
	case c == nil:
	case forUpstream:
		c.watching.Store(max(c.eng.sweep.now(), 1))
	default:
		c.watching.Store(0)
	}
}

// Unwatch implements exchange.ClientStream.
func (c *clientConn) Unwatch() exchange.Departure {
	c.watching.Store(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watch.armed {
		c.eng.lot.unwatch(c)
	}
	departed := c.watch.departed
	c.watch = watch{}
	if c.dead.Load() {
		return exchange.Killed
	}
	return departed
}

// look is the sweeper's visit to a connection whose exchange has been waiting.
func (c *clientConn) look(now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, since := &c.watch, c.watching.Load()
	switch {
	case w.canceler == nil || w.departed != exchange.Present || since == 0:
	case c.quiet != nil: // in a tunnel both directions see for themselves
	case !w.armed:
		w.armed = c.eng.lot.watch(c)
	case !w.fin:
	case w.waitOf != since:
		// Both times of the grace are the sweeper's own: if it comes late, because
		// the machine is busy, nobody is taken for silent who was not asked.
		w.waitOf, w.graceAt = since, now
	case now-w.graceAt >= int64(c.opts.HalfClose):
		w.departed = exchange.LeftByFIN
		w.canceler.Cancel()
	}
}

// noticed is told by the lot what happened on the watched socket. A reset ends
// the exchange at once; a FIN may be a half-close, so it starts the grace time.
func (c *clientConn) noticed(events, id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &c.watch
	if !w.armed || w.id != id || w.canceler == nil {
		return
	}
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		w.departed = exchange.LeftByReset
		// What we send to a client that has closed for good comes back as a reset;
		// the kernel calls it EPIPE, for the FIN was first.
		if errno, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && errno == int(unix.EPIPE) {
			w.departed = exchange.LeftByFIN
		}
		w.canceler.Cancel()
		return
	}
	w.fin = true
	c.eng.lot.rewatch(c)
}

// watch puts c's socket into the set; c.mu is held.
func (l *lot) watch(c *clientConn) bool {
	l.mu.Lock()
	l.watchID++
	c.watch.id = l.watchID
	l.watched[c.watch.id] = c
	l.mu.Unlock()
	ev := unix.EpollEvent{Events: unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(c.watch.id), Pad: -watchBit}
	if unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, c.fd, &ev) != nil {
		l.forget(c.watch.id)
		return false
	}
	return true
}

// rewatch goes on looking for a reset after the FIN.
func (l *lot) rewatch(c *clientConn) {
	ev := unix.EpollEvent{Events: unix.EPOLLONESHOT, Fd: int32(c.watch.id), Pad: -watchBit}
	unix.EpollCtl(l.epfd, unix.EPOLL_CTL_MOD, c.fd, &ev)
}

// unwatch takes c's socket out of the set; c.mu is held, and the socket is open.
func (l *lot) unwatch(c *clientConn) {
	unix.EpollCtl(l.epfd, unix.EPOLL_CTL_DEL, c.fd, nil)
	l.forget(c.watch.id)
}

func (l *lot) forget(id uint32) {
	l.mu.Lock()
	delete(l.watched, id)
	l.mu.Unlock()
}
