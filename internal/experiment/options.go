// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package experiment

import (
	"context"
	"net"
	"net/netip"
	"time"

	"causey/internal/cause"
	"causey/internal/engine"
	"causey/internal/engine/resolve"
	"causey/internal/upstream"
	"causey/internal/wire"
)

// Options are what a Runner needs, all of it.
type Options struct {
	Catalogue *cause.Catalogue
	// May says what the owner allows now. It must not wait.
	May func() Allowed
	// Upstreams returns those in use.
	Upstreams func() []Upstream
	// LastGood is when a server last answered a request well, zero for never.
	LastGood func(upstream, server string) time.Time
	// Resolver is the one in use.
	Resolver func() Resolver
	// Routes returns the routing table of this machine.
	Routes func() (Routes, error)
	// Dial opens connections: net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Ping reports whether a machine answers an echo request.
	Ping func(ctx context.Context, to netip.Addr, now func() time.Time) (bool, error)
	// Now is the clock.
	Now func() time.Time
	// Bug is told of a panic in an experiment, which shows nothing then.
	Bug func(where string, panicked any)
}

// Allowed is what may be tried. The zero value is nothing.
type Allowed struct {
	Experiments bool
	// Neighbours allows other ports of the servers' hosts.
	Neighbours bool
}

// Upstream is a group of servers, and how requests are sent to them.
type Upstream struct {
	Group
	Name string
	// Proxy is the version of the PROXY header that connections begin with.
	Proxy upstream.ProxyVersion
	TLS   *engine.ServerTLS
	// Host is what servers are asked for, "" for what the visitor asked for; with
	// HostOfServer it is the server's own address.
	Host         string
	HostOfServer bool
	// Limits bound what an answer may have, as those of requests.
	Limits wire.Limits
}

// Group has the servers of an upstream: an *engine.Group.
type Group interface {
	Servers() []*upstream.Server
	Describe() upstream.Description
}

// Resolver turns names into addresses: a *resolve.Resolver.
type Resolver interface {
	Lookup(ctx context.Context, name string) (resolve.Answer, error)
	Known(name string) (resolve.Answer, bool)
	Forget(name string)
	// Nameservers are those it asks.
	Nameservers() []netip.AddrPort
	// Answers reports whether one of them says anything at all.
	Answers(ctx context.Context, server netip.AddrPort) bool
}
