// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package engine drives the wire: listeners, connections, buffers, deadlines,
// parking, dialling. It is the only package that touches sockets, and it carries
// HTTP/1.1 between them and the exchange.
//
// What it is: Engine, which owns every connection; clientConn, the client stream
// of HTTP/1.1; upConn, a server's connection and the lease on it; sock, a
// non-blocking socket on the runtime's poller (engine/netpoll); hands, the
// goroutines that serve clients; sweeper, one goroutine that keeps all deadlines;
// lot, where idle clients are parked at no goroutine's cost; introduction, what a
// PROXY header said of a client.
//
// What it never does: it decides nothing about requests. Framing is the codec's
// word, routing, repeating and answering are the exchange's.
//
// Invariants:
//
//	I1. One goroutine per active client connection, a second one only while a
//	    body or a tunnel flows both ways; an idle connection has none.
//	I2. A read buffer is held only while bytes are in it or are being read.
//	I3. A connection is given back to the pool only if both messages ended
//	    cleanly and nothing is left in its buffer; it is looked at again before
//	    its next use.
//	I4. errno becomes a failure here (errno.go) and nowhere else.
//	I5. Deadlines are kept by the sweeper to within two of its ticks.
//
// Start reading with client.go `serve`, then up.go, then sock.go.
//
// Decisions: docs/adr/0003, 0006, 0007, 0008, 0009, 0010, 0011, 0012, 0014.
package engine

import (
	"crypto/tls"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"causey/internal/exchange"
	"causey/internal/wire"
)

// Options are the engine's rules for clients. They are read at the start of each
// connection or exchange, so that a reload changes them for what comes next.
type Options struct {
	Limits wire.Limits
	// ReadHead bounds the time from the first byte of a request to the end of its
	// head.
	ReadHead time.Duration
	// Handshake bounds a client's TLS handshake.
	Handshake time.Duration
	// Idle bounds the time a connection waits for its next request.
	Idle time.Duration
	// HalfClose is how long an answer may still come after the client's FIN.
	HalfClose time.Duration
	// Upload and Download are the slowest rates at which a client may send and
	// take a body.
	Upload, Download Rate
	// ProxyHeader bounds the time from accepting a proxy's connection to the end of
	// its PROXY header.
	ProxyHeader time.Duration
	// KeepTLVs keeps what a PROXY header says beside the addresses, for upstreams
	// that are to have it.
	KeepTLVs bool
	// MaxConnections bounds the clients' connections, 0 for no bound.
	MaxConnections int64
}

// Acceptor judges a new connection: the guard's first point.
type Acceptor interface {
	Accept(peer netip.AddrPort) exchange.Verdict
}

// Engine owns connections. Make one with New.
type Engine struct {
	opts atomic.Pointer[Options]
	tls  atomic.Pointer[ClientTLS]
	// tlsBase is what every handshake with a client begins with.
	tlsBase *tls.Config
	accept  Acceptor
	env     *exchange.Env
	log     *slog.Logger

	base      time.Time
	sweep     sweeper
	lot       *lot
	hands     hands
	exchanges sync.Pool
	spare     sync.Pool // of *clientConn
	shards    atomic.Uint32
	pipes     pipes
	witnesses witnesses

	// clients counts connections of clients, parked ones included.
	clients atomic.Int64
	active  atomic.Int64
	conns   sync.WaitGroup
	// A stop goes through three steps: draining lets each connection have one more
	// answer, idleOver ends those that wait for a request, killed ends them all.
	draining, idleOver, killed atomic.Bool
	grace                      *time.Timer
}

// New returns an engine whose exchanges live in env. Close it when done.
func New(o *Options, env *exchange.Env, accept Acceptor, log *slog.Logger) (*Engine, error) {
	e := &Engine{accept: accept, env: env, log: log, base: time.Now()}
	e.opts.Store(o)
	e.tlsBase = e.newTLSBase()
	e.exchanges.New = func() any { return exchange.New(env) }
	e.hands.init()
	var err error
	if e.lot, err = newLot(e); err != nil {
		return nil, err
	}
	e.sweep.start(e)
	e.sweep.every(e.lot.turn)
	return e, nil
}

// SetOptions changes the rules for what comes next.
func (e *Engine) SetOptions(o *Options) { e.opts.Store(o) }

// mono is the engine's clock: nanoseconds since it began, never going back.
func (e *Engine) mono() int64 { return int64(time.Since(e.base)) }

// monoOf converts a time of the exchange's clock.
func (e *Engine) monoOf(t time.Time) int64 { return int64(t.Sub(e.base)) }

// Counts describes the clients' connections.
type Counts struct {
	// Active connections carry an exchange; Idle ones wait for a request with a
	// goroutine; Parked ones wait without.
	Active, Idle, Parked int64
}

// Counts returns the present numbers.
func (e *Engine) Counts() Counts {
	parked := e.lot.count.Load()
	active := e.active.Load()
	return Counts{Active: active, Idle: max(e.clients.Load()-parked-active, 0), Parked: parked}
}

// SlowClients returns how many connections wait for bytes of a request that has been coming
// for that long.
func (e *Engine) SlowClients(after time.Duration) (n int) {
	until := e.mono() - int64(after)
	e.sweep.each(func(s *sock) {
		if c := s.client; c != nil {
			if since := c.asking.Load(); since != 0 && since <= until {
				n++
			}
		}
	})
	return n
}

// Announce has every answer from now on say that its connection closes. Connections
// still come, and idle ones stay.
func (e *Engine) Announce() { e.draining.Store(true) }

// Drain tells connections to end: idle ones close after grace, in which a late
// request is still answered; the others close after their exchange. The listeners
// are closed before, and Drain is called once.
func (e *Engine) Drain(grace time.Duration) {
	e.Announce()
	e.grace = time.AfterFunc(grace, e.endIdle)
}

// endIdle ends the connections that wait for a request, now and from now on.
func (e *Engine) endIdle() {
	e.idleOver.Store(true)
	e.lot.closeAll()
	e.sweep.each(func(s *sock) {
		if c := s.client; c != nil && c.idle.Load() != 0 {
			s.park()
		}
	})
}

// Wait blocks until every client connection has ended or giveUp is readable, and
// reports whether all ended.
func (e *Engine) Wait(giveUp <-chan struct{}) bool {
	done := make(chan struct{})
	go func() { e.conns.Wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-giveUp:
		return false
	}
}

// Kill makes every exchange end now, each with its record.
func (e *Engine) Kill() {
	e.killed.Store(true)
	e.draining.Store(true)
	e.endIdle()
	e.sweep.each(func(s *sock) {
		if s.client != nil {
			s.client.kill()
		}
	})
}

// Close ends the engine's own goroutines. No connection may be left.
func (e *Engine) Close() {
	if e.grace != nil {
		e.grace.Stop()
	}
	e.sweep.stop()
	e.lot.close()
	e.hands.close()
	e.pipes.close()
}
