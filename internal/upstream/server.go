// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"net/netip"
	"sync/atomic"
)

// Spec describes a member of a group.
type Spec struct {
	Place
	Role
}

// Place is where a server is. Two servers with equal places are one server.
type Place struct {
	// Name is the address as configured, or as it was found.
	Name string
	// Path is the path of a unix socket, "" for TCP.
	Path string
	// Host is the name to resolve, "" if Addr says it all.
	Host string
	// Addr is the address to dial; with a Host, only its port counts.
	Addr netip.AddrPort
	// Authority is the address as a Host field names it.
	Authority string
	// TLS says that the server is spoken to over TLS, TLSName for which name; "" is
	// the server's own host.
	TLS     bool
	TLSName string
	// MaxConnections bounds the open connections, 0 for no bound.
	MaxConnections int64
}

// Role is the part that a server takes in its group. It may change while the
// server stays.
type Role struct {
	// Weight is the server's share relative to that of others, 0 for 1.
	Weight uint32
	// Priority is 0 for servers that are asked first, 1 for those that are asked
	// while no server of 0 is in service, and so on.
	Priority int
	// Zone is where it stands, "" if that is not known.
	Zone string
}

// Server is one member of a group. Its counters are shared by all exchanges.
type Server struct {
	Place
	// ID tells the server apart from every other one of this process.
	ID uint32
	// tag is a number of its own that stays over restarts, for hashing and for
	// clients that are bound to it.
	tag uint64
	// Conns belongs to whoever opens connections to the server.
	Conns any
	// Active counts connections that carry an exchange, Open all of them.
	Active, Open atomic.Int64
	// Attempts and Failures count since start.
	Attempts, Failures atomic.Uint64

	gauge
	// rampFrom is when the server came (back) into service, 0 if that is long ago.
	rampFrom atomic.Int64
	role     Role // the group's mu guards it
	health
}

var serverIDs atomic.Uint32

func (g *Group) newServer(s Spec) *Server {
	sv := &Server{Place: s.Place, role: s.Role, ID: serverIDs.Add(1), tag: hashText(s.Name)}
	sv.state, sv.hand = Up, Auto
	if g.Rules().Hand != nil {
		sv.decide(g.Rules().Hand(s.Name))
		sv.state, sv.because = sv.judge(0), sv.why
	}
	if g.Rules().Attach != nil {
		sv.Conns = g.Rules().Attach(sv)
	}
	return sv
}

// TakeRoom counts one more exchange among those in hand, and reports whether the bound
// on connections has room for it. If not, it is not counted.
func (s *Server) TakeRoom() bool {
	if s.MaxConnections == 0 {
		s.Active.Add(1)
		return true
	}
	for {
		n := s.Active.Load()
		if n >= s.MaxConnections {
			return false
		}
		if s.Active.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// full reports that no more connections may be opened, and that all are in use.
func (s *Server) full() bool {
	return s.MaxConnections > 0 && s.Active.Load() >= s.MaxConnections
}
