// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"causey/internal/engine/resolve"
	"causey/internal/proxyproto"
	"causey/internal/upstream"
)

// raceDelay is the head start of one address before the next, as for requests (RFC
// 8305 section 8).
const raceDelay = 250 * time.Millisecond

// open opens a connection to s, as requests do: by every address of its name. wrong
// says why there is none. I2.
func (c *Checker) open(ctx context.Context, s *upstream.Server) (conn net.Conn, wrong string) {
	if s.Path != "" {
		return c.dial(ctx, "unix", s.Path)
	}
	port := s.Addr.Port()
	if c.o.Port != 0 {
		port = c.o.Port
	}
	if s.Host == "" {
		return c.dial(ctx, "tcp", netip.AddrPortFrom(s.Addr.Addr(), port).String())
	}
	answer, err := c.env.Resolver.Lookup(ctx, s.Host)
	if err != nil {
		return nil, c.unresolved(ctx, s.Host, err)
	}
	conn, wrong = c.race(ctx, resolve.Interleave(answer.Addrs), port)
	if wrong != "" {
		// A container that was recreated has another address now: the next check asks
		// for it.
		c.env.Resolver.Forget(s.Host)
	}
	return conn, wrong
}

// dial connects to one address.
func (c *Checker) dial(ctx context.Context, network, address string) (net.Conn, string) {
	conn, err := c.env.Dial(ctx, network, address)
	if err != nil {
		return nil, c.unconnected(ctx, address, network == "unix", err)
	}
	return conn, ""
}

// tried is how dialling one address ended.
type tried struct {
	conn  net.Conn
	wrong string
}

// race connects to the addresses in order, each after a head start for the one before
// or at once when that failed, and keeps the first connection (RFC 8305 section 5).
// When it returns, no other dialling goes on.
func (c *Checker) race(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan tried)
	first, won := "", tried{}
	next, running := 0, 0
	start := func() {
		address := netip.AddrPortFrom(addrs[next], port).String()
		next++
		running++
		go func() {
			conn, wrong := c.dial(ctx, "tcp", address)
			results <- tried{conn, wrong}
		}()
	}
	for start(); running > 0; {
		var headStart <-chan time.Time
		if next < len(addrs) && won.conn == nil {
			headStart = c.env.After(raceDelay)
		}
		select {
		case <-headStart:
			start()
			continue
		case r := <-results:
			running--
			switch {
			case r.conn != nil && won.conn != nil:
				r.conn.Close()
			case r.conn != nil:
				won = r
				cancel()
			case won.conn != nil:
			default:
				first = or(first, r.wrong)
				if next < len(addrs) && ctx.Err() == nil {
					start()
				}
			}
		}
	}
	if won.conn == nil && len(addrs) > 1 {
		first += fmt.Sprintf("; none of its %d addresses can be reached", len(addrs))
	}
	if won.conn != nil {
		return won.conn, ""
	}
	return nil, first
}

// greet sends the PROXY header that s wants before anything else. It names no client:
// that is what LOCAL is for in version 2 ("for example, health checks", section 2.2),
// and UNKNOWN in version 1. A port of its own is for checks, not behind the proxy's.
func (c *Checker) greet(conn net.Conn, s *upstream.Server) (wrong string) {
	if c.o.Proxy == upstream.ProxyOff || c.o.Port != 0 {
		return ""
	}
	header := proxyproto.AppendV1(nil, netip.AddrPort{}, netip.AddrPort{})
	if c.o.Proxy == upstream.ProxyV2 {
		header = proxyproto.AppendLocal(nil)
	}
	if _, err := conn.Write(header); err != nil {
		return where(conn, s) + " does not take the PROXY header"
	}
	return ""
}
