// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestOverUDP(t *testing.T) {
	s := newLoopbackServer(t, zone("app.test. 60 CNAME real.test.", "real.test. 30 192.0.2.1", "real.test. 30 2001:db8::1"))
	r := newTestResolver(t, testConfig(t, s))
	a := wantAddrs(t, r, "APP.test", "2001:db8::1", "192.0.2.1")
	want(t, "name", a.Name, "app.test")
	want(t, "absolute name", a.FQDN, "app.test.")
	want(t, "end of the chain", a.CNAME, "real.test.")
	want(t, "server", a.Server, s.addr)
	want(t, "source", a.Source, SourceDNS)
	want(t, "failed tries", len(a.Tried), 0)
	want(t, "validity", a.Expires.Sub(a.ResolvedAt), a.TTL)
	s.mu.Lock()
	defer s.mu.Unlock()
	want(t, "queries", len(s.log), 2)
	want(t, "announced payload", s.log[0].edns, ednsBytes)
	want(t, "recursion desired", s.log[0].header.RecursionDesired, true)
}

// I1: each query has a socket, hence a port, of its own.
func TestFreshPortsAndIDs(t *testing.T) {
	s := newLoopbackServer(t, zone())
	r := newTestResolver(t, testConfig(t, s))
	const names = 16
	for i := range names {
		wantError(t, r, fmt.Sprintf("n%d.test", i), NXDomain)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ports, ids := map[uint16]bool{}, map[uint16]bool{}
	for _, a := range s.log {
		ports[a.from.Port()], ids[a.header.ID] = true, true
	}
	// Ports and ids are random, so a few may meet again.
	if len(s.log) != 2*names || len(ports) < names || len(ids) < names {
		t.Errorf("%d queries from %d ports with %d ids", len(s.log), len(ports), len(ids))
	}
}

func TestTruncatedThenTCP(t *testing.T) {
	s := newLoopbackServer(t, func(a asked, send func([]byte)) {
		m := message(a, dnsmessage.RCodeSuccess)
		if a.network == "udp" {
			m.Truncated = true
			send(pack(m))
			return
		}
		for i := range 200 { // some 5 KB
			if a.q.Type == dnsmessage.TypeA {
				m.Answers = append(m.Answers, addrRR(a.name(), fmt.Sprintf("10.0.0.%d", i), 60))
			} else {
				m.Answers = append(m.Answers, addrRR(a.name(), fmt.Sprintf("2001:db8::%x", i), 60))
			}
		}
		send(pack(m))
	})
	r := newTestResolver(t, testConfig(t, s))
	a, err := r.Lookup(t.Context(), "big.test")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "addresses", len(a.Addrs), 400)
	want(t, "tries that failed", len(a.Tried), 2)
	want(t, "why", a.Tried[0].Site, "truncated")
}

func TestTCPClosedWithoutReply(t *testing.T) {
	s := newLoopbackServer(t, func(a asked, send func([]byte)) {
		if a.network == "tcp" {
			send(nil)
			return
		}
		m := message(a, dnsmessage.RCodeSuccess)
		m.Truncated = true
		send(pack(m))
	})
	r := newTestResolver(t, testConfig(t, s))
	e := wantError(t, r, "big.test", Malformed)
	want(t, "site", e.Site, "closed")
}

// I1, I2: a flood of forged replies neither gets believed nor waits for the
// timeout; TCP is asked, where the forger cannot follow.
func TestForgedRepliesLeadToTCP(t *testing.T) {
	s := newLoopbackServer(t, func(a asked, send func([]byte)) {
		if a.network == "tcp" {
			zone("app.test. 60 192.0.2.1")(a, send)
			return
		}
		for i := range 2 * maxStrays {
			m := message(a, dnsmessage.RCodeSuccess)
			m.ID += uint16(i + 1)
			m.Answers = append(m.Answers, addrRR("app.test.", "192.0.2.66", 60))
			send(pack(m))
		}
	})
	r := newTestResolver(t, testConfig(t, s))
	a := wantAddrs(t, r, "app.test", "192.0.2.1")
	want(t, "why TCP", a.Tried[0].Site, "strays")
}

// I1: a forged reply before the true one does no harm.
func TestForgedRepliesBeforeTheTrueOne(t *testing.T) {
	s := newLoopbackServer(t, func(a asked, send func([]byte)) {
		spoof := a
		spoof.q.Name = dnsmessage.MustNewName("evil.test.")
		zone("evil.test. 60 192.0.2.66", "evil.test. 60 2001:db8::66")(spoof, send)
		spoof = a
		spoof.header.ID ^= 1
		zone("app.test. 60 192.0.2.66", "app.test. 60 2001:db8::66")(spoof, send)
		send([]byte("no DNS"))
		zone("app.test. 60 192.0.2.1")(a, send)
	})
	r := newTestResolver(t, testConfig(t, s))
	a := wantAddrs(t, r, "app.test", "192.0.2.1")
	want(t, "tries that failed", len(a.Tried), 0)
}

// A closed port answers by ICMP, which the kernel turns into ECONNREFUSED.
func TestPortUnreachable(t *testing.T) {
	closed, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := closed.LocalAddr().(*net.UDPAddr).AddrPort()
	closed.Close()
	c := testConfig(t)
	c.Servers = []netip.AddrPort{addr}
	r := newTestResolver(t, c)
	e := wantError(t, r, "app.test", Unreachable)
	want(t, "errno", e.Errno, syscall.ECONNREFUSED)
	want(t, "server", e.Server, addr)
	want(t, "found by errors.Is", errors.Is(e, syscall.ECONNREFUSED), true)
	want(t, "tries: two families, two attempts", len(e.Tried), 4) // I6
	want(t, "errno of a try", e.Tried[0].Errno, syscall.ECONNREFUSED)
}

func TestFailedByErrno(t *testing.T) {
	for errno, kind := range map[syscall.Errno]Kind{
		syscall.ECONNREFUSED: Unreachable, syscall.ENETUNREACH: Unreachable, syscall.EHOSTUNREACH: Unreachable,
		syscall.EPERM: Unreachable, syscall.ECONNRESET: Unreachable, syscall.ETIMEDOUT: Timeout,
		syscall.EMFILE: Exhausted, syscall.ENFILE: Exhausted, syscall.EAGAIN: Exhausted, syscall.EADDRNOTAVAIL: Exhausted,
	} {
		rep := failed(context.Background(), fmt.Errorf("wrapped: %w", errno))
		want(t, errno.Error()+": kind", rep.kind, kind)
		want(t, errno.Error()+": errno", rep.errno, errno)
	}
}
