// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is a running origin.
type Server struct {
	opts   Options
	accept AcceptMode
	arg    byte // of the accept mode
	ln     net.Listener
	filler []net.Conn // connections that keep a full listen queue full
	log    *ledger

	slots chan struct{} // one token per open connection
	done  chan struct{} // closed by Close
	once  sync.Once
	wg    sync.WaitGroup

	mu       sync.Mutex
	conns    map[*conn]struct{}
	failures map[string]int // how often each key of /lab/flaky has failed
}

// Start listens on addr ("tcp", "tcp4", "tcp6" or "unix") and serves until Close. Port 0 picks a free port.
func Start(network, addr string, opts Options) (*Server, error) {
	opts = opts.withDefaults()
	name, arg, _ := strings.Cut(opts.Accept, "=")
	accept, ok := findAcceptMode(name)
	if !ok {
		return nil, fmt.Errorf("origin: no accept mode %q", opts.Accept)
	}
	number, err := strconv.ParseUint(cmp.Or(arg, "0"), 10, 8)
	if err != nil || (arg != "") != accept.Arg {
		return nil, fmt.Errorf("origin: accept mode %q takes a number of a byte: %v", opts.Accept, accept.Arg)
	}
	for _, how := range []End{opts.CloseHow, opts.ReuseHow} {
		if how != "" && !how.valid() {
			return nil, fmt.Errorf("origin: no such end: %q", how)
		}
	}
	ln, err := listen(network, addr, opts.Backlog)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, accept: accept, arg: byte(number), ln: ln,
		log:      newLedger(opts.LogLimit, opts.KeepBytes),
		slots:    make(chan struct{}, opts.MaxConns),
		done:     make(chan struct{}),
		conns:    make(map[*conn]struct{}),
		failures: make(map[string]int),
	}
	if accept.run == nil { // never accepts
		if s.filler, err = fillBacklog(ln); err != nil {
			return nil, errors.Join(err, ln.Close())
		}
		return s, nil
	}
	s.wg.Go(s.acceptLoop)
	return s, nil
}

// Network is "tcp" or "unix".
func (s *Server) Network() string { return s.ln.Addr().Network() }

// Addr is the address it listens on: host:port, or the path of a unix socket.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Close stops listening, ends every connection and returns when all goroutines have (I1). It may be called twice.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		close(s.done)
		err = s.ln.Close()
		for _, nc := range s.filler {
			_ = nc.Close()
		}
		s.mu.Lock()
		for c := range s.conns {
			_ = c.raw.Close()
		}
		s.mu.Unlock()
	})
	s.wg.Wait()
	return err
}

func (s *Server) acceptLoop() {
	for {
		select {
		case s.slots <- struct{}{}:
		case <-s.done:
			return
		}
		nc, err := s.ln.Accept()
		if err != nil {
			<-s.slots
			if errors.Is(err, net.ErrClosed) {
				return
			}
			select { // out of descriptors, say: others may give some back
			case <-time.After(10 * time.Millisecond):
				continue
			case <-s.done:
				return
			}
		}
		c := newConn(s, nc.(socket))
		if !s.enter(c) {
			_ = nc.Close()
			<-s.slots
			return
		}
		s.wg.Go(func() {
			defer s.leave(c)
			s.accept.run(c)
		})
	}
}

// enter registers c, unless Close has already gone through the open connections.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return false
	default:
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) leave(c *conn) {
	_ = c.raw.Close()
	s.log.closed(c.seen)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	<-s.slots
}

// maxKeys bounds what /lab/flaky remembers (I2).
const maxKeys = 1024

// failAgain reports whether key has failed fewer than n times so far, and counts one more.
func (s *Server) failAgain(key string, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	count, known := s.failures[key]
	if count >= n || (!known && len(s.failures) >= maxKeys) {
		return false
	}
	s.failures[key] = count + 1
	return true
}
