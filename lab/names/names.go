// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

// Package names is a name server whose answers can be changed.
//
// What it is: DNS over UDP on loopback (RFC 1035), with IPv4 addresses of the names
// that it was told.
//
// What it never does: ask anybody else. A name that it was not told does not exist.
//
// Invariants:
//
//	I1. An answer holds what Set said last, with its time to live.
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
	wg   sync.WaitGroup

	mu      sync.Mutex
	records map[string]record
}

type record struct {
	ttl   uint32
	addrs []netip.Addr
}

// Start serves at addr; port 0 picks a free port.
func Start(addr string) (*Server, error) {
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{conn: conn, records: map[string]record{}}
	s.wg.Go(s.serve)
	return s, nil
}

// Addr is host:port.
func (s *Server) Addr() string { return s.conn.LocalAddr().String() }

// Close ends the server (I2).
func (s *Server) Close() error {
	err := s.conn.Close()
	s.wg.Wait()
	return err
}

// Set says at which IPv4 addresses name is from now on, and for how long an answer
// may be kept.
func (s *Server) Set(name string, ttl time.Duration, addrs ...netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[strings.ToLower(name)] = record{uint32(ttl / time.Second), addrs}
}

func (s *Server) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if reply := s.answer(buf[:n]); reply != nil {
			_, _ = s.conn.WriteTo(reply, from)
		}
	}
}

// answer is nil for what is no question.
func (s *Server) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || m.Response || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
	s.mu.Lock()
	r, known := s.records[strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))]
	s.mu.Unlock()
	switch {
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA: // other types of a name that exists have no records
		for _, a := range r.addrs {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: r.ttl},
				Body:   &dnsmessage.AResource{A: a.As4()},
			})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}
