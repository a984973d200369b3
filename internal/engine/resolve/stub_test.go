// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// asked is a query as a test server sees it.
type asked struct {
	header  dnsmessage.Header
	q       dnsmessage.Question
	edns    int // announced UDP payload, 0 without EDNS
	network string
	from    netip.AddrPort // loopback servers only
}

func (a asked) name() string { return a.q.Name.String() }

// handler is the behaviour of a test server: it sends as many messages as it
// likes, none for silence. It may be called for several queries at a time.
type handler func(a asked, send func([]byte))

// dnsServer is a DNS server with programmable behaviour that notes what it is
// asked.
type dnsServer struct {
	addr netip.AddrPort

	mu     sync.Mutex
	handle handler
	log    []asked
}

func (s *dnsServer) setHandler(h handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle = h
}

// questions returns "name TYPE network" of each query so far, sorted by arrival.
func (s *dnsServer) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, a := range s.log {
		out = append(out, a.name()+" "+typeName(a.q.Type)+" "+a.network)
	}
	return out
}

// countA returns how often an A record was asked for, which is how often a
// lookup reached this server.
func (s *dnsServer) countA() int {
	n := 0
	for _, q := range s.questions() {
		if strings.Contains(q, " A ") {
			n++
		}
	}
	return n
}

func (s *dnsServer) serve(packet []byte, network string, from netip.AddrPort, send func([]byte)) {
	var m dnsmessage.Message
	if m.Unpack(packet) != nil || len(m.Questions) != 1 {
		return
	}
	a := asked{header: m.Header, q: m.Questions[0], network: network, from: from}
	for _, r := range m.Additionals {
		if r.Header.Type == dnsmessage.TypeOPT {
			a.edns = int(r.Header.Class)
		}
	}
	s.mu.Lock()
	s.log = append(s.log, a)
	handle := s.handle
	s.mu.Unlock() // a handler may sleep
	handle(a, send)
}

// newLoopbackServer listens on one port of 127.0.0.1 over UDP and TCP.
func newLoopbackServer(t *testing.T, h handler) *dnsServer {
	t.Helper()
	var (
		tcp net.Listener
		udp *net.UDPConn
		err error
	)
	for range 20 { // the port that TCP gets may be taken in UDP
		if tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		port := tcp.Addr().(*net.TCPAddr).Port
		if udp, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err == nil {
			break
		}
		tcp.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &dnsServer{addr: udp.LocalAddr().(*net.UDPAddr).AddrPort(), handle: h}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			s.serve(buf[:n], "udp", from, func(b []byte) { udp.WriteToUDPAddrPort(b, from) })
		}
	})
	wg.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.serveStream(conn, conn.RemoteAddr().(*net.TCPAddr).AddrPort()) })
		}
	})
	t.Cleanup(func() {
		tcp.Close()
		udp.Close()
		wg.Wait()
	})
	return s
}

// serveStream answers one query; sending nil closes at once.
func (s *dnsServer) serveStream(conn net.Conn, from netip.AddrPort) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return
	}
	packet := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, packet); err != nil {
		return
	}
	s.serve(packet, "tcp", from, func(b []byte) {
		if b == nil {
			conn.Close()
			return
		}
		conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	})
	io.Copy(io.Discard, conn) // until the client has what it wants
}

// fakeNet is a network in memory with DNS servers on it, for tests in a
// synctest bubble. Who dials an address where nobody is gets err.
type fakeNet struct {
	servers map[netip.AddrPort]*dnsServer
	err     error
}

func newFakeNet() *fakeNet { return &fakeNet{servers: map[netip.AddrPort]*dnsServer{}} }

// add puts a server at addr ("192.0.2.1:53").
func (n *fakeNet) add(addr string, h handler) *dnsServer {
	s := &dnsServer{addr: netip.MustParseAddrPort(addr), handle: h}
	n.servers[s.addr] = s
	return s
}

func (n *fakeNet) dial(ctx context.Context, network string, server netip.AddrPort) (net.Conn, error) {
	s := n.servers[server]
	if s == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", n.err)}
	}
	near, far := net.Pipe()
	go func() {
		if network == "tcp" {
			s.serveStream(far, netip.AddrPort{})
			return
		}
		defer far.Close()
		buf := make([]byte, 4096)
		for {
			k, err := far.Read(buf)
			if err != nil {
				return
			}
			s.serve(buf[:k], "udp", netip.AddrPort{}, func(b []byte) { far.Write(b) })
		}
	}()
	return near, nil
}

// config returns a Config for servers, with files that do not exist.
func testConfig(t *testing.T, servers ...*dnsServer) Config {
	t.Helper()
	missing := filepath.Join(t.TempDir(), "missing")
	c := Config{HostsPath: missing, ResolvConfPath: missing, Timeout: 5 * time.Second, Total: time.Minute}
	for _, s := range servers {
		c.Servers = append(c.Servers, s.addr)
	}
	return c
}

func newTestResolver(t *testing.T, c Config) *Resolver {
	t.Helper()
	r := New(c)
	t.Cleanup(r.Close)
	return r
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
