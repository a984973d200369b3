// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package names is a name server whose answers can be changed.
//
// What it is: DNS over UDP (RFC 1035), with the addresses of the names that it was told,
// that fails, is late or is silent when told to.
//
// What it never does: ask anybody else. A name that it was not told does not exist.
//
// Invariants:
//
//	I1. An answer holds what Set or Fail said last, with its time to live.
//	I2. Close returns when nobody is answered any more.
//
// Start reading with Start.
package names

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Server is a running name server.
type Server struct {
	conn net.PacketConn
	done chan struct{}
	wg   sync.WaitGroup

	mu      sync.Mutex
	records map[string]record
	code    dnsmessage.RCode
	silent  bool
	delay   time.Duration
}

type record struct {
	code  dnsmessage.RCode
	ttl   uint32
	addrs []netip.Addr
}

// Start serves at addr; port 0 picks a free port.
func Start(addr string) (*Server, error) {
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, err
	}
	return On(conn), nil
}

// On serves on conn, and closes it at its end.
func On(conn net.PacketConn) *Server {
	s := &Server{conn: conn, done: make(chan struct{}), records: map[string]record{}}
	s.wg.Go(s.serve)
	return s
}

// Addr is host:port.
func (s *Server) Addr() string { return s.conn.LocalAddr().String() }

// Close ends the server (I2). It is called once.
func (s *Server) Close() error {
	close(s.done)
	err := s.conn.Close()
	s.wg.Wait()
	return err
}

// Set says at which addresses name is from now on, of IPv4 and IPv6, and for how long an
// answer may be kept. Without addresses the name exists and has none. A name "*.x" is
// every one below x that is not set itself.
func (s *Server) Set(name string, ttl time.Duration, addrs ...netip.Addr) {
	s.put(name, record{ttl: uint32(ttl / time.Second), addrs: addrs})
}

// Fail has questions for name answered with code from now on, such as a name error.
func (s *Server) Fail(name string, code dnsmessage.RCode) { s.put(name, record{code: code}) }

func (s *Server) put(name string, r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[strings.ToLower(name)] = r
}

// Ail has every question answered with code, until it is told dnsmessage.RCodeSuccess.
func (s *Server) Ail(code dnsmessage.RCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = code
}

// Silence has it answer nobody, or everybody again.
func (s *Server) Silence(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

// Delay has every answer come so much later.
func (s *Server) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

func (s *Server) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		reply, delay := s.answer(buf[:n])
		switch {
		case reply == nil:
		case delay == 0:
			_, _ = s.conn.WriteTo(reply, from)
		default:
			s.wg.Go(func() { s.later(delay, reply, from) })
		}
	}
}

func (s *Server) later(delay time.Duration, reply []byte, to net.Addr) {
	select {
	case <-time.After(delay):
		_, _ = s.conn.WriteTo(reply, to)
	case <-s.done:
	}
}

// answer is nil for what is no question, and while the server is silent.
func (s *Server) answer(query []byte) (reply []byte, delay time.Duration) {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || m.Response || len(m.Questions) != 1 {
		return nil, 0
	}
	q := m.Questions[0]
	m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
	s.mu.Lock()
	r := s.find(strings.ToLower(strings.TrimSuffix(q.Name.String(), ".")))
	silent, delay := s.silent, s.delay
	s.mu.Unlock()
	if silent {
		return nil, 0
	}
	m.RCode = r.code
	for _, a := range r.addrs {
		h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: r.ttl}
		switch { // other types of a name that exists have no records
		case q.Type == dnsmessage.TypeA && a.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
		case q.Type == dnsmessage.TypeAAAA && a.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil, 0
	}
	return reply, delay
}

// find is what is to be said of a name. It is called with mu held.
func (s *Server) find(name string) record {
	if s.code != dnsmessage.RCodeSuccess {
		return record{code: s.code}
	}
	r, known := s.records[name]
	for parent := name; !known; {
		_, rest, more := strings.Cut(parent, ".")
		if !more {
			return record{code: dnsmessage.RCodeNameError}
		}
		r, known = s.records["*."+rest]
		parent = rest
	}
	return r
}
