// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package failures

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"causey/lab/client"
	"causey/lab/origin"
)

// elsewhere is an address of the documentation networks, which exists only in a namespace.
const elsewhere = "192.0.2.10:80"

// deadEnd adds a route for elsewhere, of a kind that leads nowhere.
func deadEnd(kind string) func(*stage, *Case) {
	return func(s *stage, _ *Case) {
		if out, err := exec.CommandContext(s.ctx, "ip", "route", "add", kind, "192.0.2.0/24").CombinedOutput(); err != nil {
			s.t.Fatalf("ip route add %s: %v: %s", kind, err, out)
		}
	}
}

// refusing sets servers that refuse.
func refusing(n int) func(*stage, *Case) {
	return func(s *stage, c *Case) {
		for range n {
			addr, release, err := origin.RefusedAddr()
			if err != nil {
				s.t.Fatal(err)
			}
			s.t.Cleanup(func() { release() })
			c.servers = append(c.servers, addr)
		}
	}
}

// noPath sets a server whose unix socket is made by make.
func noPath(make func(path string) error) func(*stage, *Case) {
	return func(s *stage, c *Case) {
		path := filepath.Join(s.dir, "x.sock")
		if err := make(path); err != nil {
			s.t.Fatal(err)
		}
		c.servers = []string{"unix:" + path}
	}
}

func connectCases() []Case {
	refused := evidence{"errno": "ECONNREFUSED", "end": "rst", "dialled": begins("127.0.0.1:"), "reused": absent, "bytes_written": absent}
	toElsewhere := func(errno string) evidence {
		return evidence{"errno": errno, "end": "open", "dialled": elsewhere, "reused": absent}
	}
	return []Case{
		{code: "upstream.connect.refused", network: "none", prepare: refusing(1), play: ask(get("/")), evidence: refused, attempts: 1},
		{code: "upstream.connect.refused", as: "two-servers", network: "none", prepare: refusing(2),
			play: ask(post("/", 4, "body")), evidence: refused, attempts: 2},
		{code: "upstream.connect.refused", as: "by-name", network: "none", dns: address([4]byte{127, 0, 0, 1}),
			prepare: func(s *stage, c *Case) {
				refusing(1)(s, c)
				_, port, _ := strings.Cut(c.servers[0], ":")
				c.servers[0] = "app.test:" + port
			}, play: ask(get("/")), attempts: 1,
			evidence: evidence{"errno": "ECONNREFUSED", "dialled": begins("127.0.0.1:"), "resolved_now": "[127.0.0.1]", "rcode": 0}},
		{code: "upstream.connect.refused", as: "stale-socket", network: "none", prepare: noPath(origin.StaleSocket), play: ask(get("/")),
			evidence: evidence{"errno": "ECONNREFUSED", "dialled": absent}},
		{code: "upstream.connect.timeout", origin: origin.Options{Accept: "full-backlog"}, timeouts: "connect: 150ms", play: ask(get("/")),
			evidence: evidence{"errno": "ETIMEDOUT", "end": "open", "dialled": begins("127.0.0.1:")}, attempts: 1},
		{code: "upstream.connect.reset", place: network, origin: origin.Options{Accept: "full-backlog"}, prepare: forgeOpening,
			timeouts: "connect: 10s", play: ask(get("/")), evidence: evidence{"errno": "ECONNRESET", "end": "rst", "bytes_written": absent}},
		{code: "upstream.connect.net-unreachable", place: network, network: "none", servers: []string{elsewhere},
			play: ask(get("/")), evidence: toElsewhere("ENETUNREACH")},
		{code: "upstream.connect.net-unreachable", as: "blackhole", place: network, network: "none", servers: []string{elsewhere},
			prepare: deadEnd("blackhole"), play: ask(get("/")), evidence: toElsewhere("EINVAL")},
		{code: "upstream.connect.host-unreachable", place: network, network: "none", servers: []string{elsewhere},
			prepare: deadEnd("unreachable"), play: ask(get("/")), evidence: toElsewhere("EHOSTUNREACH")},
		{code: "upstream.connect.denied", place: network, network: "none", servers: []string{elsewhere},
			prepare: deadEnd("prohibit"), play: ask(get("/")), evidence: toElsewhere("EACCES")},
		{code: "upstream.connect.no-socket", network: "none", prepare: noPath(func(string) error { return nil }), play: ask(get("/")),
			evidence: evidence{"errno": "ENOENT", "end": "open", "dialled": absent}},
		{code: "upstream.connect.no-socket", as: "ordinary-file", network: "none",
			prepare: noPath(func(path string) error { return os.WriteFile(path, nil, 0o600) }), play: ask(get("/")),
			evidence: evidence{"errno": "ECONNREFUSED", "end": "open"}},
		{code: "upstream.connect.backlog-full", network: "unix", origin: origin.Options{Accept: "full-backlog"}, play: ask(get("/")),
			evidence: evidence{"errno": "EAGAIN", "end": "open"}},
	}
}

// forgeOpening answers the SYN of the gateway as a server does that opens and resets: the real server's queue is full,
// so its kernel says nothing, and the SYN comes back as from a server that opens at the same time (RFC 9293 section
// 3.5). The gateway's kernel confirms; the server's kernel, which knows of no such opening, resets. Everything happens
// before the connect has succeeded, so no byte of a request can have been sent.
func forgeOpening(s *stage, _ *Case) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		s.t.Fatalf("raw socket: %v", err)
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50000}); err != nil {
		s.t.Fatal(err)
	}
	server := netip.MustParseAddrPort(s.origin.Addr()).Port()
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			select {
			case <-quit:
				return
			default:
			}
			n, _, err := unix.Recvfrom(fd, buf, 0)
			if err != nil || n < 40 {
				continue
			}
			seg := buf[4*int(buf[0]&15) : n] // behind the IP header
			const syn = 0x02
			if from, to := be16(seg, 0), be16(seg, 2); to == server && seg[13] == syn {
				out := make([]byte, 20)
				put16(out, 0, to)
				put16(out, 2, from)
				out[4], out[12], out[13], out[14] = 1, 5<<4, syn, 0xff
				put16(out, 16, checksum(out))
				_ = unix.Sendto(fd, out, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
			}
		}
	}()
	s.t.Cleanup(func() {
		close(quit)
		<-done
		unix.Close(fd)
	})
}

func be16(b []byte, at int) uint16 { return uint16(b[at])<<8 | uint16(b[at+1]) }

func put16(b []byte, at int, v uint16) { b[at], b[at+1] = byte(v>>8), byte(v) }

// checksum is TCP's, for a segment from 127.0.0.1 to itself (RFC 9293 section 3.1).
func checksum(seg []byte) uint16 {
	sum := 2*(uint32(0x7f00)+1) + unix.IPPROTO_TCP + uint32(len(seg))
	for i := 0; i+1 < len(seg); i += 2 {
		sum += uint32(be16(seg, i))
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// narrow starts a server that takes only some 10 KB without reading, and when bytes have come does end with the
// connection.
func narrow(end func(*net.TCPConn)) func(*stage, *Case) {
	return func(s *stage, c *Case) {
		lc := net.ListenConfig{Control: func(_, _ string, rc syscall.RawConn) error {
			return rc.Control(func(fd uintptr) {
				// Small segments make the sender's buffer small as well.
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536)
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1)
			})
		}}
		ln, err := lc.Listen(s.ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			s.t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			tcp := nc.(*net.TCPConn)
			s.eventually("byte at the server", func() bool { return queued(tcp) > 0 })
			end(tcp)
			<-s.ctx.Done()
			tcp.Close()
		}()
		s.t.Cleanup(func() {
			s.cancel()
			ln.Close()
			<-done
		})
		c.servers = []string{ln.Addr().String()}
	}
}

// queued is how many bytes wait to be read.
func queued(c *net.TCPConn) int {
	n := 0
	if rc, err := c.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	return n
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// sendCases fail while the request is on its way to the server.
func sendCases() []Case {
	const heads = "head: 1MiB, line: 512KiB"
	const stall = "send_stall: 150ms"
	large := get("/", "X-Large: "+strings.Repeat("x", 400<<10))
	upload := func(path string) func(*stage) client.Result {
		return ask(post(path, 8<<20, strings.Repeat("x", 8<<20)))
	}
	sent := func(more evidence) evidence {
		e := evidence{"reused": false, "request_number": 1, "bytes_written": above(0), "response_bytes": 0, "dialled": begins("127.0.0.1:")}
		for k, v := range more {
			e[k] = v
		}
		return e
	}
	finThenReset := func(c *net.TCPConn) {
		_ = c.CloseWrite()
		reset(c)
	}
	return []Case{
		{code: "upstream.send-head.reset", limits: heads, network: "none", prepare: narrow(reset), play: ask(large),
			evidence: sent(evidence{"end": "rst", "errno": "ECONNRESET"})},
		{code: "upstream.send-head.closed", limits: heads, network: "none", prepare: narrow(finThenReset), play: ask(large),
			evidence: sent(evidence{"end": "fin", "errno": "EPIPE"})},
		{code: "upstream.send-head.timeout", limits: heads, timeouts: stall, network: "none", prepare: narrow(func(*net.TCPConn) {}),
			play: ask(large), evidence: sent(evidence{"end": "open", "errno": absent})},
		{code: "upstream.send-body.reset", play: upload("/lab/read-some?after=1000&then=rst"), evidence: sent(evidence{"end": "rst"})},
		{code: "upstream.send-body.closed", play: upload("/lab/read-some?after=1000&then=fin"), evidence: sent(evidence{"end": "fin"})},
		{code: "upstream.send-body.timeout", timeouts: stall, network: "none", prepare: narrow(func(*net.TCPConn) {}),
			play: ask(post("/", 1<<20, strings.Repeat("x", 1<<20))), evidence: sent(evidence{"end": "open", "errno": absent})},
	}
}
