// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"causey/internal/engine/resolve"
	"causey/internal/exchange"
	"causey/internal/failure"
	"causey/internal/phase"
	"causey/internal/upstream"
)

// named is a server called name.test on a port.
func named(port uint16) upstream.Spec {
	return upstream.Spec{Place: upstream.Place{Name: "name.test", Host: "name.test", Addr: netip.AddrPortFrom(netip.Addr{}, port), Authority: "name.test"}}
}

// hosts is a resolver that knows the addresses of name.test from a file.
func hosts(t *testing.T, addrs ...string) resolve.Config {
	path := filepath.Join(t.TempDir(), "hosts")
	text := ""
	for _, a := range addrs {
		text += a + " name.test\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return resolve.Config{HostsPath: path, ResolvConfPath: path}
}

// helloBeside answers on a port of 127.0.0.1 on which other addresses are silent.
func helloBeside(t *testing.T, silent ...string) (port uint16) {
	for range 20 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := netip.MustParseAddrPort(ln.Addr().String()).Port()
		free := true
		for _, a := range silent {
			free = free && stuckAt(t, netip.AddrPortFrom(netip.MustParseAddr(a), port))
		}
		if free {
			originOn(t, ln, hello)
			return port
		}
		ln.Close()
	}
	t.Fatal("no port that is free on every address")
	return 0
}

// stuckAt listens on address with a full queue: connecting there neither succeeds
// nor fails. It reports false if somebody else is there.
func stuckAt(t *testing.T, address netip.AddrPort) bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if unix.Bind(fd, sockaddr(address)) != nil || unix.Listen(fd, 0) != nil {
		return false
	}
	c, err := net.Dial("tcp", address.String()) // the queue has room for one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return true
}

// RFC 8305: an address that is dead or silent does not keep the next from being
// tried, and connections that lost the race are given up.
func TestConnectTriesAddressesSideBySide(t *testing.T) {
	for name, c := range map[string]struct {
		addrs, silent []string
		lost          failure.Kind // of the first address
	}{
		"first refuses":         {[]string{"127.0.0.2", "127.0.0.1"}, nil, failure.Refused},
		"all but one refuse":    {[]string{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.1"}, nil, failure.Refused},
		"first is silent":       {[]string{"127.0.0.2", "127.0.0.1"}, []string{"127.0.0.2"}, failure.Timeout},
		"IPv6 refuses":          {[]string{"::1", "127.0.0.1"}, nil, failure.Refused},
		"one silent, one dead":  {[]string{"127.0.0.3", "127.0.0.2", "127.0.0.1"}, []string{"127.0.0.2"}, failure.Refused},
		"the good one is first": {[]string{"127.0.0.1", "127.0.0.2"}, []string{"127.0.0.2"}, failure.NoKind},
	} {
		t.Run(name, func(t *testing.T) {
			port := helloBeside(t, c.silent...)
			var mu sync.Mutex
			var lost []*failure.Error
			r := newRig(t, nil, func(s *setup) {
				s.servers, s.resolver = []upstream.Spec{named(port)}, hosts(t, c.addrs...)
				s.group.MaxIdle = 0
				s.addressLost = func(_ *upstream.Server, err *failure.Error) {
					mu.Lock()
					defer mu.Unlock()
					lost = append(lost, err)
				}
			})
			p := r.dial()
			for range 5 {
				if head, body := p.get(); status(head) != 200 || body != "hello" {
					t.Fatalf("%q %q", head, body)
				}
			}
			mu.Lock()
			if want := 5; len(lost) != want && (c.lost != failure.NoKind || len(lost) > 0) {
				t.Errorf("%d addresses were lost, want %d", len(lost), want)
			}
			for _, err := range lost {
				if err.Code.Kind != c.lost || err.Evidence.Dialled.Addr() != netip.MustParseAddr(c.addrs[0]) {
					t.Errorf("lost %v: %v", err.Evidence.Dialled, err.Code)
				}
			}
			mu.Unlock()
			for _, rec := range r.drained() {
				if a := rec.Attempts[0]; a.Dialled.Addr() != netip.MustParseAddr("127.0.0.1") {
					t.Errorf("the connection is to %v", a.Dialled)
				}
			}
			eventually(t, "the end of the losers", func() bool {
				n := 0
				r.eng.sweep.each(func(s *sock) {
					if s.client == nil {
						n++
					}
				})
				return n == 0
			})
		})
	}
}

// The time for connecting is one for all addresses.
func TestConnectTimeoutCoversAllAddresses(t *testing.T) {
	silent := []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"}
	port := helloBeside(t, silent...)
	r := newRig(t, nil, func(s *setup) {
		s.servers, s.resolver = []upstream.Spec{named(port)}, hosts(t, silent...)
		s.route.Timeouts.Connect = raceDelay + 2*tick
	})
	head, _ := r.dial().get()
	want := failure.Code{Party: failure.Upstream, Phase: phase.Connect, Kind: failure.Timeout}
	rec := r.one()
	if status(head) != 504 || rec.Failure != want {
		t.Errorf("%q, %v", head, rec.Failure)
	}
	// The second address had two ticks and the third none, not a time of their own.
	// The machine may take its time: what counts is that it is less than twice.
	if took := rec.Attempts[0].Connect; took >= 2*(raceDelay+2*tick) {
		t.Errorf("connecting took %v", took)
	}
}

// fakeDNS answers each question about an A record with the address that is set.
type fakeDNS struct {
	conn *net.UDPConn
	mu   sync.Mutex
	addr [4]byte
}

func newFakeDNS(t *testing.T) *fakeDNS {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	d := &fakeDNS{conn: conn}
	var wg sync.WaitGroup
	wg.Go(d.run)
	t.Cleanup(func() {
		conn.Close()
		wg.Wait()
	})
	return d
}

func (d *fakeDNS) is(a string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.addr = netip.MustParseAddr(a).As4()
}

func (d *fakeDNS) run() {
	var b [1500]byte
	for {
		n, from, err := d.conn.ReadFromUDPAddrPort(b[:])
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
		if q.Type == dnsmessage.TypeA {
			d.mu.Lock()
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 3600},
				Body:   &dnsmessage.AResource{A: d.addr},
			}}
			d.mu.Unlock()
		}
		if out, err := m.Pack(); err == nil {
			d.conn.WriteToUDPAddrPort(out, from)
		}
	}
}

// A server that came back at another address is found by the request that met the
// old one, even where finding out took as long as a lookup may.
func TestConnectAsksAnewWhenNobodyAnswers(t *testing.T) {
	for name, silent := range map[string][]string{"refused": nil, "silent": {"127.0.0.2"}} {
		t.Run(name, func(t *testing.T) {
			port := helloBeside(t, silent...)
			d := newFakeDNS(t)
			empty := hosts(t)
			r := newRig(t, nil, func(s *setup) {
				s.servers = []upstream.Spec{named(port)}
				s.resolver = empty
				s.resolver.Servers = []netip.AddrPort{netip.MustParseAddrPort(d.conn.LocalAddr().String())}
				s.resolver.ForgetEvery = time.Nanosecond
				s.route.Timeouts.Resolve, s.route.Timeouts.Connect = 500*time.Millisecond, 800*time.Millisecond
			})
			// Somebody asked while the name meant the old address.
			d.is("127.0.0.2")
			if _, err := r.group.resolver.Lookup(t.Context(), "name.test"); err != nil {
				t.Fatal(err)
			}
			d.is("127.0.0.1")
			if head, body := r.dial().get(); status(head) != 200 || body != "hello" {
				t.Errorf("%q, %v", head, r.one().Failure)
			}
		})
	}
}

// I4: each errno of connecting has its failure, and no two that owners must tell
// apart share one.
func TestErrnoOfConnecting(t *testing.T) {
	up, own := failure.Upstream, failure.Gateway
	for _, c := range []struct {
		errno syscall.Errno
		unix  bool
		party failure.Party
		kind  failure.Kind
	}{
		{syscall.ECONNREFUSED, false, up, failure.Refused},
		{syscall.ECONNREFUSED, true, up, failure.Refused},
		{syscall.ETIMEDOUT, false, up, failure.Timeout},
		{syscall.ENETUNREACH, false, up, failure.NetUnreachable},
		{syscall.ENETDOWN, false, up, failure.NetUnreachable},
		{syscall.EINVAL, false, up, failure.NetUnreachable},
		{syscall.EINVAL, true, up, failure.NoSocket},
		{syscall.EAFNOSUPPORT, false, up, failure.NetUnreachable},
		{syscall.EHOSTUNREACH, false, up, failure.HostUnreachable},
		{syscall.EHOSTDOWN, false, up, failure.HostUnreachable},
		{syscall.EACCES, false, up, failure.Denied},
		{syscall.EPERM, true, up, failure.Denied},
		{syscall.ENOENT, true, up, failure.NoSocket},
		{syscall.ENOTDIR, true, up, failure.NoSocket},
		{syscall.EPROTOTYPE, true, up, failure.NoSocket},
		{syscall.EAGAIN, true, up, failure.BacklogFull},
		{syscall.EAGAIN, false, own, failure.NoPorts},
		{syscall.EADDRNOTAVAIL, false, own, failure.NoPorts},
		{syscall.EMFILE, false, own, failure.NoFDs},
		{syscall.ENFILE, false, own, failure.NoFDs},
		{syscall.ENOBUFS, false, own, failure.NoMemory},
		{syscall.ENOMEM, false, own, failure.NoMemory},
		{syscall.ECONNRESET, false, up, failure.Reset},
	} {
		got := connectFailure(c.errno, c.unix)
		if want := (failure.Code{Party: c.party, Phase: phase.Connect, Kind: c.kind}); got != want {
			t.Errorf("%v (unix %v) is %v, want %v", c.errno, c.unix, got, want)
		}
	}
	// Whatever the kernel says, the result can be looked up.
	for errno := syscall.Errno(1); errno < 134; errno++ {
		for _, isUnix := range []bool{false, true} {
			if code := connectFailure(errno, isUnix); failure.Lookup(code) == nil {
				t.Errorf("%v is %v, which is not registered", errno, code)
			}
		}
	}
}

// I4, for the resolver's words.
func TestFailuresOfResolving(t *testing.T) {
	for kind := resolve.Kind(0); kind <= resolve.Canceled+1; kind++ {
		err := resolveFailure(&resolve.Error{Kind: kind})
		if kind == resolve.Canceled {
			if err != exchange.Canceled {
				t.Errorf("%v is %v", kind, err.Code)
			}
		} else if failure.Lookup(err.Code) == nil {
			t.Errorf("%v is %v, which is not registered", kind, err.Code)
		}
	}
	if err := resolveFailure(os.ErrClosed); failure.Lookup(err.Code) == nil {
		t.Errorf("another error is %v, which is not registered", err.Code)
	}
}

// I4, where the kernel itself says it.
func TestConnectFailuresOfTheKernel(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	gone := filepath.Join(dir, "gone")
	ln, err := net.Listen("unix", gone)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	long := filepath.Join(dir, fmt.Sprintf("%0120d", 1))
	for name, c := range map[string]struct {
		server upstream.Place
		kind   failure.Kind
	}{
		"nobody on the port":   {serverAt(dead.Addr()).Place, failure.Refused},
		"no such path":         {upstream.Place{Name: "a", Path: filepath.Join(dir, "none")}, failure.NoSocket},
		"a file is no folder":  {upstream.Place{Name: "a", Path: filepath.Join(file, "none")}, failure.NoSocket},
		"an ordinary file":     {upstream.Place{Name: "a", Path: file}, failure.NoSocket},
		"nobody on the socket": {upstream.Place{Name: "a", Path: gone}, failure.Refused},
		"a path too long":      {upstream.Place{Name: "a", Path: long}, failure.NoSocket},
		"no such host":         {upstream.Place{Name: "a", Host: "-", Addr: netip.MustParseAddrPort("0.0.0.0:1")}, failure.NXDomain},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil, func(s *setup) { s.servers = []upstream.Spec{{Place: c.server}} })
			head, _ := r.dial().get()
			rec := r.one()
			if status(head) < 500 || rec.Failure.Party != failure.Upstream || rec.Failure.Kind != c.kind {
				t.Errorf("%q: %v, errno %v", head, rec.Failure, rec.Error.Evidence.Errno)
			}
		})
	}
}

// I4, for a server's connection that ended in the middle.
func TestHowAServersConnectionEnded(t *testing.T) {
	for _, c := range []struct {
		end   ioEnd
		errno syscall.Errno
		want  failure.Kind
	}{
		{ioTimeout, 0, failure.Timeout},
		{ioErrno, syscall.ETIMEDOUT, failure.Timeout}, // the kernel gave up repeating
		{ioEOF, 0, failure.Closed},
		{ioErrno, syscall.EPIPE, failure.Closed},
		{ioErrno, syscall.ECONNRESET, failure.Reset},
		{ioErrno, syscall.EHOSTUNREACH, failure.Reset},
	} {
		if got := upstreamKind(c.end, c.errno); got != c.want {
			t.Errorf("end %d, %v: %v, want %v", c.end, c.errno, got, c.want)
		}
	}
}

// Evidence of a broken connection has both its ends.
func TestEvidenceHasBothEnds(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	r := newRig(t, nil, func(s *setup) { s.servers = []upstream.Spec{serverAt(ln.Addr())} })
	r.dial().get()
	rec := r.one()
	if ev := &rec.Error.Evidence; !ev.HasConn || ev.Local != netip.MustParseAddr("127.0.0.1") || ev.Dialled.String() != ln.Addr().String() {
		t.Errorf("%v: from %v to %v", rec.Failure, ev.Local, ev.Dialled)
	}
}
