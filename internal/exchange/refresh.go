// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"slices"
	"sync"

	"causey/internal/failure"
	"causey/internal/wire"
)

// Refreshes carries the exchanges by which caches ask anew for what they have served
// stale. Each has a goroutine, and there is a bound on them: who finds no room asks at
// the next opportunity.
type Refreshes struct {
	mu      sync.Mutex
	max     int
	running map[*refreshStream]struct{}
	closed  bool
	ended   sync.WaitGroup
	spare   sync.Pool // of *Exchange
}

// NewRefreshes returns Refreshes for at most max at a time.
func NewRefreshes(max int) *Refreshes {
	return &Refreshes{max: max, running: map[*refreshStream]struct{}{}}
}

// SetMax changes the bound.
func (r *Refreshes) SetMax(max int) {
	r.mu.Lock()
	r.max = max
	r.mu.Unlock()
}

// Close makes what runs give up and waits for it.
func (r *Refreshes) Close() {
	r.mu.Lock()
	r.closed = true
	for s := range r.running {
		s.kill()
	}
	r.mu.Unlock()
	r.ended.Wait()
}

// enter makes room for one more.
func (r *Refreshes) enter(s *refreshStream) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || len(r.running) >= r.max {
		return false
	}
	r.running[s] = struct{}{}
	r.ended.Add(1)
	return true
}

func (r *Refreshes) leave(s *refreshStream) {
	r.mu.Lock()
	delete(r.running, s)
	r.mu.Unlock()
	r.ended.Done()
}

// beginRefresh begins an exchange of the cache's own if it wants one. It asks in the
// name of the client that was served: the server sees the same request.
func (x *Exchange) beginRefresh() {
	r := x.env.Refreshes
	if r == nil || x.refresh != nil || !x.visit.WantsRefresh() {
		return
	}
	s := newRefreshStream(x)
	if !r.enter(s) {
		return
	}
	s.visit = x.visit.Refresh(&s.req)
	env := x.env
	go func() {
		defer r.leave(s)
		sub, _ := r.spare.Get().(*Exchange)
		if sub == nil {
			sub = New(env)
		}
		sub.Run(s)
		if s.visit != nil { // it did not get that far
			s.visit.Close()
		}
		r.spare.Put(sub)
	}()
}

// refreshStream is the ClientStream of an exchange without a client: it has a head, and
// nobody reads its answer.
type refreshStream struct {
	arrival Arrival
	req     wire.Request
	visit   CacheVisit

	mu     sync.Mutex
	watch  Canceler
	killed bool
}

// newRefreshStream copies what it needs of x, which goes on and ends before.
func newRefreshStream(x *Exchange) *refreshStream {
	s := &refreshStream{arrival: *x.client.Arrival(), req: x.req}
	s.arrival.PeerText = slices.Clone(s.arrival.PeerText)
	s.arrival.ClientCert = slices.Clone(s.arrival.ClientCert)
	s.arrival.Socket, s.arrival.Handshake = nil, 0
	s.arrival.First, s.arrival.HeadAt = x.last, x.last
	s.req.Buf, s.req.Fields = slices.Clone(x.req.Buf), slices.Clone(x.req.Fields)
	return s
}

func (s *refreshStream) kill() {
	s.mu.Lock()
	s.killed = true
	c := s.watch
	s.mu.Unlock()
	if c != nil {
		c.Cancel()
	}
}

// Watch implements ClientStream.
func (s *refreshStream) Watch(c Canceler) {
	s.mu.Lock()
	s.watch = c
	killed := s.killed
	s.mu.Unlock()
	if killed {
		c.Cancel()
	}
}

// Unwatch implements ClientStream.
func (s *refreshStream) Unwatch() Departure {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = nil
	if s.killed {
		return Killed
	}
	return Present
}

// ReadHead implements ClientStream.
func (s *refreshStream) ReadHead(req *wire.Request) *failure.Error {
	fields := append(req.Fields[:0], s.req.Fields...)
	*req = s.req
	req.Fields = fields
	return nil
}

// What follows implements the rest of ClientStream, for which there is no use.

func (s *refreshStream) Arrival() *Arrival                        { return &s.arrival }
func (s *refreshStream) BodyHere() bool                           { return true }
func (s *refreshStream) Rewind() bool                             { return true }
func (s *refreshStream) ReadBody() ([]byte, bool, *failure.Error) { return nil, true, nil }
func (s *refreshStream) RequestTrailers() []byte                  { return nil }
func (s *refreshStream) StopBody()                                {}
func (s *refreshStream) ResumeBody()                              {}
func (s *refreshStream) Interim(*Out) *failure.Error              { return nil }
func (s *refreshStream) SendHead(*Out) *failure.Error             { return nil }
func (s *refreshStream) WriteBody([]byte) *failure.Error          { return nil }
func (s *refreshStream) EndBody([]byte) *failure.Error            { return nil }
func (s *refreshStream) Flush() *failure.Error                    { return nil }
func (s *refreshStream) Begun() bool                              { return false }
func (s *refreshStream) Abort()                                   {}
func (s *refreshStream) Tunnel(QuietRule)                         {}
