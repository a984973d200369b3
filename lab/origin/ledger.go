// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"
)

// Field is one header line of a request, name and value as received, without the spaces around the value.
type Field struct{ Name, Value string }

// Request is one request as it arrived.
type Request struct {
	Conn int // the connection's number, from 1
	Seq  int // the request's number on it, from 1

	Head                  []byte // exact bytes up to and with the empty line; less if the peer left before it
	Method, Target, Proto string // the three parts of the request line; empty if it had no such parts
	Fields                []Field

	Body       []byte // the first KeepBytes of the body, chunking removed
	BodyBytes  int64  // all of it, kept or not
	BodySHA256 string // of all of it, in hex; set when Complete
	Trailer    []byte // exact bytes after the last chunk's line
	Complete   bool   // head and body arrived whole
}

// How a peer ended its side of a connection.
const (
	PeerFIN = "fin"
	PeerRST = "rst"
)

// Connection is one accepted connection.
type Connection struct {
	Number        int // from 1, in order of accept
	Remote        string
	Received      []byte // the first KeepBytes received, exactly
	ReceivedBytes int64
	Requests      int    // requests whose head arrived whole
	PeerEnd       string // "", PeerFIN or PeerRST: what was seen of the peer's end so far
	Open          bool
}

// ledger keeps the newest requests and connections. All changes to its entries go through it.
type ledger struct {
	limit, keep int

	mu       sync.Mutex
	requests []*Request
	conns    []*Connection
	accepted int
	total    int           // requests ever added
	changed  chan struct{} // closed and replaced at each change that somebody may wait for
}

func newLedger(limit, keep int) *ledger {
	return &ledger{limit: limit, keep: keep, changed: make(chan struct{})}
}

// push appends v and drops the oldest entries in blocks, so that the cost of each push stays constant.
func push[T any](list []*T, v *T, limit int) []*T {
	if len(list) >= 2*limit {
		list = append(list[:0:0], list[len(list)-limit+1:]...)
	}
	return append(list, v)
}

func (l *ledger) opened(remote string) *Connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted++
	c := &Connection{Number: l.accepted, Remote: remote, Open: true}
	if l.limit > 0 {
		l.conns = push(l.conns, c, l.limit)
	}
	return c
}

func (l *ledger) closed(c *Connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Open = false
	l.notify()
}

func (l *ledger) received(c *Connection, p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.ReceivedBytes += int64(len(p))
	if l.limit > 0 {
		c.Received = keepFirst(c.Received, p, l.keep)
	}
}

func (l *ledger) peerEnded(c *Connection, how string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.PeerEnd == how || c.PeerEnd == PeerRST {
		return
	}
	c.PeerEnd = how
	l.notify()
}

// headSeen enters r, whose head arrived whole or, if the peer left, in part.
func (l *ledger) headSeen(c *Connection, r *Request, whole bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	if whole {
		c.Requests++
	}
	if l.limit > 0 {
		l.requests = push(l.requests, r, l.limit)
	}
	l.notify()
}

func (l *ledger) bodySeen(r *Request, p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.BodyBytes += int64(len(p))
	if l.limit > 0 {
		r.Body = keepFirst(r.Body, p, l.keep)
	}
}

func (l *ledger) completed(r *Request, sum string, trailer []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.BodySHA256, r.Trailer, r.Complete = sum, trailer, true
	l.notify()
}

func (l *ledger) notify() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func keepFirst(kept, p []byte, limit int) []byte {
	return append(kept, p[:min(len(p), max(0, limit-len(kept)))]...)
}

func newest[T any](list []*T, limit int, clone func(*T) T) []T {
	list = list[max(0, len(list)-limit):]
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = clone(v)
	}
	return out
}

// Requests returns the newest requests (LogLimit), oldest first, as they stand now.
func (s *Server) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return newest(s.log.requests, s.log.limit, func(r *Request) Request {
		c := *r
		c.Head, c.Body, c.Trailer = bytes.Clone(r.Head), bytes.Clone(r.Body), bytes.Clone(r.Trailer)
		c.Fields = slices.Clone(r.Fields)
		return c
	})
}

// Connections returns the newest connections (LogLimit), oldest first, as they stand now.
func (s *Server) Connections() []Connection {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return newest(s.log.conns, s.log.limit, func(c *Connection) Connection {
		d := *c
		d.Received = bytes.Clone(c.Received)
		return d
	})
}

// Counts are the connections accepted and the requests seen since the start, whatever the log still keeps.
func (s *Server) Counts() (connections, requests int) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.accepted, s.log.total
}

// Wait returns when ok does, which is asked now and at each change of the log, or when ctx ends.
func (s *Server) Wait(ctx context.Context, ok func(*Server) bool) error {
	// Not every change is announced (bytes of a body are not), so the log is looked at now and then as well.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s.log.mu.Lock()
		changed := s.log.changed
		s.log.mu.Unlock()
		if ok(s) {
			return nil
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
