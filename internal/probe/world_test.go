// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"causey/internal/engine/resolve"
	"causey/internal/upstream"
)

// world is a network in memory, in a bubble of synctest: what nobody serves never
// answers.
type world struct {
	t     *testing.T
	serve map[string]func(net.Conn)
	errno map[string]syscall.Errno
	names map[string][]netip.Addr
	slots chan struct{}

	mu       sync.Mutex
	dialled  []string
	forgot   int
	open     atomic.Int64
	mostOpen int64
}

// inWorld runs f in a bubble; when it ends, every connection has to be closed and
// every goroutine gone. I5.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, serve: map[string]func(net.Conn){}, errno: map[string]syscall.Errno{},
			names: map[string][]netip.Addr{}, slots: make(chan struct{}, 100)}
		f(t, w)
		time.Sleep(2 * time.Minute) // whoever sleeps there wakes up
		synctest.Wait()
		if n := w.open.Load(); n != 0 {
			t.Errorf("%d connections are open", n)
		}
	})
}

func (w *world) env() *Env {
	return &Env{Resolver: w, Dial: w.dial, Now: time.Now, After: time.After, Slots: w.slots}
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, address)
	serve := w.serve[address]
	w.mu.Unlock()
	if e := w.errno[address]; e != 0 {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", e)}
	}
	if serve == nil {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	ours, theirs := net.Pipe()
	n := w.open.Add(1)
	w.mu.Lock()
	w.mostOpen = max(w.mostOpen, n)
	w.mu.Unlock()
	go func() {
		defer theirs.Close()
		serve(theirs)
	}()
	return &counted{Conn: ours, open: &w.open, address: address}, nil
}

// counted is a connection whose end is counted.
type counted struct {
	net.Conn
	open    *atomic.Int64
	once    sync.Once
	address string
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

func (c *counted) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.address))
}

func (w *world) Lookup(ctx context.Context, name string) (resolve.Answer, error) {
	addrs, known := w.names[name]
	switch {
	case !known:
		return resolve.Answer{}, &resolve.Error{Name: name, Kind: resolve.NXDomain}
	case len(addrs) == 0:
		<-ctx.Done()
		return resolve.Answer{}, &resolve.Error{Name: name, Kind: resolve.Canceled}
	}
	return resolve.Answer{Addrs: addrs}, nil
}

func (w *world) Forget(string) { w.forgot++ }

// says is a server that answers each request with text, and then closes.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, text)
	}
}

// readRequest reads the head of a request.
func readRequest(c net.Conn) string {
	var text strings.Builder
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		text.WriteString(line)
		if err != nil || line == "\r\n" {
			return text.String()
		}
	}
}

// silent takes everything and says nothing.
func silent(c net.Conn) { io.Copy(io.Discard, c) }

// breaks takes the request and ends with a reset.
func breaks(c net.Conn) { readRequest(c) }

func serverAt(address string) *upstream.Server {
	g := upstream.NewGroup("shop", upstream.Options{}, []upstream.Spec{specAt(address)})
	return g.Servers()[0]
}

func specAt(address string) upstream.Spec {
	p := upstream.Place{Name: address, Authority: address}
	if a, err := netip.ParseAddrPort(address); err == nil {
		p.Addr = a
	} else if host, port, err := net.SplitHostPort(address); err == nil {
		n, _ := net.LookupPort("tcp", port)
		p.Host, p.Addr = host, netip.AddrPortFrom(netip.Addr{}, uint16(n))
	} else {
		p.Path, p.Authority = address, "localhost"
	}
	return upstream.Spec{Place: p}
}

func usual() Options {
	return Options{Method: "GET", Path: "/health", Statuses: Statuses{{200, 399}},
		Interval: 5 * time.Second, FastInterval: time.Second, Timeout: 2 * time.Second}
}

// wantCheck makes one check and compares.
func (w *world) wantCheck(o Options, address, want string) {
	w.t.Helper()
	verdict, says, _ := strings.Cut(want, ": ")
	got := NewChecker(o, w.env()).Check(w.t.Context(), serverAt(address))
	if got.OK != (verdict == "ok") || got.Says != says {
		w.t.Errorf("ok=%v: %s\nwant %s: %s", got.OK, got.Says, verdict, says)
	}
}
