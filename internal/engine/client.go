// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"causey/internal/exchange"
	"causey/internal/h1"
	"causey/internal/wire"
)

// clientConn is a client's connection that speaks HTTP/1.1, and the
// exchange.ClientStream of each of its exchanges in turn.
type clientConn struct {
	sock
	opts     *Options
	listener *Listener
	arrival  exchange.Arrival
	peerText [48]byte
	// fresh: the connection was accepted just now. One that comes back from the lot
	// is not.
	fresh bool
	// intro is what a PROXY header said of the connection, nil for most.
	intro *introduction

	// The request side.
	parser    h1.RequestParser
	decoder   h1.BodyDecoder
	req       *wire.Request
	refilled  bool // body bytes were read over the first ones
	upPace    pace
	emptyLine bool // an empty line before the request was forgiven

	// bodyDone: the request's body was read to its end. Both sides look at it.
	bodyDone atomic.Bool

	// The answer's side.
	out      []byte
	framing  wire.Framing
	keep     bool // the connection may carry another exchange
	complete bool // the answer was sent whole
	begun    bool // bytes of the final answer went to the kernel
	downPace pace

	watch watch

	// since is when the wait for the next request began, whatever came meanwhile that
	// is none, 0 for not yet.
	since int64
	// idle is since when the connection waits for a request (engine's clock), 0
	// while it does not. watching is since when an exchange waits for its
	// upstream, 0 while none does. The sweeper reads both.
	idle, watching atomic.Int64
	// asking is since when the request has been coming whose next bytes are waited for, 0
	// while none are.
	asking atomic.Int64
	dead   atomic.Bool // killed
	mu     sync.Mutex  // guards watch
}

// newClient takes over fd.
func (e *Engine) newClient(l *Listener, fd int, peer netip.AddrPort) *clientConn {
	c, _ := e.spare.Get().(*clientConn)
	if c == nil {
		c = &clientConn{}
		c.sock.client = c
	}
	c.listener = l
	c.arrival = exchange.Arrival{Listener: l.Name, Socket: c}
	c.setPeer(peer)
	c.fresh = false
	c.dead.Store(false)
	c.since = 0
	c.arrival.Shard = e.shards.Add(1)
	c.init(e, fd)
	c.in.brief = true
	if e.killed.Load() {
		c.kill() // it came between the sweeper's list and the lot's
	}
	return c
}

func (c *clientConn) setPeer(peer netip.AddrPort) {
	c.arrival.Peer = peer
	if peer.Addr().IsValid() {
		c.arrival.PeerText = peer.Addr().AppendTo(c.peerText[:0])
	} else {
		c.arrival.PeerText = append(c.peerText[:0], "unix"...)
	}
}

// serve is the life of a client's connection while it is not parked.
func (c *clientConn) serve() {
	e := c.eng
	if c.fresh {
		c.fresh = false
		if !c.introduced() {
			return
		}
		if c.listener.TLS.Load() && !c.handshake() {
			c.end()
			return
		}
	}
	for {
		switch c.awaitRequest() {
		case requestHere:
		case requestParks:
			e.lot.take(c)
			c.retire()
			return
		case requestNever:
			c.end()
			return
		}
		c.arrival.First = e.env.Now()
		c.arrival.Exchanges++
		e.active.Add(1)
		x := e.exchanges.Get().(*exchange.Exchange)
		x.Run(c)
		e.exchanges.Put(x)
		e.active.Add(-1)
		c.in.unpin()
		if !c.keep || !c.complete || !c.bodyDone.Load() {
			c.lastWords()
			c.end()
			return
		}
		c.readStopped.Store(false) // asked when there was nothing left to stop
		if c.tls != nil {
			c.arrival.Handshake, c.tls.facts.took = 0, 0
		}
	}
}

type requestState uint8

const (
	requestHere requestState = iota
	requestParks
	requestNever
)

// awaitRequest waits for the first byte of the next request. An end of the
// connection here is no failure: nothing was asked.
func (c *clientConn) awaitRequest() requestState {
	e := c.eng
	c.emptyLine = false
	for {
		if b := c.in.bytes(); len(b) > 0 {
			n := 0
			if !c.emptyLine {
				n = h1.LeadingCRLF(b)
			}
			half := !c.emptyLine && len(b) == 1 && b[0] == '\r'
			if n < len(b) && !half {
				c.in.skip(n)
				c.since = 0
				return requestHere
			}
			c.emptyLine = n > 0
			c.in.skip(n)
		}
		now := e.sweep.now()
		c.r.pace = nil
		if c.since == 0 {
			c.since = max(now, 1)
		}
		c.r.deadline.Store(c.since + int64(e.opts.Load().Idle))
		if len(c.in.bytes()) == 0 {
			c.idle.Store(max(now, 1)) // half an empty line is not parked
		}
		end := c.awaitBytes()
		c.idle.Store(0)
		c.r.deadline.Store(0)
		switch end {
		case ioOK:
		case ioPark:
			if !e.idleOver.Load() {
				return requestParks
			}
			if n, _ := c.peek(); n <= 0 {
				return requestNever
			}
		default:
			return requestNever
		}
	}
}

// awaitBytes waits for the first bytes of a request. A client that came back for
// another answer will hardly have asked again already: that is waited for before
// it is read. Should it have ended its side together with its last request, the
// end is found when the connection parks; a client with a single request is told
// at once.
func (c *clientConn) awaitBytes() ioEnd {
	if c.drained && c.arrival.Exchanges > 1 && len(c.in.bytes()) == 0 {
		return c.fillLater()
	}
	return c.fill()
}

// end closes the connection for good.
func (c *clientConn) end() {
	c.close()
	c.eng.leave(c.listener)
	c.retire()
}

// retire keeps c's memory for another connection. Its socket is closed or parked.
func (c *clientConn) retire() {
	c.listener, c.opts, c.req, c.quiet, c.intro, c.tls = nil, nil, nil, nil, nil, nil
	if c.out != nil {
		putBuf(c.out)
		c.out = nil
	}
	c.eng.spare.Put(c)
}

// leave books a client's connection out.
func (e *Engine) leave(l *Listener) {
	e.clients.Add(-1)
	l.open.Add(-1)
	e.conns.Done()
}

// The lingering close: how long and how much.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20
	// lingerKilled is the time for a connection that was killed: a stop that cannot
	// wait waits no longer than an answer takes to cross the world.
	lingerKilled = 200 * time.Millisecond
)

// lastWords makes sure that the client can read the answer although bytes of its
// request are still unread: closing now would reset the connection, and a reset
// can destroy what was sent (RFC 9112 section 9.6).
func (c *clientConn) lastWords() {
	if !c.complete || c.canceled.Load() {
		return
	}
	if n, _ := c.peek(); n <= 0 && c.bodyDone.Load() && c.in.r == c.in.w {
		return
	}
	c.readStopped.Store(false)
	c.shutdownWrite()
	c.r.pace = nil
	linger := lingerTime
	if c.dead.Load() {
		linger = lingerKilled
	}
	c.r.deadline.Store(c.eng.mono() + int64(linger))
	for got := 0; got < lingerBytes; {
		c.in.release()
		if c.fill() != ioOK {
			return
		}
		got += len(c.in.bytes())
	}
}

// kill ends whatever the connection does, for a stop that cannot wait.
func (c *clientConn) kill() {
	c.dead.Store(true)
	c.cancel()
	c.mu.Lock()
	if c.watch.canceler != nil {
		c.watch.canceler.Cancel()
	}
	c.mu.Unlock()
}

// killGrace is how long the answer that says so may take when an exchange was
// killed.
const killGrace = time.Second

// reprieve lets an answer of our own out on a connection that was killed.
func (c *clientConn) reprieve() {
	c.readStopped.Store(true)
	c.canceled.Store(false)
	c.downPace.reset(Rate{Grace: killGrace})
}

// Arrival implements exchange.ClientStream.
func (c *clientConn) Arrival() *exchange.Arrival { return &c.arrival }
